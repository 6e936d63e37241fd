"""How often a threshold on the distance errs, measured on Labeled Faces in the Wild and kept in the model card.

A pair at a distance below the threshold is accepted as one person. Two errors are possible: a false accept lets a
stranger in, a false reject keeps a friend out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

STEP = 0.01
"""Width of the bins in which a card keeps the distances, and the step of the threshold."""

LONGEST = 1.6
"""Distances beyond this (and failed detections) are in the last bin."""


@dataclass(frozen=True)
class Rates:
    """Distances of measured pairs, counted in bins of `STEP`.

    Attributes:
        same: int (bins,), pairs of one person; the last bin also holds pairs where no face was found.
        different: int (bins,), pairs of two people.
    """

    same: np.ndarray
    different: np.ndarray

    @property
    def edges(self) -> np.ndarray:
        """Lower edges of the bins, float64 (bins,)."""
        return np.arange(len(self.same)) * STEP

    def below(self, threshold: float) -> tuple[int, int]:
        """Accepted pairs at a threshold (a multiple of `STEP`): of one person, of two people."""
        bins = int(round(threshold / STEP))
        return int(self.same[:bins].sum()), int(self.different[:bins].sum())

    def false_reject(self, threshold: float) -> float:
        """Share of pairs of one person that are refused, 0 to 1."""
        return 1 - self.below(threshold)[0] / max(1, int(self.same.sum()))

    def false_accept(self, threshold: float) -> float:
        """Share of pairs of two people that are accepted, 0 to 1."""
        return self.below(threshold)[1] / max(1, int(self.different.sum()))

    def curve(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The ROC: thresholds, false accept rates and true accept rates, float64 (bins + 1,) each."""
        accepted_same = np.concatenate([[0], self.same.cumsum()]) / max(1, int(self.same.sum()))
        accepted_different = np.concatenate([[0], self.different.cumsum()]) / max(1, int(self.different.sum()))
        return np.arange(len(self.same) + 1) * STEP, accepted_different, accepted_same


def count(distances: np.ndarray) -> np.ndarray:
    """Count distances in bins of `STEP`; infinite ones (no face found) go into the last bin. int64 (bins,)."""
    bins = round(LONGEST / STEP)
    finite = np.where(np.isfinite(distances), distances, LONGEST)
    return np.bincount(np.minimum((finite / STEP).astype(int), bins - 1), minlength=bins)


def from_card(about: dict[str, Any], crop: str = "aligned") -> Rates:
    """Read the measured distances from the card of `face_embedding`.

    Args:
        about: the card.
        crop: "aligned", or "naive" for faces cut out with the detector's box alone.
    """
    counts = about["distances"][crop]
    return Rates(np.array(counts["same"]), np.array(counts["different"]))


def best_threshold(distances: np.ndarray, same: np.ndarray) -> float:
    """The multiple of `STEP` that decides most pairs rightly; of several equally good ones the middle."""
    thresholds = np.arange(1, round(LONGEST / STEP)) * STEP
    right = ((distances[None] < thresholds[:, None]) == same[None]).sum(axis=1)
    good = thresholds[right == right.max()]
    return float(round(good[len(good) // 2], 2))


def cross_validate(distances: np.ndarray, same: np.ndarray, folds: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Judge the pairs of each fold with the threshold that is best on the other folds.

    A pair without a distance (no face found, NaN) is always judged wrongly.

    Args:
        distances: float (pairs,), NaN where no face was found.
        same: bool (pairs,).
        folds: int (pairs,), the fold of each pair.

    Returns:
        bool (pairs,): judged rightly; and the threshold of each fold.
    """
    known = np.where(np.isnan(distances), np.inf, distances)
    right = np.zeros(len(same), bool)
    thresholds = []
    for fold in np.unique(folds):
        inside = folds == fold
        thresholds.append(best_threshold(known[~inside], same[~inside]))
        right[inside] = (known[inside] < thresholds[-1]) == same[inside]
    return right & ~np.isnan(distances), thresholds
