"""`--events`: a script tells of its run in JSON lines, and how it ended."""

import json
import os
import sys

import numpy as np
import pytest

from train import common, digit_classifier, events

SMALL = ["--data", "shipped", "--network", "flatten", "--no-augment", "--limit", "100", "--epochs", "2"]


def told(file) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def run(monkeypatch, tmp_path, *words: str):
    file = tmp_path / "events.jsonl"
    options = ["--run-dir", str(tmp_path / "run"), "--events", str(file)]
    monkeypatch.setattr(sys, "argv", ["digit_classifier", *SMALL, *words, *options])
    digit_classifier.main()
    return told(file)


def test_a_run_is_told_from_start_to_end(monkeypatch, tmp_path):
    lines = run(monkeypatch, tmp_path, "--samples", "--checkpoints", "every", "--batch-size", "40")
    kinds = [line["event"] for line in lines]
    assert kinds[0] == "start" and kinds[-1] == "end" and kinds.count("epoch") == kinds.count("samples") == 2
    start = lines[0]
    assert (start["epochs"], start["batches"], start["batch_size"], start["examples"]) == (2, 3, 40, 100)
    losses = [loss for line in lines if line["event"] == "batch" for loss in line["losses"]]
    assert len(losses) == 6, "each batch once"
    weights = [40, 40, 20]
    for epoch, row in enumerate(line for line in lines if line["event"] == "epoch"):
        mean = sum(w * loss for w, loss in zip(weights, losses[3 * epoch :], strict=False)) / 100
        assert mean == pytest.approx(row["loss"], abs=1e-3)
    epochs = [line for line in lines if line["event"] == "epoch"]
    assert [line["epoch"] for line in epochs] == [1, 2] and epochs[0]["best"]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"} <= set(epochs[0])
    assert len(list((tmp_path / "run" / "models").iterdir())) == 2
    assert (tmp_path / "run" / "best.keras").is_file()
    assert not (tmp_path / "run" / "results").exists(), "a lesson is not published"
    assert events._sink is None


def test_how_a_run_failed_is_told(monkeypatch, tmp_path):
    with pytest.raises(SystemExit):
        run(
            monkeypatch,
            tmp_path,
            "--learning-rate",
            "1e38",
            "--optimizer",
            "sgd",
            "--schedule",
            "constant",
            "--batch-size",
            "10",
        )
    last = told(tmp_path / "events.jsonl")[-1]
    assert last["event"] == "error" and "diverged" in last["message"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--publish"], "Only the book's network"),
        (["--network", "conv 8 3 relu"], "needs one row"),
        (["--data", "absent.npz"], "absent.npz.*--data must be"),
    ],
)
def test_what_cannot_be_is_one_line(monkeypatch, tmp_path, words, said):
    with pytest.raises(SystemExit, match=said):
        run(monkeypatch, tmp_path, *words)


def lesson(file, **changes) -> None:
    """Ten noisy digits a split, with some arrays changed, or left out."""
    x, y = np.random.default_rng(0).integers(0, 256, (10, 28, 28)).astype(np.uint8), np.arange(10)
    splits = {f"{part}_{split}": x if part == "x" else y for split in SPLITS for part in "xy"}
    content = splits | {"classes": np.array(list("abcdefghij"))} | changes
    np.savez_compressed(file, **{name: values for name, values in content.items() if values is not None})


SPLITS = ("training", "validation", "test")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: os.truncate(file, 3000),
        lambda file: file.write_bytes(b"PK\x03\x04 no archive"),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:500] + bytes(400) + file.read_bytes()[900:]),
        lambda file: np.save(file.open("wb"), np.zeros(3)),
        lambda file: lesson(file, classes=None),
        lambda file: lesson(file, x_test=np.zeros((10, 32, 32), np.uint8)),
        lambda file: lesson(file, x_test=np.zeros((10, 28, 28, 3), np.uint8)),
        lambda file: lesson(file, y_training=np.full(10, 0.5)),
        lambda file: lesson(file, y_training=np.arange(10)[:, None]),
        lambda file: lesson(file, y_training=np.full(10, 10)),
    ],
)
def test_digits_that_are_damaged_or_something_else_are_one_line(monkeypatch, tmp_path, spoil):
    file = tmp_path / "mine.npz"
    lesson(file)
    monkeypatch.setattr(common, "fit", lambda *_, **__: pytest.fail("it trained"))
    spoil(file)
    with pytest.raises(SystemExit, match="mine.npz") as ended:
        run(monkeypatch, tmp_path, "--data", str(file))
    assert len(ended.value.code.splitlines()) == 1


@pytest.mark.parametrize("words", [["2", "1"], ["0", "1"], ["nan", "1"], ["0.5", "0"], ["0.5", "1.5"], ["0.5", "nan"]])
def test_a_plateau_that_cannot_be_is_a_usage_error(monkeypatch, tmp_path, capsys, words):
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, tmp_path, "--reduce", *words)
    assert ended.value.code == 2 and "argument --reduce" in capsys.readouterr().err


def test_the_best_epoch_is_told_by_the_figure_that_decides(monkeypatch, tmp_path):
    told = []
    monkeypatch.setattr(events, "tell", lambda kind, **facts: told.append(facts["best"]))
    callback = events.Events(10, 5, "", "val_accuracy", "max")
    for epoch, (loss, accuracy) in enumerate([(1.0, 0.5), (2.0, 0.7), (0.5, 0.6), (0.4, 0.7)]):
        callback.started, callback.busy, callback.rate = 0.0, 1.0, 0.1
        callback.on_epoch_end(epoch, {"val_loss": loss, "val_accuracy": accuracy})
    assert told == [True, True, False, False]


def test_numbers_that_are_not_finite_are_null():
    assert events.plain([float("nan"), 1.5, float("inf")]) == [None, 1.5, None]
