"""Boxes on pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import cv2
import numpy as np
from PIL import ImageColor


class Box(Protocol):
    """A rectangle in pixels."""

    left: float
    top: float
    width: float
    height: float


def boxed(image: np.ndarray, groups: Mapping[str, Sequence[Box]]) -> np.ndarray:
    """The picture with frames on it.

    Args:
        image: uint8 (height, width, 3).
        groups: colour "#rrggbb" -> boxes.

    Returns:
        uint8 (height, width, 3), a copy.
    """
    drawn = image.copy()
    thick = max(1, round(max(image.shape[:2]) / 200))
    for color, boxes in groups.items():
        rgb = ImageColor.getrgb(color)
        for box in boxes:
            corner, opposite = (box.left, box.top), (box.left + box.width, box.top + box.height)
            cv2.rectangle(drawn, tuple(map(round, corner)), tuple(map(round, opposite)), rgb, thick, cv2.LINE_AA)
    return drawn
