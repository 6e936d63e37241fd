"""The shipped digits nearest to one, in pixels and in each layer: why depth helps, and why a digit was misread."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cnndemo import images, inference

PIXELS = "pixels"
SPACES = (PIXELS, "conv2d_1", "conv2d_2", "dense_1")
"""Where digits can be near each other, from the picture itself to the last layer before the answer."""
BATCH = 100  # maps of more digits at once would take 60 MB and more
GRID = 4


@dataclass(frozen=True)
class Neighbours:
    """The nearest of the shipped digits.

    Attributes:
        digits: uint8 (count, 28, 28), the nearest first.
        labels: (count,).
        distances: Euclidean, in the numbers of that space, float32 (count,).
    """

    digits: np.ndarray
    labels: np.ndarray
    distances: np.ndarray

    def count(self, digit: int) -> int:
        """How many of them are this digit."""
        return int((self.labels == digit).sum())

    @property
    def majority(self) -> int:
        """The digit that most of them are; of several the one that is nearest."""
        counts = np.bincount(self.labels, minlength=10)
        return int(next(label for label in self.labels if counts[label] == counts.max()))


@dataclass(frozen=True)
class Points:
    """Points of one space, a byte a number.

    Attributes:
        levels: uint8 (n, size).
        step: what one level is worth, of each point, float32 (n, 1).
    """

    levels: np.ndarray
    step: np.ndarray

    def put(self, rows: slice, values: np.ndarray) -> None:
        """Put points in, float32 (rows, size), none negative: rounded to 255 levels of their own highest number."""
        self.step[rows] = np.maximum(values.max(axis=1, keepdims=True), 1e-9) / np.float32(255)
        self.levels[rows] = np.round(values / self.step[rows])

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Some of them, float32 (rows, size)."""
        return self.levels[rows] * self.step[rows]

    def __len__(self) -> int:
        return len(self.levels)


def described(batch: np.ndarray, spaces: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Digits as points of each space; a map is the means of 4 × 4 fields, so that a shift of a pixel changes little.

    Args:
        batch: float32 (n, 28, 28, 1) in [0, 1].
        spaces: of `SPACES`.

    Returns:
        Space -> float32 (n, size).
    """
    layers = [space for space in spaces if space != PIXELS]
    found = inference.predictor("digit_classifier", layers)(batch) if layers else {}
    result = {layer: _pooled(values) for layer, values in found.items()}
    return {space: result.get(space, batch.reshape(len(batch), -1)) for space in spaces}


def _pooled(values: np.ndarray) -> np.ndarray:
    if values.ndim == 2:
        return values
    side = values.shape[1] // GRID
    middle = (values.shape[1] - side * GRID) // 2
    cut = values[:, middle : middle + side * GRID, middle : middle + side * GRID]
    fields = cut.reshape(len(cut), GRID, side, GRID, side, -1).mean(axis=(2, 4))
    return fields.reshape(len(cut), -1)


_index: dict[str, Points] = {}
_building = threading.Lock()


def index(spaces: tuple[str, ...]) -> dict[str, Points]:
    """The shipped 5,000 digits as points of these spaces: made in seconds, once for all visitors, and kept, 8 MB."""
    with _building:
        if missing := tuple(space for space in spaces if space not in _index):
            _index.update(_built(missing))
        return {space: _index[space] for space in spaces}


def _built(spaces: tuple[str, ...]) -> dict[str, Points]:
    """The digits as points; in pixels they are those that are in memory anyway."""
    x = images.digits()[0]
    found = {PIXELS: Points(x.reshape(len(x), -1), np.full((len(x), 1), 1 / 255, np.float32))}
    layers = tuple(space for space in spaces if space != PIXELS)
    for first in range(0, len(x) if layers else 0, BATCH):
        rows = slice(first, first + BATCH)
        for layer, values in described(x[rows, ..., None].astype(np.float32) / 255.0, layers).items():
            if layer not in found:  # made before the rest: what stays must not lie between what goes
                found[layer] = Points(np.empty((len(x), values.shape[1]), np.uint8), np.empty((len(x), 1), np.float32))
            found[layer].put(rows, values)
    return found


def distances(points: np.ndarray, others: Points | np.ndarray) -> np.ndarray:
    """Euclidean distances, float32 (n, m), of points (n, size) to others (m, size), which are widened in pieces."""
    result = np.empty((len(points), len(others)), np.float32)
    for first in range(0, len(others), 1000):
        some = others[first : first + 1000]
        squares = (points**2).sum(axis=1)[:, None] + (some**2).sum(axis=1) - 2 * points @ some.T
        result[:, first : first + 1000] = np.sqrt(np.maximum(squares, 0))
    return result


def nearest(field: np.ndarray, spaces: tuple[str, ...] = SPACES, count: int = 8) -> dict[str, Neighbours]:
    """The shipped digits nearest to what the network saw; the very same picture is left out.

    Args:
        field: float32 (28, 28) in [0, 1].
    """
    x, y = images.digits()
    points = described(field[None, :, :, None].astype(np.float32), spaces)
    same, result = _same(x, field), {}
    for space in spaces:
        away = np.where(same, np.inf, distances(points[space], index(spaces)[space])[0])
        best = np.argsort(away, kind="stable")[:count]
        result[space] = Neighbours(x[best], y[best], away[best].astype(np.float32))
    return result


def label_of(field: np.ndarray) -> int | None:
    """What digit a field is where it is one of the shipped ones, float32 (28, 28) in [0, 1]; None for all others."""
    x, y = images.digits()
    same = _same(x, field)
    return int(y[same.argmax()]) if same.any() else None


def _same(x: np.ndarray, field: np.ndarray) -> np.ndarray:
    return (x == np.round(field * 255).astype(np.uint8)).all(axis=(1, 2))


@lru_cache(maxsize=4)
def agreement(space: str, every: int = 10) -> float:
    """How many of the shipped digits, each `every`-th, have a nearest other one that is the same digit."""
    points, y = index(SPACES)[space], images.digits()[1]
    asked = np.arange(0, len(y), every)
    away = distances(points[asked], points)
    away[np.arange(len(asked)), asked] = np.inf
    return float((y[away.argmin(axis=1)] == y[asked]).mean())
