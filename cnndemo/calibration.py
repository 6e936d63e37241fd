"""Can a network's percentages be believed? Of those answers that it is 90 % sure of, nine in ten should be right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 10


def softened(scores: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """The softmax of scores divided by a temperature (Guo et al. 2017): above 1 it is less sure, below 1 surer.

    Args:
        scores: logits (…, classes).
        temperature: above 0.
    """
    scaled = np.asarray(scores, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The mean of −ln p of the right class: probabilities (n, classes), labels (n,)."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels.astype(int)], 1e-12)).mean())


@dataclass(frozen=True)
class Diagram:
    """A reliability diagram: answers in bins by how sure they were.

    Attributes:
        count: (bins,) answers in each.
        confidence: (bins,) their mean probability; 0 where there is none.
        accuracy: (bins,) the part of them that is right.
    """

    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error: how far what is said is from what is true, the mean over all answers."""
        total = max(1, int(self.count.sum()))
        return float((self.count * np.abs(self.confidence - self.accuracy)).sum() / total)


def diagram(probabilities: np.ndarray, labels: np.ndarray) -> Diagram:
    """The diagram of answers (n, classes) to pictures whose classes (n,) are known."""
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    mean = [np.bincount(place, values, BINS) / np.maximum(count, 1) for values in (sure, right.astype(float))]
    return Diagram(count, *mean)
