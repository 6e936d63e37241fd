"""A second look at what U-Net calls a pet: it has seen pets only, and takes whoever stands in front for one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnndemo.pet_presence import Sight, look
from cnndemo.pet_segmentation.segmenting import PET, Predict, animal, labels, probabilities

STRANGE = -1.5
"""Pixels with less evidence of a pet (log-odds) than this belong to somebody or something else."""

TOLERATED = 0.15
"""So much of the animal may lie on strange pixels before U-Net is asked again: paws and tails look like little."""

MARGIN = 0.1
"""What is left around the pet when U-Net looks closer, as a share of the picture's short side."""


@dataclass(frozen=True)
class Second:
    """An answer after the second look.

    Attributes:
        probabilities: float32 (height, width, 3) of pet, surroundings and border.
        struck: share of the first answer's animal that is no longer one, 0 to 1.
        pet: whether there is a pet at all.
    """

    probabilities: np.ndarray
    struck: float
    pet: bool


def second_look(
    image: np.ndarray, first: np.ndarray, sight: Sight, name: str = "pretrained", predict: Predict | None = None
) -> Second:
    """Strike out what is not a pet.

    Where no cat or dog is seen at all, nothing is left. Where much of the animal lies on strange pixels, U-Net looks
    again at the part of the picture where the pet is, and the strange pixels are struck out. Else nothing changes.

    Args:
        image: uint8 RGB (height, width, 3).
        first: what `probabilities` said.
        sight: from `pet_presence.look`.
        name, predict: as for `probabilities`.
    """
    found = animal(labels(first))
    strange = sight.evidence < STRANGE
    if not sight.pet:
        return Second(surroundings(first.shape), float(found.any()), False)
    if (found & strange).sum() <= TOLERATED * found.sum():
        return Second(first, 0.0, True)
    place = around(sight.evidence > 0)
    answer = surroundings(first.shape)
    answer[place] = probabilities(np.ascontiguousarray(image[place]), name, predict)
    answer[strange] = surroundings((1, 1, 3))[0, 0]
    left = animal(labels(answer))
    return Second(answer, float((found & ~left).sum() / found.sum()), True)


def segment(image: np.ndarray, network: str = "pretrained", predict: Predict | None = None) -> np.ndarray:
    """The class of each pixel: uint8 (height, width) with 1 pet, 2 surroundings, 3 border, at the picture's own size.

    Args:
        image: uint8 RGB (height, width, 3).
        network: "pretrained" or "book".
        predict: a compiled network to use instead of loading it here; it answers alone, without the second look.
    """
    first = probabilities(image, network, predict)
    if predict is not None:
        return labels(first)
    return labels(second_look(image, first, look(image), network).probabilities)


def surroundings(shape: tuple[int, ...]) -> np.ndarray:
    """Probabilities (height, width, 3) of a picture that is nothing but surroundings."""
    answer = np.zeros(shape, np.float32)
    answer[..., 1] = 1
    return answer


def around(mask: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of a mask with a margin."""
    margin = round(MARGIN * min(mask.shape))
    spans = []
    for axis in (1, 0):
        inside = np.flatnonzero(mask.any(axis=axis))
        spans.append(slice(max(0, int(inside[0]) - margin), int(inside[-1]) + 1 + margin))
    return spans[0], spans[1]


def told(second: Second, found: np.ndarray) -> str | None:
    """What the second look changed, in a sentence; None when it changed nothing.

    Args:
        found: labels after it.
    """
    if not second.pet:
        return (
            "**No pet**: the second look sees neither cat nor dog anywhere. U-Net alone would cut out whatever stands "
            "in front, for it has never seen anything but pets."
        )
    if second.struck >= 0.05 and (found == PET).any():
        return f"The second look struck out **{second.struck:.0%}** of what U-Net alone calls the animal."
    return None
