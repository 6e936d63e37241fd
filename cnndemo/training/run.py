"""The book's digit network, trained while one watches (book 2.5), and what its callbacks do to a run.

`train` starts this module as a process of its own. There Keras trains on a part of the shipped MNIST digits with the
callbacks of listings 2.4 and 2.5, and tells after each epoch how it went.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from cnndemo import images, weights, worker
from cnndemo.errors import VisitorError

#: Filters of the convolutions, by the name of the network.
NETWORKS = {"the book’s": (32, 64), "half of it": (16, 32), "a quarter": (8, 16)}
OPTIMIZERS = ("Adam", "RMSprop", "SGD")
VALIDATION = 1000  # digits held out, the same for every run
MOST = 4000  # digits to learn from
SHOWN = 10  # digits whose answers are told after each epoch, one of each class


@dataclass(frozen=True)
class Settings:
    """What a run needs to know.

    Attributes:
        network: a key of `NETWORKS`.
        digits: how many are learned from, up to 4,000; an equal number of each class.
        wrong: share of them that carry a wrong label.
        optimizer, rate: one of `OPTIMIZERS` and its learning rate.
        batch_size, epochs: as in listing 2.6, which takes 16 and 15.
        reduce, factor, patience: ReduceLROnPlateau on the validation loss (listing 2.5), if wanted.
        seed: of the first weights and of the order.
    """

    network: str = "a quarter"
    digits: int = 1000
    wrong: float = 0.0
    optimizer: str = "Adam"
    rate: float = 1e-3
    batch_size: int = 16
    epochs: int = 10
    reduce: bool = True
    factor: float = 0.2
    patience: int = 2
    seed: int = 0

    def check(self) -> Settings:
        """The settings themselves, if a run with them makes sense.

        Raises:
            VisitorError: a value is unknown or out of range.
        """
        if self.network not in NETWORKS or self.optimizer not in OPTIMIZERS:
            raise VisitorError("There is no such network or optimizer.")
        ranges = {
            "digits": (10, MOST), "wrong": (0, 1), "rate": (1e-7, 100), "batch_size": (1, 512), "epochs": (1, 30),
            "factor": (0.01, 0.99), "patience": (0, 20),
        }  # fmt: skip
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise VisitorError(f"“{name}” must lie between {low:g} and {high:g}; it is {getattr(self, name):g}.")
        return self

    def code(self) -> str:
        """The call that makes these settings, defaults left out."""
        own = [f"{name}={value!r}" for name, value in asdict(self).items() if value != getattr(Settings, name)]
        return f"Settings({', '.join(own)})"

    @property
    def updates(self) -> int:
        """Batches an epoch: the last may be smaller."""
        return math.ceil(self.digits / self.batch_size)


PRESETS = {
    "The book’s": Settings(network="the book’s", epochs=6),
    "Small and quick": Settings(),
    "Rate too high": Settings(rate=0.1, epochs=6, reduce=False),
    "Rate too low": Settings(rate=1e-5, epochs=6),
    "Learned by heart": Settings(digits=100, epochs=20),
    "Wrong labels": Settings(wrong=0.4, epochs=15),
}


@dataclass
class Run:
    """A run as far as it has come.

    Attributes:
        history: one dict an epoch: loss, accuracy, val_loss, val_accuracy, learning_rate, seconds.
        answers: float32 (10, 10), probabilities for the shown digits after the last epoch; None before the first.
        epoch, batch, loss: where it is now.
        model: the best network so far as a `.keras` file; None before the first epoch has ended.
    """

    settings: Settings
    history: list[dict[str, float]] = field(default_factory=list)
    answers: np.ndarray | None = None
    epoch: int = 0
    batch: int = 0
    loss: float = math.nan
    model: bytes | None = None


def data(settings: Settings) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Digits to learn from and digits to validate with, float32 (n, 28, 28, 1) in [0, 1] and labels (n,).

    The shipped digits are 500 of each class; the last 100 of each class are held out.
    """
    x, y = images.digits()
    places = [np.flatnonzero(y == digit) for digit in range(10)]
    held = np.concatenate([rows[-VALIDATION // 10 :] for rows in places])
    # Round robin, so that any number of digits holds all classes as evenly as it can.
    order = np.stack([rows[: -VALIDATION // 10] for rows in places], axis=1).ravel()[: settings.digits]
    labels = y[order].copy()
    generator = np.random.default_rng(settings.seed)
    spoiled = generator.permutation(len(labels))[: round(settings.wrong * len(labels))]
    labels[spoiled] = (labels[spoiled] + generator.integers(1, 10, len(spoiled))) % 10
    scaled = [(x[rows].astype(np.float32) / 255)[..., None] for rows in (order, held)]
    return (scaled[0], labels), (scaled[1], y[held])


def shown() -> tuple[np.ndarray, np.ndarray]:
    """The held-out digits whose answers are told: uint8 (10, 28, 28), one of each class, and their labels."""
    _, (x, y) = data(Settings(digits=10))
    rows = [int(np.flatnonzero(y == digit)[7]) for digit in range(SHOWN)]
    return np.rint(x[rows, ..., 0] * 255).astype(np.uint8), y[rows]


def train(settings: Settings, waiting: Callable[[], None] = lambda: None) -> Iterator[Run]:
    """Trains in the Keras process; yields the run several times an epoch, the same object. Closing it stops all.

    Args:
        waiting: called while there is no news; what it raises stops the training.

    Raises:
        VisitorError: senseless settings, or the process failed.
    """
    settings.check()
    run = Run(settings)
    with closing(worker.steps("cnndemo.training.run:fit", settings, waiting=waiting)) as said:
        for told in said:
            if isinstance(told, bytes):
                run.model = told
            elif "answers" in told:
                run.answers = told.pop("answers")
                run.history.append(told)
            else:
                run.epoch, run.batch, run.loss = told["epoch"], told["batch"], told["loss"]
            yield run


def plateau(
    losses: Sequence[float], rate: float = 1e-3, factor: float = 0.2, patience: int = 2, least: float = 1e-6
) -> list[float]:
    """The learning rate in each epoch under ReduceLROnPlateau (listing 2.5), the validation losses given.

    Returns:
        One rate an epoch. Keras counts an epoch as progress if its loss is 0.0001 below the best so far.
    """
    rates, best, waited = [], math.inf, 0
    for loss in losses:
        rates.append(rate)
        if loss < best - 1e-4:
            best, waited = loss, 0
            continue
        waited += 1
        if waited >= patience and rate > least:
            rate, waited = max(rate * factor, least), 0
    return rates


def checkpoints(losses: Sequence[float], best_only: bool = False) -> list[str]:
    """The files that ModelCheckpoint writes with the book's pattern (listing 2.4), numbered from 1 as Keras does."""
    files, best = [], math.inf
    for epoch, loss in enumerate(losses, start=1):
        if loss < best or not best_only:
            files.append(f"models/model-{epoch:02d}-{loss:.4f}.keras")
        best = min(best, loss)
    return files


def early_stop(losses: Sequence[float], patience: int) -> int:
    """After how many epochs EarlyStopping ends the run: when so many in a row bring nothing; else all of them."""
    best, waited = math.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best, waited = loss, 0
        else:
            waited += 1
        if epoch > 1 and waited >= max(1, patience):
            return epoch
    return len(losses)


def answer_sheet(answers: np.ndarray) -> np.ndarray:
    """The shown digits, each with the network's answer below: green if right, orange if wrong.

    Args:
        answers: (10, 10), probabilities.

    Returns:
        uint8 RGB (100, 720, 3).
    """
    import cv2

    pictures, truth = shown()
    tiles = []
    for picture, label, row in zip(pictures, truth, answers, strict=True):
        tile = np.full((100, 72, 3), 255, np.uint8)
        tile[4:64, 6:66] = cv2.resize(picture, (60, 60), interpolation=cv2.INTER_NEAREST)[..., None]
        said = int(row.argmax())
        color = (0, 158, 115) if said == label else (213, 94, 0)
        cv2.rectangle(tile, (4, 2), (67, 65), color, 3)
        words = f"{said} {row[said]:.0%}"
        cv2.putText(tile, words, (8, 88), cv2.FONT_HERSHEY_SIMPLEX, 0.5, color, 1, cv2.LINE_AA)
        tiles.append(tile)
    return np.hstack(tiles)


def fit(settings: Settings, tell: Callable[[dict | bytes], None]) -> bytes | None:
    """The training itself, in the Keras process: tells where it is, how each epoch went, and the best network so far.

    Returns:
        The last epoch's network as a `.keras` file if none was told, because no loss was a number.
    """
    import keras

    from cnndemo.models import digit_classifier

    keras.utils.set_random_seed(settings.seed)
    (x, y), validation = data(settings)
    pictures = (shown()[0].astype(np.float32) / 255)[..., None]
    model = digit_classifier.variant(NETWORKS[settings.network])
    optimizer = getattr(keras.optimizers, settings.optimizer)(settings.rate)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"], jit_compile=False)

    class Teller(keras.callbacks.Callback):
        """Says where the training is, at most five times a second, and how each epoch went."""

        said, started = 0.0, 0.0

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch, self.started = epoch + 1, time.time()

        def on_train_batch_end(self, batch, logs=None):
            if time.time() - self.said > 0.2:
                self.said = time.time()
                tell({"epoch": self.epoch, "batch": batch + 1, "loss": _finite(logs["loss"])})

        def on_epoch_end(self, epoch, logs=None):
            figures = {name: _finite(value) for name, value in logs.items()}
            figures["learning_rate"] = self.rate
            answers = np.nan_to_num(np.asarray(self.model(pictures, training=False)))
            tell(figures | {"seconds": round(time.time() - self.started, 2), "answers": answers})

    class Rate(keras.callbacks.Callback):
        """Notes the rate that the epoch was trained with, before ReduceLROnPlateau changes it."""

        def on_epoch_begin(self, epoch, logs=None):
            teller.rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    class Keeper(keras.callbacks.ModelCheckpoint):
        """Tells the best network so far whenever it is better, so that it is there after Stop, too."""

        def on_epoch_end(self, epoch, logs=None):
            before = self.best
            super().on_epoch_end(epoch, logs)
            if self.best != before:
                tell(packed())

    teller, told = Teller(), digit_classifier.variant(NETWORKS[settings.network])
    with tempfile.TemporaryDirectory() as folder:

        def packed() -> bytes:
            """The network as it is now, as a `.keras` file without the optimizer."""
            file = Path(folder) / "model.keras"
            told.set_weights(model.get_weights())
            told.save(file)
            return file.read_bytes()

        best = Path(folder) / "best.weights.h5"
        keeper = Keeper(best, "val_loss", save_best_only=True, save_weights_only=True)
        callbacks = [Rate(), teller, keeper]
        if settings.reduce:
            callbacks.append(
                keras.callbacks.ReduceLROnPlateau(
                    "val_loss", factor=settings.factor, patience=settings.patience, min_lr=1e-6
                )
            )
        model.fit(
            x, y, settings.batch_size, settings.epochs, verbose=0, callbacks=callbacks, validation_data=validation
        )
        return None if best.is_file() else packed()  # no epoch had a loss that is a number


def _finite(value: float) -> float:
    """A number that JSON can carry; a loss beyond all bounds becomes a very large one."""
    return float(np.nan_to_num(float(value), nan=1e30, posinf=1e30))


def thumbnail() -> np.ndarray:
    """Loss of the shipped network's training, for the front page: uint8 (180, 320, 3)."""
    import cv2

    picture = np.full((180, 320, 3), 255, np.uint8)
    rows = weights.history("digit_classifier")
    for name, color in (("loss", (0, 114, 178)), ("val_loss", (213, 94, 0))):
        values = np.log([row[name] for row in rows if row.get(name)])
        if len(values) < 2:
            continue
        right, down = (
            np.linspace(24, 298, len(values)),
            np.interp(values, (values.min() - 0.3, values.max()), (160, 24)),
        )
        points = np.stack([right, down], axis=1).round().astype(np.int32)
        cv2.polylines(picture, [points], False, color, 3, cv2.LINE_AA)
    for end in ((300, 166), (20, 20)):
        cv2.line(picture, (20, 166), end, (120, 120, 120), 2)
    return picture
