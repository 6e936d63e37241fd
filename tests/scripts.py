"""What the tests of train scripts share: the options of tiny runs, and how two runs are compared."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from train import checkpoints, logs

SCRIPTS = {  # script -> the options of a run of a few steps
    "siamese": ["--epochs", "3", "--batch-size", "32"],
    "triplet": ["--epochs", "3", "--batch-size", "32"],
    "digit_classifier": ["--epochs", "3", "--batch-size", "50", "--variant-epochs", "1"],
    "robust_digits": ["--epochs", "3", "--batch-size", "50", "--attacked", "4"],
    "resnet20": ["--epochs", "3", "--batch-size", "20", "--average", "2", "--mixup", "0.2"],
    "pet_breeds": ["--epochs", "3", "--batch-size", "8", "--views", "1"],
    "pet_presence": ["--epochs", "3", "--batch-size", "40", "--limit", "3"],
    "face_check": ["--epochs", "3", "--batch-size", "20", "--limit", "3"],
    "not_a_digit": ["--epochs", "3", "--batch-size", "50", "--generated", "60"],
    "pet_segmentation": ["--epochs", "0", "--small-epochs", "3", "--batch-size", "6"],
    "pet_segmentation_pretrained": [
        *("--epochs", "0", "--small-epochs", "1", "--taught-epochs", "1"),
        *("--batch-size", "3", "--limit", "6", "--size", "32", "--small-size", "32"),
    ],
    "cifar10_transfer": [
        *("--epochs", "3", "--batch-size", "20", "--tune-epochs", "1", "--tune-batch-size", "20"),
        *("--parts", "heads,scratch"),
    ],
}


def refused(capsys, call, *given, **more) -> str:
    """The one line with which a script ends."""
    with pytest.raises(SystemExit) as ended:
        call(*given, **more)
    message = ended.value.code if isinstance(ended.value.code, str) else capsys.readouterr().err
    assert "Traceback" not in message
    return message


def arrays(folder: Path) -> dict[str, np.ndarray]:
    """All arrays of the last checkpoints of a run, and what the callbacks count; the time it took left out."""
    found = {}
    for file in sorted(folder.rglob("checkpoints/epoch_*.npz")):
        with np.load(file) as content:
            for name in content.files:
                values = content[name]
                if name == "state":
                    state = json.loads(str(values))
                    for counts in state["counts"].values():
                        counts.pop("spent", None)
                    values = json.dumps(state)
                found[f"{file.relative_to(folder)}/{name}"] = values
    return found


def same(one: Path, other: Path) -> None:
    """Two runs ended with the very same weights, optimizers and figures."""
    first, second = arrays(one), arrays(other)
    assert first.keys() == second.keys() and first
    for name in first:
        assert np.array_equal(first[name], second[name]), name
    for file in sorted(one.rglob("history.csv")):
        rows, others = (logs.read(path) for path in (file, other / file.relative_to(one)))
        for log in (rows, others):
            for row in log:
                row.pop("seconds")
        assert rows == others, file
    for card in (one / "results").glob("*.weights.h5"):
        assert card.read_bytes() == (other / "results" / card.name).read_bytes()


def at(monkeypatch, epoch: int, do) -> None:
    """Do something after the first batch of an epoch."""
    end = checkpoints.Guard.on_train_batch_end

    def struck(self, batch, logs=None):
        if batch == 0 and self.params is not None and getattr(self, "epoch", 0) == epoch:
            do()
        end(self, batch, logs)

    monkeypatch.setattr(checkpoints.Guard, "on_train_batch_end", struck)
    monkeypatch.setattr(
        checkpoints.Guard, "on_epoch_begin", lambda self, epoch, logs=None: vars(self).update(epoch=epoch)
    )


def eager(monkeypatch) -> None:
    """Let networks train step by step: tracing a step takes longer than running it a few times."""
    compile = keras.Model.compile
    monkeypatch.setattr(keras.Model, "compile", lambda *a, **b: compile(*a, **(b | {"run_eagerly": True})))
