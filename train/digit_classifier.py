"""Train the book's digit classifier (listing 2.1) on MNIST, augmented; measure it on clean and on rough digits.

The network is the book's, without dropout or pooling: what it gains over the book's 99 % it gains from the data.
Every digit is turned, bent, thickened or thinned, blurred and dusted anew each time it is seen; this runs as a layer on
the device, so that it costs little on a GPU and nothing at all once the network is served.

    KERAS_BACKEND=jax python -m train.digit_classifier --data-dir data

The training page runs it, too, with other networks and on fewer digits:

    python -m train.digit_classifier --data shipped --network small --no-augment --epochs 5
"""

from __future__ import annotations

import argparse

import keras
import numpy as np

from cnndemo import weights
from cnndemo.digit_classifier.preparation import NoInk, prepare
from cnndemo.digit_classifier.scenes import Conditions, scene
from cnndemo.models.digit_classifier import INPUT_SHAPE, build, variant
from train import common, digit_lesson, engine, events, intervals
from train.certainty import calibration
from train.datasets import mnist
from train.digit_augmentation import Augmentation
from train.digit_lesson import as_bytes, as_input

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
    return intervals.metric(name, hits.mean(), len(hits), intervals.wilson(int(hits.sum()), len(hits)), **more)


def train(
    network: keras.Model, training, validation, arguments, epochs: int, stage: str = ""
) -> list[dict[str, float]]:
    """Train a network with the optimizer, the schedule and the callbacks of the options; returns the log."""
    if arguments.augment and network.input_shape[-1] != 1:
        raise SystemExit("Digits are distorted in grey; pictures in colour need --no-augment.")
    model = engine.trainee(network, 1 / 255, [Augmentation(arguments.seed)] if arguments.augment else [])
    classes = network.output_shape[-1]
    model.compile(
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=arguments.label_smoothing),
        optimizer=digit_lesson.optimizer(arguments, epochs, -(-len(training[0]) // arguments.batch_size)),
        metrics=["accuracy"],
        jit_compile=keras.backend.backend() == "jax",
    )
    return common.fit(
        model,
        (as_bytes(training[0]), keras.utils.to_categorical(training[1], classes)),
        (as_bytes(validation[0]), keras.utils.to_categorical(validation[1], classes)),
        arguments,
        monitor="val_loss",
        patience=arguments.stop,
        reduce=False,
        callbacks=digit_lesson.callbacks(network, validation, arguments) if lesson(arguments) else None,
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


def lesson(arguments) -> bool:
    """Whether a training is one to learn from or to take home: another network, or other digits, than those that ship.

    Its results stay in the run folder; only the book's network on MNIST has its place in `weights/`.
    """
    return (arguments.data, arguments.network) != ("mnist", "book")


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    parser = common.parser(__doc__.splitlines()[0], "digit_classifier", epochs=75, batch_size=256)
    positive, zero = common.above_zero, common.zero_or_more
    parser.add_argument("--learning-rate", type=positive, default=1e-3, help="highest rate of the schedule")
    parser.add_argument("--weight-decay", type=zero, default=0.01, help="decoupled weight decay of AdamW")
    parser.add_argument(
        "--variant-epochs", type=common.at_least(0), default=12, help="epochs of each narrower network; 0 for none"
    )
    digit_lesson.options(parser)
    return parser


@common.script
def main() -> None:
    arguments = options().parse_args()
    if lesson(arguments) and (arguments.publish or arguments.measure):
        raise SystemExit("Only the book's network on MNIST is published: leave out --data and --network.")
    events.begin(arguments)
    digits = digit_lesson.load(arguments)
    training, validation, test = digits.training, digits.validation, digits.test
    if arguments.measure:
        certainty = calibration(weights.load(arguments.name, arguments.weights_dir), as_input(test[0]), test[1])
        common.measure(
            arguments.name,
            arguments,
            lambda served: {"metrics": measure(served, validation, test), "calibration": certainty},
        )
        return
    common.prepare(arguments)
    print(f"{len(training[0])} training, {len(validation[0])} validation, {len(test[0])} test digits")
    with engine.precision(arguments):
        network = digit_lesson.network(arguments, digits) if lesson(arguments) else build()
    if lesson(arguments):
        train(network, training, validation, arguments, arguments.epochs)
        print(f"{right(engine.exact(network), as_input(test[0]), test[1]).mean():.4f} of {len(test[0])} are right")
        print(f"The network of the best epoch is {arguments.run_dir / 'best.keras'}")
        return
    history = train(network, training, validation, arguments, arguments.epochs)
    metrics = measure(common.as_stored(network), validation, test)
    for figure in metrics:
        print(f"{figure['name']}: {figure['value']:.4f} {figure['interval']} on {figure['samples']}")
    more = {
        "classes": [str(digit) for digit in range(10)],
        "calibration": calibration(network, as_input(test[0]), test[1]),
    }
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
