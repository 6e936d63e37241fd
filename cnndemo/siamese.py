"""Pairs, embeddings and what can be measured with them: the library of the Siamese networks page (book 5.3, 5.6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnndemo.errors import VisitorError

SIDE = 28  # pixels of an MNIST digit, each way


def prepare(digits: np.ndarray) -> np.ndarray:
    """Digits as the base network wants them, in training and in the page alike.

    Args:
        digits: uint8 (n, 28, 28) or (28, 28), white ink on black.

    Returns:
        float32 (n, 28, 28, 1), 0 to 1.
    """
    digits = np.asarray(digits)
    if digits.shape[-2:] != (SIDE, SIDE) or digits.ndim not in (2, 3):
        raise VisitorError(f"A digit must be {SIDE}×{SIDE} pixels of grey; this one has the shape {digits.shape}.")
    return (digits.reshape(-1, SIDE, SIDE, 1) / 255.0).astype(np.float32)


# --- Pairs ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pairs:
    """Pairs of examples: indices `a` and `b`, and `same`, True where both are of one class; all of shape (n,)."""

    a: np.ndarray
    b: np.ndarray
    same: np.ndarray


def draw_pairs(labels: np.ndarray, count: int, seed: int) -> Pairs:
    """Random pairs, half of one class and half of two, without a loop (book 5.3).

    Args:
        labels: class of each example, (n,).
        count: how many pairs; the first half is same, the second different.
        seed: the same seed draws the same pairs.

    Raises:
        VisitorError: fewer than two classes, or a class with a single example.
    """
    labels = np.asarray(labels).reshape(-1)
    classes, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2 or sizes.min() < 2:
        raise VisitorError("Pairs need at least two classes with at least two examples each.")
    generator = np.random.default_rng(seed)
    order = np.argsort(inverse, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    rank = np.empty(len(labels), int)
    rank[order] = np.arange(len(labels)) - starts[inverse[order]]

    a = generator.integers(0, len(labels), count)
    same = np.arange(count) < count // 2
    own = inverse[a]
    step = generator.integers(1, sizes[own])  # another example of the own class
    partner_same = order[starts[own] + (rank[a] + step) % sizes[own]]
    # another class: walk on from the end of the own class, round the sorted examples
    walk = generator.integers(0, len(labels) - sizes[own])
    partner_different = order[(starts[own] + sizes[own] + walk) % len(labels)]
    return Pairs(a, np.where(same, partner_same, partner_different), same)


def distances(a: np.ndarray, b: np.ndarray, norm: int = 2) -> np.ndarray:
    """L2 (or, with norm=1, L1) distance of embeddings along the last axis; broadcasts as NumPy does."""
    difference = np.asarray(a, np.float32) - np.asarray(b, np.float32)
    if norm == 1:
        return np.abs(difference).sum(axis=-1)
    return np.sqrt(np.square(difference).sum(axis=-1))


# --- Judging by a threshold -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """Error rates at each threshold: a pair counts as the same class when its distance is at most the threshold.

    Attributes:
        thresholds: (n,), rising.
        false_accept: share of the different pairs that are taken for the same.
        false_reject: share of the same pairs that are taken for different.
    """

    thresholds: np.ndarray
    false_accept: np.ndarray
    false_reject: np.ndarray

    def at(self, threshold: float) -> tuple[float, float]:
        """False accept and false reject rate at one threshold."""
        position = int(np.searchsorted(self.thresholds, threshold, side="right")) - 1
        if position < 0:
            return 0.0, 1.0
        return float(self.false_accept[position]), float(self.false_reject[position])

    @property
    def area(self) -> float:
        """Area under the ROC curve (true accepts over false accepts): 1 is perfect, 0.5 is guessing."""
        x = np.concatenate([[0.0], self.false_accept, [1.0]])
        y = np.concatenate([[0.0], 1 - self.false_reject, [1.0]])
        return float(np.trapezoid(y, x))

    @property
    def equal_error_rate(self) -> float:
        """The error rate at the threshold where both kinds of error are equally frequent."""
        position = int(np.argmin(np.abs(self.false_accept - self.false_reject)))
        return float((self.false_accept[position] + self.false_reject[position]) / 2)

    def best_threshold(self) -> float:
        """The threshold with the fewest errors when half of the pairs are the same; the middle of a tie."""
        errors = self.false_accept + self.false_reject
        best = np.flatnonzero(errors <= errors.min() + 1e-12)
        return float(self.thresholds[best[len(best) // 2]])


def curve(distance: np.ndarray, same: np.ndarray) -> Curve:
    """Error rates of pairs at every distance that occurs.

    Args:
        distance: (n,) distances of the pairs.
        same: (n,) bool.
    """
    distance, same = np.asarray(distance), np.asarray(same, bool)
    if not same.any() or same.all():
        raise VisitorError("An error curve needs pairs of the same class and pairs of different classes.")
    thresholds, index = np.unique(distance, return_inverse=True)
    accepted_same = np.cumsum(np.bincount(index, weights=same, minlength=len(thresholds)))
    accepted_different = np.cumsum(np.bincount(index, weights=~same, minlength=len(thresholds)))
    return Curve(thresholds, accepted_different / (~same).sum(), 1 - accepted_same / same.sum())


def accuracy(distance: np.ndarray, same: np.ndarray, threshold: float) -> float:
    """Share of the pairs that a threshold judges rightly."""
    return float(np.mean((np.asarray(distance) <= threshold) == np.asarray(same, bool)))


# --- One-shot classification ------------------------------------------------------------------------------------


def classify(queries: np.ndarray, examples: np.ndarray) -> np.ndarray:
    """The class whose mean example lies nearest.

    Args:
        queries: embeddings (n, d).
        examples: a few embeddings of each class, (classes, shots, d).

    Returns:
        (n,) index of the class.
    """
    centres = examples.mean(axis=1)
    return np.argmin(distances(queries[:, None], centres[None]), axis=1)


@dataclass(frozen=True)
class FewShot:
    """Accuracy of few-shot classification, mean over the draws of examples.

    Attributes:
        shots: examples given of each class.
        of_class: share of the digits of the new class that were named rightly, with one value a draw, (draws,).
        overall: the same over all classes, (draws,).
    """

    shots: int
    of_class: np.ndarray
    overall: np.ndarray


def few_shot(
    embeddings: np.ndarray, labels: np.ndarray, new_class: int, shots: int, draws: int = 100, seed: int = 0
) -> FewShot:
    """Ten-way classification from a few examples of each class, of which one class is new to the network.

    Each draw takes `shots` random examples of every class, and names all the other digits by `classify`.
    """
    generator = np.random.default_rng(seed)
    classes = np.unique(labels)
    members = [np.flatnonzero(labels == c) for c in classes]
    of_class, overall = [], []
    for _ in range(draws):
        chosen = np.stack([generator.choice(indices, shots, replace=False) for indices in members])
        rest = np.setdiff1d(np.arange(len(labels)), chosen)
        centres = embeddings[chosen].mean(axis=1)
        square = (centres**2).sum(1) - 2 * embeddings[rest] @ centres.T
        right = classes[square.argmin(axis=1)] == labels[rest]
        of_class.append(right[labels[rest] == new_class].mean())
        overall.append(right.mean())
    return FewShot(shots, np.array(of_class), np.array(overall))


# --- The embedding space in two dimensions ----------------------------------------------------------------------


@dataclass(frozen=True)
class Projection:
    """Principal component analysis: `mean` (d,), `axes` (2, d) and the share of the variance each axis shows."""

    mean: np.ndarray
    axes: np.ndarray
    explained: np.ndarray

    def __call__(self, embeddings: np.ndarray) -> np.ndarray:
        """Points in the plane, (n, 2)."""
        return (np.asarray(embeddings, float) - self.mean) @ self.axes.T


def principal_components(embeddings: np.ndarray, count: int = 2) -> Projection:
    """The directions in which (n, d) embeddings vary most; signs fixed so that the same data give the same picture."""
    embeddings = np.asarray(embeddings, float)
    mean = embeddings.mean(axis=0)
    _, singular, axes = np.linalg.svd(embeddings - mean, full_matrices=False)
    axes = axes[:count]
    axes = axes * np.sign(axes[np.arange(count), np.abs(axes).argmax(axis=1)])[:, None]
    total = max(float((singular**2).sum()), 1e-12)
    return Projection(mean, axes, singular[:count] ** 2 / total)
