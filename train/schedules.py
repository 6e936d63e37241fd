"""How the learning rate falls: along Keras' cosine with a warm-up, or along a cosine that ends when the minutes do."""

from __future__ import annotations

import math
import time

import keras


class Clock:
    """Shares the minutes of a training among its parts; no minutes: no limit."""

    def __init__(self, minutes: float | None) -> None:
        self.end = time.time() + 60 * minutes if minutes else None

    def share(self, part: float = 1.0) -> float | None:
        """This part of the seconds that are left, None without a limit."""
        return None if self.end is None else max(1.0, part * (self.end - time.time()))


def cosine(
    rate: float, epochs: int, batches: int, warm_up: float = 0.0, clock: Clock | None = None, part: float = 1.0
) -> tuple[keras.optimizers.schedules.LearningRateSchedule | float, list[keras.callbacks.Callback]]:
    """What to give the optimizer, and the callbacks of its training.

    Args:
        rate: the highest learning rate.
        epochs, batches: passes, and batches a pass: where the cosine has fallen to zero.
        warm_up: epochs in which the rate rises from a twentieth.
        clock, part: with a limit, the cosine ends after this part of what is left, if that is earlier.
    """
    if clock and clock.end:
        return rate, [Hurried(rate, epochs, warm_up, clock, part)]
    steps = epochs * batches
    rising = min(steps - 1, int(warm_up * batches))
    if not rising:
        return keras.optimizers.schedules.CosineDecay(rate, steps), []
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / 20, steps - rising, warmup_target=rate, warmup_steps=rising
    )
    return schedule, []


class Hurried(keras.callbacks.Callback):
    """A cosine by epochs or by time, whichever is further; it ends the training with the time.

    Keras' own schedules know steps only. The clock starts when the first epoch, which compiles, is over, and looks one
    epoch ahead: the last epoch that fits into the time has a rate near zero.
    """

    counted = ("spent", "seconds")

    def __init__(self, rate: float, epochs: int, warm_up: float, clock: Clock, part: float = 1.0) -> None:
        super().__init__()
        self.rate, self.epochs, self.warm_up, self.clock, self.part = rate, epochs, warm_up, clock, part
        self.started = self.seconds = self.spent = None

    def progress(self, epoch: int) -> float:
        """The share of the training that is over when an epoch begins, by epochs or by time; at most 1."""
        if not self.seconds:
            return epoch / self.epochs
        ahead = (time.time() - self.started) / self.seconds * (1 + 1 / max(1, epoch))
        return min(1.0, max(epoch / self.epochs, ahead if epoch > 1 else 0.0))

    def on_epoch_begin(self, epoch, logs=None) -> None:
        if self.started is None and self.spent is not None:  # a run that goes on
            self.started = time.time() - self.spent
        self.over = self.progress(epoch)
        rising = min(1.0, (epoch + 1) / (self.warm_up + 1)) if self.warm_up else 1.0
        cosine = (1 + math.cos(math.pi * self.over)) / 2
        self.model.optimizer.learning_rate = self.rate * max(0.001, rising * cosine)

    def on_epoch_end(self, epoch, logs=None) -> None:
        if self.started is None:
            self.started, self.seconds = time.time(), self.clock.share(self.part)
        elif self.over >= 1.0 or time.time() - self.started >= self.seconds:
            self.model.stop_training = True
        self.spent = time.time() - self.started
