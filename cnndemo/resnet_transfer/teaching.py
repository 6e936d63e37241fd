"""A softmax layer on frozen features, trained in a moment on the visitor's own classes, and how good it is.

With a hundred pictures and 1280 features the layer has far more weights than examples. Its best weights lie in the span
of the examples, so the fit runs in that span: exact, and fast enough to leave out one picture after the other.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cnndemo.errors import VisitorError
from cnndemo.resnet_transfer.backbones import Network, softmax
from cnndemo.weights import Layer

MAX_CLASSES = 8
MAX_PICTURES = 200
VIEWS = 3  # further views of each picture when augmentation is on
LEAVE_ONE_OUT = 100  # above so many pictures, five folds
DECAY = 0.003


@dataclass(frozen=True)
class Shot:
    """One picture of a class.

    Attributes:
        name: where it came from, for example a file name.
        label: its class.
        pixels: uint8 (224, 224, 3), what the backbone sees of it.
        digest: hash of the pixels.
    """

    name: str
    label: str
    pixels: np.ndarray
    digest: str


@dataclass(frozen=True)
class Head:
    """A trained layer: `features @ kernel + bias` are the scores of `classes`; `losses` is how the fit went."""

    classes: tuple[str, ...]
    kernel: np.ndarray
    bias: np.ndarray
    losses: tuple[float, ...] = ()

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """float32 (n, features) -> (n, classes)."""
        return softmax(features @ self.kernel + self.bias)


@dataclass(frozen=True)
class Report:
    """How the head does on pictures that it was not trained on.

    Attributes:
        answers: (n,) class number answered for each picture.
        truth: (n,) its class number.
        scheme: "leaving one out" or "five folds".
        matrix: (classes, classes) counts, truth in rows.
    """

    answers: np.ndarray
    truth: np.ndarray
    scheme: str
    matrix: np.ndarray

    @property
    def accuracy(self) -> float:
        return float((self.answers == self.truth).mean())

    @property
    def balanced_accuracy(self) -> float:
        """Mean over the classes of the share that is right: a class with many pictures does not outweigh the others."""
        return float(np.mean([self.matrix[i, i] / max(1, self.matrix[i].sum()) for i in range(len(self.matrix))]))


def check(shots: Sequence[Shot], classes: Sequence[str]) -> None:
    """Says what is missing before a head can be trained.

    Raises:
        VisitorError: fewer than two or more than eight classes, a class without pictures, too many pictures.
    """
    if len(classes) < 2:
        have = f"There is only the class “{classes[0]}”" if classes else "There is no class yet"
        raise VisitorError(f"{have}. A head chooses between classes: give it at least two, each with pictures.")
    if len(classes) > MAX_CLASSES:
        raise VisitorError(f"{len(classes)} classes are too many for this page; at most {MAX_CLASSES} fit.")
    empty = [name for name in classes if not any(shot.label == name for shot in shots)]
    if empty:
        names = ", ".join(f"“{name}”" for name in empty)
        raise VisitorError(f"No pictures yet for {names}. Add some, or remove the class.")


_features: OrderedDict[tuple[str, int], np.ndarray] = OrderedDict()  # (digest, view) -> features, bounded
_features_lock = threading.Lock()
_FEATURES_KEPT = 4096


def view(shot: Shot, number: int) -> np.ndarray:
    """Another view of a picture: 0 the picture itself, 1 mirrored, then random crops of 70 to 95 %; uint8 squares.

    The same picture always gets the same views.
    """
    if number == 0:
        return shot.pixels
    generator = np.random.default_rng([int(shot.digest[:8], 16), number])
    side = shot.pixels.shape[0]
    pixels = shot.pixels
    if number > 1:
        inner = int(side * generator.uniform(0.7, 0.95))
        top, left = generator.integers(0, side - inner + 1, 2)
        square = Image.fromarray(pixels[top : top + inner, left : left + inner])
        pixels = np.asarray(square.resize((side, side), Image.Resampling.BICUBIC))
    mirrored = number == 1 or generator.random() < 0.5
    return np.ascontiguousarray(pixels[:, ::-1]) if mirrored else pixels


def features(
    shots: Sequence[Shot],
    network: Network,
    views: int = 0,
    progress: Callable[[float], None] = lambda done: None,
    batch_size: int = 8,
) -> np.ndarray:
    """Features of the pictures and of `views` further views of each, computed once for each content.

    Returns:
        float32 (n, 1 + views, features).
    """
    wanted = [(shot, number) for shot in shots for number in range(1 + views)]
    with _features_lock:
        known = {key: _features[key] for shot, number in wanted if (key := (shot.digest, number)) in _features}
    missing = [(shot, number) for shot, number in wanted if (shot.digest, number) not in known]
    for first in range(0, len(missing), batch_size):
        part = missing[first : first + batch_size]
        rows = network.features(np.stack([view(shot, number) for shot, number in part]))
        fresh = {(shot.digest, number): row for (shot, number), row in zip(part, rows, strict=True)}
        known |= fresh
        with _features_lock:
            _features.update(fresh)
            while len(_features) > _FEATURES_KEPT:
                _features.popitem(last=False)
        progress(min(1.0, (first + len(part)) / len(missing)))
    rows = np.stack([known[shot.digest, number] for shot, number in wanted])
    return rows.reshape(len(shots), 1 + views, -1)


def fit_head(
    features: np.ndarray, labels: np.ndarray, classes: Sequence[str], balanced: bool = True, rounds: int = 80
) -> Head:
    """Multinomial logistic regression with weight decay, by accelerated gradient descent on all pictures at once.

    Args:
        features: float32 (n, views, features).
        labels: (n,) class numbers.
        classes: names of the classes.
        balanced: weigh each class the same, however many pictures it has.
    """
    mean, scale, directions, span = _span(features)
    views = features.shape[1]
    weights = np.repeat(_weights(labels, len(classes), balanced), views)
    solution, losses = _solve(span, np.repeat(labels, views), weights[None], len(classes), rounds)
    kernel = (directions.T @ solution[0]) / scale
    return Head(tuple(classes), kernel.astype(np.float32), (-mean @ kernel).astype(np.float32), tuple(losses))


def _span(features: np.ndarray) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
    """The span of the rows (n × views, features): mean, scale, directions (rank, features), rows in it (…, rank).

    Found from the inner products of the rows, a much smaller matrix than the rows themselves.
    """
    rows = features.reshape(-1, features.shape[-1]).astype(np.float64)
    mean = rows.mean(axis=0)
    rows = rows - mean
    scale = float(np.sqrt((rows**2).sum(axis=1).mean())) or 1.0
    rows = rows / scale
    values, vectors = np.linalg.eigh(rows @ rows.T)
    kept = values > max(values[-1], 1e-12) * 1e-9
    singular, vectors = np.sqrt(values[kept]), vectors[:, kept]
    return mean, scale, (vectors / singular).T @ rows, vectors * singular


def _weights(labels: np.ndarray, count: int, balanced: bool) -> np.ndarray:
    """One weight a picture, with a mean of one."""
    counts = np.bincount(labels, minlength=count)
    each = len(labels) / (max(1, (counts > 0).sum()) * np.maximum(counts, 1)) if balanced else np.ones(count)
    return each[labels]


def _solve(
    span: np.ndarray, labels: np.ndarray, weights: np.ndarray, count: int, rounds: int
) -> tuple[np.ndarray, list[float]]:
    """Nesterov's method on the weighted cross-entropy with decay, for several weightings of the same rows at once.

    Args:
        span: (rows, rank).
        labels: (rows,).
        weights: (problems, rows); a row with weight zero is left out of that problem.

    Returns:
        (problems, rank, count) weights, and the loss of the first problem every ten rounds.
    """
    problems, (rows, rank) = len(weights), span.shape
    share = (weights / weights.sum(axis=1, keepdims=True)).T[:, :, None]  # (rows, problems, 1)
    target = np.eye(count)[labels][:, None]
    lipschitz = 0.5 * np.linalg.eigvalsh((span * weights.max(axis=0)[:, None] / rows).T @ span)[-1] + DECAY
    solution = np.zeros((rank, problems * count))
    ahead, losses = solution, []
    for step in range(rounds):
        probabilities = softmax((span @ ahead).reshape(rows, problems, count))
        if step % 10 == 0:
            likely = probabilities[np.arange(rows), 0, labels].clip(1e-12)
            losses.append(float(-(share[:, 0, 0] * np.log(likely)).sum()))
        slope = span.T @ ((probabilities - target) * share).reshape(rows, -1) + DECAY * ahead
        following = ahead - slope / lipschitz
        ahead = following + step / (step + 3) * (following - solution)
        solution = following
    return solution.reshape(rank, problems, count).transpose(1, 0, 2), losses


def cross_validate(
    features: np.ndarray, labels: np.ndarray, classes: Sequence[str], balanced: bool = True, seed: int = 0
) -> Report:
    """Answers for each picture from a head that was trained without it (and without its views).

    Up to 100 pictures are left out one by one; more, or pictures with further views, are cut into five folds with the
    classes mixed evenly. All heads are trained at once.
    """
    count, views = features.shape[:2]
    *_, span = _span(features)
    if count <= LEAVE_ONE_OUT and views == 1:
        folds, scheme = [np.array([row]) for row in range(count)], "leaving one out"
    else:
        shuffled = np.random.default_rng(seed).permutation(count)
        order = shuffled[np.argsort(labels[shuffled], kind="stable")]
        folds, scheme = [order[first::5] for first in range(5) if first < count], "five folds"
    weights = np.zeros((len(folds), count))
    for number, fold in enumerate(folds):
        kept = np.setdiff1d(np.arange(count), fold)
        weights[number, kept] = _weights(labels[kept], len(classes), balanced)
    solutions, _ = _solve(span, np.repeat(labels, views), np.repeat(weights, views, axis=1), len(classes), 50)
    answers, first_views = np.zeros(count, int), span[::views]
    for fold, solution in zip(folds, solutions, strict=True):
        answers[fold] = (first_views[fold] @ solution).argmax(axis=1)
    matrix = np.zeros((len(classes), len(classes)), int)
    np.add.at(matrix, (labels, answers), 1)
    return Report(answers, labels, scheme, matrix)


def numbers(shots: Sequence[Shot], classes: Sequence[str]) -> np.ndarray:
    """Class number of each picture, (n,)."""
    return np.array([list(classes).index(shot.label) for shot in shots], int)


@dataclass(frozen=True)
class Plane:
    """The two principal axes of a set of features: `center` (features,), `axes` (features, 2)."""

    center: np.ndarray
    axes: np.ndarray

    def project(self, rows: np.ndarray) -> np.ndarray:
        """(n, features) -> (n, 2)."""
        return (rows - self.center) @ self.axes


def principal_plane(rows: np.ndarray) -> Plane:
    """The plane in which the rows (n, features) differ most."""
    center = rows.mean(axis=0)
    _, _, directions = np.linalg.svd(rows - center, full_matrices=False)
    axes = np.zeros((rows.shape[1], 2))
    axes[:, : min(2, len(directions))] = directions[:2].T
    return Plane(center, axes)


def freeze_table(layers: Sequence[Layer], classes: int) -> list[dict[str, object]]:
    """What trains in each of the three ways, and how many numbers that is.

    Args:
        layers: of EfficientNet-Lite0; its batch normalizations learn half of their numbers and count the rest.
        classes: width of the new head.
    """
    dense = 1280 * classes + classes
    parts = {name: 0 for name in ("stem", "stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7", "head")}
    frozen_statistics = 0
    for layer in layers:
        counted = layer.parameters // 2 if layer.type == "BatchNormalization" else 0
        frozen_statistics += counted
        prefix = layer.name.split("_")[0]
        if prefix in parts:
            parts[prefix] += layer.parameters - counted
    last, everything = parts["stage7"] + parts["head"], sum(parts.values())
    total = everything + frozen_statistics + dense
    rows = []
    for way, what, train in (
        ("head only", "the new dense layer", dense),
        ("last block", "stage 7, the last 1 × 1 convolution and the dense layer", last + dense),
        ("everything", "all kernels, scales and shifts", everything + dense),
    ):
        rows.append({"way": way, "train": train, "frozen": total - train, "what trains": what})
    return rows
