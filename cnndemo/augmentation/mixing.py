"""Two pictures into one, and their labels with them: MixUp (Zhang et al. 2018) and CutMix (Yun et al. 2019)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from cnndemo.augmentation.detail import box_mask
from cnndemo.errors import VisitorError


@dataclass(frozen=True)
class Mixed:
    """A mixed picture.

    Attributes:
        image: float32 (height, width, 3).
        weight: share of the first picture in image and label, 0 to 1.
        box: left, right, top, bottom of what CutMix took from the second picture; empty for MixUp.
    """

    image: np.ndarray
    weight: float
    box: dict[str, float]


def mix_up(first: np.ndarray, second: np.ndarray, weight: float) -> Mixed:
    """weight · first + (1 − weight) · second, as `keras.layers.MixUp` computes it.

    Args:
        first, second: (height, width, 3), of one size.
    """
    _same_size(first, second)
    weight = np.float32(weight)
    image = weight * first.astype(np.float32) + (np.float32(1) - weight) * second.astype(np.float32)
    return Mixed(image, float(weight), {})


def cut_mix(first: np.ndarray, second: np.ndarray, weight: float, x: float, y: float) -> Mixed:
    """A box of the second picture laid on the first, as `keras.layers.CutMix` does it.

    Args:
        first, second: (height, width, 3), of one size.
        weight: share that remains of the first picture; the box has sides of √(1 − weight) of the picture's.
        x, y: where the box lies, 0 (left, top) to 1 (right, bottom).
    """
    _same_size(first, second)
    height, width = first.shape[:2]
    ratio = math.sqrt(max(0.0, 1.0 - weight))
    left, top = x * (width - ratio * width), y * (height - ratio * height)
    box = {"left": left, "right": left + ratio * width, "top": top, "bottom": top + ratio * height}
    image = np.where(box_mask(box, height, width)[..., None], second, first).astype(np.float32)
    return Mixed(image, float(weight), box)


def draw_weight(alpha: float, seed: int) -> float:
    """A mixing weight from Beta(alpha, alpha): near 0 or 1 for small alpha, near 0.5 for large."""
    if not alpha > 0:
        raise VisitorError("Alpha must be above zero.")
    return float(np.random.default_rng(seed).beta(alpha, alpha))


def fit(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The middle of an image in another shape, uint8: scaled to cover, then cropped."""
    scale = max(height / image.shape[0], width / image.shape[1])
    size = (max(width, round(image.shape[1] * scale)), max(height, round(image.shape[0] * scale)))
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (resized.shape[0] - height) // 2, (resized.shape[1] - width) // 2
    return resized[top : top + height, left : left + width]


def _same_size(first: np.ndarray, second: np.ndarray) -> None:
    if first.shape != second.shape:
        raise ValueError(f"Both pictures must have one shape; got {first.shape} and {second.shape}.")
