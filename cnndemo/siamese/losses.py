"""Contrastive and triplet loss: for training with Keras, and in plain NumPy with their gradients (book 5.6).

The Keras functions train the networks. The NumPy functions draw the playgrounds; tests hold the two against each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnndemo.errors import VisitorError

_FLOOR = 1e-12  # squared distances are kept above it, so that the gradient of their root stays finite


# --- For training: keras.ops, any backend -----------------------------------------------------------------------


def contrastive_loss(y_true, y_pred, margin: float = 1.0):
    """Contrastive loss of listing 5.6 on the raw distance (Hadsell, Chopra, LeCun 2006).

    Args:
        y_true: 1 for a pair of the same class, 0 for a pair of different classes.
        y_pred: distances of the pairs, zero or more, in the shape of `y_true`. Not a sigmoid of the distance: that
            lies between 0.5 and 1, so a margin of 1 could never be reached.
        margin: different pairs further apart than this cost nothing.

    Returns:
        The mean over the pairs, a scalar tensor.

    Raises:
        VisitorError: labels and distances of different shapes. Labels (n,) against distances (n, 1) would be spread to
            n × n pairs, each label against every distance, and the mean of those looks like a loss.
    """
    from keras import ops

    _same_shape(y_true, y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    square_pred = ops.square(y_pred)
    margin_square = ops.square(ops.maximum(margin - y_pred, 0))
    return ops.mean(y_true * square_pred + (1 - y_true) * margin_square)


def _same_shape(labels, distances) -> None:
    """Refuses what NumPy would spread; a length that is not known yet fits every other."""
    shapes = tuple(labels.shape), tuple(distances.shape)
    pairs = zip(*shapes, strict=False)
    if len(shapes[0]) != len(shapes[1]) or any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise VisitorError(
            f"The labels have the shape {shapes[0]}, the distances {shapes[1]}; they must have the same. "
            "Please reshape the labels: each pair has one label and one distance."
        )


def triplet_loss(anchor, positive, negative, margin: float = 1.0):
    """Triplet loss of the book, 5.6: max(|A − P|² − |A − N|² + margin, 0), mean over the batch of (batch, n) inputs."""
    from keras import ops

    to_positive = ops.sum(ops.square(anchor - positive), axis=-1)
    to_negative = ops.sum(ops.square(anchor - negative), axis=-1)
    return ops.mean(ops.maximum(to_positive - to_negative + margin, 0))


def squared_distances(embeddings):
    """All squared Euclidean distances of (batch, n) embeddings, as a (batch, batch) tensor."""
    from keras import ops

    squares = ops.sum(ops.square(embeddings), axis=1)
    return ops.maximum(squares[:, None] + squares[None, :] - 2 * ops.matmul(embeddings, ops.transpose(embeddings)), 0)


def all_pairs_contrastive_loss(labels, embeddings, margin: float = 1.0):
    """`contrastive_loss` over every pair of a batch; same and different pairs count half each.

    Random pairs of ten classes are nine times out of ten different. Weighing the two halves equally has the effect
    of drawing as many same pairs as different ones, but uses all batch · (batch − 1) / 2 pairs of one forward pass.

    Args:
        labels: class of each embedding, shape (batch,) or (batch, 1).
        embeddings: shape (batch, n).
        margin: as in `contrastive_loss`.
    """
    from keras import ops

    labels = ops.reshape(labels, (-1,))
    others = 1 - ops.eye(ops.shape(embeddings)[0], dtype=embeddings.dtype)
    same = ops.cast(labels[:, None] == labels[None, :], embeddings.dtype) * others
    different = others - same
    square = squared_distances(embeddings)
    missing = ops.maximum(margin - ops.sqrt(ops.maximum(square, _FLOOR)), 0)
    pull = ops.sum(same * square) / ops.maximum(ops.sum(same), 1)
    push = ops.sum(different * ops.square(missing)) / ops.maximum(ops.sum(different), 1)
    return (pull + push) / 2


def semi_hard_triplet_loss(labels, embeddings, margin: float = 1.0):
    """Triplet loss with semi-hard negatives mined in the batch (Schroff, Kalenichenko, Philbin 2015).

    For each pair of anchor and positive the negative is the nearest one that is still further from the anchor than
    the positive; where there is none, the furthest negative. Distances are squared, as in the book.

    Args:
        labels: class of each embedding, shape (batch,) or (batch, 1).
        embeddings: shape (batch, n). The mining takes batch³ numbers of memory.
        margin: the α of the book.

    Returns:
        The mean over all pairs of anchor and positive, a scalar tensor.
    """
    from keras import ops

    labels = ops.reshape(labels, (-1,))
    same = labels[:, None] == labels[None, :]
    square = squared_distances(embeddings)
    far = ops.max(ops.stop_gradient(square)) + 1
    to_negative = ops.where(same, far, square)  # (anchor, negative)
    # (anchor, positive, negative): only negatives beyond the positive
    beyond = ops.where(to_negative[:, None, :] > square[:, :, None], to_negative[:, None, :], far)
    nearest_beyond = ops.min(beyond, axis=2)
    furthest = ops.max(ops.where(same, 0, square), axis=1, keepdims=True)
    negative = ops.where(nearest_beyond < far, nearest_beyond, furthest)
    pairs = ops.cast(same, embeddings.dtype) * (1 - ops.eye(ops.shape(embeddings)[0], dtype=embeddings.dtype))
    return ops.sum(pairs * ops.maximum(square - negative + margin, 0)) / ops.maximum(ops.sum(pairs), 1)


def pair_accuracy(labels, embeddings, threshold: float = 0.5):
    """Share of a batch's pairs that a distance threshold judges rightly, mean of same and different pairs.

    A figure to watch while training with a margin of 1; the card's accuracy uses a threshold chosen on validation.
    """
    from keras import ops

    labels = ops.reshape(labels, (-1,))
    same = ops.cast(labels[:, None] == labels[None, :], embeddings.dtype)
    close = ops.cast(squared_distances(embeddings) <= threshold**2, embeddings.dtype)
    own = 1 - ops.eye(ops.shape(embeddings)[0], dtype=embeddings.dtype)
    accepted = ops.sum(same * own * close) / ops.maximum(ops.sum(same * own), 1)
    refused = ops.sum((1 - same) * (1 - close)) / ops.maximum(ops.sum(1 - same), 1)
    return (accepted + refused) / 2


# --- For the playgrounds: NumPy, with gradients -----------------------------------------------------------------


@dataclass(frozen=True)
class Triplet:
    """What one triplet costs and where gradient descent would move its three points.

    Attributes:
        to_positive, to_negative: squared distances of the anchor.
        loss: the triplet loss.
        gradients: (3, n), derivative of the loss by anchor, positive and negative; descent goes the other way.
        kind: "easy" (no loss), "semi-hard" (negative beyond the positive, but within the margin) or "hard".
    """

    to_positive: float
    to_negative: float
    loss: float
    gradients: np.ndarray
    kind: str


def contrastive(distance: np.ndarray, same: np.ndarray, margin: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Contrastive loss of each pair and its derivative by the distance, both in the shape of `distance`.

    Raises:
        VisitorError: labels of another shape, as for `contrastive_loss`.
    """
    distance, same = np.asarray(distance, float), np.asarray(same, float)
    _same_shape(same, distance)
    missing = np.maximum(margin - distance, 0)
    return same * distance**2 + (1 - same) * missing**2, 2 * same * distance - 2 * (1 - same) * missing


def triplet(
    anchor: np.ndarray, positive: np.ndarray, negative: np.ndarray, margin: float = 1.0, clip: bool = True
) -> Triplet:
    """Triplet loss of three points, with gradients (book 5.6).

    Args:
        anchor, positive, negative: points, shape (n,).
        margin: the α of the book; 0 switches it off.
        clip: False leaves the max(…, 0) out, so that the loss has no lower bound.
    """
    anchor, positive, negative = (np.asarray(point, float) for point in (anchor, positive, negative))
    to_positive = float(np.sum((anchor - positive) ** 2))
    to_negative = float(np.sum((anchor - negative) ** 2))
    raw = to_positive - to_negative + margin
    gradients = 2 * np.stack([negative - positive, positive - anchor, anchor - negative])
    if clip and raw <= 0:
        gradients = np.zeros_like(gradients)
    kind = "hard" if to_negative <= to_positive else "semi-hard" if raw > 0 else "easy"
    return Triplet(to_positive, to_negative, max(raw, 0.0) if clip else raw, gradients, kind)


def descend(points: np.ndarray, margin: float = 1.0, clip: bool = True, rate: float = 0.02, steps: int = 30):
    """Gradient descent on the triplet loss of three points that are free to move.

    Args:
        points: anchor, positive and negative, shape (3, n).
        margin, clip: as in `triplet`.
        rate: learning rate.
        steps: number of steps.

    Returns:
        paths (steps + 1, 3, n) with the start first, and losses (steps + 1,).
    """
    paths, losses = [np.asarray(points, float)], []
    for _ in range(steps):
        state = triplet(*paths[-1], margin=margin, clip=clip)
        losses.append(state.loss)
        paths.append(paths[-1] - rate * state.gradients)
    losses.append(triplet(*paths[-1], margin=margin, clip=clip).loss)
    return np.stack(paths), np.array(losses)
