"""Two ways to find faces: the cascade of Haar features, and a small convolutional network.

The cascade is Viola and Jones 2001 as OpenCV implements it; the network is `cnndemo.models.tiny_face_detector`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cnndemo import gate, images
from cnndemo.errors import VisitorError
from cnndemo.models.tiny_face_detector import ANCHORS, CELLS, SIDE

CASCADES = {
    "frontal default": "haarcascade_frontalface_default.xml",
    "frontal alt2": "haarcascade_frontalface_alt2.xml",
    "eyes": "haarcascade_eye.xml",
}
"""Name -> file of OpenCV's trained cascades."""

SMALLEST_SQUARE = 20
"""Side in pixels below which no detector here can see a face."""

SEARCH_SIDE = 1000
"""Long side in pixels to which a picture is shrunk before the cascade searches it: larger only costs time."""

SURE = 0.5
"""Score from which the network's box stands alone."""

FAINT = 0.1
"""Score from which the network's box may confirm a hit of the cascade, though it is too weak to stand alone."""

Predictor = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the picture.

    Attributes:
        left, top, width, height: where it lies.
        score: the network's probability, or the cascade's number of hits.
        network: whether the network drew it; its boxes reach to the chin, the cascade's lie higher.
    """

    left: float
    top: float
    width: float
    height: float
    score: float = 1.0
    network: bool = False

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2

    def scaled(self, factor: float) -> Box:
        """The same rectangle on a picture `factor` times as large."""
        places = (value * factor for value in (self.left, self.top, self.width, self.height))
        return Box(*places, self.score, self.network)

    def overlap(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        width = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        height = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        return width * height / (self.area + other.area - width * height)


@dataclass(frozen=True)
class Search:
    """What a cascade found: the boxes, the raw hits that they were grouped from, and the seconds it took."""

    boxes: list[Box]
    raw: list[Box]
    seconds: float


@gate.heavy
def search(
    image: np.ndarray,
    cascade: str = "frontal alt2",
    scale_factor: float = 1.1,
    neighbours: int = 3,
    smallest: int = 24,
    raw: bool = False,
) -> Search:
    """Slide a trained cascade of Haar features over a picture, at many sizes (book 5.1.1).

    Args:
        image: uint8 (height, width, 3) or (height, width).
        cascade: a name in `CASCADES`.
        scale_factor: the window grows by this factor from one pass to the next, 1.01 to 2.
        neighbours: raw hits that must agree on a place before it counts as a face.
        smallest: side in pixels of the smallest window.
        raw: also return the raw hits (a second search; its time is not counted).

    Raises:
        VisitorError: unknown cascade, or a value out of range.
    """
    if cascade not in CASCADES:
        raise VisitorError(f"There is no cascade “{cascade}”; there are {', '.join(CASCADES)}.")
    if not 1.01 <= scale_factor <= 2 or neighbours < 0 or smallest < 1:
        raise VisitorError("The scale factor lies between 1.01 and 2, the other two numbers are not negative.")
    gray = images.to_gray(image)
    # Read anew, in 2 to 10 ms: OpenCV's classifier would keep the largest picture's integral images, up to 30 MB each.
    classifier = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / CASCADES[cascade]))
    options = {"scaleFactor": float(scale_factor), "minSize": (int(smallest), int(smallest))}
    started = time.perf_counter()
    found, hits = classifier.detectMultiScale2(gray, minNeighbors=int(neighbours), **options)
    seconds = time.perf_counter() - started
    every = classifier.detectMultiScale(gray, minNeighbors=0, **options) if raw else ()
    boxes = [Box(*map(float, box), score=float(count)) for box, count in zip(found, np.ravel(hits), strict=True)]
    return Search(sorted(boxes, key=lambda box: -box.area), [Box(*map(float, box)) for box in every], seconds)


def first_face(image: np.ndarray) -> Box | None:
    """The largest face that a cascade finds at its usual settings, in a picture shrunk to `SEARCH_SIDE`."""
    boxes = search(image).boxes or search(image, "frontal default").boxes
    return boxes[0] if boxes else None


def eyes(image: np.ndarray, face: Box) -> list[Box]:
    """What the cascade for eyes finds in the upper part of a face, in pixels of the image."""
    top, left = max(0, int(face.top)), max(0, int(face.left))
    part = image[top : top + int(0.6 * face.height), left : left + int(face.width)]
    found = search(part, "eyes", neighbours=5, smallest=max(8, int(face.width / 8))).boxes
    return [Box(left + eye.left, top + eye.top, eye.width, eye.height) for eye in found]


def cut(image: np.ndarray, box: Box | None, margin: float = 0.15, long_side: int = 330) -> np.ndarray:
    """A face with a margin around it (a fraction of its size), or without a box the whole picture; uint8 RGB."""
    if box is not None:
        top, left = max(0, int(box.top - margin * box.height)), max(0, int(box.left - margin * box.width))
        bottom, right = box.top + (1 + margin) * box.height, box.left + (1 + margin) * box.width
        image = image[top : int(bottom), left : int(right)]
    return images.shrink(np.ascontiguousarray(image), long_side)


def locate(image: np.ndarray, predict: Predictor, threshold: float = 0.5) -> list[Box]:
    """Find faces with the tiny network: one look at the whole picture.

    Args:
        image: uint8 (height, width, 3), RGB.
        predict: `inference.predictor` of `tiny_face_detector`.
        threshold: least score of a face, 0 to 1.

    Returns:
        Boxes in pixels of `image`, best score first; of two that overlap by more than 0.4 only the better.
    """
    square, scale = _padded(image)
    return [box.scaled(scale) for box in decode(predict(square[None])[0], threshold)]


def _padded(image: np.ndarray) -> tuple[np.ndarray, float]:
    """The picture with black bars at the bottom or right, float32 (416, 416, 3), and the scale back to its pixels."""
    height, width = image.shape[:2]
    scale = max(height, width) / SIDE
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    square = np.zeros((SIDE, SIDE, 3), np.float32)
    interpolation = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    square[: size[1], : size[0]] = cv2.resize(image, size, interpolation=interpolation)
    return square, scale


def decode(output: np.ndarray, threshold: float = 0.5) -> list[Box]:
    """Turn the network's grid into boxes.

    Args:
        output: float32 (13, 13, 25), see `cnndemo.models.tiny_face_detector`.
        threshold: least score, 0 to 1.

    Returns:
        Boxes in pixels of the 416-pixel square, best score first, without those that overlap a better one.
    """
    cells = output.reshape(CELLS, CELLS, len(ANCHORS), 5).astype(np.float64)
    row, column, anchor = np.nonzero(_sigmoid(cells[..., 4]) > threshold)
    x, y, log_width, log_height, score = cells[row, column, anchor].T
    width, height = (np.exp(np.minimum((log_width, log_height), 10)) * np.asarray(ANCHORS)[anchor].T) * SIDE / CELLS
    left = (column + _sigmoid(x)) * SIDE / CELLS - width / 2
    top = (row + _sigmoid(y)) * SIDE / CELLS - height / 2
    boxes = [Box(*map(float, box), network=True) for box in zip(left, top, width, height, _sigmoid(score), strict=True)]
    return suppress(boxes)


def suppress(boxes: list[Box], overlap: float = 0.4) -> list[Box]:
    """Non-maximum suppression: keep the best box, drop what overlaps it by more than `overlap`, go on."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.score):
        if all(box.overlap(other) <= overlap for other in kept):
            kept.append(box)
    return kept


def merge(boxes: list[Box], more: list[Box]) -> list[Box]:
    """Add those of `more` that lie elsewhere: little overlap, and neither's centre inside the other."""
    added = [box for box in more if all(box.overlap(other) < 0.2 and not _nested(box, other) for other in boxes)]
    return boxes + added


def confirmed(image: np.ndarray, box: Box, seen: list[Box], predict: Predictor) -> bool:
    """Whether the network, too, sees something at a cascade's hit: in the whole picture, or looking closer.

    Args:
        image: uint8 (height, width, 3).
        box: the hit.
        seen: what the network saw in the whole picture, faint boxes included.
        predict: `inference.predictor` of `tiny_face_detector`.
    """
    if any(other.overlap(box) > 0.25 for other in seen):
        return True
    x, y = box.centre
    matrix = np.array([[2 * box.width / SIDE, 0, x - box.width], [0, 2 * box.height / SIDE, y - box.height]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    closer = cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=flags).astype(np.float32)
    expected = Box(SIDE / 4, SIDE / 4, SIDE / 2, SIDE / 2)
    return any(other.overlap(expected) > 0.25 for other in decode(predict(closer[None])[0], FAINT))


def _nested(one: Box, other: Box) -> bool:
    return any(
        outer.left < x < outer.left + outer.width and outer.top < y < outer.top + outer.height
        for outer, (x, y) in ((one, other.centre), (other, one.centre))
    )


def detect(image: np.ndarray, predict: Predictor | None = None) -> list[Box]:
    """Find faces: the cascade's hits that the small network confirms, and what only the network sees.

    The better cascade looks first; the older one only where nothing was found.

    Args:
        image: uint8 (height, width, 3), RGB.
        predict: `inference.predictor` of `tiny_face_detector`; without it only the cascades look.

    Returns:
        Boxes in pixels of `image`, largest first; empty when there is no face.
    """
    small = images.shrink(image, SEARCH_SIDE)
    factor = image.shape[1] / small.shape[1]
    seen = locate(small, predict, FAINT) if predict else []
    for cascade in ("frontal alt2", "frontal default"):
        hits = [box for box in search(small, cascade).boxes if not predict or confirmed(small, box, seen, predict)]
        boxes = merge(hits, [box for box in seen if box.score >= SURE])
        if boxes:
            return sorted((box.scaled(factor) for box in boxes), key=lambda box: -box.area)
    return []


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -60, 60)))


def thumbnail() -> np.ndarray:
    """The cascade's find in the astronaut's portrait, for the front page: uint8 (180, 320, 3)."""
    image = images.shrink(images.sample("astronaut"), 320).copy()
    box = first_face(image)
    if box is not None:
        corners = (int(box.left), int(box.top)), (int(box.left + box.width), int(box.top + box.height))
        cv2.rectangle(image, *corners, (230, 159, 0), 3)
    return cv2.resize(image[6:186], (320, 180), interpolation=cv2.INTER_AREA)
