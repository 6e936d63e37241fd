"""One batch by hand: digits → loss → gradient → weights moved → loss again, on a network small enough to be shown.

Four kernels of 3 × 3 with the rectifier, and a dense layer with softmax: the book's network in small. What a framework
does in `fit` for each batch stands here in NumPy; a test compares it with Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cnndemo import images

KERNELS, SIDE, CLASSES = 4, 28, 10
DIGITS = 320  # of one epoch here, 32 of each class
SIZES = (8, 16, 32)


@dataclass(frozen=True)
class Weights:
    """kernels (3, 3, 4), bias (4,), dense (26·26·4, 10), offset (10,); float64."""

    kernels: np.ndarray
    bias: np.ndarray
    dense: np.ndarray
    offset: np.ndarray

    def moved(self, slope: Weights, rate: float) -> Weights:
        """A step against the gradient: each number less rate × its slope."""
        pairs = zip(vars(self).values(), vars(slope).values(), strict=True)
        return Weights(*(own - rate * other for own, other in pairs))


@dataclass(frozen=True)
class Answer:
    """What the network says to a batch: maps (n, 26, 26, 4), probabilities (n, 10), the mean loss, and each loss."""

    maps: np.ndarray
    probabilities: np.ndarray
    losses: np.ndarray

    @property
    def loss(self) -> float:
        return float(self.losses.mean())


@dataclass(frozen=True)
class Step:
    """One batch: what it is, the weights before and after, the gradient, and both answers.

    Attributes:
        digits, labels: uint8 (n, 28, 28) and (n,).
    """

    digits: np.ndarray
    labels: np.ndarray
    before: Weights
    gradient: Weights
    after: Weights
    first: Answer
    again: Answer


def start(seed: int = 0) -> Weights:
    """Weights by chance (Glorot and Bengio 2010), biases zero."""
    generator, flat = np.random.default_rng(seed), (SIDE - 2) ** 2 * KERNELS
    limits = np.sqrt(6 / (9 + 9 * KERNELS)), np.sqrt(6 / (flat + CLASSES))
    kernels = generator.uniform(-limits[0], limits[0], (3, 3, KERNELS))
    dense = generator.uniform(-limits[1], limits[1], (flat, CLASSES))
    return Weights(kernels, np.zeros(KERNELS), dense, np.zeros(CLASSES))


def _windows(x: np.ndarray) -> np.ndarray:
    """All windows of 3 × 3 of digits (n, 28, 28): (n, 26, 26, 3, 3)."""
    return np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))


def forward(weights: Weights, x: np.ndarray, labels: np.ndarray) -> Answer:
    """What the network says, and how wrong that is: cross-entropy (listing 2.3).

    Args:
        x: (n, 28, 28) in [0, 1].
        labels: (n,).
    """
    maps = np.maximum(np.tensordot(_windows(x), weights.kernels, 2) + weights.bias, 0)
    scores = maps.reshape(len(x), -1) @ weights.dense + weights.offset
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    losses = -np.log(np.maximum(probabilities[np.arange(len(x)), labels], 1e-300))
    return Answer(maps, probabilities, losses)


def backward(weights: Weights, x: np.ndarray, labels: np.ndarray, answer: Answer) -> Weights:
    """The gradient of the mean loss: how much it grows with each weight. From the answer back to the kernels."""
    count = len(x)
    scores = answer.probabilities.copy()
    scores[np.arange(count), labels] -= 1  # of softmax and cross-entropy together: what was said less what is right
    scores /= count
    maps = (scores @ weights.dense.T).reshape(answer.maps.shape) * (answer.maps > 0)
    kernels = np.tensordot(_windows(x), maps, ((0, 1, 2), (0, 1, 2)))
    return Weights(kernels, maps.sum(axis=(0, 1, 2)), answer.maps.reshape(count, -1).T @ scores, scores.sum(axis=0))


@lru_cache(maxsize=1)
def epoch_digits() -> tuple[np.ndarray, np.ndarray]:
    """The digits of this epoch in their order, mixed: uint8 (320, 28, 28) and labels (320,)."""
    x, y = images.digits()
    rows = np.concatenate([np.flatnonzero(y == digit)[: DIGITS // CLASSES] for digit in range(CLASSES)])
    rows = np.random.default_rng(5).permutation(rows)
    return x[rows], y[rows].astype(int)


def batches(size: int) -> int:
    """How many batches of a size an epoch has here."""
    return DIGITS // size


@lru_cache(maxsize=6)  # each holds 1 MB
def epoch(size: int, rate: float, number: int) -> tuple[tuple[float, ...], Step]:
    """The batches of an epoch up to one of them.

    Args:
        size: digits of a batch.
        rate: learning rate.
        number: of the batch that is looked at, from 0.

    Returns:
        The loss of each batch so far before its step, and all of the last batch.
    """
    if number:
        losses, last = epoch(size, rate, number - 1)
        before = last.after
    else:
        losses, before = (), start()
    x, y = epoch_digits()
    rows = slice(number * size, (number + 1) * size)
    step = one_step(before, x[rows], y[rows], rate)
    return (*losses, step.first.loss), step


def one_step(weights: Weights, digits: np.ndarray, labels: np.ndarray, rate: float) -> Step:
    """What happens for a batch: answer, gradient, the weights moved, and the answer to the same digits again."""
    x = digits / 255.0
    first = forward(weights, x, labels)
    gradient = backward(weights, x, labels, first)
    after = weights.moved(gradient, rate)
    return Step(digits, labels, weights, gradient, after, first, forward(after, x, labels))
