"""Slide a pattern over an image and find where it fits: the dot product as a detector (book, 1.3).

The book calls the operation convolution; it is cross-correlation, since the pattern is not flipped. Here are the
book's own way (`"plain"`), two ways that forgive brightness (`"zero-mean"`, `"normalised"`), and the search over
sizes that forgives scale. `cnndemo.pattern_matching.scenes` draws the scenes of shapes to search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from cnndemo import gate
from cnndemo.errors import VisitorError

Method = Literal["plain", "zero-mean", "normalised"]

METHODS: dict[Method, str] = {
    "plain": "Plain dot product, as in the book",
    "zero-mean": "Zero-mean: pattern and patch minus their means",
    "normalised": "Normalised: zero-mean, divided by both contrasts",
}

SMALL_PATTERN = 64  # pixels; below it a direct sum is as fast as a Fourier transform, and exact for whole numbers
FLAT = 1e-6  # spread, relative to the largest possible score, below which a response has no peak
SMALLEST = 4  # pixels; a resized pattern thinner than this is no longer the pattern
SAME_PLACE = 0.5  # share of the smaller window that two matches may have in common


@dataclass(frozen=True)
class Match:
    """A place where the pattern fits.

    Args:
        row, column: upper left pixel of the window, from 0.
        scale: how much the pattern was enlarged for this match.
        score: value of the response there; for `"normalised"` between -1 and 1.
        height, width: size of the window in pixels.
    """

    row: int
    column: int
    scale: float
    score: float
    height: int
    width: int

    @property
    def center(self) -> tuple[float, float]:
        """Row and column of the middle of the window: a response map holds its upper left corner."""
        return self.row + (self.height - 1) / 2, self.column + (self.width - 1) / 2

    def hits(self, center: tuple[float, float]) -> bool:
        """True when its centre is within a quarter of the window of where it should be."""
        row, column = self.center
        return abs(row - center[0]) <= max(self.height / 4, 1) and abs(column - center[1]) <= max(self.width / 4, 1)

    def overlap(self, other: Match) -> float:
        """The share of the smaller window that lies in the other, 0 to 1; a window inside another has 1."""
        rows = min(self.row + self.height, other.row + other.height) - max(self.row, other.row)
        columns = min(self.column + self.width, other.column + other.width) - max(self.column, other.column)
        return max(rows, 0) * max(columns, 0) / min(self.height * self.width, other.height * other.width)


@dataclass(frozen=True)
class WorkedExample:
    """An example that the book calculates by hand: image, pattern and the response it prints."""

    image: np.ndarray
    pattern: np.ndarray
    response: np.ndarray


WORKED_EXAMPLES: dict[str, WorkedExample] = {
    "4 × 4": WorkedExample(
        np.array([[255, 185, 133, 121], [155, 144, 188, 201], [111, 88, 171, 211], [110, 194, 143, 101]], np.uint8),
        np.array([[1, 0], [0, 1]], np.float32),
        np.array([[399, 373, 334], [243, 315, 399], [305, 231, 272]], np.float32),
    ),
    "4 × 7": WorkedExample(
        np.array(
            [[0, 0, 0, 0, 0, 0, 0], [0, 0, 255, 0, 255, 0, 0], [0, 255, 0, 0, 0, 255, 0], [255, 0, 0, 0, 0, 0, 255]],
            np.uint8,
        ),
        np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], np.float32),
        np.array([[0, 510, 0, 255, 0], [765, 0, 255, 0, 255]], np.float32),
    ),
}

NO_PIXELS = "The {} has no pixels. Please give it at least one row and one column."
EDGE = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)  # edges from dark to bright, to start from


def checked(image: np.ndarray, pattern: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Image and pattern as arrays that OpenCV can multiply, uint8 or float32; raises what is wrong with them."""
    arrays = []
    for name, array in (("image", np.asarray(image)), ("pattern", np.asarray(pattern))):
        if array.ndim != 2:
            raise VisitorError(f"The {name} must have rows and columns only; it has the shape {array.shape}.")
        if array.size == 0:
            raise VisitorError(NO_PIXELS.format(name))
        if array.dtype != np.uint8:
            array = array.astype(np.float32)
            if not np.isfinite(array).all():
                row, column = np.argwhere(~np.isfinite(array))[0] + 1
                raise VisitorError(f"The {name} has no number in row {row}, column {column}. Please fill it in.")
        arrays.append(array)
    image, pattern = arrays
    if pattern.shape[0] > image.shape[0] or pattern.shape[1] > image.shape[1]:
        raise VisitorError(
            f"The pattern ({pattern.shape[0]} × {pattern.shape[1]}) is larger than the image "
            f"({image.shape[0]} × {image.shape[1]}), so it cannot slide. Please take a smaller pattern."
        )
    if image.dtype != pattern.dtype:
        image, pattern = image.astype(np.float32), pattern.astype(np.float32)
    return np.ascontiguousarray(image), np.ascontiguousarray(pattern)


def correlate(image: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """The dot product of the pattern with every patch of the image, as in the book (1.3): nothing is flipped.

    Args:
        image: (H, W), uint8 or any real numbers.
        pattern: (h, w), not larger than the image.

    Returns:
        float32 (H - h + 1, W - w + 1). Exact for whole numbers up to 2^24 while the pattern has at most
        `SMALL_PATTERN` pixels; for larger ones OpenCV's Fourier transform is right to about 1e-6 of the largest value.

    Raises:
        VisitorError: not two-dimensional, empty, not a number somewhere, or the pattern is larger than the image.
    """
    image, pattern = checked(image, pattern)
    if pattern.size > SMALL_PATTERN:
        return cv2.matchTemplate(image, pattern, cv2.TM_CCORR)
    rows, columns = image.shape[0] - pattern.shape[0] + 1, image.shape[1] - pattern.shape[1] + 1
    anchored = cv2.filter2D(image, cv2.CV_32F, pattern.astype(np.float32), anchor=(0, 0))
    return np.ascontiguousarray(anchored[:rows, :columns])


def response(image: np.ndarray, pattern: np.ndarray, method: Method = "plain") -> np.ndarray:
    """The response map: how well the pattern fits at each position.

    `"plain"` is `correlate`. `"zero-mean"` first takes the mean off the pattern and off each patch, so that a bright
    patch alone no longer wins. `"normalised"` also divides by the length of both, so that contrast no longer counts:
    1 is a perfect fit, -1 its negative, 0 a patch of one flat tone.

    Args:
        image: (H, W), uint8 or any real numbers.
        pattern: (h, w), not larger than the image.
        method: one of `METHODS`.

    Returns:
        float32 (H - h + 1, W - w + 1).

    Raises:
        VisitorError: as `correlate`; also a pattern of one flat tone with any method but `"plain"`.
    """
    if method not in METHODS:
        raise VisitorError(f"There is no method “{method}”. Please choose one of {', '.join(METHODS)}.")
    if method == "plain":
        return correlate(image, pattern)
    image, pattern = checked(image, pattern)
    if np.ptp(pattern) == 0:
        raise VisitorError(
            "The pattern is one flat tone: without its mean nothing is left of it. "
            "Please take a pattern with some contrast, or the plain dot product."
        )
    if method == "zero-mean":
        return cv2.matchTemplate(image, pattern, cv2.TM_CCOEFF)
    scores = cv2.matchTemplate(image, pattern, cv2.TM_CCOEFF_NORMED)
    return np.clip(scores, -1.0, 1.0, out=scores)


def resize(pattern: np.ndarray, scale: float) -> np.ndarray:
    """The pattern enlarged by `scale`, at least one pixel each way; its data type and range are kept.

    Raises:
        VisitorError: there is not one pixel to enlarge.
    """
    if 0 in pattern.shape:
        raise VisitorError(NO_PIXELS.format("pattern"))
    height, width = (max(1, round(side * scale)) for side in pattern.shape)
    if (height, width) == pattern.shape:
        return pattern
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    source = pattern if pattern.dtype == np.uint8 else pattern.astype(np.float32)
    return cv2.resize(source, (width, height), interpolation=interpolation)


@gate.heavy
def find(
    image: np.ndarray,
    pattern: np.ndarray,
    method: Method = "plain",
    scales: Sequence[float] = (1.0,),
    top: int = 1,
) -> list[Match]:
    """The places where the pattern fits best, without two answers for one place (non-maximum suppression).

    Plain and zero-mean scores grow with the pattern's size; between scales they are compared per pixel.

    Args:
        image: (H, W), uint8 or any real numbers.
        pattern: (h, w).
        method: one of `METHODS`.
        scales: sizes of the pattern to try; those at which it outgrows the image or becomes a speck are left out.
        top: at most so many matches.

    Returns:
        Matches, best first.

    Raises:
        VisitorError: as `response`; also when no scale fits, or when every position scores the same.
    """
    pattern = np.asarray(pattern)
    if pattern.ndim != 2 or not scales:
        raise VisitorError("A search needs a pattern with rows and columns, and at least one scale.")
    if not all(np.isfinite(scale) and scale > 0 for scale in scales):
        raise VisitorError("Each scale must be a number above zero.")
    if top < 1:
        raise VisitorError("Please ask for at least one match.")
    height, width = np.shape(image)[:2]
    fitting = [
        scale
        for scale in scales
        if (scale == 1 or min(pattern.shape) * scale >= SMALLEST)
        and round(pattern.shape[0] * scale) <= height
        and round(pattern.shape[1] * scale) <= width
    ]
    candidates = []
    flat = True
    for scale in fitting or scales[:1]:  # with none that fits, `response` says why
        scaled = resize(pattern, scale)
        scores = response(image, scaled, method)
        low, high = float(scores.min()), float(scores.max())
        flat &= scores.size > 1 and high - low <= FLAT * _largest(image, scaled, method)
        candidates += [Match(*place, scale, score, *scaled.shape) for place, score in peaks(scores, scaled.shape, top)]
    if flat:
        raise VisitorError(
            "Every position scores the same, so there is nothing to find. "
            "Please take an image with some contrast, or another pattern."
        )
    candidates.sort(key=lambda match: -_comparable(match, method))
    matches: list[Match] = []
    for candidate in candidates:
        if len(matches) < top and all(candidate.overlap(match) <= SAME_PLACE for match in matches):
            matches.append(candidate)
    return matches


def _largest(image: np.ndarray, pattern: np.ndarray, method: Method) -> float:
    """No score can be larger."""
    if method == "normalised":
        return 1.0
    return float(np.abs(np.asarray(image, np.float32)).max()) * float(np.abs(pattern.astype(np.float32)).sum())


def _comparable(match: Match, method: Method) -> float:
    return match.score if method == "normalised" else match.score / (match.height * match.width)


def peaks(scores: np.ndarray, window: tuple[int, int], top: int) -> list[tuple[tuple[int, int], float]]:
    """The highest values of a response map that lie at least half a window apart.

    Args:
        scores: float32 (rows, columns).
        window: height and width of the pattern.
        top: at most so many.

    Returns:
        ((row, column), score), highest first; of equals, the first from the upper left.
    """
    left = scores.copy()
    found = []
    for _ in range(top):
        row, column = (int(i) for i in np.unravel_index(np.argmax(left), left.shape))
        if not np.isfinite(left[row, column]):
            break
        found.append(((row, column), float(scores[row, column])))
        around = [
            slice(max(0, i - (side + 1) // 2), i + (side + 1) // 2 + 1)
            for i, side in zip((row, column), window, strict=True)
        ]
        left[tuple(around)] = -np.inf
    return found
