"""Unfreezing the last block: a short training with a small rate, in a process of its own.

The parent computes once what the frozen part makes of each picture (`stage6`, 7 × 7 × 192); the child trains only what
comes after it, so a hundred pictures take some seconds. It can be stopped at any time, and a crash harms nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache

import numpy as np

from cnndemo import weights, worker
from cnndemo.errors import VisitorError
from cnndemo.models import efficientnet_lite0
from cnndemo.resnet_transfer.teaching import Head, fit_head

FROZEN_END = "stage6"
TAIL = ("stage7", "head")  # how the names of the layers behind it begin
RATE = 3e-4


@dataclass(frozen=True)
class Epoch:
    """One epoch of the child: number from 1, loss, and the share of held-out pictures that are right."""

    number: int
    epochs: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Tuned:
    """The result: a head and the weights of the last block, with the held-out accuracy before and after."""

    head: Head
    tail: list[np.ndarray]
    before: float
    after: float
    held_out: int


def tail_layers(model) -> list:
    """The layers with weights after the frozen part, without the dense layer."""
    return [layer for layer in model.layers if layer.weights and layer.name.split("_")[0] in TAIL]


def get_tail(model) -> list[np.ndarray]:
    """Weights of the last block of a whole network, in the order that `set_tail` takes."""
    return [array for layer in tail_layers(model) for array in layer.get_weights()]


def set_tail(model, arrays: Sequence[np.ndarray]) -> None:
    """Puts the weights of the last block into a whole network or a tail."""
    arrays = list(arrays)
    for layer in tail_layers(model):
        count = len(layer.weights)
        layer.set_weights(arrays[:count])
        arrays = arrays[count:]


@cache
def tail_shapes() -> list[tuple[int, ...]]:
    """Shapes of the arrays of `get_tail`, known without Keras."""
    name = "efficientnet_lite0"
    ours = [layer.name for layer in weights.layers(name) if layer.name.split("_")[0] in TAIL and layer.arrays]
    return [array.shape for layer in ours for array in weights.arrays(name, layer)]


def tail_model(arrays: Sequence[np.ndarray] | None = None):
    """The end of the network as a model: (batch, 7, 7, 192) -> pooled features (batch, 1280)."""
    import keras

    whole = efficientnet_lite0.build() if arrays is not None else weights.load("efficientnet_lite0")
    if arrays is not None:
        set_tail(whole, arrays)
    return keras.Model(whole.get_layer(FROZEN_END).output, whole.get_layer("average_pool").output)


def split(labels: np.ndarray, groups: np.ndarray | None = None, every: int = 4) -> np.ndarray:
    """Which pictures are held out, (n,) bool: every fourth of each class, and none of a class with fewer than four.

    Pictures with the same number in `groups` (n,) are held out together, and count as one.
    """
    groups = np.arange(len(labels)) if groups is None else groups
    held = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        numbers, first = np.unique(groups[labels == label], return_index=True)
        held |= np.isin(groups, numbers[np.argsort(first)][every - 1 :: every])
    for label in np.setdiff1d(labels, labels[~held]):  # all of it lies with pictures of another class
        held[np.isin(groups, groups[labels == label])] = False
    return held


def tune(
    maps: np.ndarray,
    features: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    epochs: int = 15,
    waiting: Callable[[], None] = lambda: None,
    groups: np.ndarray | None = None,
) -> Iterator[Epoch | Tuned]:
    """Trains the last block in a child process; closing the iterator stops the worker.

    Args:
        maps: float32 (n, 7, 7, 192), the outputs of `stage6`.
        features: float32 (n, 1280), of the frozen network, for the head that the child starts from.
        labels: (n,) class numbers.
        waiting: called several times a second until the child says something; what it raises stops the worker.
        groups: (n,) pictures with the same number are held out together.

    Yields:
        An `Epoch` after each epoch, and the `Tuned` network at the end.

    Raises:
        VisitorError: too few pictures, another visitor's training runs, or the child failed.
    """
    held = split(labels, groups)
    if not held.any():
        raise VisitorError(
            "Fine-tuning holds a quarter of the pictures out. Give each class at least four that are no copies."
        )
    start = fit_head(features[~held][:, None], labels[~held], classes)
    before = float((start.probabilities(features[held]).argmax(axis=1) == labels[held]).mean())
    work = (maps, labels, held, start.kernel, start.bias, epochs)
    with closing(worker.steps("cnndemo.resnet_transfer.finetune:fit", *work, waiting=waiting)) as said:
        for told in said:
            if isinstance(told, Epoch):
                yield told
            else:
                kernel, bias, tail, after = told
                yield Tuned(Head(tuple(classes), kernel, bias), tail, before, after, int(held.sum()))


def tail_features(tail: Sequence[np.ndarray], maps: np.ndarray) -> np.ndarray:
    """What a fine-tuned end makes of maps (n, 7, 7, 192): features (n, 1280). For the Keras process."""
    return np.asarray(tail_model(tail)(maps))


def fit(
    x: np.ndarray, y: np.ndarray, held: np.ndarray, kernel: np.ndarray, bias: np.ndarray, epochs: int, tell: Callable
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], float]:
    """The training itself, in the Keras process; tells an `Epoch` after each.

    Returns:
        Kernel and bias of the head, the arrays of the end, and how many of the pictures held out are right.
    """
    import keras

    keras.utils.set_random_seed(0)
    tail = tail_model()
    for layer in tail.layers:
        # The averages of a batch normalization would be spoiled by a handful of pictures.
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    dense = keras.layers.Dense(kernel.shape[1], activation="softmax")
    model = keras.Model(tail.input, dense(tail.output))
    dense.set_weights([kernel, bias])
    model.compile(keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy", metrics=["accuracy"])
    accuracy = 0.0
    for epoch in range(1, epochs + 1):
        logs = model.fit(x[~held], y[~held], batch_size=16, verbose=0)
        accuracy = float((np.asarray(model(x[held])).argmax(axis=1) == y[held]).mean())
        tell(Epoch(epoch, epochs, float(logs.history["loss"][0]), accuracy))
    return *dense.get_weights(), get_tail(tail), accuracy
