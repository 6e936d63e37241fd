"""What the train scripts share: arguments, a resumable fit, intervals, and the model card.

Scripts use `keras` and `keras.ops` only, so each runs with `KERAS_BACKEND=tensorflow` (default) or `jax`.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import os
import platform
import random
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnndemo import weights


def parser(description: str, name: str, epochs: int = 10, batch_size: int = 128) -> argparse.ArgumentParser:
    """The arguments that every train script understands; a script adds its own."""
    result = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    result.add_argument("--data-dir", type=Path, default=Path(os.environ.get("CNNDEMO_DATA", "data")), help="data sets")
    result.add_argument("--weights-dir", type=Path, default=weights.WEIGHTS_DIR, help="where weights and card go")
    result.add_argument("--run-dir", type=Path, default=Path("runs") / name, help="checkpoints and the log")
    result.add_argument("--epochs", type=int, default=epochs, help="how often the training split is seen")
    result.add_argument("--batch-size", type=int, default=batch_size, help="examples a step")
    result.add_argument("--seed", type=int, default=0, help="seed of weights, order and augmentation")
    result.add_argument("--limit", type=int, default=0, help="use only so many training examples, for a quick try")
    result.add_argument("--resume", action="store_true", help="go on from the last finished epoch in --run-dir")
    result.set_defaults(name=name)
    return result


def prepare(arguments: argparse.Namespace) -> float:
    """Seed Python, NumPy and the backend; empty the run folder unless resuming. Returns the start time."""
    keras.utils.set_random_seed(arguments.seed)
    random.seed(arguments.seed)
    if not arguments.resume and arguments.run_dir.exists():
        shutil.rmtree(arguments.run_dir)
    arguments.run_dir.mkdir(parents=True, exist_ok=True)
    return time.time()


class _Interruptible(keras.callbacks.Callback):
    """Ctrl-C ends the training after the current batch; what is lost is at most an epoch."""

    def on_train_begin(self, logs=None):
        self.previous = signal.signal(signal.SIGINT, self.stop)

    def stop(self, *_):
        print("\nInterrupted: go on later with --resume.", file=sys.stderr)
        self.model.stop_training = True
        self.model.interrupted = True
        signal.signal(signal.SIGINT, self.previous)

    def on_train_end(self, logs=None):
        signal.signal(signal.SIGINT, self.previous)


class _WallTime(keras.callbacks.Callback):
    """Adds the seconds of each epoch to the log."""

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.time()

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = round(time.time() - self.started, 2)


def fit(
    model: keras.Model,
    training,
    validation,
    arguments: argparse.Namespace,
    monitor: str = "val_loss",
    mode: str = "min",
    patience: int = 10,
    reduce: bool = True,
    callbacks: list[keras.callbacks.Callback] | None = None,
    stage: str = "",
    epochs: int | None = None,
    **options: Any,
) -> list[dict[str, float]]:
    """Train with a checkpoint every epoch, and end with the best epoch's weights in the model.

    Args:
        model: a compiled model.
        training, validation: what `Model.fit` takes: `keras.utils.PyDataset` or tuples of arrays.
        monitor, mode: the figure that decides which epoch is best, and its direction.
        patience: epochs without progress before stopping; the learning rate falls after a third of it.
        reduce: lower the learning rate on a plateau; off for models with a learning-rate schedule.
        stage: name of this part of a training in several parts; each has its own checkpoints and log.
        epochs: instead of `arguments.epochs`.

    Returns:
        The log, one dict an epoch (also in `<run-dir>/<stage>history.csv`).

    Raises:
        SystemExit: the training was interrupted.
    """
    folder, epochs = arguments.run_dir / stage, epochs or arguments.epochs
    folder.mkdir(parents=True, exist_ok=True)
    log, best = folder / "history.csv", folder / "best.weights.h5"
    earlier = read_log(log) if arguments.resume and log.exists() else []
    pick = min if mode == "min" else max
    threshold = pick((row[monitor] for row in earlier if monitor in row), default=None)
    every = [
        _WallTime(),
        keras.callbacks.BackupAndRestore(folder / "backup", delete_checkpoint=False),
        keras.callbacks.ModelCheckpoint(
            best, monitor, save_best_only=True, save_weights_only=True, mode=mode, initial_value_threshold=threshold
        ),
        keras.callbacks.CSVLogger(log, append=bool(earlier)),
        keras.callbacks.EarlyStopping(monitor, patience=patience, mode=mode),
        _Interruptible(),
    ]
    if reduce:
        every.insert(1, keras.callbacks.ReduceLROnPlateau(monitor, 0.3, max(1, patience // 3), mode=mode, min_lr=1e-6))
    if len(earlier) < epochs:
        model.interrupted = False
        data = {"x": training[0], "y": training[1]} if isinstance(training, tuple) else {"x": training}
        batch = {"batch_size": arguments.batch_size} if isinstance(training, tuple) else {}
        model.fit(
            **data, **batch, epochs=epochs, validation_data=validation, callbacks=every + (callbacks or []), **options
        )
        if model.interrupted:
            raise SystemExit(130)
    model.load_weights(best)
    return read_log(log)


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization whose training step is one operation of TensorFlow.

    Keras composes it from a dozen that each read and write the whole tensor, in float32 even if the model calculates
    in bfloat16. That is half of a training step of ResNet-20 in bfloat16 on a CPU. With other backends it is Keras'.
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable) or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=self.gamma, offset=self.beta, mean=[], variance=[], epsilon=self.epsilon
        )
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + value * (1 - self.momentum))
        return outputs


def fuse_normalization(model: keras.Model) -> keras.Model:
    """A copy of a model, with its weights, whose batch normalization (of the last axis) trains quicker on a CPU."""

    def fused(layer: keras.layers.Layer) -> keras.layers.Layer:
        kind = FusedBatchNormalization if isinstance(layer, keras.layers.BatchNormalization) else type(layer)
        return kind.from_config(layer.get_config())

    result = keras.models.clone_model(model, clone_function=fused)
    result.set_weights(model.get_weights())
    return result


def read_log(file: Path) -> list[dict[str, float]]:
    """A CSV log as one dict an epoch; fields that are not numbers are left out."""
    with open(file, newline="", encoding="utf-8") as stream:
        return [{key: float(value) for key, value in row.items() if _number(value)} for row in csv.DictReader(stream)]


def _number(text: str | None) -> bool:
    try:
        float(text)
    except (TypeError, ValueError):
        return False
    return True


def wilson(successes: int, samples: int) -> list[float]:
    """95 % interval of a proportion (Wilson 1927), robust near 0 and 1."""
    z, p = 1.959964, successes / samples
    centre = (p + z * z / (2 * samples)) / (1 + z * z / samples)
    half = z * np.sqrt(p * (1 - p) / samples + z * z / (4 * samples * samples)) / (1 + z * z / samples)
    return [float(max(0.0, centre - half)), float(min(1.0, centre + half))]


def bootstrap(values: np.ndarray, statistic=np.mean, rounds: int = 2000, seed: int = 0) -> list[float]:
    """95 % percentile bootstrap interval of a statistic over samples (first axis)."""
    values, generator = np.asarray(values), np.random.default_rng(seed)
    draws = [statistic(values[generator.integers(0, len(values), len(values))]) for _ in range(rounds)]
    return [float(v) for v in np.quantile(draws, [0.025, 0.975])]


def metric(name: str, value: float, samples: int, interval: list[float], split: str = "test", **more) -> dict[str, Any]:
    """One figure of a model card; `more` may explain it (`note`, `threshold`, …)."""
    return {
        "name": name,
        "value": round(float(value), 5),
        "interval": [round(float(end), 5) for end in interval],
        "samples": int(samples),
        "split": split,
        **more,
    }


def hardware() -> str:
    """The device that trains, in words."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        device = jax.devices()[0]
        if device.platform != "cpu":
            return f"{device.device_kind} (JAX {jax.__version__})"
    return f"{os.cpu_count()} cores {platform.machine()} ({backend})"


def command(arguments: argparse.Namespace) -> str:
    """The command line that made the weights, without the folders of one machine."""
    words, skip = [], False
    for word in sys.argv[1:]:
        if skip:
            skip = False
        elif word in ("--data-dir", "--weights-dir", "--run-dir"):
            skip = True
        elif not word.startswith(("--data-dir=", "--weights-dir=", "--run-dir=", "--resume")):
            words.append(word)
    backend = "" if keras.backend.backend() == "tensorflow" else f"KERAS_BACKEND={keras.backend.backend()} "
    return " ".join([f"{backend}python -m train.{arguments.name}", *words])


def origin(name: str) -> dict[str, Any]:
    """What a card says of the shipped weights `name` that a training starts from; theirs may have started, too."""
    facts, card = ("command", "hardware", "epochs", "seconds", "resumed", "started_from"), weights.card(name)
    return {"started_from": {key: card[key] for key in facts if key in card}}


def publish(
    model: keras.Model,
    arguments: argparse.Namespace,
    builder: str,
    data: dict[str, Any],
    metrics: list[dict[str, Any]],
    builder_arguments: dict[str, Any] | None = None,
    history: list[dict[str, float]] | None = None,
    seconds: float | None = None,
    source: dict[str, str] | None = None,
    dtype: str = "float16",
    name: str | None = None,
    **more: Any,
) -> Path:
    """Write `<name>.weights.h5`, its card and its history beside it.

    Args:
        builder: "cnndemo.models.<file>:<function>" that builds the architecture.
        data: name, source, licence and split sizes of the data set.
        metrics: figures made by `metric`.
        history: the log of `fit`, kept as `<name>.history.csv` for the curves that pages show.
        seconds: wall time of the training; default the sum of the epochs' seconds.
        source: package, version, author, licence of weights that were converted and not trained here.
        name: model name when a script makes several; default the script's.
        more: further facts for the card (`notes`, `classes`, `threshold`, …).
    """
    name = name or arguments.name
    about: dict[str, Any] = {
        "name": name,
        "builder": builder,
        "builder_arguments": builder_arguments or {},
        "command": command(arguments),
        "data": data,
        "metrics": metrics,
        "seed": arguments.seed,
        "hardware": hardware(),
        "keras": keras.__version__,
        "date": datetime.now(UTC).date().isoformat(),
    }
    if history:
        about["epochs"] = len(history)
        about["seconds"] = round(seconds if seconds is not None else sum(row.get("seconds", 0.0) for row in history), 1)
        write_log(arguments.weights_dir / f"{name}.history.csv", history)
    if arguments.resume:
        about["resumed"] = True
    if source:
        about["source"] = source
    file = weights.save(model, name, about | more, dtype, arguments.weights_dir)
    serve(name, arguments.weights_dir)
    return file


def serve(name: str, folder: Path) -> None:
    """Write the file that visitors are served with, where tf2onnx is installed; else say how."""
    if importlib.util.find_spec("tf2onnx") and keras.backend.backend() == "tensorflow":
        from train import onnx_files

        onnx_files.export(name, folder)
    else:
        print(f"Next, with TensorFlow and tf2onnx: python -m train.onnx_files {name}", flush=True)


def write_log(file: Path, history: list[dict[str, float]]) -> None:
    """A log as CSV, with every column that occurs in any of its rows."""
    file.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(key for row in history for key in row))
    with open(file, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: f"{value:.6g}" for key, value in row.items()} for row in history)
