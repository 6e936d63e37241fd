"""Masks to play with: edits, presets where scores part, and two sets to drag (book 6.4.1 and 6.4.2)."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.pet_segmentation import metrics

#: Height and width in pixels of the drawn presets and of the two sets.
SHAPE = (240, 320)
#: Brush and eraser on the canvas.
BRUSH, ERASER = "#D55E00", "#0072B2"


def ellipse(center: tuple[float, float], axes: tuple[float, float], shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """A filled ellipse as a boolean mask; centre (row, column) and half axes (vertical, horizontal) in pixels."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return ((rows - center[0]) / axes[0]) ** 2 + ((columns - center[1]) / axes[1]) ** 2 <= 1


def _cat(scale: float = 1.0, row: float = 130.0, column: float = 160.0) -> np.ndarray:
    """A sitting cat from ellipses: body, head, two ears and a thin tail."""
    places = (
        ((30, 0), (45, 34)),
        ((-30, 0), (25, 28)),
        ((-56, -17), (14, 7)),
        ((-56, 17), (14, 7)),
        ((20, 48), (38, 5)),
    )
    mask = np.zeros(SHAPE, bool)
    for (down, right), (tall, wide) in places:
        mask |= ellipse((row + down * scale, column + right * scale), (tall * scale, wide * scale))
    return mask


def _tiny_and_nothing() -> tuple[np.ndarray, np.ndarray]:
    return _cat(0.55), np.zeros(SHAPE, bool)


def _all_pet() -> tuple[np.ndarray, np.ndarray]:
    return _cat(), np.ones(SHAPE, bool)


def _shifted() -> tuple[np.ndarray, np.ndarray]:
    return _cat(), _cat(1.0, 130, 172)


def _no_tail() -> tuple[np.ndarray, np.ndarray]:
    return _cat(), _cat() & ~ellipse((150, 208), (42, 9))


def _one_of_two() -> tuple[np.ndarray, np.ndarray]:
    left, right = _cat(0.8, 130, 95), _cat(0.8, 130, 225)
    return left | right, left


def _swollen() -> tuple[np.ndarray, np.ndarray]:
    return _cat(), edit(_cat(), grow=8)


#: Name -> (true mask, predicted mask), drawn so that the scores disagree about how bad the prediction is.
PRESETS: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "A tiny pet, missed": _tiny_and_nothing,
    "Everything is pet": _all_pet,
    "Shifted": _shifted,
    "Too fat": _swollen,
    "Without its tail": _no_tail,
    "One of two": _one_of_two,
}


def preset(name: str) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted mask of a preset, boolean `SHAPE`.

    Raises:
        VisitorError: there is no such preset.
    """
    if name not in PRESETS:
        raise VisitorError(f"There is no preset “{name}”; choose one of: {', '.join(PRESETS)}.")
    return PRESETS[name]()


def edit(mask: np.ndarray, grow: int = 0, down: int = 0, right: int = 0, fill: bool = False) -> np.ndarray:
    """A mask after the usual operations.

    Args:
        mask: boolean (height, width).
        grow: pixels by which it is dilated; negative: eroded.
        down, right: pixels by which it is shifted; what leaves the picture is lost.
        fill: close holes that do not touch the picture's edge.

    Returns:
        Boolean, a new array of the same shape.
    """
    result = np.ascontiguousarray(mask, dtype=np.uint8)
    if fill:
        outlines, _ = cv2.findContours(result, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        result = cv2.drawContours(result.copy(), outlines, -1, 1, cv2.FILLED)
    if grow:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(grow) + 1,) * 2)
        result = cv2.dilate(result, disc) if grow > 0 else cv2.erode(result, disc)
    if down or right:
        matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
        result = cv2.warpAffine(result, matrix, result.shape[::-1], flags=cv2.INTER_NEAREST)
    return result.astype(bool)


def scores(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """The scores of a predicted mask that the page shows, each 0 to 1."""
    return {
        "Pixel accuracy": metrics.pixel_accuracy(truth, predicted),
        "Jaccard": metrics.jaccard(truth, predicted),
        "Dice": metrics.dice(truth, predicted),
        "Boundary F": metrics.boundary_f_score(truth, predicted),
    }


def compare(truth: np.ndarray, predicted: np.ndarray, image: np.ndarray | None = None) -> np.ndarray:
    """Right, missed and invented pixels in three colours: green in both, blue only in truth, vermilion only predicted.

    Args:
        truth, predicted: boolean (height, width).
        image: uint8 RGB (height, width, 3) to show through; plain grey without it.
    """
    base = np.full((*truth.shape, 3), 235, np.uint8) if image is None else image
    tint = base.copy()
    tint[truth & predicted] = (0, 158, 115)
    tint[truth & ~predicted] = (0, 114, 178)
    tint[~truth & predicted] = (213, 94, 0)
    return cv2.addWeighted(base, 0.35, tint, 0.65, 0)


#: Name -> centres of the discs A and B and their radii, on a plane from -3 to 3: figure 6.7's configurations.
DISCS: dict[str, tuple[tuple[float, float], tuple[float, float], float, float]] = {
    "Overlapping": ((-0.6, 0.0), (0.8, 0.0), 1.5, 1.5),
    "Apart": ((-1.6, 0.0), (1.6, 0.0), 1.2, 1.2),
    "One in the other": ((0.0, 0.0), (0.4, 0.0), 2.0, 1.0),
    "Equal": ((0.0, 0.0), (0.0, 0.0), 1.5, 1.5),
}


def disc(center: tuple[float, float], radius: float, limit: float = 3.0, side: int = 600) -> np.ndarray:
    """A disc as a set of pixels: boolean (side, side) over the square from -limit to limit; centre (x, y)."""
    scale = side / (2 * limit)
    place = ((limit - center[1]) * scale - 0.5, (center[0] + limit) * scale - 0.5)
    return ellipse(place, (radius * scale, radius * scale), (side, side))


def thumbnail() -> np.ndarray:
    """Two masks of a cat, where they agree and where not, for the front page: uint8 (180, 320, 3)."""
    return compare(*_shifted())[40:220]
