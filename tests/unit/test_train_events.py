"""`--events`: a script tells of its run in JSON lines, and how it ended."""

import json
import sys

import pytest

from train import digit_classifier, events

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
        (["--data", "absent.npz"], "absent.npz"),
    ],
)
def test_what_cannot_be_is_one_line(monkeypatch, tmp_path, words, said):
    with pytest.raises(SystemExit, match=said):
        run(monkeypatch, tmp_path, *words)


def test_numbers_that_are_not_finite_are_null():
    assert events.plain([float("nan"), 1.5, float("inf")]) == [None, 1.5, None]
