"""A second look at what a detector calls a face: is it one, which way up, and what covers it?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from cnndemo.face_detection.detectors import Box, detect
from cnndemo.models.face_check import SIDE

MARGIN = 1.3
"""The square that is looked at is so many times as large as `face_square`: hair and chin help."""

FACE = 0.8
"""Least probability of an upright face."""

SURE = 0.98
"""A face of this probability in the picture as it is spares looking at it turned."""

TURNS = ("as it is", "a quarter to the left", "upside down", "a quarter to the right")
"""By how many quarters, counter-clockwise, a picture is turned before a face in it stands upright; in words."""

Predictor = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Check:
    """Three probabilities, 0 to 1: an upright face, its mouth covered, its eyes covered."""

    face: float
    mouth: float
    eyes: float


def face_square(box: Box) -> tuple[float, float, float]:
    """The square that the landmark network looks at.

    That of the cascade is made 1.1 times as large and moved 4 % down, which measured best; that of the network is what
    the landmark network was made for.

    Returns:
        Left, top and side in pixels.
    """
    side = max(box.width, box.height)
    x, y = box.centre
    grown, down = (side, 0.0) if box.network else (1.1 * side, 0.04 * side)
    return x - grown / 2, y - grown / 2 + down, grown


def square(image: np.ndarray, box: Box) -> np.ndarray:
    """What `face_check` sees of a box: uint8 (48, 48, 3); beyond the picture its edge goes on."""
    left, top, side = face_square(box)
    grow = side * (MARGIN - 1) / 2
    left, top, side = round(left - grow), round(top - grow), max(2, round(side + 2 * grow))
    height, width = image.shape[:2]
    rows = np.clip((top, top + side), 0, height)
    columns = np.clip((left, left + side), 0, width)
    if rows[0] == rows[1] or columns[0] == columns[1]:
        return np.zeros((SIDE, SIDE, 3), np.uint8)
    part = image[rows[0] : rows[1], columns[0] : columns[1]]
    edges = (rows[0] - top, top + side - rows[1], columns[0] - left, left + side - columns[1])
    part = cv2.copyMakeBorder(part, *map(int, edges), cv2.BORDER_REPLICATE)
    return cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR)


def check(image: np.ndarray, boxes: list[Box], predict: Predictor) -> list[Check]:
    """Look twice at each box.

    Args:
        image: uint8 (height, width, 3), RGB.
        boxes: what the detectors found.
        predict: `inference.predictor` of `face_check`.
    """
    if not boxes:
        return []
    logits = predict(np.stack([square(image, box) for box in boxes]).astype(np.float32)).astype(np.float64)
    return [Check(*map(float, row)) for row in 1 / (1 + np.exp(-np.clip(logits, -60, 60)))]


@dataclass(frozen=True)
class Upright:
    """The faces of a picture, which was turned until they stood upright.

    Attributes:
        turn: quarters, counter-clockwise, by which the picture was turned, 0 to 3.
        image: the picture turned, uint8 (height, width, 3).
        boxes: the faces, largest first, in pixels of the turned picture.
        checks: what the second look says of each.
    """

    turn: int
    image: np.ndarray
    boxes: list[Box]
    checks: list[Check]


def turned(image: np.ndarray, turn: int) -> np.ndarray:
    """A picture turned by so many quarters, counter-clockwise; the very picture for 0."""
    return np.ascontiguousarray(np.rot90(image, turn)) if turn % 4 else image


def upright(image: np.ndarray, detector: Predictor, checker: Predictor) -> Upright:
    """Find the faces of a picture that may lie on its side or stand on its head.

    The picture is searched as it is; if no face there is sure, in its three other turns, too, and the turn with the
    surest face is taken. What the second look does not call an upright face is left out.

    Args:
        image: uint8 (height, width, 3), RGB.
        detector, checker: `inference.predictor` of `tiny_face_detector` and of `face_check`.

    Returns:
        The best turn; as it is and without boxes when no turn has a face.
    """
    found = []
    for turn in range(4):
        picture = turned(image, turn)
        boxes = detect(picture, detector)
        looks = check(picture, boxes, checker)
        kept = [(box, look) for box, look in zip(boxes, looks, strict=True) if look.face >= FACE]
        found.append(Upright(turn, picture, [box for box, _ in kept], [look for _, look in kept]))
        if turn == 0 and surest(found[0]) >= SURE:
            return found[0]
    return max(found, key=surest)


def surest(found: Upright) -> float:
    """The highest probability of a face, 0 without any."""
    return max((look.face for look in found.checks), default=0.0)
