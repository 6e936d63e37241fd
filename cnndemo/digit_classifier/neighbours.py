"""The shipped digits nearest to one, in pixels and in each layer: why depth helps, and why a digit was misread."""

from __future__ import annotations

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


@lru_cache(maxsize=2)
def index(spaces: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The shipped 5,000 digits as points, space -> float16 (5000, size): at most 26 MB, made in seconds and kept."""
    x = images.digits()[0]
    parts: dict[str, list[np.ndarray]] = {space: [] for space in spaces}
    for first in range(0, len(x), BATCH):
        batch = x[first : first + BATCH, ..., None].astype(np.float32) / 255.0
        for space, values in described(batch, spaces).items():
            parts[space].append(values.astype(np.float16))
    return {space: np.concatenate(values) for space, values in parts.items()}


def distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Euclidean distances, float32 (n, m), of points (n, size) to others (m, size); float16 is widened in pieces."""
    result = np.empty((len(points), len(others)), np.float32)
    for first in range(0, len(others), 1000):
        some = others[first : first + 1000].astype(np.float32)
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
    same = (x == np.round(field * 255).astype(np.uint8)).all(axis=(1, 2))
    result = {}
    for space in spaces:
        away = np.where(same, np.inf, distances(points[space], index(spaces)[space])[0])
        best = np.argsort(away, kind="stable")[:count]
        result[space] = Neighbours(x[best], y[best], away[best].astype(np.float32))
    return result


@lru_cache(maxsize=4)
def agreement(space: str, every: int = 10) -> float:
    """How many of the shipped digits, each `every`-th, have a nearest other one that is the same digit."""
    points, y = index(SPACES)[space], images.digits()[1]
    asked = np.arange(0, len(y), every)
    away = distances(points[asked].astype(np.float32), points)
    away[np.arange(len(asked)), asked] = np.inf
    return float((y[away.argmin(axis=1)] == y[asked]).mean())
