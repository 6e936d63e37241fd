"""Where each detector wins and fails: the same face turned, small, dark, half hidden."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace

import cv2
import numpy as np

from cnndemo import beforehand, images
from cnndemo.face_detection.detectors import Box, Predictor, locate, search

LONG_SIDE = 480
"""Pictures are shrunk to this many pixels first, so that every picture meets the same conditions."""

LEAST = 0.05
"""Score of the network's boxes that are kept."""

Change = Callable[[np.ndarray, Box], tuple[np.ndarray, Box]]


def turned(image: np.ndarray, box: Box, degrees: float) -> tuple[np.ndarray, Box]:
    """Turn the picture around the face, counter-clockwise; the face's box stays where it is."""
    matrix = cv2.getRotationMatrix2D(box.centre, degrees, 1.0)
    size = (image.shape[1], image.shape[0])
    return cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE), box


def small(image: np.ndarray, box: Box, width: int) -> tuple[np.ndarray, Box]:
    """Shrink the picture until the face is `width` pixels wide and lay it in a grey frame of the old size."""
    scale = min(1.0, width / box.width)
    shrunk = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    frame = np.full_like(image, 128)
    frame[: shrunk.shape[0], : shrunk.shape[1]] = shrunk
    return frame, box.scaled(scale)


def dark(image: np.ndarray, box: Box, share: float) -> tuple[np.ndarray, Box]:
    """Keep only this share of the light."""
    return (image * share).astype(np.uint8), box


def hidden(image: np.ndarray, box: Box, side: str) -> tuple[np.ndarray, Box]:
    """Cover half of the face with grey: the left, or the lower half as a scarf would."""
    covered = image.copy()
    x, y = (round(value) for value in box.centre)
    left, top = max(0, round(box.left)), max(0, round(box.top))
    right, bottom = round(box.left + box.width), round(box.top + box.height)
    if side == "left":
        covered[top:bottom, left:x] = 128
    else:
        covered[y:bottom, left:right] = 128
    return covered, box


CONDITIONS: dict[str, Change] = {
    "as it is": lambda image, box: (image, box),
    "turned by 15°": lambda image, box: turned(image, box, 15),
    "turned by 30°": lambda image, box: turned(image, box, 30),
    "turned by 60°": lambda image, box: turned(image, box, 60),
    "upside down": lambda image, box: turned(image, box, 180),
    "40 pixels wide": lambda image, box: small(image, box, 40),
    "24 pixels wide": lambda image, box: small(image, box, 24),
    "5 % of the light": lambda image, box: dark(image, box, 0.05),
    "left half hidden": lambda image, box: hidden(image, box, "left"),
    "mouth and chin hidden": lambda image, box: hidden(image, box, "lower"),
}
"""Name -> what happens to a picture and to the box of its face."""


@dataclass(frozen=True)
class Trial:
    """Both detectors on one changed picture.

    Attributes:
        condition: name of the change.
        image: the changed picture, uint8 (height, width, 3).
        face: where the face lies in it.
        cascade, network: the boxes that they found.
    """

    condition: str
    image: np.ndarray
    face: Box
    cascade: list[Box]
    network: list[Box]

    @property
    def overlaps(self) -> tuple[float, float]:
        """Intersection over union of the best box of each with the face, 0 where none meets it by a quarter."""
        best = (max((box.overlap(self.face) for box in boxes), default=0.0) for boxes in (self.cascade, self.network))
        cascade, network = (value if value >= 0.25 else 0.0 for value in best)
        return cascade, network

    def shrunk(self, long_side: int) -> Trial:
        """The same on a picture of this long side at most."""
        factor = min(1.0, long_side / max(self.image.shape[:2]))
        cascade, network = ([box.scaled(factor) for box in boxes] for boxes in (self.cascade, self.network))
        return Trial(self.condition, images.shrink(self.image, long_side), self.face.scaled(factor), cascade, network)

    def at(self, threshold: float) -> Trial:
        """The same with those boxes of the network only that have this score."""
        return replace(self, network=[box for box in self.network if box.score >= threshold])


def compare(image: np.ndarray, face: Box, predict: Predictor, threshold: float) -> list[Trial]:
    """Try both detectors on a face in every condition.

    Args:
        image: uint8 (height, width, 3).
        face: its box in the picture as it is.
        predict: `inference.predictor` of `tiny_face_detector`.
        threshold: least score of the network's boxes; `Trial.at` gives what a higher one would have given, as of two
            boxes that overlap the better one stays at any threshold.

    Returns:
        One trial a condition.
    """
    return [
        Trial(name, changed, where, search(changed).boxes, locate(changed, predict, threshold))
        for name, changed, where in changes(image, face)
    ]


def changes(image: np.ndarray, face: Box) -> list[tuple[str, np.ndarray, Box]]:
    """Each condition: its name, the changed picture and where the face lies in it."""
    factor = min(1.0, LONG_SIDE / max(image.shape[:2]))
    image, face = images.shrink(image, LONG_SIDE), face.scaled(factor)
    return [(name, *change(image, face)) for name, change in CONDITIONS.items()]


def first_compared(image: np.ndarray, face: Box, predict: Predictor, threshold: float) -> list[Trial]:
    """As `compare`; of the picture that the page opens with it is known beforehand what was found."""

    def compute() -> beforehand.Arrays:
        rows = [
            (number, *astuple(box))
            for number, trial in enumerate(compare(image, face, predict, threshold))
            for box in (*trial.cascade, *trial.network)
        ]
        return {"boxes": np.array(rows, np.float32).reshape(-1, 7)}

    name = f"conditions from {threshold:g}"
    known = beforehand.known(name, ["tiny_face_detector"], compute, image, np.array(astuple(face)))["boxes"]
    trials = []
    for number, (condition, changed, where) in enumerate(changes(image, face)):
        boxes = [Box(*row[1:6], bool(row[6])) for row in known.tolist() if row[0] == number]
        cascade, network = ([box for box in boxes if box.network == drawn] for drawn in (False, True))
        trials.append(Trial(condition, changed, where, cascade, network))
    return trials


def timed(function: Callable, *arguments):
    """The result of a call and the seconds it took; called once before, so that nothing is prepared meanwhile."""
    function(*arguments)
    started = time.perf_counter()
    return function(*arguments), time.perf_counter() - started
