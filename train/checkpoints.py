"""What a resumed training needs to become, bit for bit, the one that was never struck.

Keras' own `BackupAndRestore` keeps weights, optimizer and the number of the epoch in two files, one of which can be
newer than the other. Here all is in one file that is written whole or not at all, with what is missing there: the
states of dropout and augmentation, and what callbacks count. Data streams keep nothing: their batches follow from the
seed, the epoch and their number.
"""

from __future__ import annotations

import json
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnndemo import weights
from train import distribution
from train.runs import ending

COUNTED = {
    keras.callbacks.EarlyStopping: ("wait", "best", "best_epoch", "stopped_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
    keras.callbacks.ModelCheckpoint: ("best",),
    keras.callbacks.SwapEMAWeights: ("_ema_weights_in_model",),
}
"""What Keras' callbacks remember from one epoch to the next; one of ours names its own in `counted`."""


class Stream(keras.utils.PyDataset):
    """Batches that follow from the seed, the epoch and their number alone.

    Args:
        count: examples.
        batch_size: examples of a batch, at most `count`.
        seed: of the order, anew each epoch; None for examples in their order.
        whole: leave out a last batch of another size, which would be compiled again.
    """

    def __init__(self, count: int, batch_size: int, seed: int | None, whole: bool = False, **options) -> None:
        super().__init__(**options)
        self.count, self.batch_size, self.seed, self.whole = count, max(1, min(batch_size, count)), seed, whole
        self.asked, self.epoch = self.batch_size, 0
        self._order: tuple[int, np.ndarray] = (-1, np.arange(count))
        self._process, self._processes, self._devices = 0, 1, 1

    def share(self, process: int, processes: int, devices: int) -> str:
        """Give only a process's part of each batch, whose size divides by the number of devices; of one, all again.

        Returns:
            What is to be said of batches that did not divide, or nothing.
        """
        self._process, self._processes, self._devices = process, processes, devices
        asked, self.batch_size = self.asked, max(devices, self.asked // devices * devices)
        rest = 0 if self.whole else self.count % self.batch_size % devices
        notes = [f"batches of {asked} are of {self.batch_size}"] if asked != self.batch_size else []
        notes += [f"{rest} of {self.count} examples are left out"] if rest else []
        return f"For {devices} devices {' and '.join(notes)}." if notes else ""

    def __len__(self) -> int:
        rest = 0 if self.whole else self.count % self.batch_size // self._devices
        return self.count // self.batch_size + bool(rest)

    def on_epoch_end(self) -> None:
        self.epoch += 1

    @property
    def order(self) -> np.ndarray:
        """The numbers of all examples as this epoch sees them, (count,)."""
        epoch, order = self._order
        if self.seed is not None and epoch != self.epoch:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(self.count)
            self._order = self.epoch, order
        return order

    def rows(self, index: int) -> np.ndarray:
        """The numbers of the examples of a whole batch, of which `part` are this process's."""
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return rows[: len(rows) // self._devices * self._devices]

    def part(self, rows: np.ndarray) -> slice:
        """Which of the rows of a batch this process gives."""
        each = len(rows) // self._processes
        return slice(self._process * each, (self._process + 1) * each)

    def chance(self, index: int) -> np.random.Generator:
        """A generator for the augmentation of a whole batch, so that the parts do not depend on their number."""
        return np.random.default_rng((self.seed or 0, self.epoch, index))


class Arrays(Stream):
    """Batches of arrays (n, ...) that share their first axis."""

    def __init__(self, *arrays: np.ndarray, batch_size: int, seed: int | None, **options) -> None:
        super().__init__(len(arrays[0]), batch_size, seed, **options)
        self.arrays = arrays

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        rows = self.rows(index)
        rows = rows[self.part(rows)]
        return tuple(array[rows] for array in self.arrays)


class Checkpoint(keras.callbacks.Callback):
    """After each epoch, writes all that the next one depends on; before the first, restores it.

    The last callback of a list: what those before it count is restored after they have begun to count.

    Args:
        folder: where `epoch_0007.npz` lies; the last two are kept, in case the disk spoils one.
        callbacks: whose counts are kept.
        stream: the training data, which is told the epoch.
        resume: go on from the last whole file.
    """

    def __init__(
        self, folder: Path, callbacks: list[keras.callbacks.Callback], stream: Stream | Any, resume: bool
    ) -> None:
        super().__init__()
        self.folder, self.callbacks, self.stream = folder, callbacks, stream
        self.arrays, self.state = _last(folder) if resume else ([], {})
        if not resume and distribution.first():
            for old in folder.glob("epoch_*.npz"):
                old.unlink()

    @property
    def epochs(self) -> int:
        """How many epochs are finished."""
        return self.state.get("epochs", 0)

    @property
    def finished(self) -> bool:
        """Whether the training has ended before its last epoch, by early stopping or by the clock."""
        return self.state.get("finished", False)

    def restore(self, model: keras.Model) -> None:
        """Put what was kept into a model, before its training begins."""
        if self.state:
            for variable, array in zip(variables(model), self.arrays, strict=True):
                variable.assign(array)
            self.arrays = []

    def on_train_begin(self, logs=None) -> None:
        for name, callback in self.counting().items():
            vars(callback).update(self.state.get("counts", {}).get(name, {}))

    def counting(self) -> dict[str, keras.callbacks.Callback]:
        """The callbacks that remember something, by the name of their class; the last of two alike."""
        return {type(callback).__name__: callback for callback in self.callbacks if counted(callback)}

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self.stream.epoch = epoch

    def on_epoch_end(self, epoch, logs=None) -> None:
        if not distribution.first():
            return
        self.folder.mkdir(exist_ok=True)
        state = {"epochs": epoch + 1, "finished": bool(self.model.stop_training)}
        counts = self.counting().items()
        state["counts"] = {name: {key: _plain(getattr(each, key)) for key in counted(each)} for name, each in counts}
        arrays = {f"{number:05}": np.asarray(each) for number, each in enumerate(variables(self.model))}
        with weights.whole(self.folder / f"epoch_{epoch + 1:04}.npz") as part:
            np.savez(part, state=np.array(json.dumps(state)), **arrays)
        for old in sorted(self.folder.glob("epoch_*.npz"))[:-2]:
            old.unlink()


def _last(folder: Path) -> tuple[list[np.ndarray], dict[str, Any]]:
    """Arrays and state of the newest checkpoint that is whole; none where there is none."""
    files = sorted(folder.glob("epoch_*.npz"), reverse=True)
    for file in files:
        try:
            with np.load(file) as content:
                names = sorted(set(content.files) - {"state"})
                return [content[name] for name in names], json.loads(str(content["state"]))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            print(f"{file} is damaged; the checkpoint before it is taken.", file=sys.stderr)
    if files:
        raise SystemExit(f"{files[0]} and the checkpoint before it are damaged. Begin anew: --fresh.")
    return [], {}


def variables(model: keras.Model) -> list[Any]:
    """All that a training step changes: weights, states of random layers, the optimizer's memory."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def build_metrics(model: keras.Model, stream: Stream) -> None:
    """Make the metrics of a compiled model, as its training would.

    Left to itself, Keras with JAX draws the first batch of a stream for that, and then begins the first epoch with the
    second: a run that goes on would see its batches in another order than one that was never struck.
    """
    if keras.backend.backend() == "jax":
        model._symbolic_build(data_batch=stream[0])


def size(model: keras.Model) -> int:
    """Bytes of `variables`."""
    return sum(int(np.prod(each.shape)) * np.dtype(str(each.dtype).replace("bfloat16", "float16")).itemsize
               for each in variables(model))  # fmt: skip


def counted(callback: keras.callbacks.Callback) -> tuple[str, ...]:
    """The names of what a callback remembers from one epoch to the next."""
    kinds = [names for kind, names in COUNTED.items() if isinstance(callback, kind)]
    return (*getattr(callback, "counted", ()), *(name for names in kinds for name in names))


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | str) else float(value)


class Kept(keras.callbacks.ModelCheckpoint):
    """Keeps the weights of every epoch, or of the best; of several processes, the first does."""

    def room(self, model: keras.Model, epochs: int) -> int:
        """Bytes that it will take."""
        return 4 * model.count_params() * (2 if self.save_best_only else epochs)

    def on_epoch_end(self, epoch, logs=None) -> None:
        if distribution.first():
            with distribution.apart():
                super().on_epoch_end(epoch, logs)


class Best(Kept):
    """Keeps the weights of the best epoch; a file takes the place of the last when it is whole."""

    def __init__(self, file: Path, monitor: str, mode: str) -> None:
        self.file, self.part = file, file.with_name(f"part.{file.name}")
        super().__init__(self.part, monitor, save_best_only=True, save_weights_only=True, mode=mode)

    def on_train_begin(self, logs=None) -> None:
        if distribution.first():
            self.part.unlink(missing_ok=True)

    def on_epoch_end(self, epoch, logs=None) -> None:
        super().on_epoch_end(epoch, logs)
        if distribution.first() and self.part.exists():
            self.part.replace(self.file)


class Guard(keras.callbacks.TerminateOnNaN):
    """Ends a training whose loss is not a number, or that was asked to end, before anything false is logged."""

    def __init__(self, monitor: str) -> None:
        super().__init__(raise_error=True)
        self.monitor = monitor

    def on_train_batch_end(self, batch, logs=None) -> None:
        try:
            self.on_batch_end(batch, logs)
        except RuntimeError:
            self.diverged("loss", logs)
        self.end()

    def on_test_batch_end(self, batch, logs=None) -> None:
        self.end()

    def end(self) -> None:
        """End all processes, if one of them was asked to."""
        ending.signal = distribution.agree(ending.signal)
        ending.now()

    def on_epoch_end(self, epoch, logs=None) -> None:
        if not np.isfinite((logs or {}).get(self.monitor, 0.0)):
            self.diverged(self.monitor, logs)

    def diverged(self, figure: str, logs: dict[str, float]) -> None:
        raise SystemExit(
            f"The training diverged: {figure} is {logs[figure]}. Nothing of this epoch was kept. "
            "Begin anew with a smaller learning rate: --learning-rate, --fresh."
        )
