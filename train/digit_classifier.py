"""Train the book's digit classifier (listing 2.1) on MNIST, augmented; measure it on clean and on rough digits.

The network is the book's, without dropout or pooling: what it gains over the book's 99 % it gains from the data.
Every digit is turned, bent, thickened or thinned, blurred and dusted anew each time it is seen; this runs as a layer on
the device, so that it costs little on a GPU and nothing at all once the network is served.

    KERAS_BACKEND=jax python -m train.digit_classifier --data-dir data
"""

from __future__ import annotations

import argparse

import keras
import numpy as np
from keras import ops

from cnndemo import images
from cnndemo.digit_classifier.preparation import NoInk, prepare
from cnndemo.digit_classifier.scenes import Conditions, scene
from cnndemo.models.digit_classifier import INPUT_SHAPE, build, variant
from train import common, engine, schedules
from train.datasets import mnist

SCENES = 1000
"""Size of the transformed test set."""
SCENE_SEED = 2022
VARIANTS = {
    "the book's network": (32, 64),
    "half the kernels": (16, 32),
    "a quarter of the kernels": (8, 16),
    "no second layer": (32,),
}
"""Networks that are trained alike to answer chapter 7; their figures go on the card, their weights are not kept."""


class Augmentation(keras.layers.Layer):
    """New handwriting from old: affine and elastic distortion, stroke width, blur, contrast, noise; while training.

    float32 (batch, 28, 28, 1) in [0, 1] in and out. Elastic distortion after Simard, Steinkraus and Platt (2003).
    Rotation, shear, scale, shift and bending are one map, which is read once. Keras has a layer for each: five of them
    in a row take six times as long on a CPU and leave edges two thirds as steep as they were, where this leaves 85 %.
    """

    def __init__(self, seed: int, **kwargs):
        super().__init__(**kwargs)
        self.chance = keras.random.SeedGenerator(seed)

    def call(self, digits, training=False):
        if not training:
            return digits
        changed = self.pen(self.move(digits))
        changed = self.dust(changed)
        # One in eight stays as it is: the clean digits are what the test asks for.
        return ops.where(self.uniform(digits, 0, 1) < 0.125, digits, changed)

    def uniform(self, digits, low, high):
        """One number for each digit, broadcastable over it."""
        return keras.random.uniform((ops.shape(digits)[0], 1, 1, 1), low, high, seed=self.chance)

    def move(self, digits):
        """Affine and elastic distortion: where each pixel of the result comes from, read bilinearly."""
        batch, side, middle = ops.shape(digits)[0], INPUT_SHAPE[0], (INPUT_SHAPE[0] - 1) / 2
        axis = ops.arange(side, dtype="float32") - middle
        y, x = axis[None, :, None, None], axis[None, None, :, None]
        angle, shear = self.uniform(digits, -0.26, 0.26), self.uniform(digits, -0.25, 0.25)
        scale_y, scale_x = self.uniform(digits, 0.85, 1.18), self.uniform(digits, 0.8, 1.2)
        source_y = scale_y * (ops.cos(angle) * y + ops.sin(angle) * x) + self.uniform(digits, -2.2, 2.2)
        source_x = scale_x * (ops.cos(angle) * x - ops.sin(angle) * y + shear * y) + self.uniform(digits, -2.2, 2.2)
        coarse = keras.random.normal((batch, 6, 6, 2), stddev=1.0, seed=self.chance)
        bend = ops.image.resize(coarse, (side, side), interpolation="bicubic", data_format="channels_last")
        bend = bend * self.uniform(digits, 0.0, 1.1)
        return self.read(digits, source_y + bend[..., :1] + middle, source_x + bend[..., 1:] + middle)

    @staticmethod
    def read(digits, y, x):
        """Bilinear reading of digits (batch, 28, 28, 1) at y, x (batch, 28, 28, 1); black outside."""
        side = INPUT_SHAPE[0]
        padded = ops.pad(digits, ((0, 0), (1, 1), (1, 1), (0, 0)))  # a black frame answers for all that lies outside
        flat = ops.reshape(padded, (-1, (side + 2) ** 2))
        y, x = ops.clip(y + 1, 0, side + 0.999), ops.clip(x + 1, 0, side + 0.999)
        top, left = ops.floor(y), ops.floor(x)
        below, right = y - top, x - left

        def at(row, column):
            index = ops.cast(row * (side + 2) + column, "int32")
            values = ops.take_along_axis(flat, ops.reshape(index, (-1, side * side)), axis=1)
            return ops.reshape(values, (-1, side, side, 1))

        above = (1 - right) * at(top, left) + right * at(top, left + 1)
        under = (1 - right) * at(top + 1, left) + right * at(top + 1, left + 1)
        return (1 - below) * above + below * under

    def pen(self, digits):
        """A wider or a finer pen: towards the dilated or the eroded digit, by chance."""
        wide = ops.max_pool(digits, 3, 1, "same")
        fine = 1 - ops.max_pool(1 - digits, 3, 1, "same")
        pressure = self.uniform(digits, -1.0, 1.0)
        changed = (
            digits + ops.maximum(pressure, 0) * (wide - digits) - 0.45 * ops.minimum(pressure, 0) * (fine - digits)
        )
        return ops.where(self.uniform(digits, 0, 1) < 0.6, changed, digits)

    def dust(self, digits):
        """Soft focus, faint or heavy ink, pixel noise."""
        kernel = ops.reshape(ops.convert_to_tensor(np.outer([1, 2, 1], [1, 2, 1]) / 16, "float32"), (3, 3, 1, 1))
        soft = ops.conv(digits, kernel, 1, "same")
        digits = digits + self.uniform(digits, -0.5, 1.0) * (soft - digits)
        digits = ops.power(ops.clip(digits, 1e-4, 1.0), ops.exp(self.uniform(digits, -0.4, 0.4)))
        amount = ops.maximum(self.uniform(digits, -0.08, 0.08), 0)
        return ops.clip(digits + amount * keras.random.normal(ops.shape(digits), seed=self.chance), 0, 1)


def split(data_dir, limit: int):
    """Training, validation and test split.

    The 5,000 digits that ship with the gallery are a part of MNIST's training split; they are held out as validation,
    so that what pages measure on them is measured on digits that the network was not trained on.
    """
    (x, y), _, test = mnist.load(data_dir, validation=0)
    shipped_x, shipped_y = images.digits()
    shipped = {digit.tobytes() for digit in shipped_x}
    kept = np.array([digit.tobytes() not in shipped for digit in x])
    if limit:
        kept &= np.cumsum(kept) <= limit  # the order of MNIST is random
    return (x[kept], y[kept]), (shipped_x, shipped_y), test


def as_input(x: np.ndarray) -> np.ndarray:
    """MNIST's own digits need no preparation but the scale: uint8 (n, 28, 28) -> float32 (n, 28, 28, 1) in [0, 1]."""
    return x.astype(np.float32)[..., None] / 255.0


def rough(x: np.ndarray, y: np.ndarray, scenes: int, seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Digits in rough scenes, brought back by the preparation that serves the page.

    Returns:
        Inputs float32 (scenes, 28, 28, 1), labels (scenes,), and in how many scenes no ink was found; their input is
        black and counts as misread.
    """
    generator = np.random.default_rng(seed)
    chosen = generator.choice(len(x), scenes, replace=False)
    fields, blank = [], 0
    for digit in x[chosen]:
        try:
            fields.append(prepare(scene(digit, generator, Conditions()))[0])
        except NoInk:
            fields.append(np.zeros(INPUT_SHAPE[:2], np.float32))
            blank += 1
    labels = np.where([field.any() for field in fields], y[chosen].astype(np.int64), -1)
    return np.stack(fields)[..., None], labels, blank


def right(model: keras.Model, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """For each digit whether it was read right; bool (n,)."""
    return np.argmax(model.predict(x, batch_size=500, verbose=0), axis=1) == y


def accuracy(name: str, hits: np.ndarray, **more) -> dict:
    """A figure for the card from what was read right."""
    return common.metric(name, hits.mean(), len(hits), common.wilson(int(hits.sum()), len(hits)), **more)


def train(
    network: keras.Model, training, validation, arguments, epochs: int, stage: str = ""
) -> list[dict[str, float]]:
    """Train a network on augmented digits with a cosine schedule that ends at zero; returns the log."""
    model = engine.trainee(network, 1 / 255, [Augmentation(arguments.seed)])
    batches = -(-len(training[0]) // arguments.batch_size)
    rate, _ = schedules.cosine(arguments.learning_rate, epochs, batches, warm_up=epochs / 40)
    model.compile(
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.01),
        optimizer=keras.optimizers.AdamW(
            rate, weight_decay=arguments.weight_decay, **engine.optimizer_options(arguments)
        ),
        metrics=["accuracy"],
        jit_compile=keras.backend.backend() == "jax",
    )
    return common.fit(
        model,
        (training[0][..., None], keras.utils.to_categorical(training[1], 10)),
        (validation[0][..., None], keras.utils.to_categorical(validation[1], 10)),
        arguments,
        monitor="val_loss",
        patience=epochs,  # the schedule ends at zero; to stop before that is to stop too early
        reduce=False,
        stage=stage,
        epochs=epochs,
    )


def measure(network, validation, test) -> list[dict]:
    """The figures of the card, of anything with the `predict` of a `keras.Model`."""
    clean = right(network, as_input(test[0]), test[1])
    held = right(network, as_input(validation[0]), validation[1])
    fields, labels, blank = rough(*test, scenes=SCENES, seed=SCENE_SEED)
    note = (
        "one test digit a scene: random place, scale, pen, turn, polarity, light, blur and noise; found and prepared "
        f"by cnndemo.digit_classifier.preparation; no ink was found in {blank}"
    )
    return [
        accuracy("accuracy", clean),
        accuracy("accuracy on transformed digits", right(network, fields, labels), note=note),
        accuracy("accuracy on the shipped digits", held, split="validation"),
    ]


def narrower(training, validation, test, arguments) -> list[dict]:
    """What chapter 7 asks: how good is the network with fewer kernels, or without its second layer, trained anew?"""
    rows = []
    for name, filters in VARIANTS.items():
        keras.utils.set_random_seed(arguments.seed)
        with engine.precision(arguments):
            network = variant(filters)
        train(network, training, validation, arguments, arguments.variant_epochs, stage="-".join(map(str, filters)))
        figure = accuracy(f"accuracy: {name}", right(engine.exact(network), as_input(test[0]), test[1]))
        rows.append(figure | {"filters": list(filters), "parameters": int(network.count_params())})
    return rows


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    parser = common.parser(__doc__.splitlines()[0], "digit_classifier", epochs=75, batch_size=256)
    positive, zero = common.above_zero, common.zero_or_more
    parser.add_argument("--learning-rate", type=positive, default=1e-3, help="highest rate of the cosine schedule")
    parser.add_argument("--weight-decay", type=zero, default=0.01, help="decoupled weight decay of AdamW")
    parser.add_argument(
        "--variant-epochs", type=common.at_least(0), default=12, help="epochs of each narrower network; 0 for none"
    )
    return parser


@common.script
def main() -> None:
    arguments = options().parse_args()
    training, validation, test = split(arguments.data_dir, arguments.limit)
    if arguments.measure:
        common.measure(arguments.name, arguments, lambda served: {"metrics": measure(served, validation, test)})
        return
    common.prepare(arguments)
    print(f"{len(training[0])} training, {len(validation[0])} validation, {len(test[0])} test digits")
    with engine.precision(arguments):
        network = build()
    history = train(network, training, validation, arguments, arguments.epochs)
    metrics = measure(common.as_stored(network), validation, test)
    for figure in metrics:
        print(f"{figure['name']}: {figure['value']:.4f} {figure['interval']} on {figure['samples']}")
    more = {"classes": [str(digit) for digit in range(10)]}
    if arguments.variant_epochs:
        study = narrower(training, validation, test, arguments)
        for figure in study:
            print(f"{figure['name']}: {figure['value']:.4f} {figure['interval']}, {figure['parameters']:,} parameters")
        more["study"] = {"epochs": arguments.variant_epochs, "networks": study}
    data = mnist.SOURCE | {
        "splits": {"training": len(training[0]), "validation": len(validation[0]), "test": len(test[0])},
        "note": "validation: the 5,000 training digits that ship with the gallery, held out from training",
    }
    common.publish(network, arguments, "cnndemo.models.digit_classifier:build", data, metrics, history=history, **more)


if __name__ == "__main__":
    main()
