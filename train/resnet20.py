"""Trains ResNet-20 on CIFAR-10, the book's data set of section 4.2, from scratch.

    KERAS_BACKEND=jax python -m train.resnet20 --mixed            # a GPU, some minutes
    python -m train.resnet20 --epochs 30 --batch-size 128 --mixed # a CPU, 45 s an epoch where it has bfloat16, or 95
    python -m train.resnet20 --epochs 16 --start --average 14 --batch-size 128 --learning-rate 0.01
                                                                  # goes on from the published weights, then averages
    python -m train.resnet20 --measure                            # scores the published weights anew

The recipe is the paper's with a cosine in place of its steps: stochastic gradient descent with Nesterov momentum,
weight decay on kernels; pictures shifted by up to 4 pixels, mirrored, and with a square cut out (DeVries, Taylor 2017).
With `--average` the rate stays, and the mean of the weights of the last epochs is the result (Izmailov et al. 2018).
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import keras
import numpy as np

from cnndemo import weights
from cnndemo.fool_it import reliability
from cnndemo.models import resnet20
from train import common
from train.checkpoints import Kept, Stream
from train.datasets import cifar10

SHIFT = 4  # pixels of padding on each side before the random crop
WARM_UP = 5  # epochs
VALIDATION = 1000  # pictures held out from the training split


class Pictures(Stream):
    """Batches of pictures; while training in random order, shifted and mirrored anew each epoch."""

    def __init__(
        self, x: np.ndarray, y: np.ndarray, batch_size: int, seed: int | None = None, cutout: int = 0, mixup: float = 0
    ):
        """Args:
        x, y: uint8 (n, height, width, 3) and (n,).
        seed: turns shuffling and augmentation on.
        cutout: side of a grey square that hides a part of each picture, in pixels; 0 for none.
        mixup: parameter of the beta distribution by which pairs of pictures are blended; 0 for none.
        """
        workers = 4 if seed is not None else 1
        super().__init__(len(x), batch_size, seed, whole=seed is not None, workers=workers, max_queue_size=16)
        self.x, self.y, self.cutout, self.mixup = x, y, cutout, mixup
        if seed is not None:
            edge = ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0))
            self.padded = np.pad(x, edge, mode="reflect")

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.rows(index)
        part = self.part(chosen)
        if self.seed is None:
            return self.x[chosen[part]].astype(np.float32), one_hot(self.y[chosen[part]])
        generator = self.chance(index)
        x = augment(self.padded[chosen], generator)
        if self.cutout:
            hide(x, self.cutout, generator)
        x, y = x.astype(np.float32), one_hot(self.y[chosen])
        if self.mixup:
            share = np.float32(generator.beta(self.mixup, self.mixup))
            x, y = share * x + (1 - share) * x[::-1], share * y + (1 - share) * y[::-1]
        return x[part], y[part]


def one_hot(labels: np.ndarray) -> np.ndarray:
    """(n,) class numbers -> float32 (n, classes)."""
    return np.eye(len(resnet20.CLASSES), dtype=np.float32)[labels]


def hide(pictures: np.ndarray, side: int, generator: np.random.Generator) -> None:
    """Puts a square of the mean colour at a random place of each picture, at the edges partly outside."""
    height, width = pictures.shape[1:3]
    centers = generator.integers(0, (height, width), (len(pictures), 2))
    for picture, (row, column) in zip(pictures, centers.tolist(), strict=True):
        top, left = max(0, row - side // 2), max(0, column - side // 2)
        picture[top : row - side // 2 + side, left : column - side // 2 + side] = resnet20.MEAN


def augment(padded: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Cuts a random window out of each padded picture, and mirrors every second one.

    Args:
        padded: uint8 (n, height + 2 × SHIFT, width + 2 × SHIFT, 3).

    Returns:
        uint8 (n, height, width, 3).
    """
    count, height, width = len(padded), padded.shape[1] - 2 * SHIFT, padded.shape[2] - 2 * SHIFT
    result = np.empty((count, height, width, 3), np.uint8)
    corners = generator.integers(0, 2 * SHIFT + 1, (count, 2))
    # A loop over slices copies whole rows; one fancy index for all pictures at once is ten times slower.
    for index, (top, left) in enumerate(corners.tolist()):
        result[index] = padded[index, top : top + height, left : left + width]
    mirrored = generator.random(count) < 0.5
    result[mirrored] = result[mirrored][:, :, ::-1]
    return result


class Cosine(keras.callbacks.Callback):
    """Learning rate for each epoch: a linear warm-up, then a half cosine down to zero.

    With a limit of minutes the cosine ends when the time is over, even if not all epochs are done.
    """

    counted = ("spent",)

    def __init__(self, rate: float, epochs: int, warm_up: int = WARM_UP, minutes: float | None = None):
        super().__init__()
        self.rate, self.epochs, self.warm_up, self.minutes = rate, epochs, warm_up, minutes
        self.started, self.spent = time.time(), 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.time() - self.spent if epoch and self.spent else self.started
        # One epoch ahead, so that the last epoch that fits into the time has a rate near zero.
        spent = (time.time() - self.started) / (60 * self.minutes) * (1 + 1 / (epoch + 1)) if self.minutes else 0
        self.progress = max(epoch / self.epochs, spent if epoch else 0)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.progress)))
        floor = self.rate / 1000
        self.model.optimizer.learning_rate = max(floor, self.rate * min(1.0, (epoch + 1) / self.warm_up) * cosine)

    def on_epoch_end(self, epoch, logs=None):
        self.spent = time.time() - self.started
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        if self.progress >= 1:
            self.model.stop_training = True


def mean_weights(files: list[Path], model: keras.Model) -> list[np.ndarray]:
    """The mean of the weights in files of the architecture of `model`, whose own weights are lost."""

    def stored(file: Path) -> list[np.ndarray]:
        model.load_weights(file)
        return model.get_weights()

    return [np.mean(values, axis=0) for values in zip(*map(stored, files), strict=True)]


def measure_statistics(model: keras.Model, pictures: Pictures, batches: int = 200) -> None:
    """Measures the means and variances of batch normalization anew: averaged weights need other ones."""
    normalizations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
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
        metrics.append(common.metric(name, right / len(y), len(y), common.wilson(right, len(y))))
        print(f"{name}: {right / len(y):.4f} of {len(y)} pictures")
    return metrics


def calibration(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """How far the certainty of a single look can be trusted, for the card; see `cnndemo.fool_it.reliability`."""
    return reliability.table(common.logits(model, x), y)


def optimizer(rate: float, weight_decay: float) -> keras.optimizers.Optimizer:
    """SGD with Nesterov momentum; no decay on biases and batch normalization."""
    # Keras decays apart from the momentum, so its factor is 1 / (1 - momentum) times the usual L2 factor.
    result = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=weight_decay / (1 - 0.9))
    result.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return result


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    parser = common.parser("Trains ResNet-20 on CIFAR-10.", "resnet20", epochs=200, batch_size=512)
    positive, zero, count = common.above_zero, common.zero_or_more, common.at_least(0)
    parser.add_argument("--learning-rate", type=positive, default=0.1, help="for a batch of 128; grows with the batch")
    parser.add_argument("--weight-decay", type=zero, default=5e-4, help="L2 factor on kernels")
    parser.add_argument("--smoothing", type=zero, default=0.0, help="how much probability the target gives away")
    parser.add_argument("--cutout", type=count, default=10, help="side of the hidden square in pixels")
    parser.add_argument("--mixup", type=zero, default=0.0, help="parameter of the blending of pairs")
    parser.add_argument("--average", type=count, default=0, help="keep the rate, and average so many last epochs")
    parser.add_argument("--minutes", type=positive, help="end the learning-rate schedule after so many minutes")
    parser.add_argument("--mixed", action="store_true", help="calculate in bfloat16")
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
    earlier, start = [], {}
    if arguments.start:
        published = weights.load("resnet20", arguments.weights_dir).get_weights()
        earlier = weights.history("resnet20", arguments.weights_dir)
        start = common.origin("resnet20", arguments.weights_dir)
    common.prepare(arguments)
    if arguments.limit:
        x, y = x[: arguments.limit], y[: arguments.limit]  # the loader has drawn them at random
    if arguments.mixed:
        keras.config.set_dtype_policy("mixed_bfloat16")
    model = common.fuse_normalization(resnet20.build())
    if arguments.start:
        model.set_weights(published)
    rate = arguments.learning_rate * arguments.batch_size / 128
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=arguments.smoothing)
    model.compile(optimizer(rate, arguments.weight_decay), loss, metrics=["accuracy"])
    pictures = Pictures(x, y, arguments.batch_size, arguments.seed, arguments.cutout, arguments.mixup)
    each = arguments.run_dir / "epochs"
    each.mkdir(parents=True, exist_ok=True)
    schedule = Cosine(rate, arguments.epochs, minutes=arguments.minutes)
    keep = Kept(each / "{epoch:04d}.weights.h5", save_weights_only=True)
    history = common.fit(
        model,
        pictures,
        Pictures(*validation, 500),
        arguments,
        monitor="val_accuracy",
        mode="max",
        patience=arguments.epochs,
        reduce=False,
        callbacks=[keep if arguments.average else schedule],
        verbose=2,
    )
    notes = f"Each answer is the mean of ten looks: moved by {resnet20.STEP} pixels four ways or not, mirrored or not."
    if arguments.average:
        notes += f" The weights are the mean of those of the last {arguments.average} epochs; the curves are of each."
        model.set_weights(mean_weights(sorted(each.iterdir())[-arguments.average :], model))
        pictures.epoch = arguments.epochs
        measure_statistics(model, pictures)
        print("Mean of the last epochs, on validation and then on test pictures:")
        figures(model, *validation)
    trained = model.get_weights()
    keras.config.set_dtype_policy("float32")
    model = resnet20.build()
    model.set_weights(trained)
    common.as_stored(model)
    common.publish(
        model,
        arguments,
        builder="cnndemo.models.resnet20:build",
        data=cifar10.SOURCE | {"splits": {"train": len(x), "validation": len(validation[0]), "test": len(test[0])}},
        history=earlier + history,
        classes=list(resnet20.CLASSES),
        metrics=figures(model, *test),
        calibration=calibration(model, *test),
        notes=notes,
        **start,
    )


if __name__ == "__main__":
    main()
