"""Pairs, embeddings and what can be measured with them: the library of the Siamese networks page (book 5.3, 5.6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cnndemo import images
from cnndemo.errors import VisitorError

SIDE = 28  # pixels of an MNIST digit, each way
NETWORKS = {"siamese": "Contrastive", "triplet": "Triplet", "untrained": "Untrained"}
MAP_FILE = Path(images.SAMPLES_DIR) / "siamese_map.npz"


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
    return np.divide(digits.reshape(-1, SIDE, SIDE, 1), 255, dtype=np.float32)


def read_digit(image: np.ndarray) -> np.ndarray:
    """A picture of a digit as MNIST would have it, uint8 (28, 28), white ink on black.

    Args:
        image: uint8 RGB. A picture of 28×28 pixels is taken as it is; anything else goes through the preparation of
            the digit classifier: ink found, cut out, scaled and centred.

    Raises:
        VisitorError: there is no ink in it.
    """
    if image.shape[:2] == (SIDE, SIDE):
        return images.to_gray(image)
    from cnndemo.digit_classifier import preparation as digit_preparation

    field, _ = digit_preparation.prepare(image)
    return np.round(field * 255).astype(np.uint8)


def embedder(name: str, outputs: Sequence[str] | None = None) -> Callable:
    """A network as a function of prepared digits, float32 (n, 28, 28, 1), to embeddings (n, 128).

    Args:
        name: name of a shipped network, or "untrained" for the base network with random weights.
        outputs: names of layers instead; then the function returns a dict.
    """
    from cnndemo import inference

    return (
        inference.predictor("siamese", outputs, "untrained")
        if name == "untrained"
        else inference.predictor(name, outputs)
    )


@dataclass(frozen=True)
class Sharing:
    """What building the networks shows (listings 5.1 to 5.6).

    Attributes:
        base, siamese: parameters of the base network and of the siamese network that calls it twice.
        variables: how many variables the siamese network has.
        shared: whether each of them is the very object that the base network holds.
        listings: title, builder and summary (layer, output shape, parameters) of the Sequential and functional CNN.
    """

    base: int
    siamese: int
    variables: int
    shared: bool
    listings: tuple[tuple[str, Callable, list[dict]], ...]


def sharing() -> Sharing:
    """Build base network, siamese network and the two small CNNs, and count."""
    from cnndemo.models import siamese as models

    base = models.build()
    pair = models.build_siamese(base)
    shared = all(a is b for a, b in zip(base.weights, pair.weights, strict=True))
    builders = {
        "Sequential (5.1, 5.3)": models.build_sequential,
        "Functional (5.2, 5.4)": models.build_functional,
    }
    listings = tuple((title, builder, summary(builder())) for title, builder in builders.items())
    return Sharing(base.count_params(), pair.count_params(), len(pair.weights), shared, listings)


def summary(model) -> list[dict]:
    """One row a layer: name and type, output shape, parameters (listings 5.3 and 5.4)."""
    return [
        {
            "layer": f"{layer.name} ({type(layer).__name__})",
            "output shape": str(tuple(layer.output.shape)),
            "parameters": int(layer.count_params()),
        }
        for layer in model.layers
    ]


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
    generator = np.random.default_rng(seed)
    a = generator.integers(0, len(labels), count)
    same = np.arange(count) < count // 2
    return Pairs(a, np.where(same, *_partners(labels, a, generator)), same)


def draw_triplets(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Random triplets (book 5.6): indices of anchor, positive and negative, (3, count). Raises as `draw_pairs`."""
    generator = np.random.default_rng(seed)
    anchors = generator.integers(0, len(labels), count)
    return np.stack([anchors, *_partners(labels, anchors, generator)])


def _partners(labels: np.ndarray, a: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """For each example `a` another one of its class and one of another class, uniformly."""
    classes, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2 or sizes.min() < 2:
        raise VisitorError("Pairs need at least two classes with at least two examples each.")
    order = np.argsort(inverse, kind="stable")  # the examples, sorted by class
    starts = np.cumsum(sizes) - sizes
    rank = np.empty(len(labels), int)  # place of each example within its class
    rank[order] = np.arange(len(labels)) - starts[inverse[order]]
    own = inverse[a]
    step = generator.integers(1, sizes[own])
    same = order[starts[own] + (rank[a] + step) % sizes[own]]
    # Walk on from the end of the own class, round all the others.
    walk = generator.integers(0, len(labels) - sizes[own])
    return same, order[(starts[own] + sizes[own] + walk) % len(labels)]


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
        centres = embeddings[chosen].mean(axis=1)
        square = (centres**2).sum(1) - 2 * embeddings @ centres.T
        right, rest = classes[square.argmin(axis=1)] == labels, np.ones(len(labels), bool)
        rest[chosen] = False
        of_class.append(right[rest & (labels == new_class)].mean())
        overall.append(right[rest].mean())
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
    variance, axes = np.linalg.eigh(np.cov(embeddings, rowvar=False))  # in rising order
    axes = axes[:, ::-1][:, :count].T
    axes = axes * np.sign(axes[np.arange(count), np.abs(axes).argmax(axis=1)])[:, None]
    return Projection(mean, axes, variance[::-1][:count] / max(float(variance.sum()), 1e-12))


def shipped_map() -> dict[str, np.ndarray]:
    """The t-SNE maps that `train.siamese_map` computed once.

    Returns:
        `index` (n,) into the shipped digits; for each network its map (n, 2) under its name; `hashes` of the weights
        that were mapped.

    Raises:
        VisitorError: the file is not there.
    """
    try:
        with np.load(MAP_FILE) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError):
        raise VisitorError("The t-SNE map is missing. Make it with: python -m train.siamese_map") from None


def sigmoid(distance: float | np.ndarray) -> float | np.ndarray:
    """The logistic function: what the book's text puts on the distance; 0.5 and more for every distance."""
    return 1 / (1 + np.exp(-distance))


def thumbnail() -> np.ndarray:
    """The shipped digits where the triplet network puts them, a colour a class, for the front page: (180, 320, 3)."""
    picture = np.full((180, 320, 3), 255, np.uint8)
    shipped, (_, labels) = shipped_map(), images.digits()
    places = shipped["triplet"]
    low, high = places.min(axis=0), places.max(axis=0)
    spots = (places - low) / (high - low) * (300, 160) + 10
    hues = np.uint8([[[18 * digit, 190, 200 if digit % 2 else 150] for digit in range(10)]])
    colours = cv2.cvtColor(hues, cv2.COLOR_HSV2RGB)[0].tolist()
    for (x, y), label in zip(spots.astype(int).tolist(), labels[shipped["index"]].tolist(), strict=True):
        cv2.circle(picture, (x, y), 2, colours[label], -1, cv2.LINE_AA)
    return picture
