"""Trains ResNet-20 on CIFAR-10, the book's data set of section 4.2, from scratch.

    KERAS_BACKEND=jax python -m train.resnet20 --mixed            # a GPU, some minutes
    python -m train.resnet20 --epochs 30 --batch-size 128 --mixed # a CPU, 45 s an epoch where it has bfloat16, or 95
    python -m train.resnet20 --epochs 16 --start --average 14 --batch-size 128 --learning-rate 0.01
                                                                  # goes on from the published weights, then averages
    python -m train.resnet20 --measure                            # scores the published weights anew

The recipe is the paper's with a cosine in place of its steps: stochastic gradient descent with Nesterov momentum,
weight decay on kernels; pictures shifted by up to 4 pixels, mirrored, and with a square cut out (DeVries, Taylor 2017).
The shift is cut on the way to the device, the rest is done there by layers of Keras.
With `--average` the rate stays, and the mean of the weights of the last epochs is the result (Izmailov et al. 2018).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np

from cnndemo import weights
from cnndemo.models import resnet20
from train import common, engine, intervals, provenance, schedules
from train.certainty import calibration
from train.checkpoints import Kept, Stream
from train.datasets import cifar10
from train.normalization import fuse_normalization
from train.pictures import corners, crops

SHIFT = 4  # pixels of padding on each side before the random crop
WARM_UP = 5  # epochs
VALIDATION = 1000  # pictures held out from the training split


class Pictures(Stream):
    """Batches of pictures, uint8 (n, 32, 32, 3); while training in random order, shifted anew each epoch."""

    def __init__(self, x: np.ndarray, y: np.ndarray, batch_size: int, seed: int | None = None, mixup: float = 0):
        """Args:
        x, y: uint8 (n, height, width, 3) and (n,).
        seed: turns shuffling and augmentation on.
        mixup: parameter of the beta distribution by which pairs of pictures are blended; 0 for none.
        """
        workers = 4 if seed is not None else 1
        super().__init__(len(x), batch_size, seed, whole=seed is not None, workers=workers, max_queue_size=16)
        self.x, self.y, self.blend = x, y, keras.layers.MixUp(mixup, seed=seed) if mixup else None
        if seed is not None:
            edge = ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0))
            self.padded = np.pad(x, edge, mode="reflect")

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.rows(index)
        part = self.part(chosen)
        if self.seed is None:
            return self.x[chosen[part]], one_hot(self.y[chosen[part]])
        generator = self.chance(index)
        places = corners(len(chosen), SHIFT, generator)
        if not self.blend:
            return crops(self.padded[chosen[part]], SHIFT, places[part]), one_hot(self.y[chosen[part]])
        # Pairs are of the whole batch. A generator of the layer's own would go by the order of the threads.
        x, y = crops(self.padded[chosen], SHIFT, places), one_hot(self.y[chosen])
        given = {"images": x, "labels": y}
        how = self.blend.get_random_transformation(given, seed=int(generator.integers(2**31)))
        x = np.rint(self.blend.transform_images(x, how)).astype(np.uint8)
        return x[part], np.asarray(self.blend.transform_labels(y, how))[part]


def one_hot(labels: np.ndarray) -> np.ndarray:
    """(n,) class numbers -> float32 (n, classes)."""
    return np.eye(len(resnet20.CLASSES), dtype=np.float32)[labels]


def augmentation(seed: int, cutout: int) -> list[keras.layers.Layer]:
    """Mirrors every second picture, and hides a grey square of `cutout` pixels at a random place; 0 for none.

    The grey is the mean of all colours: with a list of three numbers Keras' layer fails on JAX.
    """
    layers = [keras.layers.RandomFlip("horizontal", seed=seed)]
    if cutout:
        share = (min(cutout, resnet20.INPUT_SIZE) / resnet20.INPUT_SIZE) ** 2
        grey = float(np.mean(resnet20.MEAN))
        layers.append(keras.layers.RandomErasing((1.0, 1.0), (share, share), grey, seed=seed))
    return layers


def mean_weights(files: list[Path], model: keras.Model) -> list[np.ndarray]:
    """The mean of the weights in files of the architecture of `model`, whose own weights are lost."""

    def stored(file: Path) -> list[np.ndarray]:
        model.load_weights(file)
        return model.get_weights()

    return [np.mean(values, axis=0) for values in zip(*map(stored, files), strict=True)]


def measure_statistics(network: keras.Model, model: keras.Model, pictures: Pictures, batches: int = 200) -> None:
    """Measures the means and variances of a network's batch normalization anew: averaged weights need other ones.

    Args:
        model: the network as it was trained, with its augmentation.
    """
    normalizations = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in normalizations]
    for seen in range(min(batches, len(pictures))):
        for layer in normalizations:
            layer.momentum = seen / (seen + 1)  # the mean of all batches so far
        model(pictures[seen][0], training=True)
    for layer, momentum in zip(normalizations, momenta, strict=True):
        layer.momentum = momentum


def figures(model: keras.Model, x: np.ndarray, y: np.ndarray, batch_size: int = 500) -> list[dict]:
    """The card's figures: as the gallery serves the network, the mean of ten looks, and of a single look."""

    def answers(pictures: np.ndarray) -> np.ndarray:
        starts = range(0, len(pictures), batch_size)
        return np.concatenate([model.predict_on_batch(pictures[i : i + batch_size].astype("float32")) for i in starts])

    ten = np.stack([resnet20.looks(picture) for picture in x], axis=1)  # by look, then by picture
    looks = np.stack([answers(pictures) for pictures in ten])
    metrics = []
    for name, probabilities in (("accuracy", looks.mean(axis=0)), (resnet20.ONE_LOOK, looks[0])):
        right = int((probabilities.argmax(axis=1) == y).sum())
        metrics.append(intervals.metric(name, right / len(y), len(y), intervals.wilson(right, len(y))))
        print(f"{name}: {right / len(y):.4f} of {len(y)} pictures")
    return metrics


def optimizer(rate, weight_decay: float, **options) -> keras.optimizers.Optimizer:
    """SGD with Nesterov momentum; no decay on biases and batch normalization."""
    # Keras decays apart from the momentum, so its factor is 1 / (1 - momentum) times the usual L2 factor.
    result = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=weight_decay / (1 - 0.9), **options)
    result.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return result


def train(arguments: argparse.Namespace, split, validation, published=None) -> tuple[keras.Model, list[dict]]:
    """The network and the log of its training; with `--average`, of the mean of its last epochs.

    Args:
        split, validation: pictures uint8 (n, 32, 32, 3) and labels (n,).
        published: weights to start from.
    """
    with engine.precision(arguments):
        network = fuse_normalization(resnet20.build())
    if published is not None:
        network.set_weights(published)
    model = engine.trainee(network, before=augmentation(arguments.seed, arguments.cutout))
    pictures = Pictures(*split, arguments.batch_size, arguments.seed, arguments.mixup)
    rate, each = arguments.learning_rate * arguments.batch_size / 128, arguments.run_dir / "epochs"
    if arguments.average:
        each.mkdir(parents=True, exist_ok=True)
        schedule, callbacks = rate, [Kept(each / "{epoch:04d}.weights.h5", save_weights_only=True)]
    else:
        clock = schedules.Clock(arguments.minutes)
        schedule, callbacks = schedules.cosine(rate, arguments.epochs, len(pictures), WARM_UP, clock)
    model.compile(
        optimizer(schedule, arguments.weight_decay, **engine.optimizer_options(arguments)),
        keras.losses.CategoricalCrossentropy(label_smoothing=arguments.smoothing),
        metrics=["accuracy"],
    )
    history = common.fit(
        model, pictures, Pictures(*validation, 500), arguments, "val_accuracy", "max", reduce=False,
        callbacks=callbacks,
    )  # fmt: skip
    if arguments.average:
        model.set_weights(mean_weights(sorted(each.iterdir())[-arguments.average :], model))
        pictures.epoch = arguments.epochs
        measure_statistics(network, model, pictures)
        print("Mean of the last epochs, on validation and then on test pictures:")
        figures(engine.exact(network), *validation)
    return network, history


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    parser = common.parser("Trains ResNet-20 on CIFAR-10.", "resnet20", epochs=200, batch_size=512)
    positive, zero, share, count = common.above_zero, common.zero_or_more, common.share, common.at_least(0)
    parser.add_argument("--learning-rate", type=positive, default=0.1, help="for a batch of 128; grows with the batch")
    parser.add_argument("--weight-decay", type=zero, default=5e-4, help="L2 factor on kernels")
    parser.add_argument("--smoothing", type=share, default=0.0, help="how much probability the target gives away")
    parser.add_argument("--cutout", type=count, default=10, help="side of the hidden square in pixels")
    parser.add_argument("--mixup", type=zero, default=0.0, help="parameter of the blending of pairs")
    parser.add_argument("--average", type=count, default=0, help="keep the rate, and average so many last epochs")
    parser.add_argument("--minutes", type=positive, help="end the learning-rate schedule after so many minutes")
    parser.add_argument("--start", action="store_true", help="go on from the published weights instead of at random")
    return parser


@common.script
def main() -> None:
    arguments = options().parse_args()
    (x, y), validation, test = cifar10.load(arguments.data_dir, VALIDATION)
    if arguments.measure:
        certainty = calibration(weights.load("resnet20", arguments.weights_dir), *test)
        common.measure(
            "resnet20", arguments, lambda served: {"metrics": figures(served, *test), "calibration": certainty}
        )
        return
    earlier, start, published = [], {}, None
    if arguments.start:
        published = weights.load("resnet20", arguments.weights_dir).get_weights()
        earlier = weights.history("resnet20", arguments.weights_dir)
        start = provenance.origin("resnet20", arguments.weights_dir)
    common.prepare(arguments)
    if arguments.limit:
        x, y = x[: arguments.limit], y[: arguments.limit]  # the loader has drawn them at random
    network, history = train(arguments, (x, y), validation, published)
    notes = f"Each answer is the mean of ten looks: moved by {resnet20.STEP} pixels four ways or not, mirrored or not."
    if arguments.average:
        notes += f" The weights are the mean of those of the last {arguments.average} epochs; the curves are of each."
    model = resnet20.build()
    model.set_weights(network.get_weights())
    common.as_stored(model)
    common.publish(
        model,
        arguments,
        builder="cnndemo.models.resnet20:build",
        data=cifar10.SOURCE | {"splits": {"train": len(x), "validation": len(validation[0]), "test": len(test[0])}},
        history=earlier + history,
        classes=list(resnet20.CLASSES),
        metrics=figures(model, *test),
        calibration=calibration(model, *test),  # of a single look
        notes=notes,
        **start,
    )


if __name__ == "__main__":
    main()
