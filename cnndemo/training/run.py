"""A run of the training page: `train.digit_classifier` in the process where Keras runs, and what it tells (book 2.5).

`train` starts the very script that a shell starts, with its options and `--events`. What it writes there, one JSON
object a line, becomes a `Run` on the page, and the best network so far comes along.
"""

from __future__ import annotations

import io
import json
import math
import os
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cnndemo import weights, worker
from cnndemo.errors import VisitorError
from cnndemo.training.data import Own
from cnndemo.training.settings import OWN_FILE, Settings, data_dir

POINTS = 1200  # losses of batches that a run keeps; of more, neighbours are averaged


@dataclass
class Run:
    """A run as far as it has come.

    Attributes:
        settings: what it was told.
        name: what the page calls it.
        history: one dict an epoch: loss, accuracy, val_loss, val_accuracy, learning_rate, seconds.
        losses: of the batches, each the mean of `stride` neighbours.
        answers: float32 (classes, classes), probabilities for the shown digits after the last epoch.
        epoch, batch, batches, examples: where it is now, and of how many.
        speed, left: examples a second, and seconds to go, as far as is known.
        best: number of the epoch whose network this is, from 1; 0 before the first.
        network: the best network so far as a `.keras` file.
        saved: names of the files that ModelCheckpoint has written.
        log: TensorBoard's, as a ZIP archive, if it was asked for.
        own: what the visitor brought, if it was learned from.
        error: why it ended before its end.
    """

    settings: Settings
    name: str = ""
    history: list[dict[str, float]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    stride: int = 1
    answers: np.ndarray | None = None
    epoch: int = 0
    batch: int = 0
    batches: int = 0
    examples: int = 0
    parameters: int = 0
    loss: float = math.nan
    speed: float | None = None
    left: float | None = None
    best: int = 0
    network: bytes | None = None
    saved: list[str] = field(default_factory=list)
    log: bytes | None = None
    own: Own | None = None
    error: str = ""
    _rest: list[float] = field(default_factory=list)

    def hear(self, event: dict[str, Any]) -> None:
        """Take in what the script has told."""
        kind = event.get("event")
        if kind == "start":
            self.batches, self.examples = event["batches"], event["examples"]
            self.parameters = event["parameters"]
        elif kind == "batch":
            self.epoch, self.batch = event["epoch"], event["batch"]
            self.speed, self.left = event["samples_per_second"], event["left"]
            self._keep([_number(loss) for loss in event["losses"]])
        elif kind == "epoch":
            other = ("event", "stage", "best", "saved", "network", "log")
            self.history.append({key: _number(value) for key, value in event.items() if key not in other})
            self.saved, self.log = event.get("saved", self.saved), event.get("log", self.log)
            if event.get("network"):
                self.network, self.best = event["network"], len(self.history)
        elif kind == "samples":
            self.answers = np.nan_to_num(np.array(event["probabilities"], np.float32))
        elif kind == "error":
            self.error = event["message"]

    def _keep(self, losses: list[float]) -> None:
        """Add losses of batches to the curve, and halve it when it has become long."""
        self.loss = losses[-1] if losses else self.loss
        self._rest += losses
        while len(self._rest) >= self.stride:
            part, self._rest = self._rest[: self.stride], self._rest[self.stride :]
            self.losses.append(float(np.mean(part)))
        if len(self.losses) > POINTS:
            pairs = np.reshape(self.losses[: len(self.losses) // 2 * 2], (-1, 2)).mean(axis=1)
            self.losses, self.stride = pairs.tolist(), 2 * self.stride


def _number(value: float | None) -> float:
    """A figure as the charts want it: what was not finite becomes very large."""
    return 1e30 if value is None else float(value)


def train(settings: Settings, own: Own | None = None, waiting: Callable[[], None] = lambda: None) -> Iterator[Run]:
    """Trains in the Keras process; yields the run several times an epoch, the same object. Closing it stops all.

    Args:
        own: what the visitor brings, where the settings say so.
        waiting: called while there is no news; what it raises stops the training.

    Raises:
        VisitorError: senseless settings, the training diverged, or the process failed.
    """
    settings.check(*((own.shape, len(own.classes)) if own else ()))
    run = Run(settings)
    with closing(worker.steps("cnndemo.training.run:fit", settings, own, waiting=waiting)) as said:
        for event in said:
            run.hear(event)
            yield run
    if run.error:
        raise VisitorError(run.error)


def fit(settings: Settings, own: Own | None = None, *, tell: Callable[[dict], None]) -> None:
    """The training itself, in the Keras process: runs the script's `main()`, and hands on what it tells.

    Raises:
        VisitorError: the script ended with a message.
    """
    import keras

    from train import digit_classifier, digit_lesson

    given = nullcontext() if own is None else digit_lesson.standing_in(OWN_FILE, own.arrays())
    with tempfile.TemporaryDirectory() as folder, given:
        reading, writing = os.pipe()
        listener = threading.Thread(target=_listen, args=(reading, Path(folder), tell))
        listener.start()
        words = ["--run-dir", folder, "--data-dir", str(data_dir()), "--events", f"/dev/fd/{writing}"]
        before, sys.argv = sys.argv, ["train.digit_classifier", *settings.arguments(), *words]
        try:
            digit_classifier.main()
        except SystemExit as error:
            if error.code:
                raise VisitorError(str(error.code)) from None
        finally:
            sys.argv = before
            os.close(writing)
            listener.join()
            keras.utils.clear_session()


def _listen(descriptor: int, folder: Path, tell: Callable[[dict], None]) -> None:
    """Hand on each event; with an epoch that is the best so far its network, which the script has just written."""
    with os.fdopen(descriptor, encoding="utf-8") as lines:
        for text in lines:
            event = json.loads(text)
            if event["event"] == "epoch":
                every = sorted(file.name for file in (folder / "models").glob("*.keras"))
                event["saved"] = every or ["best.keras"]
                if (folder / "tensorboard").is_dir():
                    event["log"] = _zipped(folder / "tensorboard")
                if event["best"]:
                    event["network"] = (folder / "best.keras").read_bytes()
            if event["event"] not in ("end", "error"):  # `fit` itself ends, or raises
                tell(event)


def _zipped(folder: Path) -> bytes:
    """A folder as a ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder.parent))
    return buffer.getvalue()


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
