"""A training told as it goes: one JSON object a line, for whoever watches it (`--events FILE`).

    {"event": "start", "epochs": 10, "batches": 125, "batch_size": 32, "examples": 4000, "parameters": 12810, …}
    {"event": "batch", "epoch": 1, "batch": 17, "losses": [2.29, 2.17, …], "samples_per_second": 5200.0, "left": 7.1, …}
    {"event": "epoch", "epoch": 1, "loss": 0.71, "val_loss": 0.29, "learning_rate": 0.001, "best": true, …}
    {"event": "end"}   or   {"event": "error", "message": "The training diverged: …"}

A script may tell more. Numbers that are not finite are null.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import keras
import numpy as np

from train import distribution

EVERY = 0.2  # seconds between two lines about batches

_sink: TextIO | None = None


def begin(arguments: argparse.Namespace) -> None:
    """Open what `--events` names, once; of several processes, the first tells."""
    global _sink
    if _sink is None and getattr(arguments, "events", "") and distribution.first():
        to_file = arguments.events != "-"  # `reported` closes it
        _sink = Path(arguments.events).open("a", encoding="utf-8") if to_file else sys.stdout  # noqa: SIM115


def tell(event: str, **facts: Any) -> None:
    """Write a line, if anybody listens."""
    if _sink is not None:
        _sink.write(json.dumps({"event": event} | {key: plain(value) for key, value in facts.items()}) + "\n")
        _sink.flush()


def plain(value: Any) -> Any:
    """A value as JSON has it; a number that is not finite becomes None."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def reported() -> Iterator[None]:
    """Tell how a script ends: with `end`, or with `error` and why."""
    global _sink
    try:
        yield
    except BaseException as error:
        reason = error.code if isinstance(error, SystemExit) else f"{type(error).__name__}: {error}"
        tell("error", message=str(reason))
        raise
    else:
        tell("end")
    finally:
        if _sink not in (None, sys.stdout):
            _sink.close()
        _sink = None


def callbacks(
    examples: int, batch_size: int, stage: str = "", monitor: str = "val_loss", mode: str = "min"
) -> list[keras.callbacks.Callback]:
    """The callback that tells of a training, if anybody listens; it comes after those that keep the best epoch."""
    return [Events(examples, batch_size, stage, monitor, mode)] if _sink is not None else []


class Events(keras.callbacks.Callback):
    """Tells when a training starts, how its batches go, and how each epoch went.

    Args:
        examples: of the training split.
        batch_size: of a whole batch.
        stage: name of this part of a training in several parts.
        monitor, mode: the figure that decides which epoch is best, and its direction, "min" or "max".
    """

    counted = ("least",)

    def __init__(self, examples: int, batch_size: int, stage: str, monitor: str, mode: str) -> None:
        super().__init__()
        self.examples, self.batch_size, self.stage = examples, batch_size, stage
        self.monitor, self.sign, self.least = monitor, -1 if mode == "max" else 1, math.inf

    def on_train_begin(self, logs=None) -> None:
        self.said, self.began, self.passed, self.first = 0.0, time.monotonic(), 0, True
        tell(
            "start", stage=self.stage, epochs=self.params["epochs"], batches=self.params["steps"],
            batch_size=self.batch_size, examples=self.examples, parameters=self.model.count_params(),
        )  # fmt: skip

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self.epoch, self.started, self.mean, self.losses, self.busy = epoch + 1, time.monotonic(), 0.0, [], 0.0
        self.rate = float(np.asarray(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))

    def on_train_batch_end(self, batch, logs=None) -> None:
        now, mean = time.monotonic(), float(logs["loss"])
        before, seen = (min(count * self.batch_size, self.examples) for count in (batch, batch + 1))
        if seen > before:  # Keras tells the mean over all examples of the epoch so far
            self.losses.append((mean * seen - self.mean * before) / (seen - before))
        self.mean, self.busy = mean, now - self.started
        self.passed += 1
        if self.first:  # the first batch is compiled, which says nothing of the speed
            self.first, self.began, self.passed = False, now, 0
        if now - self.said > EVERY or batch + 1 == self.params["steps"]:
            self.said = now
            tell(
                "batch", epoch=self.epoch, batch=batch + 1, losses=[round(loss, 5) for loss in self.losses],
                samples_per_second=self.speed, left=self.left(batch + 1), learning_rate=self.rate,
                accuracy=logs.get("accuracy"),
            )  # fmt: skip
            self.losses = []

    @property
    def speed(self) -> float | None:
        """Examples a second since the first batch, validation included."""
        spent = time.monotonic() - self.began
        return round(self.passed * self.batch_size / spent, 1) if self.passed and spent else None

    def left(self, batch: int) -> float | None:
        """Seconds that the epochs to come will take at this speed."""
        batches = self.params["steps"] * (self.params["epochs"] - self.epoch + 1) - batch
        return round(batches * self.batch_size / self.speed, 1) if self.speed else None

    def on_epoch_end(self, epoch, logs=None) -> None:
        figure = self.sign * (logs or {}).get(self.monitor, self.sign * math.inf)
        best, self.least = figure < self.least, min(figure, self.least)
        seconds = round(time.monotonic() - self.started, 2)
        tell(
            "epoch", **{"stage": self.stage, "epoch": epoch + 1, **logs, "learning_rate": self.rate, "best": best,
            "seconds": seconds, "samples_per_second": round(self.examples / max(self.busy, 1e-9), 1)},
        )  # fmt: skip
