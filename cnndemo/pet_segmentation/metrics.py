"""Scores of a segmentation: pixel accuracy, Jaccard, Dice, boundary F-score, and soft versions for training.

Conventions for empty masks, so that no score is ever 0/0: two empty masks are equal, so every overlap is 1; one empty
and one filled mask share nothing, so every overlap is 0. In a table of classes, a class that neither mask contains has
no score (NaN) and is left out of the mean.
"""

from __future__ import annotations

import cv2
import numpy as np


def confusion(truth: np.ndarray, predicted: np.ndarray, labels: tuple[int, ...] = (1, 2, 3)) -> np.ndarray:
    """Counts of pixels by true (row) and predicted (column) label.

    Args:
        truth, predicted: integer labels of one shape; pixels whose true label is not in `labels` are ignored.

    Returns:
        int64 (len(labels), len(labels)).

    Raises:
        ValueError: the shapes differ.
    """
    _same_shape(truth, predicted)
    table = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for row, true_label in enumerate(labels):
        values = predicted[truth == true_label]
        table[row] = [np.count_nonzero(values == label) for label in labels]
    return table


def pixel_accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Share of pixels with the right label, 0 to 1; masks without a pixel count as right."""
    _same_shape(truth, predicted)
    return float(np.mean(truth == predicted)) if truth.size else 1.0


def jaccard(a: np.ndarray, b: np.ndarray) -> float:
    """Jaccard coefficient, or intersection over union, of two boolean masks: |A∩B| / (|A|+|B|−|A∩B|) (book 6.4.1)."""
    both, either = _overlap(a, b)
    return both / either if either else 1.0


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Dice coefficient of two boolean masks: 2|A∩B| / (|A|+|B|). The book's 6.4.2 lost the 2."""
    both, either = _overlap(a, b)
    return 2 * both / (both + either) if either else 1.0


def jaccard_from_dice(value: float) -> float:
    """J = D / (2 − D)."""
    return value / (2 - value)


def dice_from_jaccard(value: float) -> float:
    """D = 2J / (1 + J)."""
    return 2 * value / (1 + value)


def class_jaccard(table: np.ndarray) -> np.ndarray:
    """Jaccard of each class from a confusion table (..., n, n): float64 (..., n), NaN where a class never occurs."""
    right = np.diagonal(table, axis1=-2, axis2=-1).astype(float)
    union = table.sum(-1) + table.sum(-2) - right
    return np.divide(right, union, out=np.full(right.shape, np.nan), where=union > 0)


def class_dice(table: np.ndarray) -> np.ndarray:
    """Dice of each class from a confusion table (..., n, n): float64 (..., n), NaN where a class never occurs."""
    return dice_from_jaccard(class_jaccard(table))


def mean_jaccard(table: np.ndarray) -> float:
    """Mean over the classes that occur; 1 when none does."""
    values = class_jaccard(table)
    return float(np.nanmean(values)) if np.isfinite(values).any() else 1.0


def boundary(mask: np.ndarray) -> np.ndarray:
    """The pixels of a boolean mask that touch its outside (4-neighbourhood); the picture's edge is no outside."""
    filled = np.ascontiguousarray(mask, dtype=np.uint8)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    inner = cv2.erode(filled, cross, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    return (filled == 1) & (inner == 0)


def boundary_f_score(truth: np.ndarray, predicted: np.ndarray, tolerance: float = 2.0) -> float:
    """How well two outlines agree: harmonic mean of the shares of each outline that lies near the other.

    After Martin, Fowlkes and Malik 2004, and Csurka et al. 2013.

    Args:
        truth, predicted: boolean masks of one shape.
        tolerance: how many pixels apart still counts as agreement.
    """
    _same_shape(truth, predicted)
    outlines = boundary(truth), boundary(predicted)
    if not outlines[0].any() or not outlines[1].any():
        return float(outlines[0].any() == outlines[1].any() and bool(np.any(truth)) == bool(np.any(predicted)))
    shares = []
    for mine, other in (outlines, outlines[::-1]):
        distance = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        shares.append(float(np.mean(distance[mine] <= tolerance)))
    return 2 * shares[0] * shares[1] / (shares[0] + shares[1]) if sum(shares) else 0.0


def soft_jaccard(truth, probabilities, smooth: float = 1e-6):
    """Jaccard for training: probabilities instead of decisions, so that it has a gradient.

    Args:
        truth: tensor (batch, height, width, classes), one-hot or soft labels; all zero where a pixel does not count.
        probabilities: tensor of the same shape.
        smooth: added above and below, so that an absent class that is not predicted scores 1.

    Returns:
        Tensor (classes,), over all pixels of the batch.
    """
    both, total = _soft_overlap(truth, probabilities)
    return (both + smooth) / (total - both + smooth)


def soft_dice(truth, probabilities, smooth: float = 1e-6):
    """Dice for training (Milletari, Navab and Ahmadi 2016); arguments and result as in `soft_jaccard`."""
    both, total = _soft_overlap(truth, probabilities)
    return (2 * both + smooth) / (total + smooth)


def _soft_overlap(truth, probabilities):
    from keras import ops

    counts = ops.sum(truth, axis=-1, keepdims=True)
    axes = tuple(range(len(truth.shape) - 1))
    both = ops.sum(truth * probabilities, axis=axes)
    return both, ops.sum(truth, axis=axes) + ops.sum(probabilities * counts, axis=axes)


def _overlap(a: np.ndarray, b: np.ndarray) -> tuple[int, int]:
    """Pixels of the intersection and of the union."""
    _same_shape(a, b)
    a, b = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    return int(np.count_nonzero(a & b)), int(np.count_nonzero(a | b))


def _same_shape(a: np.ndarray, b: np.ndarray) -> None:
    if np.shape(a) != np.shape(b):
        raise ValueError(f"Masks must have one shape; these have {np.shape(a)} and {np.shape(b)}.")
