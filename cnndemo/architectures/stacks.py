"""Depth on real digits (book 4.2): a plain and a residual stack learn side by side, and one sees their gradients."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from cnndemo import images, worker
from cnndemo.errors import VisitorError

PLAIN, RESIDUAL = "plain", "with skips"
BATCH, HELD = 64, 500
EVERY = 10  # updates between two looks
MOST_DEPTH, MOST_UPDATES = 60, 400


@dataclass(frozen=True)
class Race:
    """What both stacks have in common.

    Attributes:
        depth: layers between the first and the last, even.
        normalized: batch normalization after each.
        rate: learning rate of Adam.
        updates: batches of 64 digits to learn from.
        seed: of the weights and of the order.
    """

    depth: int = 30
    normalized: bool = True
    rate: float = 1e-3
    updates: int = 150
    seed: int = 0


@dataclass
class Look:
    """Both stacks after some updates.

    Attributes:
        update: how many.
        losses: mean cross-entropy of the updates since the look before, by the name of the stack.
        norms: Euclidean length of the gradient of each layer's kernel, float32 (depth,).
        accuracies: share of 500 held-out digits that are right.
    """

    update: int
    losses: dict[str, float]
    norms: dict[str, np.ndarray]
    accuracies: dict[str, float]


@dataclass
class Run:
    """A race as far as it has come."""

    race: Race
    looks: list[Look] = field(default_factory=list)


def run(race: Race, waiting: Callable[[], None] = lambda: None) -> Iterator[Run]:
    """Trains both stacks in the Keras process; yields the run at every look, the same object. Closing it stops all.

    Raises:
        VisitorError: senseless settings, or the process failed.
    """
    if not (2 <= race.depth <= MOST_DEPTH and race.depth % 2 == 0 and 1 <= race.updates <= MOST_UPDATES):
        raise VisitorError(f"Choose an even depth up to {MOST_DEPTH} and up to {MOST_UPDATES} updates.")
    result = Run(race)
    with closing(worker.steps("cnndemo.architectures.stacks:fit", race, waiting=waiting)) as said:
        for look in said:
            result.looks.append(look)
            yield result


def fit(race: Race, tell: Callable[[Look], None]) -> None:
    """The training itself, in the Keras process: both stacks get the same batches, one after the other."""
    import keras

    from cnndemo.models import digit_stack

    x, y, held = _data(race.seed)
    steps = {}
    for name, skip in ((PLAIN, False), (RESIDUAL, True)):
        keras.utils.set_random_seed(race.seed)
        model = digit_stack.build(race.depth, skip, race.normalized)
        steps[name] = model, _step(model, race)
    generator = np.random.default_rng(race.seed)
    since: dict[str, list[float]] = {name: [] for name in steps}
    said = time.monotonic()
    for update in range(1, race.updates + 1):
        rows = generator.choice(len(x), BATCH, replace=False)
        norms = {}
        for name, (_, step) in steps.items():
            loss, sizes = step(x[rows], y[rows])
            since[name].append(float(loss))
            norms[name] = np.asarray(sizes)
        if update == 1 or update % EVERY == 0 or update == race.updates or time.monotonic() - said > 2:
            right = {name: _right(model, *held) for name, (model, _) in steps.items()}
            losses = {
                name: float(np.nan_to_num(np.mean(values), nan=1e30, posinf=1e30)) for name, values in since.items()
            }
            tell(Look(update, losses, norms, right))
            since, said = {name: [] for name in steps}, time.monotonic()


def _data(seed: int) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Shipped digits to learn from, float32 (n, 28, 28, 1) in [0, 1] with their labels, and 500 held out."""
    x, y = images.digits()
    order = np.random.default_rng(seed).permutation(len(y))
    x, y = (x[order].astype(np.float32) / 255)[..., None], y[order].astype(np.int32)
    return x[HELD:], y[HELD:], (x[:HELD], y[:HELD])


def _step(model, race: Race) -> Callable:
    """One update as a function of a batch: returns the loss and the length of each layer's gradient."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(race.rate)
    optimizer.build(model.trainable_variables)
    judge = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    kernels = [model.get_layer(f"layer_{number}").kernel.path for number in range(1, race.depth + 1)]
    places = [[each.path for each in model.trainable_variables].index(path) for path in kernels]

    @tf.function(jit_compile=False)
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = judge(y, model(x, training=True))
        gradients = tape.gradient(loss, [each.value for each in model.trainable_variables])
        optimizer.apply(gradients, model.trainable_variables)
        return loss, tf.stack([tf.norm(gradients[place]) for place in places])

    return step


def _right(model, x: np.ndarray, y: np.ndarray) -> float:
    """Share of digits that a model reads right."""
    scores = np.concatenate([np.asarray(model(part, training=False)) for part in np.array_split(x, 2)])
    return float((scores.argmax(axis=1) == y).mean())
