"""What a run is told, as the options of the script that trains: `python -m train.digit_classifier`."""

from __future__ import annotations

import math
import os
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path

from cnndemo.errors import VisitorError
from cnndemo.models import layer_table

OPTIMIZERS = ("Adam", "RMSprop", "SGD")
DATA = {
    "shipped": "5,000 digits",
    "mnist": "All of MNIST",
    "drawn": "Digits drawn here",
    "own": "My classes",
}
"""What can be learned from: the digits that ship (4,000 / 500 / 500), MNIST, and what the visitor brings."""
MOST = 4000  # of the shipped digits that can be learned from
ALL_OF_MNIST = 55_000  # digits of MNIST's training split beside the shipped ones
OWN_FILE = "mine.npz"  # the name under which the script knows what the visitor brings
_RANGES = {
    "digits": (0, ALL_OF_MNIST), "wrong": (0, 0.9), "rate": (1e-7, 100), "batch_size": (1, 512), "epochs": (1, 30),
    "factor": (0.01, 0.99), "patience": (1, 20), "least": (1e-8, 1), "stop": (0, 20), "seed": (0, 10_000),
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What a run needs to know.

    Attributes:
        network: a key of `layer_table.NETWORKS`, or a table of layers in one line.
        data: a key of `DATA`.
        digits: how many are learned from, an equal number of each class; 0 for all there are.
        wrong: share of them that carry a wrong label.
        augment: whether they are distorted anew each time.
        optimizer, rate: one of `OPTIMIZERS` and its learning rate.
        batch_size, epochs: as in listing 2.6, which takes 16 and 15.
        reduce, factor, patience, least: ReduceLROnPlateau on the validation loss (listing 2.5), if wanted.
        stop: EarlyStopping after so many epochs without progress; 0 for never.
        every: ModelCheckpoint after every epoch (listing 2.4), not only whenever one is the best so far.
        samples: LambdaCallback: the answers to ten digits after each epoch.
        tensorboard: TensorBoard's log, where the package is installed.
        seed: of the first weights and of the order.
    """

    network: str = "small"
    data: str = "shipped"
    digits: int = MOST
    wrong: float = 0.0
    augment: bool = False
    optimizer: str = "Adam"
    rate: float = 2e-3
    batch_size: int = 32
    epochs: int = 8
    reduce: bool = True
    factor: float = 0.2
    patience: int = 2
    least: float = 1e-6
    stop: int = 0
    every: bool = False
    samples: bool = True
    tensorboard: bool = False
    seed: int = 0

    def check(self, shape: tuple[int, int, int] = (28, 28, 1), classes: int = 10) -> Settings:
        """The settings themselves, if a run with them makes sense.

        Args:
            shape, classes: of the data.

        Raises:
            VisitorError: a value is unknown or out of range, or such a network cannot be.
        """
        if self.optimizer not in OPTIMIZERS or self.data not in DATA:
            raise VisitorError("There is no such optimizer, or no such data.")
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise VisitorError(f"“{name}” must lie between {low:g} and {high:g}; it is {getattr(self, name):g}.")
        if self.augment and shape[2] != 1:
            raise VisitorError("Only grey digits can be distorted: switch “Distort the digits” off.")
        layer_table.plan(layer_table.parse(self.network), shape, classes)
        return self

    def code(self) -> str:
        """The call that makes these settings, defaults left out."""
        own = [f"{name}={value!r}" for name, value in asdict(self).items() if value != getattr(Settings, name)]
        return f"Settings({', '.join(own)})"

    @property
    def known(self) -> int:
        """How many digits are learned from, where that is known beforehand."""
        return self.digits or (ALL_OF_MNIST if self.data == "mnist" else MOST)

    def updates(self, examples: int | None = None) -> int:
        """Batches an epoch: the last may be smaller."""
        return math.ceil((examples or self.known) / self.batch_size)

    def arguments(self) -> list[str]:
        """The options of the script, those that are its own defaults left out."""
        words = ["--data", {"shipped": "shipped", "mnist": "mnist"}.get(self.data, OWN_FILE), "--network", self.network]
        words += ["--augment" if self.augment else "--no-augment", "--optimizer", self.optimizer.lower()]
        words += ["--learning-rate", f"{self.rate:g}", "--schedule", "constant", "--label-smoothing", "0"]
        words += ["--batch-size", str(self.batch_size), "--epochs", str(self.epochs), "--seed", str(self.seed)]
        if self.digits and self.data in ("shipped", "mnist"):
            words += ["--limit", str(self.digits)]
        if self.wrong:
            words += ["--wrong", f"{self.wrong:g}"]
        if self.reduce:
            words += ["--reduce", f"{self.factor:g}", str(self.patience), "--reduce-to", f"{self.least:g}"]
        if self.stop:
            words += ["--stop", str(self.stop)]
        words += ["--checkpoints", "every"] * self.every
        return words + ["--samples"] * self.samples + ["--tensorboard"] * self.tensorboard

    def command(self, backend: str = "", more: str = "") -> str:
        """The command line that repeats the run.

        Args:
            backend: "jax" instead of TensorFlow.
            more: further options.
        """
        front = f"KERAS_BACKEND={backend} " if backend else ""
        words = shlex.join([*self.arguments(), "--run-dir", "runs/mine"])
        return f"{front}python -m train.digit_classifier {words} {more}".rstrip()


def data_dir() -> Path:
    """Where data sets lie, as the scripts know it; relative to the repository."""
    folder = Path(os.environ.get("CNNDEMO_DATA", "data"))
    return folder if folder.is_absolute() else Path(__file__).resolve().parents[2] / folder


def mnist_file() -> Path:
    """Where all of MNIST lies, if it does."""
    return data_dir() / "mnist.npz"


def mnist_there() -> bool:
    """Whether all of MNIST lies on this server."""
    return mnist_file().is_file()


_TINY = "conv 1 6/5 relu; flatten"
PRESETS = {
    "Small and quick": Settings(),
    "The book’s": Settings(network="book", batch_size=64, rate=1e-3, epochs=5),
    "Overfitting": Settings(network="pooling", digits=100, epochs=20, batch_size=10, rate=1e-3, reduce=False),
    "Underfitting": Settings(network=_TINY, epochs=8, reduce=False),
    "Rate too high": Settings(rate=0.1, epochs=6, reduce=False),
    "Wrong labels": Settings(
        network="pooling", digits=500, wrong=0.4, epochs=20, batch_size=16, rate=1e-3, reduce=False
    ),
    "Plateau rescued": Settings(optimizer="Adam", rate=0.02, batch_size=16, epochs=12, patience=2, factor=0.1),
}
REASONS = {
    "Small and quick": "Eight epochs of a small network: watch loss fall and accuracy rise.",
    "The book’s": "Listing 2.1 with its 4.7 million parameters. It takes a few minutes.",
    "Overfitting": "A hundred digits are learned by heart: training and validation part.",
    "Underfitting": "One coarse kernel cannot hold what a digit is: both curves stay high.",
    "Rate too high": "Steps of 0.1 throw the weights about; compare with “Small and quick”.",
    "Wrong labels": "40 % of the labels lie: first it learns the digits, then the lies.",
    "Plateau rescued": "The rate is too high to settle; watch the loss when ReduceLROnPlateau cuts it.",
}
