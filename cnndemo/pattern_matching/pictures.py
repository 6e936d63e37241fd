"""Pictures of what was found, and the picture of the topic itself."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from cnndemo.palette import ACCENT, KERNEL
from cnndemo.pattern_matching.matching import Match, find
from cnndemo.pattern_matching.scenes import make_scene, shape_pattern


def rgb(color: str) -> tuple[int, int, int]:
    """`"#E69F00"` -> (230, 159, 0)."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def marked(image: np.ndarray, matches: Sequence[Match]) -> np.ndarray:
    """The image with a box at each match and a cross at its centre; the best in full colour, the others thin.

    Args:
        image: uint8 (H, W).
        matches: best first.

    Returns:
        uint8 (H, W, 3).
    """
    canvas = np.repeat(image[..., None], 3, axis=2)
    width = max(1, round(max(image.shape) / 200))
    for rank, match in reversed(list(enumerate(matches))):
        color = rgb(ACCENT if rank == 0 else KERNEL)
        line = width + (rank == 0)
        corner = (match.column, match.row)
        cv2.rectangle(canvas, corner, (match.column + match.width - 1, match.row + match.height - 1), color, line)
        row, column = (round(middle) for middle in match.center)
        cv2.drawMarker(canvas, (column, row), color, cv2.MARKER_CROSS, 6 * width + 2, line)
    return canvas


def thumbnail() -> np.ndarray:
    """The topic's picture on the front page: a scene with the star found, uint8 (180, 320, 3)."""

    scene = make_scene(seed=2)
    picture = marked(scene.image, find(scene.image, shape_pattern("star", 90)))
    height = picture.shape[1] * 180 // 320
    top = (picture.shape[0] - height) // 2
    return cv2.resize(picture[top : top + height], (320, 180), interpolation=cv2.INTER_AREA)
