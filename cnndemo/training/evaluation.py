"""How good a network is when its training has ended: what it mixes up, and whether its percentages can be believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnndemo.training.data import Own, Split, held_out

BINS = 10
COLDEST, HOTTEST = 0.05, 20.0  # between which a temperature is looked for


@dataclass(frozen=True)
class Report:
    """Answers to the digits that neither learning nor choosing has seen.

    Attributes:
        pictures: uint8 (n, 28, 28) or (n, 28, 28, 3).
        truth: (n,).
        probabilities: float32 (n, classes).
        classes: their names.
        temperature: by which scores are divided so that the validation digits' probabilities fit best.
        validated: whether the pictures are those of validation: so few were brought that nothing was left to test on.
    """

    pictures: np.ndarray
    truth: np.ndarray
    probabilities: np.ndarray
    classes: tuple[str, ...]
    temperature: float
    validated: bool = False

    @property
    def answers(self) -> np.ndarray:
        """(n,)"""
        return self.probabilities.argmax(axis=1)

    @property
    def accuracy(self) -> float:
        return float((self.answers == self.truth).mean())

    @property
    def matrix(self) -> np.ndarray:
        """(classes, classes) counts, truth in rows."""
        matrix = np.zeros((len(self.classes),) * 2, int)
        np.add.at(matrix, (self.truth, self.answers), 1)
        return matrix

    def cell(self, truth: int, answer: int) -> np.ndarray:
        """Rows of the pictures of a cell of the matrix, the surest answers first."""
        rows = np.flatnonzero((self.truth == truth) & (self.answers == answer))
        return rows[np.argsort(-self.probabilities[rows, answer], kind="stable")]

    def worst(self, most: int = 12) -> np.ndarray:
        """Rows of the mistakes that it was surest of."""
        wrong = np.flatnonzero(self.answers != self.truth)
        return wrong[np.argsort(-self.probabilities[wrong].max(axis=1), kind="stable")][:most]


@dataclass(frozen=True)
class Reliability:
    """Answers in bins by how sure they are: mean sureness and share right of each bin, NaN where it is empty.

    Attributes:
        error: expected calibration error, the mean distance of the two, each bin by its count (Guo et al. 2017).
    """

    sure: np.ndarray
    right: np.ndarray
    counts: np.ndarray
    error: float


def report(predict: Callable[[np.ndarray], np.ndarray], own: Own | None = None) -> Report:
    """Ask a network about the held-out digits.

    Args:
        predict: float32 (n, height, width, channels) in [0, 1] -> (n, classes).
        own: what the visitor brought, if that was learned from.
    """
    validation, test = (own.validation, own.test) if own else held_out()
    classes = own.classes if own else tuple("0123456789")
    found = temperature(_asked(predict, validation), validation[1])
    return Report(test[0], test[1].astype(int), _asked(predict, test), classes, found, test[0] is validation[0])


def _asked(predict: Callable[[np.ndarray], np.ndarray], split: Split) -> np.ndarray:
    x = split[0] if split[0].ndim == 4 else split[0][..., None]
    return np.concatenate([predict(x[at : at + 250].astype(np.float32) / 255) for at in range(0, len(x), 250)])


def warmed(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The softmax of scores divided by a temperature; the order of the classes stays. (n, classes)."""
    scores = np.log(np.maximum(probabilities, 1e-12)) / temperature
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """The mean of −ln p of the right class."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(truth)), truth.astype(int)], 1e-12)).mean())


def temperature(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """The temperature with the least cross-entropy; it has one minimum, which is closed in on (golden section)."""
    low, high, golden = np.log(COLDEST), np.log(HOTTEST), (np.sqrt(5) - 1) / 2

    def loss(place: float) -> float:
        return cross_entropy(warmed(probabilities, np.exp(place)), truth)

    for _ in range(40):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def reliability(probabilities: np.ndarray, truth: np.ndarray, bins: int = BINS) -> Reliability:
    """How often answers are right, by how sure they are."""
    sure, hits = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    place = np.minimum((sure * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean, share = (np.bincount(place, values, minlength=bins) / counts for values in (sure, hits))
    filled = counts > 0
    error = float((counts[filled] * np.abs(mean[filled] - share[filled])).sum() / counts.sum())
    return Reliability(mean, share, counts, error)
