"""Train a small digit network on pictures made to fool it, and compare it with networks that never met one.

Each batch is first changed by one step of the fast gradient method from a random start, against the network as it is at
that moment, and only then learned from: Wong, Rice and Kolter 2020, “Fast is better than free”. The gradient is written
down layer by layer, so that it runs with any backend.

    python -m train.robust_digits --publish    # a CPU, some minutes
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from cnndemo import weights
from cnndemo.fool_it import attacks
from cnndemo.models.robust_digits import CLASSES, INPUT_SHAPE, build
from train import common, engine, provenance, schedules
from train.certainty import calibration
from train.checkpoints import Stream
from train.datasets import mnist
from train.digit_classifier import accuracy, right
from train.digit_lesson import as_bytes, as_input, full

OVERSHOOT = 1.25  # the step of the attack, as a multiple of ε: from a random start it must reach the other side
STUDY = (0, 13, 26, 38, 51, 64, 76, 89, 102)  # grey levels
STUDY_DIGITS = 500
STEPS = 20  # of the iterated attack that measures


def backward(network: keras.Model, digits, say: Callable[[Any], Any]):
    """The slope of a number made of the scores, for each pixel: the layers forward, then backward by hand.

    Args:
        network: a chain of `Conv2D` without padding, `Flatten` and `Dense`, rectified, that ends in a softmax.
        digits: (n, 28, 28, 1) in [0, 1].
        say: scores (n, 10) -> the number's derivative with respect to them, alike.

    Returns:
        (n, 28, 28, 1).
    """
    x, outputs = digits, []
    layers = [layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]
    for layer in layers[:-1]:
        outputs.append((layer, x := layer(x)))
    kernel, bias = layers[-1].kernel, layers[-1].bias
    slope = ops.matmul(say(ops.matmul(x, kernel) + bias), ops.transpose(kernel))
    for number in reversed(range(len(outputs))):
        layer, output = outputs[number]
        before = outputs[number - 1][1] if number else digits
        if isinstance(layer, keras.layers.Flatten):
            slope = ops.reshape(slope, (-1, *before.shape[1:]))
            continue
        slope = slope * ops.cast(output > 0, slope.dtype)
        if isinstance(layer, keras.layers.Dense):
            slope = ops.matmul(slope, ops.transpose(layer.kernel))
        else:
            slope = ops.conv_transpose(slope, layer.kernel, layer.strides, "valid")
    return slope


class Fooled(keras.layers.Layer):
    """Digits in [0, 1] and their labels (n, 10) -> the digits, changed against a network by at most ε.

    While training the start is random; else it is the digit itself.
    """

    def __init__(self, network: keras.Model, epsilon: float, seed: int, **kwargs):
        super().__init__(**kwargs)
        self.network = lambda: network  # not as a part of this layer, whose weights it would become
        self.epsilon, self.chance = epsilon, keras.random.SeedGenerator(seed)

    def call(self, digits, labels, training=False):
        if not self.epsilon:
            return digits
        changed = digits
        if training:
            changed = digits + keras.random.uniform(ops.shape(digits), -self.epsilon, self.epsilon, seed=self.chance)
        step = (OVERSHOOT if training else 1) * self.epsilon
        slope = backward(self.network(), changed, lambda scores: ops.softmax(scores) - labels)
        changed = ops.clip(changed + step * ops.sign(slope), digits - self.epsilon, digits + self.epsilon)
        return ops.stop_gradient(ops.clip(changed, 0, 1))


class Labelled(Stream):
    """Batches of ((digits, labels), labels), digits uint8: the attack wants to know what it is to lead away from."""

    def __init__(self, digits: np.ndarray, labels: np.ndarray, batch_size: int, seed: int | None = None, **options):
        super().__init__(len(digits), batch_size, seed, **options)
        self.digits, self.labels = digits, keras.utils.to_categorical(labels, CLASSES)

    def __getitem__(self, index: int):
        rows = self.rows(index)
        rows = rows[self.part(rows)]
        labels = self.labels[rows]
        return (as_bytes(self.digits[rows]), labels), labels


def train(network: keras.Model, training, validation, arguments, epsilon: float, stage: str) -> list[dict[str, float]]:
    """Train on digits that are changed by at most ε, in [0, 1], with a rate that falls to zero; returns the log."""
    digit, label = keras.Input(INPUT_SHAPE, dtype="uint8"), keras.Input((CLASSES,))
    scaled = keras.layers.Rescaling(1 / 255, dtype="float32")(digit)
    model = keras.Model([digit, label], network(Fooled(network, epsilon, arguments.seed)(scaled, label)))
    batches = Labelled(*training, arguments.batch_size, arguments.seed)
    rate, _ = schedules.cosine(arguments.learning_rate, arguments.epochs, len(batches), warm_up=arguments.epochs / 10)
    model.compile(
        loss="categorical_crossentropy",
        optimizer=keras.optimizers.Adam(rate, **engine.optimizer_options(arguments)),
        metrics=["accuracy"],
        jit_compile=keras.backend.backend() == "jax",
    )
    return common.fit(model, batches, Labelled(*validation, 500), arguments, reduce=False, stage=stage)


def gradient_of(network: keras.Model) -> attacks.Gradient:
    """The gradient of a Keras network, for `cnndemo.fool_it.attacks`: pictures are grey levels (n, 28, 28)."""

    def gradient(pictures: np.ndarray, classes: np.ndarray, wanted: bool) -> np.ndarray:
        def say(scores):
            return ops.convert_to_tensor(attacks.margin_gradient(ops.convert_to_numpy(scores), classes))

        return ops.convert_to_numpy(backward(network, ops.convert_to_tensor(pictures[..., None] / 255), say))[..., 0]

    return gradient


def fooled(gradient: attacks.Gradient, x: np.ndarray, y: np.ndarray, epsilon: int, steps: int) -> np.ndarray:
    """Digits (n, 28, 28) attacked in batches, float32 grey levels."""
    starts = range(0, len(x), 100)
    return np.concatenate(
        [attacks.iterated(gradient, x[i : i + 100], y[i : i + 100].astype(int), epsilon, steps) for i in starts]
    )


def measure(read, gradient: attacks.Gradient, test, epsilon: int, count: int) -> list[dict]:
    """The figures of the card.

    Args:
        read: anything with the `predict` of a `keras.Model`.
        gradient: of the same network.
        epsilon: grey levels.
        count: of the test digits that are attacked.
    """
    x, y = test[0][:count], test[1][:count]
    rows = [accuracy("accuracy", right(read, as_input(test[0]), test[1]))]
    for steps, how in ((1, "one step of the gradient's sign"), (STEPS, f"{STEPS} steps")):
        hits = right(read, as_input(fooled(gradient, x, y, epsilon, steps)), y)
        name = "accuracy on attacked digits" + ("" if steps > 1 else ", one step")
        rows.append(accuracy(name, hits, note=f"no pixel changed by more than {epsilon} grey levels, {how}"))
    return rows


def curve(read, gradient: attacks.Gradient, test) -> list[float]:
    """The accuracy on attacked digits for each ε of `STUDY`."""
    x, y = test[0][:STUDY_DIGITS], test[1][:STUDY_DIGITS]
    return [
        round(float(right(read, as_input(fooled(gradient, x, y, epsilon, STEPS)), y).mean()), 4) for epsilon in STUDY
    ]


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    parser = common.parser(__doc__.splitlines()[0], "robust_digits", epochs=30, batch_size=128)
    parser.add_argument("--learning-rate", type=common.above_zero, default=2e-3, help="highest rate of the schedule")
    parser.add_argument("--epsilon", type=common.at_least(0), default=76, help="largest change in grey levels of 255")
    parser.add_argument("--attacked", type=common.at_least(1), default=1000, help="test digits that are attacked")
    return parser


@common.script
def main() -> None:
    arguments = options().parse_args()
    if arguments.mixed:
        raise SystemExit("Attacks follow the sign of small gradients, which 16 bits blur: leave out --mixed.")
    training, validation, test = full(arguments.data_dir, arguments.limit)
    if arguments.measure:
        network = weights.load(arguments.name, arguments.weights_dir)
        gradient, certainty = gradient_of(network), calibration(network, as_input(test[0]), test[1])
        common.measure(
            arguments.name,
            arguments,
            lambda served: {
                "metrics": measure(served, gradient, test, arguments.epsilon, arguments.attacked),
                "calibration": certainty,
            },
        )
        return
    book = weights.load("digit_classifier", provenance.nearest("digit_classifier", arguments.weights_dir))
    common.prepare(arguments)
    print(f"{len(training[0])} training, {len(validation[0])} validation, {len(test[0])} test digits")
    network = build()
    history = train(network, training, validation, arguments, arguments.epsilon / 255, "")
    keras.utils.set_random_seed(arguments.seed)
    twin = build()
    train(twin, training, validation, arguments, 0.0, "twin")
    common.as_stored(network)
    metrics = measure(network, gradient_of(network), test, arguments.epsilon, arguments.attacked)
    for figure in metrics:
        print(f"{figure['name']}: {figure['value']:.4f} {figure['interval']} on {figure['samples']}")
    networks = {
        "trained with attacks": (network, gradient_of(network)),
        "the same, trained without": (twin, gradient_of(twin)),
        "the book's network": (book, gradient_of(book)),
    }
    rows = [{"name": name, "accuracy": curve(*pair, test)} for name, pair in networks.items()]
    for row in rows:
        print(row["name"], row["accuracy"])
    common.publish(
        network, arguments, "cnndemo.models.robust_digits:build",
        mnist.SOURCE | {
            "splits": {"training": len(training[0]), "validation": len(validation[0]), "test": len(test[0])},
            "note": "validation: the 5,000 training digits that ship with the gallery, held out from training",
        },
        metrics, history=history, classes=[str(digit) for digit in range(CLASSES)],
        calibration=calibration(network, as_input(test[0]), test[1]),
        study={"epsilons": list(STUDY), "steps": STEPS, "samples": min(STUDY_DIGITS, len(test[0])), "networks": rows},
    )  # fmt: skip


if __name__ == "__main__":
    main()
