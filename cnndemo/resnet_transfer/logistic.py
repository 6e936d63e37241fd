"""Multinomial logistic regression with weight decay and a free bias: what a softmax layer on frozen features is.

Same minimum as scikit-learn's `LogisticRegression(C=1 / (n · DECAY), class_weight="balanced")` on rows that were
centred and divided by one number, both found on the rows that train (for two classes `C=2 / (n · DECAY)`: there it
holds one column of weights where a softmax has two). A golden test holds to that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnndemo import gate
from cnndemo.resnet_transfer.backbones import softmax

DECAY = 0.003


@dataclass(frozen=True)
class Span:
    """Rows in the coordinates of their own span, which holds the best weights: exact, and far fewer numbers.

    Attributes:
        mean: (features,) taken off every row. The bias is free, so it changes no answer.
        directions: (rank, features) orthonormal.
        rows: (n, rank).
    """

    mean: np.ndarray
    directions: np.ndarray
    rows: np.ndarray


def span(rows: np.ndarray) -> Span:
    """The span of rows (n, features), from their inner products: a much smaller matrix than the rows themselves."""
    rows = rows.astype(np.float64)
    mean = rows.mean(axis=0)
    rows = rows - mean
    values, vectors = np.linalg.eigh(rows @ rows.T)
    kept = values > max(values[-1], 1e-12) * 1e-12
    singular, vectors = np.sqrt(values[kept]), vectors[:, kept]
    return Span(mean, (vectors / singular).T @ rows, vectors * singular)


def weights(labels: np.ndarray, balanced: bool) -> np.ndarray:
    """One weight a row, with a mean of one; `balanced` gives each class that occurs the same in all."""
    if not balanced:
        return np.ones(len(labels))
    _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return (len(labels) / (len(counts) * counts))[place]


@gate.heavy
def solve(
    rows: np.ndarray, labels: np.ndarray, weights: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """The minimum of the weighted mean cross-entropy + DECAY / 2 · |kernel|² on the scaled rows, by L-BFGS.

    Args:
        rows: float64 (n, rank).
        labels: (n,) class numbers below `count`, each of which occurs.
        weights: (n,).

    Returns:
        Kernel (rank, count) and bias (count,) for the rows as they came, and the cross-entropy at every step.
    """
    from scipy.optimize import minimize  # takes a moment, and only this page needs it

    mean = rows.mean(axis=0)
    scale = float(np.sqrt(((rows - mean) ** 2).sum(axis=1).mean())) or 1.0
    rows = np.hstack([(rows - mean) / scale, np.ones((len(rows), 1))])
    share, target, losses = (weights / weights.sum())[:, None], np.eye(count)[labels], []
    decay = np.full((rows.shape[1], 1), DECAY)
    decay[-1] = 0  # the bias is free

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        solution = flat.reshape(-1, count)
        probabilities = softmax(rows @ solution)
        losses.append(-float((share * target * np.log(probabilities.clip(1e-300))).sum()))
        slope = rows.T @ ((probabilities - target) * share) + decay * solution
        return losses[-1] + 0.5 * (decay * solution**2).sum(), slope.ravel()

    options = {"ftol": 0, "gtol": 1e-10, "maxiter": 1000, "maxcor": 50}
    found = minimize(loss, np.zeros(rows.shape[1] * count), jac=True, method="L-BFGS-B", options=options)
    solution = found.x.reshape(-1, count)
    kernel = solution[:-1] / scale
    return kernel, solution[-1] - mean @ kernel, losses
