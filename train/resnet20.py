"""Trains ResNet-20 on CIFAR-10, the book's data set of section 4.2: from scratch, or with a teacher.

    KERAS_BACKEND=jax python -m train.resnet20 --mixed            # a GPU, some minutes
    python -m train.resnet20 --epochs 30 --batch-size 128         # a CPU, 1.5 to 3 minutes an epoch
    python -m train.resnet20 --epochs 30 --start                  # goes on from the shipped weights
    python -m train.resnet20 --epochs 40 --start --cutout 0 --teacher runs/cifar10_transfer/answers.npy

The recipe is the paper's with a cosine in place of its steps: stochastic gradient descent with Nesterov momentum,
weight decay on kernels; pictures shifted by up to 4 pixels, mirrored, and with a square cut out (DeVries, Taylor 2017).
A teacher is a network that knows more: `train.cifar10_transfer` stores what the fine-tuned EfficientNet-Lite0 answers
to each picture, and ResNet-20 learns these answers besides the labels (distillation: Hinton, Vinyals, Dean 2015).
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import keras
import numpy as np

from cnndemo import weights
from cnndemo.models import resnet20
from train import common
from train.datasets import cifar10

SHIFT = 4  # pixels of padding on each side before the random crop
VALIDATION = 1000  # pictures held out of the training split
TEMPERATURE = 4.0  # by which the scores of teacher and pupil are divided, so that small probabilities count
TEACHING = 0.9  # the teacher's share of the loss; the labels have the rest
WARM_UP = 5  # epochs


class Pictures(keras.utils.PyDataset):
    """Batches of pictures; while training in random order, shifted and mirrored anew each epoch."""

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int,
        seed: int | None = None,
        cutout: int = 0,
        mixup: float = 0,
        teacher: np.ndarray | None = None,
    ):
        """Args:
        x, y: uint8 (n, height, width, 3) and (n,).
        seed: turns shuffling and augmentation on.
        cutout: side of a grey square that hides a part of each picture, in pixels; 0 for none.
        mixup: parameter of the beta distribution by which pairs of pictures are blended; 0 for none.
        teacher: scores (n, classes). While training, targets are then the label's and the teacher's probabilities
            side by side: float32 (batch, 2 × classes).
        """
        super().__init__(workers=4 if seed is not None else 1, max_queue_size=16)
        self.x, self.y, self.batch_size, self.seed = x, y, min(batch_size, len(x)), seed
        self.cutout, self.mixup, self.teacher, self.epoch = cutout, mixup, teacher, 0
        if seed is not None:
            edge = ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0))
            self.padded = np.pad(x, edge, mode="reflect")
            self.order = np.random.default_rng(seed).permutation(len(x))

    def __len__(self) -> int:
        # A last batch of another size would be compiled again, so training leaves it out; the order changes anyway.
        if self.seed is not None:
            return len(self.x) // self.batch_size
        return math.ceil(len(self.x) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        if self.seed is None:
            return self.x[rows].astype(np.float32), one_hot(self.y[rows])
        chosen = self.order[rows]
        generator = np.random.default_rng((self.seed, self.epoch, index))
        x = augment(self.padded[chosen], generator)
        if self.cutout:
            hide(x, self.cutout, generator)
        x, y = x.astype(np.float32), one_hot(self.y[chosen])
        if self.teacher is not None:
            y = np.hstack([y, softened(self.teacher[chosen])])
        if not self.mixup:
            return x, y
        share = np.float32(generator.beta(self.mixup, self.mixup))
        return share * x + (1 - share) * x[::-1], share * y + (1 - share) * y[::-1]

    def on_epoch_end(self) -> None:
        self.epoch += 1
        if self.seed is not None:
            self.order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.x))


def one_hot(labels: np.ndarray) -> np.ndarray:
    """(n,) class numbers -> float32 (n, classes)."""
    return np.eye(len(resnet20.CLASSES), dtype=np.float32)[labels]


def softened(scores: np.ndarray) -> np.ndarray:
    """Scores (n, classes) -> probabilities at `TEMPERATURE`, float32."""
    powers = np.exp((scores - scores.max(axis=1, keepdims=True)).astype(np.float32) / TEMPERATURE)
    return powers / powers.sum(axis=1, keepdims=True)


def distillation(target, probabilities):
    """Loss (n,) against labels and teacher, both cross-entropies; with labels alone the usual cross-entropy.

    Args:
        target: (n, classes) labels, or (n, 2 × classes) with the teacher's softened probabilities on their right.
        probabilities: (n, classes), the pupil's softmax.
    """
    classes = probabilities.shape[-1]
    labels, teacher = target[:, :classes], target[:, classes:]
    hard = keras.losses.categorical_crossentropy(labels, probabilities)
    if target.shape[-1] == classes:
        return hard
    # The softmax of softmax's logarithm over T is the softmax of the scores over T.
    soft = keras.ops.softmax(keras.ops.log(keras.ops.maximum(probabilities, 1e-7)) / TEMPERATURE)
    # Gradients of the soft part shrink with the square of the temperature.
    taught = TEMPERATURE**2 * keras.losses.categorical_crossentropy(teacher, soft)
    return (1 - TEACHING) * hard + TEACHING * taught


def hits(target, probabilities):
    """1 where the label has the highest probability, (n,)."""
    return keras.metrics.categorical_accuracy(target[:, : probabilities.shape[-1]], probabilities)


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

    def __init__(self, rate: float, epochs: int, warm_up: int = WARM_UP, minutes: float | None = None):
        super().__init__()
        self.rate, self.epochs, self.warm_up, self.minutes = rate, epochs, warm_up, minutes
        self.started = time.time()

    def on_epoch_begin(self, epoch, logs=None):
        # One epoch ahead, so that the last epoch that fits into the time has a rate near zero.
        spent = (time.time() - self.started) / (60 * self.minutes) * (1 + 1 / (epoch + 1)) if self.minutes else 0
        self.progress = max(epoch / self.epochs, spent if epoch else 0)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.progress)))
        floor = self.rate / 1000
        self.model.optimizer.learning_rate = max(floor, self.rate * min(1.0, (epoch + 1) / self.warm_up) * cosine)

    def on_epoch_end(self, epoch, logs=None):
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        if self.progress >= 1:
            self.model.stop_training = True


def accuracy(model: keras.Model, x: np.ndarray, y: np.ndarray, batch_size: int = 500) -> int:
    """How many of the pictures are classified right."""
    pictures = Pictures(x, y, batch_size)
    return sum(
        int((np.argmax(model.predict_on_batch(batch), axis=1) == np.argmax(labels, axis=1)).sum())
        for batch, labels in (pictures[index] for index in range(len(pictures)))
    )


def optimizer(rate: float, weight_decay: float) -> keras.optimizers.Optimizer:
    """SGD with Nesterov momentum; no decay on biases and batch normalization."""
    # Keras decays apart from the momentum, so its factor is 1 / (1 - momentum) times the usual L2 factor.
    result = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=weight_decay / (1 - 0.9))
    result.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return result


def untaught(name: str) -> list[dict]:
    """The accuracy that stored weights reached without a teacher, as a figure of their pupil's card."""
    figures = {figure["name"]: figure for figure in weights.card(name)["metrics"]}
    return [figures.get(resnet20.UNTAUGHT) or figures["accuracy"] | {"name": resnet20.UNTAUGHT}]


def main() -> None:
    parser = common.parser("Trains ResNet-20 on CIFAR-10.", "resnet20", epochs=200, batch_size=512)
    parser.add_argument("--learning-rate", type=float, default=0.1, help="for a batch of 128; grows with the batch")
    parser.add_argument("--weight-decay", type=float, default=5e-4, help="L2 factor on kernels")
    parser.add_argument("--cutout", type=int, default=10, help="side of the hidden square in pixels")
    parser.add_argument("--mixup", type=float, default=0.0, help="parameter of the blending of pairs")
    parser.add_argument("--minutes", type=float, help="end the learning-rate schedule after so many minutes")
    parser.add_argument("--mixed", action="store_true", help="calculate in bfloat16 (GPU)")
    parser.add_argument("--teacher", type=Path, help="answers.npy of train.cifar10_transfer, to be learned as well")
    parser.add_argument("--start", action="store_true", help="go on from the shipped weights instead of at random")
    arguments = parser.parse_args()
    common.prepare(arguments)

    (x, y), validation, test = cifar10.load(arguments.data_dir, validation=VALIDATION)
    if arguments.limit:
        x, y = x[: arguments.limit], y[: arguments.limit]
        validation, test = [[part[: arguments.limit] for part in split] for split in (validation, test)]
    if arguments.mixed:
        keras.config.set_dtype_policy("mixed_bfloat16")
    model = resnet20.build()
    teacher = None if arguments.teacher is None else np.load(arguments.teacher)[: len(x)]
    if teacher is not None and teacher.shape != (len(x), len(resnet20.CLASSES)):
        parser.error(f"{arguments.teacher} has answers of shape {teacher.shape}, not to these {len(x)} pictures")
    earlier, start, alone = [], {}, []
    if arguments.start:
        model.set_weights(weights.load("resnet20").get_weights())
        earlier, start = weights.history("resnet20"), common.origin("resnet20")
        alone = untaught("resnet20") if arguments.teacher else []
    rate = arguments.learning_rate * arguments.batch_size / 128
    metrics = [keras.metrics.MeanMetricWrapper(hits, name="accuracy")]
    model.compile(optimizer(rate, arguments.weight_decay), distillation, metrics=metrics)
    history = common.fit(
        model,
        Pictures(x, y, arguments.batch_size, arguments.seed, arguments.cutout, arguments.mixup, teacher),
        Pictures(*validation, 500),
        arguments,
        monitor="val_accuracy",
        mode="max",
        patience=arguments.epochs,
        reduce=False,
        callbacks=[Cosine(rate, arguments.epochs, minutes=arguments.minutes)],
        verbose=2,
    )
    trained = model.get_weights()
    keras.config.set_dtype_policy("float32")
    model = resnet20.build()
    # What is measured is what is stored: weights rounded to float16.
    model.set_weights([values.astype(np.float16).astype(np.float32) for values in trained])
    right, samples = accuracy(model, *test), len(test[0])
    print(f"test accuracy {right / samples:.4f} on {samples} pictures")
    common.publish(
        model,
        arguments,
        builder="cnndemo.models.resnet20:build",
        data=cifar10.SOURCE | {"splits": {"train": len(x), "validation": len(validation[0]), "test": samples}},
        metrics=[common.metric("accuracy", right / samples, samples, common.wilson(right, samples)), *alone],
        history=earlier + history,
        classes=list(resnet20.CLASSES),
        **start,
    )


if __name__ == "__main__":
    main()
