"""A softmax layer on frozen features, trained in a moment on the visitor's own classes, and how good it is.

With a hundred pictures and 1280 features the layer has far more weights than examples. Its best weights lie in the span
of the examples, so the fit runs in that span: exact, and fast enough to leave out one picture after the other. What is
left out is left out of everything: nothing of it is in the scale, the bias or the weights of the head that is asked.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cnndemo import beforehand
from cnndemo.errors import VisitorError
from cnndemo.resnet_transfer import copies, logistic
from cnndemo.resnet_transfer.backbones import Network, softmax
from cnndemo.weights import Layer

MAX_CLASSES = 8
MAX_PICTURES = 200
VIEWS = 3  # further views of each picture when augmentation is on
LEAVE_ONE_OUT = 100  # above so many pictures, five folds
SINGLY, FOLDS = "leaving one out", "five folds"
BACKBONE = "efficientnet_lite0"


@dataclass(frozen=True)
class Shot:
    """One picture of a class.

    Attributes:
        name: where it came from, for example a file name.
        label: its class.
        pixels: uint8 (224, 224, 3), what the backbone sees of it.
        digest: hash of the pixels.
        look: of the whole picture, to know copies by.
        source: the picture that it was cut out of, if it was.
    """

    name: str
    label: str
    pixels: np.ndarray
    digest: str
    look: copies.Look | None = None
    source: str = ""


@dataclass(frozen=True)
class Head:
    """A trained layer: `features @ kernel + bias` are the scores of `classes`; `losses` is how its fit went."""

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
        probabilities: (n, classes) of each picture; a row of NaN where nothing was left to learn its class from.
        truth: (n,) class numbers.
        scheme: "leaving one out" or "five folds".
        classes: their names.
    """

    probabilities: np.ndarray
    truth: np.ndarray
    scheme: str
    classes: tuple[str, ...]

    @property
    def judged(self) -> np.ndarray:
        """(n,) whether the picture could be asked about."""
        return ~np.isnan(self.probabilities[:, 0])

    @property
    def answers(self) -> np.ndarray:
        """(n,) the class number answered, -1 where there is no answer."""
        return np.where(self.judged, np.nan_to_num(self.probabilities).argmax(axis=1), -1)

    @property
    def right(self) -> int:
        """How many are answered rightly."""
        return int((self.answers == self.truth).sum())

    @property
    def matrix(self) -> np.ndarray:
        """(classes, classes) counts of the pictures judged, truth in rows."""
        matrix = np.zeros((len(self.classes),) * 2, int)
        np.add.at(matrix, (self.truth[self.judged], self.answers[self.judged]), 1)
        return matrix

    @property
    def accuracy(self) -> float:
        """The share of the pictures judged that is right; NaN if there are none."""
        return self.right / int(self.judged.sum()) if self.judged.any() else float("nan")

    @property
    def balanced_accuracy(self) -> float:
        """Mean over the classes of the share that is right: a class with many pictures does not outweigh the others.

        Over the classes that were judged; NaN where that is one only, since always answering it would be all right.
        """
        counts = self.matrix.sum(axis=1)
        judged = counts > 0
        if judged.sum() < 2:
            return float("nan")
        return float((np.diag(self.matrix)[judged] / counts[judged]).mean())

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for the classes without a figure."""
        lacking = [f"“{self.classes[number]}”" for number in np.unique(self.truth[~self.judged])]
        if not lacking:
            return ()
        names = " and ".join(filter(None, [", ".join(lacking[:-1]), lacking[-1]]))
        have, them = ("has", "it") if len(lacking) == 1 else ("have", "them")
        return (
            f"{names} {have} only one picture, or parts or copies of one: with that left out, nothing remains to "
            f"learn the class from, so there is no figure for {them}.",
        )


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

    def keep(part: list[tuple[Shot, int]], rows: np.ndarray) -> None:
        fresh = {(shot.digest, number): row for (shot, number), row in zip(part, rows, strict=True)}
        known.update(fresh)
        with _features_lock:
            _features.update(fresh)
            while len(_features) > _FEATURES_KEPT:
                _features.popitem(last=False)

    def compute() -> beforehand.Arrays:
        rows = []
        for first in range(0, len(missing), batch_size):
            part = missing[first : first + batch_size]
            rows.append(network.features(np.stack([view(shot, number) for shot, number in part])))
            keep(part, rows[-1])
            progress(min(1.0, (first + len(part)) / len(missing)))
        return {"rows": np.concatenate(rows)}

    if 1 < len(missing) == len(shots) == len(wanted):  # a whole set at once, as when the page opens
        keep(missing, beforehand.known(f"features {stamp(shots)}", [network.backbone.name], compute)["rows"])
    elif missing:
        compute()
    rows = np.stack([known[shot.digest, number] for shot, number in wanted])
    return rows.reshape(len(shots), 1 + views, -1)


def learn(
    features: np.ndarray, labels: np.ndarray, classes: Sequence[str], balanced: bool, groups: np.ndarray, stamp: str
) -> tuple[Head, Report]:
    """A head and how good it is, by `fit_head` and `cross_validate`; of the ready sets both are known beforehand.

    Args:
        features, labels, classes, balanced, groups: as there.
        stamp: of the pictures, see `stamp`.
    """

    def compute() -> beforehand.Arrays:
        head = fit_head(features, labels, classes, balanced)
        report = cross_validate(features, labels, classes, balanced, groups=groups)
        return {"kernel": head.kernel, "bias": head.bias, "probabilities": report.probabilities.astype(np.float32)}

    name = f"head {stamp}, {features.shape[1]} views, {'balanced' if balanced else 'plain'}"
    found = beforehand.known(name, [BACKBONE], compute)
    head = Head(tuple(classes), found["kernel"], found["bias"])
    return head, Report(found["probabilities"].astype(float), labels, _scheme(*features.shape[:2]), tuple(classes))


def fit_head(features: np.ndarray, labels: np.ndarray, classes: Sequence[str], balanced: bool = True) -> Head:
    """Multinomial logistic regression with weight decay on all pictures and their views (see `logistic`).

    Args:
        features: float32 (n, views, features).
        labels: (n,) class numbers; each class occurs.
        classes: names of the classes.
        balanced: weigh each class the same, however many pictures it has.
    """
    views = features.shape[1]
    span = logistic.span(features.reshape(-1, features.shape[-1]))
    weights = np.repeat(logistic.weights(labels, balanced), views)
    kernel, bias, losses = logistic.solve(span.rows, np.repeat(labels, views), weights, len(classes))
    kernel = span.directions.T @ kernel
    return Head(
        tuple(classes), kernel.astype(np.float32), (bias - span.mean @ kernel).astype(np.float32), tuple(losses)
    )


def cross_validate(
    features: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    balanced: bool = True,
    seed: int = 0,
    groups: np.ndarray | None = None,
) -> Report:
    """Answers for each picture from a head that was trained without it, its views and its copies.

    Up to 100 pictures are left out one by one; more, or pictures with further views, are cut into five folds with the
    classes mixed evenly. Whatever is learned, scale and bias too, is learned from the others alone. A picture
    of a class of which nothing else is left gets no answer.

    Args:
        features: float32 (n, views, features).
        labels: (n,) class numbers.
        classes: names of the classes.
        balanced: as for `fit_head`.
        seed: of the folds.
        groups: (n,) pictures with the same number are left out together (see `copies.groups`); default none are.
    """
    count, views = features.shape[:2]
    groups = np.arange(count) if groups is None else groups
    scheme = _scheme(count, views)
    folds = _folds(labels, groups, scheme == SINGLY, seed)
    rows = logistic.span(features.reshape(-1, features.shape[-1])).rows.reshape(count, views, -1)
    probabilities = np.full((count, len(classes)), np.nan)
    for fold in folds:
        kept = np.setdiff1d(np.arange(count), fold)
        known, places = np.unique(labels[kept], return_inverse=True)
        asked = fold[np.isin(labels[fold], known)]
        if len(known) < 2 or not len(asked):
            continue
        weights = np.repeat(logistic.weights(labels[kept], balanced), views)
        there = rows[kept].reshape(-1, rows.shape[-1])
        kernel, bias, _ = logistic.solve(there, np.repeat(places, views), weights, len(known))
        probabilities[np.ix_(asked, np.arange(len(classes)))] = 0
        probabilities[np.ix_(asked, known)] = softmax(rows[asked, 0] @ kernel + bias)
    return Report(probabilities, labels, scheme, tuple(classes))


def _scheme(count: int, views: int) -> str:
    """How pictures are left out."""
    return SINGLY if count <= LEAVE_ONE_OUT and views == 1 else FOLDS


def _folds(labels: np.ndarray, groups: np.ndarray, singly: bool, seed: int) -> list[np.ndarray]:
    """Row numbers that are left out together."""
    _, first, groups = np.unique(groups, return_index=True, return_inverse=True)
    if singly:
        return [np.flatnonzero(groups == group) for group in range(len(first))]
    shuffled = np.random.default_rng(seed).permutation(len(first))
    order = shuffled[np.argsort(labels[first][shuffled], kind="stable")]
    parts = [order[number::5] for number in range(5)]
    return [np.flatnonzero(np.isin(groups, part)) for part in parts if len(part)]


def related(shots: Sequence[Shot]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which pictures must be left out together, (n,) the same number for those, and a sentence for each copy."""
    same = copies.pairs([shot.look or copies.look(shot.pixels) for shot in shots])
    original = {other: one for one, other in reversed(same)}
    told = [f"“{shots[other].name}” is a copy of “{shots[one].name}”" for other, one in sorted(original.items())]
    notes = (f"{told[0]}; they are left out together.",) if len(told) == 1 else ()
    if len(told) > 1:
        few = "; ".join(told[:3]) + ("; …" if len(told) > 3 else ".")
        notes = (f"{len(told)} pictures are copies of others, saved again, resized or mirrored; copies are left out "
                 f"together: {few}",)  # fmt: skip
    return copies.groups(same, [shot.source for shot in shots]), notes


def stamp(shots: Sequence[Shot]) -> str:
    """Stands for pictures and their classes: changes with any of them."""
    text = "".join(shot.digest + shot.label for shot in shots)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
        ("head only", "the new layer", dense),
        ("last block", "stage 7 and all after it", last + dense),
        ("everything", "all of it", everything + dense),
    ):
        rows.append({"way": way, "train": train, "frozen": total - train, "what trains": what})
    return rows
