"""Is there a cat or a dog in this picture, and where about?

U-Net and the head of breeds have seen pets only: to them, whatever stands in front is a pet. EfficientNet-Lite0 has
seen a thousand kinds of things; a linear layer on each cell of its last maps (`cnndemo.models.pet_presence`) tells pets
from people and things, coarsely but everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from cnndemo import beforehand, inference

SIDE = 224
"""Side in pixels of the squares that the backbone sees."""

SHARES = (1.0, 0.6)
"""Sides of the squares, as shares of the picture's short side."""

MOST = 24
"""At most so many squares a picture: of longer panoramas they lie farther apart."""

SURE = 2.5
"""A picture has a pet if a hundredth of it has at least this evidence; chosen on validation pictures."""

LEAST_SHARE = 0.04
"""… and if ImageNet's own head gives cats and dogs at least this probability in some square."""

MAPS, LOGITS = "head_activation", "logits"

Networks = tuple[Callable[[np.ndarray], dict[str, np.ndarray]], Callable[[np.ndarray], np.ndarray]]
"""The backbone, with the outputs `MAPS` and `LOGITS`, and the layer on its maps."""


@dataclass(frozen=True)
class Sight:
    """What was seen of a picture.

    Attributes:
        evidence: float32 (height, width), log-odds that a cat or a dog is there, smooth, mean of all squares.
        share: the largest probability, 0 to 1, that ImageNet's head gives cats and dogs together in a square.
        square: top, left and side of the square with most evidence.
    """

    evidence: np.ndarray
    share: float
    square: tuple[int, int, int]

    @property
    def pet(self) -> bool:
        """Whether there is a pet at all."""
        return bool(np.percentile(self.evidence, 99) >= SURE and self.share >= LEAST_SHARE)


def look(image: np.ndarray, using: Networks | None = None) -> Sight:
    """Look for cats and dogs in overlapping squares of two sizes that cover the picture.

    Args:
        image: uint8 RGB (height, width, 3).
        using: other networks than those that ship.

    Raises:
        WeightsError: a network is missing or broken.
    """
    return told(image, **seen(image, using))


def first_look(image: np.ndarray) -> Sight:
    """The same by the networks that ship; of the pictures that a page opens with it is known beforehand."""
    return told(image, **beforehand.known("pet", ["efficientnet_lite0", "pet_presence"], lambda: seen(image), image))


def seen(image: np.ndarray, using: Networks | None = None) -> dict[str, np.ndarray]:
    """The layer's answer for each cell of each square, `cells` (n, 7, 7), and ImageNet's `share` of pets, (n,)."""
    pixels = np.stack([cut(image, *place) for place in squares(*image.shape[:2])]).astype(np.float32)
    shipped = inference.predictor
    backbone, layer = using or (shipped("efficientnet_lite0", [MAPS, LOGITS]), shipped("pet_presence"))
    outputs = backbone(pixels)
    return {"cells": layer(outputs[MAPS])[..., 0], "share": shares(outputs[LOGITS])}


def told(image: np.ndarray, cells: np.ndarray, share: np.ndarray) -> Sight:
    """What the squares say of the whole picture."""
    places = squares(*image.shape[:2])
    best = int(np.percentile(cells, 75, axis=(1, 2)).argmax())
    return Sight(spread(cells, places, image.shape), float(share.max()), places[best])


def squares(height: int, width: int) -> list[tuple[int, int, int]]:
    """Top, left and side of overlapping squares that cover a picture, large ones first.

    From one to its neighbour it is at most half a side, unless they would be more than `MOST` of one size.
    """
    found = []
    for share in SHARES:
        side = max(1, round(share * min(height, width)))
        counts = [-(-2 * (length - side) // side) + 1 for length in (height, width)]
        tops, lefts = (
            np.unique(np.linspace(0, length - side, min(count, MOST // min(counts))).round().astype(int))
            for length, count in zip((height, width), counts, strict=True)
        )
        found += [(int(top), int(left), side) for top in tops for left in lefts]
    return found


def cut(image: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """A square of a picture as the backbone sees it, uint8 (224, 224, 3)."""
    part = image[top : top + side, left : left + side]
    return cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA if side > SIDE else cv2.INTER_CUBIC)


def spread(cells: np.ndarray, places: list[tuple[int, int, int]], shape: tuple[int, ...]) -> np.ndarray:
    """The squares' maps enlarged to their places and averaged: (n, rows, columns) -> float32 (height, width)."""
    total, count = np.zeros(shape[:2], np.float32), np.zeros(shape[:2], np.float32)
    for (top, left, side), values in zip(places, cells, strict=True):
        inside = slice(top, top + side), slice(left, left + side)
        total[inside] += cv2.resize(values.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
        count[inside] += 1
    return total / np.maximum(count, 1)


def shares(logits: np.ndarray) -> np.ndarray:
    """How much probability ImageNet's head gives to cats and dogs together: (n, 1000) -> (n,)."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return pet_share(powers / powers.sum(axis=-1, keepdims=True))


def pet_share(probabilities: np.ndarray) -> np.ndarray:
    """The part of (…, 1000) probabilities that goes to cats and dogs: classes 151–268 are dogs, 281–285 cats."""
    return probabilities[..., 151:269].sum(axis=-1) + probabilities[..., 281:286].sum(axis=-1)
