"""Copies of one picture among many: saved again, resized, mirrored, turned. A copy that stays in answers for the one
that is left out.

A perceptual hash finds who looks alike (the signs of the lowest frequencies of the whole picture, Zauner 2010), and
small grey pictures laid over each other decide. On 200 photographs each of pets, faces and CIFAR, and on as many
digits, no two different photographs were taken for copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

SIDE = 32  # of the small picture whose frequencies make the hash, pixels
LOW = 8  # frequencies a side
BITS = 10  # of the 63 that may differ
ALIKE, ALIKE_DRAWING = 0.75, 0.99  # correlation of the small pictures; drawings of one thing are alike anyway
EMPTY = 0.4  # share of one tone that makes a drawing
TONE = 24  # grey levels that mean colours may differ


@dataclass(frozen=True)
class Look:
    """What is kept of a picture to know its copies by.

    Attributes:
        small: float32 (32, 32), grey, squashed into a square.
        color: float32 (3,), the mean colour.
    """

    small: np.ndarray
    color: np.ndarray


def look(image: np.ndarray) -> Look:
    """Of a whole picture, uint8 (height, width, 3)."""
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return Look(small @ np.array([0.299, 0.587, 0.114], np.float32), small.mean(axis=(0, 1)))


def turns(picture: np.ndarray) -> np.ndarray:
    """The picture mirrored and turned by quarters, (8, side, side); the first is the picture itself."""
    return np.stack([np.rot90(each, quarter) for each in (picture, picture[:, ::-1]) for quarter in range(4)])


def perceptual_hash(picture: np.ndarray) -> np.ndarray:
    """bool (63,): whether each of the lowest frequencies is above their median; the mean is left out."""
    low = cv2.dct(np.ascontiguousarray(picture))[:LOW, :LOW].ravel()[1:]
    return low > np.median(low)


def pairs(looks: Sequence[Look]) -> list[tuple[int, int]]:
    """The numbers of the pictures that are copies of each other, the smaller first."""
    if len(looks) < 2:
        return []
    views = np.stack([turns(each.small) for each in looks])  # (n, 8, 32, 32)
    hashes = np.array([[perceptual_hash(view) for view in each] for each in views])  # (n, 8, 63)
    coarse = views.reshape(len(looks), 8, SIDE // 2, 2, SIDE // 2, 2).mean(axis=(3, 5))
    spread = coarse[:, 0].std(axis=(1, 2))
    shapes = (coarse - coarse.mean(axis=(2, 3), keepdims=True)).reshape(len(looks), 8, -1)
    shapes /= np.linalg.norm(shapes, axis=-1, keepdims=True).clip(1e-6)
    least = np.where([_is_drawing(each.small) for each in looks], ALIKE_DRAWING, ALIKE)
    colors = np.stack([each.color for each in looks])
    found = []
    for one in range(len(looks) - 1):
        others = np.arange(one + 1, len(looks))
        alike = (hashes[others] != hashes[one, 0]).sum(axis=-1) <= BITS
        alike &= shapes[others] @ shapes[one, 0] >= np.maximum(least[others], least[one])[:, None]
        same_shape = alike.any(axis=1) & (spread[others] >= 1)
        plain = np.maximum(spread[others], spread[one]) < 1
        apart = np.abs(colors[others] - colors[one]).max(axis=1)
        found += [(one, int(other)) for other in others[np.where(plain, apart <= 2, same_shape & (apart <= TONE))]]
    return found


def groups(same: Sequence[tuple[int, int]], sources: Sequence[str]) -> np.ndarray:
    """(n,) int: the same number for pictures that belong together, directly or through others.

    Args:
        same: `pairs`.
        sources: what each picture was cut out of, "" if nothing is known; parts of one picture belong together.
    """
    number = np.arange(len(sources))
    first = {source: place for place, source in reversed(list(enumerate(sources))) if source}
    parts = [(first[source], place) for place, source in enumerate(sources) if source]
    for one, other in [*same, *parts]:
        number[number == number[other]] = number[one]
    return number


def _is_drawing(small: np.ndarray) -> bool:
    """Whether much of it is of one tone: paper."""
    counts = np.bincount(np.clip(small / 4, 0, 63).astype(int).ravel(), minlength=65)
    return bool((counts[:-1] + counts[1:]).max() >= EMPTY * small.size)
