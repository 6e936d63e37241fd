"""How far a training is, with the time left: a line that is rewritten on a terminal, a line an epoch in a log."""

from __future__ import annotations

import sys
import time
from typing import TextIO

import keras


def clock(seconds: float) -> str:
    """Seconds as `0:07`, `12:30` or `3:05:00`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Progress(keras.callbacks.Callback):
    """Tells epoch, batch, examples a second, figures and the time left.

    The time left follows from what this process has done since its first batch, which compiles; that of validation is
    in it from the second epoch on. A training that stops early ends earlier.

    Args:
        batch_size: examples a batch.
        stage: name of this part of the training.
        stream: where to write; default standard output.
    """

    EVERY = 0.2
    """Seconds between two lines on a terminal."""

    def __init__(self, batch_size: int, stage: str = "", stream: TextIO | None = None) -> None:
        super().__init__()
        self.batch_size, self.stage, self.stream = batch_size, stage, stream or sys.stdout
        self.live, self.shown, self.begun, self.done = self.stream.isatty(), 0.0, 0.0, -1

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self.epoch, self.entered, self.trained, self.batches = epoch, time.time(), 0.0, 0

    def on_train_batch_end(self, batch, logs=None) -> None:
        now, self.done = time.time(), self.done + 1
        if not self.done:  # the first one compiled
            self.begun = self.entered = now
        else:
            self.trained, self.batches = now - self.entered, self.batches + 1
        if self.live and now - self.shown > self.EVERY:
            self.shown = now
            self.write(f"{self.head()} · {batch + 1}/{self.params['steps']}", logs, self.left(self.epoch, batch + 1))

    def on_epoch_end(self, epoch, logs=None) -> None:
        took = f"{self.batches * self.batch_size / max(self.trained, 1e-3):,.0f} examples/s"
        self.write(f"{self.head()} · {took}", logs, self.left(epoch + 1, 0), last=True)

    def left(self, epoch: int, batch: int) -> float | None:
        """Seconds until the last epoch is over; None while nothing is known."""
        rest = (self.params["epochs"] - epoch) * self.params["steps"] - batch
        return (time.time() - self.begun) / self.done * rest if self.done > 0 else None

    def head(self) -> str:
        stage = f"{self.stage} · " if self.stage else ""
        return f"{stage}epoch {self.epoch + 1}/{self.params['epochs']}"

    def write(self, head: str, logs: dict | None, left: float | None, last: bool = False) -> None:
        """One line; on a terminal it takes the place of the one before."""
        figures = " ".join(f"{name} {float(value):.4g}" for name, value in (logs or {}).items() if name != "seconds")
        line = f"{head} · {figures}" + (f" · {clock(left)} left" if left is not None else "")
        if self.live:
            print(f"\r\033[K{line}", end="\n" if last else "", file=self.stream, flush=True)
        else:
            print(line, file=self.stream, flush=True)
