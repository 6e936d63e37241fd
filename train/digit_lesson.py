"""What a training of digits can be told to do: other digits, other networks, and the callbacks of the book's 2.5.

The training page runs `train.digit_classifier` with these options; so does anybody in a shell.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnndemo import images
from cnndemo.models import layer_table
from train import common, engine, events, schedules
from train.checkpoints import Kept
from train.datasets import mnist
from train.datasets.fetch import stored, taken
from train.datasets.splits import Split

SHIPPED = "shipped"
HELD = 50  # of each class of the shipped digits: to validate with, and as many to test on
MOST_BYTES = 400_000_000  # that the checkpoints of one run may take


@dataclass(frozen=True)
class Digits:
    """Three splits, each x uint8 (n, 28, 28) or (n, 28, 28, 3) and y (n,), and the names of the classes."""

    training: Split
    validation: Split
    test: Split
    classes: tuple[str, ...] = tuple("0123456789")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one example: (height, width, channels)."""
        return (*self.training[0].shape[1:], 1)[:3]


def options(parser: argparse.ArgumentParser) -> None:
    """Add what this module understands to the arguments of the script."""
    whole, share = common.at_least(0), common.share
    add = parser.add_argument
    add("--data", default="mnist", help="mnist; shipped: 4,000 of the gallery's own digits; or an .npz file")
    add("--network", default="book", help=f"{', '.join(layer_table.NETWORKS)}, or layers: 'conv 8 3 relu; flatten'")
    add("--wrong", type=share, default=0.0, help="share of the training labels to falsify")
    add("--augment", action=argparse.BooleanOptionalAction, default=True, help="distort the training digits")
    add("--optimizer", choices=list(OPTIMIZERS), default="adamw", help="how gradients move the weights")
    add("--schedule", choices=("cosine", "constant"), default="cosine", help="course of the learning rate")
    add("--label-smoothing", type=share, default=0.01, help="probability that is spread over all classes")
    add(
        "--reduce", type=float, nargs=2, action=Plateau, metavar=("FACTOR", "PATIENCE"),
        help="ReduceLROnPlateau (listing 2.5)",
    )  # fmt: skip
    add("--reduce-to", type=common.zero_or_more, default=1e-6, help="lowest rate that --reduce goes down to")
    add("--stop", type=whole, default=0, metavar="PATIENCE", help="EarlyStopping; 0: none")
    add(
        "--checkpoints", choices=("best", "every"), default="best", help="ModelCheckpoint (listing 2.4) of which epochs"
    )
    add("--samples", action="store_true", help="tell the answers to ten held-out digits after each epoch")


class Plateau(argparse.Action):
    """What follows `--reduce`: a factor between 0 and 1, and a whole number of epochs."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        factor, patience = values
        if not 0 < factor < 1:
            raise argparse.ArgumentError(self, f"the factor {factor:g} is not between 0 and 1")
        if patience < 1 or patience % 1:
            raise argparse.ArgumentError(self, f"the patience {patience:g} is not a number of epochs")
        setattr(namespace, self.dest, values)


OPTIMIZERS = {
    "adamw": keras.optimizers.AdamW,
    "adam": keras.optimizers.Adam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


def optimizer(arguments: argparse.Namespace, epochs: int, batches: int) -> keras.optimizers.Optimizer:
    """The optimizer with its learning rate: constant, or a cosine after a short rise that ends at zero."""
    rate, more = arguments.learning_rate, engine.optimizer_options(arguments)
    if arguments.schedule == "cosine":
        rate, _ = schedules.cosine(rate, epochs, batches, warm_up=epochs / 40)
    if arguments.optimizer == "adamw":
        more["weight_decay"] = arguments.weight_decay
    return OPTIMIZERS[arguments.optimizer](rate, **more)


def network(arguments: argparse.Namespace, digits: Digits) -> keras.Model:
    """The network of `--network`, not compiled.

    Raises:
        VisitorError: such a network cannot be.
    """
    return layer_table.build(layer_table.parse(arguments.network), digits.shape, len(digits.classes))


_standing_in: dict[str, dict[str, np.ndarray]] = {}


@contextmanager
def standing_in(name: str, arrays: dict[str, np.ndarray]) -> Iterator[None]:
    """Arrays that stand for the file `--data name`: what a visitor brings is not written to a disk."""
    _standing_in[name] = arrays
    try:
        yield
    finally:
        del _standing_in[name]


def load(arguments: argparse.Namespace) -> Digits:
    """The digits of `--data`, some labels of the training split falsified if `--wrong` says so.

    Raises:
        VisitorError, SystemExit: the file is missing or holds something else.
    """
    if arguments.data == "mnist":
        digits = Digits(*full(arguments.data_dir, arguments.limit))
    elif arguments.data == SHIPPED:
        digits = shipped(arguments.limit)
    else:
        digits = _from_file(arguments.data)
    x, y = digits.training
    labels = y.astype(np.int64)
    generator = np.random.default_rng(arguments.seed)
    spoiled = generator.permutation(len(y))[: round(min(arguments.wrong, 1) * len(y))]
    labels[spoiled] = (labels[spoiled] + generator.integers(1, len(digits.classes), len(spoiled))) % len(digits.classes)
    return Digits((x, labels), digits.validation, digits.test, digits.classes)


def full(data_dir: Path, limit: int = 0) -> tuple[Split, Split, Split]:
    """Training, validation and test split of MNIST.

    The 5,000 digits that ship with the gallery are a part of MNIST's training split; they are held out as validation,
    so that what pages measure on them is measured on digits that the network was not trained on.
    """
    (x, y), _, test = mnist.load(data_dir, validation=0)
    shipped_x, shipped_y = images.digits()
    known = {digit.tobytes() for digit in shipped_x}
    kept = np.array([digit.tobytes() not in known for digit in x])
    if limit:
        kept &= np.cumsum(kept) <= limit  # the order of MNIST is random
    return (x[kept], y[kept]), (shipped_x, shipped_y), test


def shipped(limit: int = 0) -> Digits:
    """The gallery's own 5,000 digits as 4,000 to learn from, 500 to validate with, and 500 to test on."""
    x, y = images.digits()
    places = [np.flatnonzero(y == digit) for digit in range(10)]
    # Round robin, so that any number of digits holds all classes as evenly as it can.
    learn = np.stack([rows[: -2 * HELD] for rows in places], axis=1).ravel()[: limit or None]
    validation, test = (
        np.concatenate([rows[part] for rows in places]) for part in (slice(-2 * HELD, -HELD), slice(-HELD, None))
    )
    return Digits(*((x[rows], y[rows]) for rows in (learn, validation, test)))


def _from_file(name: str) -> Digits:
    splits = ("training", "validation", "test")
    names = [f"{part}_{split}" for split in splits for part in "xy"]
    advice = f"--data must be mnist, shipped, or an .npz file with {', '.join(names)} and classes."
    content = _standing_in.get(name)
    if content is None:
        content = stored(Path(name), advice, [*names, "classes"])
        taken[Path(name).name] = Path(name).stat().st_size
    parts = [(content[f"x_{split}"], content[f"y_{split}"]) for split in splits]
    classes = tuple(str(each) for each in np.atleast_1d(content["classes"]))
    for x, y in parts:
        fit = x.dtype == np.uint8 and x.shape[1:] in ((28, 28), (28, 28, 1), (28, 28, 3))
        if not (fit and y.dtype.kind in "iu" and y.shape == x.shape[:1] and len(y)):
            raise SystemExit(f"--data {name}: pictures must be uint8 (n, 28, 28) or (n, 28, 28, 3), with labels (n,).")
        if y.min() < 0 or y.max() >= len(classes):
            raise SystemExit(f"--data {name}: a label is none of the {len(classes)} classes.")
    if len({x.shape[1:] for x, _ in parts}) > 1:
        raise SystemExit(f"--data {name}: pictures of the splits have not the same shape.")
    return Digits(*parts, classes)


def as_bytes(x: np.ndarray) -> np.ndarray:
    """Digits with their channels, (n, 28, 28, 1 or 3)."""
    return x if x.ndim == 4 else x[..., None]


def as_input(x: np.ndarray) -> np.ndarray:
    """Such digits need no preparation but the scale: uint8 (n, 28, 28) -> float32 (n, 28, 28, 1) in [0, 1]."""
    return as_bytes(x).astype(np.float32) / 255.0


def one_of_each(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Row numbers: of each class that occurs, the first example."""
    return np.unique(y, return_index=True)[1]


class OfNetwork(Kept):
    """Keeps the network itself, without the augmentation before it and without the optimizer."""

    def __init__(self, network: keras.Model, file: Path, best_only: bool) -> None:
        super().__init__(file, "val_loss", save_best_only=best_only)
        self.network = network

    def set_model(self, model: keras.Model) -> None:
        super().set_model(self.network)


def callbacks(network: keras.Model, validation: Split, arguments: argparse.Namespace) -> list[keras.callbacks.Callback]:
    """The callbacks that the options ask for; the best network so far is kept as `best.keras`, others in `models/`.

    Raises:
        SystemExit: the checkpoints of all epochs would not fit.
    """
    found: list[keras.callbacks.Callback] = [OfNetwork(network, arguments.run_dir / "best.keras", True)]
    if arguments.checkpoints == "every":
        if (total := 4 * network.count_params() * arguments.epochs) > MOST_BYTES:
            raise SystemExit(
                f"{arguments.epochs} checkpoints of this network take {total / 1e6:.0f} MB. Keep the best one only, or "
                "train for fewer epochs."
            )
        (arguments.run_dir / "models").mkdir(exist_ok=True)
        pattern = arguments.run_dir / "models" / "model-{epoch:02d}-{val_loss:.4f}.keras"
        found.append(OfNetwork(network, pattern, False))
    if arguments.reduce:
        factor, patience = arguments.reduce
        found.append(
            keras.callbacks.ReduceLROnPlateau(
                "val_loss", factor=factor, patience=int(patience), min_lr=arguments.reduce_to
            )
        )
    if arguments.samples:
        pictures = as_input(validation[0][one_of_each(*validation)])

        def show(epoch: int, logs: dict[str, Any]) -> None:
            answers = keras.ops.convert_to_numpy(network(pictures, training=False))
            events.tell("samples", epoch=epoch + 1, probabilities=np.round(answers, 4))

        found.append(keras.callbacks.LambdaCallback(on_epoch_end=show))
    return found
