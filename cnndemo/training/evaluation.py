"""How good a network is when its training has ended: what it mixes up, and whether its percentages can be believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnndemo.calibration import cross_entropy, softened
from cnndemo.training.data import Own, Split, held_out

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


def report(predict: Callable[[np.ndarray], np.ndarray], own: Own | None = None, data: str = "shipped") -> Report:
    """Ask a network about the held-out digits.

    Args:
        predict: float32 (n, height, width, channels) in [0, 1] -> (n, classes).
        own: what the visitor brought, if that was learned from.
        data: what was learned from, a key of `DATA`.
    """
    validation, test = held_out(own, data)
    classes = own.classes if own else tuple("0123456789")
    found = temperature(_asked(predict, validation), validation[1])
    return Report(test[0], test[1].astype(int), _asked(predict, test), classes, found, test[0] is validation[0])


def _asked(predict: Callable[[np.ndarray], np.ndarray], split: Split) -> np.ndarray:
    x = split[0] if split[0].ndim == 4 else split[0][..., None]
    return np.concatenate([predict(x[at : at + 250].astype(np.float32) / 255) for at in range(0, len(x), 250)])


def warmed(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The softmax of scores divided by a temperature; the order of the classes stays. (n, classes)."""
    return softened(np.log(np.maximum(probabilities, 1e-12)), temperature)


def temperature(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """The temperature with the least cross-entropy, which has one minimum."""
    from scipy.optimize import minimize_scalar

    def loss(place: float) -> float:
        return cross_entropy(warmed(probabilities, np.exp(place)), truth)

    return float(np.exp(minimize_scalar(loss, bounds=np.log([COLDEST, HOTTEST]), method="bounded").x))
