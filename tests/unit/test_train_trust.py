"""No failure of a training falsifies or destroys: each test runs a script's `main()` on a handful of examples."""

from __future__ import annotations

import errno
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnndemo import weights
from tests import tiny
from tests.conftest import ROOT
from train import checkpoints, common, publish, runs

SCRIPTS = {  # script -> the options of a run of a few steps
    "siamese": ["--epochs", "3", "--batch-size", "32"],
    "triplet": ["--epochs", "3", "--batch-size", "32"],
    "digit_classifier": ["--epochs", "3", "--batch-size", "50", "--variant-epochs", "1"],
    "resnet20": ["--epochs", "3", "--batch-size", "20", "--average", "2", "--mixup", "0.2"],
    "pet_breeds": ["--epochs", "3", "--batch-size", "8", "--views", "1"],
    "pet_segmentation": ["--epochs", "0", "--small-epochs", "3", "--batch-size", "6"],
    "pet_segmentation_pretrained": [
        *("--epochs", "1", "--small-epochs", "1", "--taught-epochs", "1"),
        *("--batch-size", "6", "--size", "64", "--small-size", "32"),
    ],
    "cifar10_transfer": [
        *("--epochs", "3", "--batch-size", "20", "--tune-epochs", "1", "--tune-batch-size", "20"),
        *("--parts", "heads,scratch"),
    ],
}
QUICK = ["siamese"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tiny.make(tmp_path_factory.mktemp("data"))


@pytest.fixture
def run(data_dir, tmp_path, monkeypatch):
    """Calls a script's `main()` as a command line would; its run folder is `tmp_path / "run"`."""
    tiny.shrink(monkeypatch.setattr)

    def call(name: str, *words: str, run_dir: Path = tmp_path / "run", weights_dir: Path = tmp_path / "w") -> Path:
        folders = ["--data-dir", str(data_dir), "--weights-dir", str(weights_dir), "--run-dir", str(run_dir)]
        monkeypatch.setattr(sys, "argv", [name, *words, *folders])
        importlib.import_module(f"train.{name}").main()
        return run_dir

    return call


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
        rows, others = (common.read_log(path) for path in (file, other / file.relative_to(one)))
        for log in (rows, others):
            for row in log:
                row.pop("seconds")
        assert rows == others, file
    for card in (one / "results").glob("*.weights.h5"):
        assert card.read_bytes() == (other / "results" / card.name).read_bytes()


# 1 -- the run folder


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_folder_with_other_files_is_not_emptied(name, run, tmp_path, capsys):
    thesis = tmp_path / "run" / "thesis.tex"
    thesis.parent.mkdir()
    thesis.write_text("Years of work")
    assert "thesis.tex" in refused(capsys, run, name, *SCRIPTS[name])
    assert thesis.read_text() == "Years of work" and len(list(thesis.parent.iterdir())) == 1


def test_a_run_is_replaced_only_when_one_says_so(run, capsys):
    folder = run("siamese", *SCRIPTS["siamese"])
    before = arrays(folder)
    message = refused(capsys, run, "siamese", *SCRIPTS["siamese"])
    assert "--resume" in message and "--fresh" in message and arrays(folder).keys() == before.keys()
    run("siamese", "--epochs", "1", "--batch-size", "32", "--fresh")
    assert {name.split("/")[1] for name in arrays(folder)} == {"epoch_0001.npz"}


def test_two_processes_do_not_train_in_one_folder(run, tmp_path, capsys):
    fcntl = pytest.importorskip("fcntl")
    (tmp_path / "run").mkdir()
    handle = os.open(tmp_path / "run", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        assert "Another process" in refused(capsys, run, "siamese", *SCRIPTS["siamese"])
    finally:
        os.close(handle)


# 2 -- kill -9 while files are written


def test_killed_while_a_checkpoint_is_written_a_run_goes_on(run, data_dir, tmp_path):
    words = [*SCRIPTS["siamese"], "--data-dir", str(data_dir), "--run-dir", str(tmp_path / "struck")]
    environment = os.environ | {"CNNDEMO_TEST_STRIKE": "2"}
    command = [sys.executable, "-m", "tests.tiny", "siamese", *words, "--weights-dir", str(tmp_path / "w")]
    struck = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert struck.returncode == -signal.SIGKILL, struck.stderr.decode()[-2000:]
    run("siamese", *SCRIPTS["siamese"], "--resume", run_dir=tmp_path / "struck")
    same(run("siamese", *SCRIPTS["siamese"]), tmp_path / "struck")


class Struck(BaseException):
    """The moment of a kill -9: nothing after it happens."""


def test_killed_while_the_best_weights_are_written_the_earlier_ones_stay(run, monkeypatch):
    import keras

    write, written = keras.Model.save_weights, []

    def half(self, file, **options):
        write(self, file, **options)
        written.append(Path(file))
        if len(written) == 2:
            os.truncate(file, 100)
            raise Struck

    monkeypatch.setattr(keras.Model, "save_weights", half)
    monkeypatch.setattr(checkpoints.Best, "_is_improvement", lambda *_: True)
    with pytest.raises(Struck):
        run("siamese", *SCRIPTS["siamese"])
    best = written[0].with_name("best.weights.h5")
    assert best.stat().st_size > 1000
    monkeypatch.setattr(keras.Model, "save_weights", write)
    run("siamese", *SCRIPTS["siamese"], "--resume")
    assert not best.with_name("part.best.weights.h5").exists()


# 3 -- a full disk, a folder that cannot be written to


@pytest.fixture
def shelf(tmp_path):
    """A folder with a published network, and how to see that nothing in it has changed."""
    folder = tmp_path / "w"
    folder.mkdir()
    for file in weights.WEIGHTS_DIR.glob("siamese.*"):
        shutil.copy(file, folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    return lambda: {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_disk_that_is_full_while_publishing_changes_nothing(run, shelf, monkeypatch, capsys):
    copy, copied = shutil.copyfile, []

    def full(source, target):
        if copied:
            Path(target).write_bytes(Path(source).read_bytes()[:50])
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        copied.append(copy(source, target))
        return target

    monkeypatch.setattr(publish.shutil, "copyfile", full)
    assert "No space left" in refused(capsys, run, "siamese", *SCRIPTS["siamese"], "--publish")
    assert copied and shelf()


def test_results_that_find_no_room_leave_the_published_ones(run, shelf, monkeypatch, capsys):
    def full(file, dtype):
        raise OSError(errno.ENOSPC, "No space left on device", str(file))

    monkeypatch.setattr(weights, "_compact", full)
    assert "No space left" in refused(capsys, run, "siamese", *SCRIPTS["siamese"], "--publish")
    assert shelf()


@pytest.mark.parametrize("option", ["run_dir", "weights_dir"])
def test_a_folder_that_cannot_be_written_to_is_told_before_training(option, run, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setattr(common, "fit", lambda *_, **__: pytest.fail("it trained"))
    message = refused(capsys, run, "siamese", "--publish", **{option: tmp_path / "file" / "below"})
    assert "cannot be written to" in message and f"--{option.replace('_', '-')}" in message


@pytest.mark.parametrize("option", ["--run-dir", "--weights-dir"])
def test_too_little_room_is_told_before_the_first_epoch(option, run, tmp_path, monkeypatch, capsys):
    free = {"--run-dir": tmp_path / "run", "--weights-dir": tmp_path / "w"}

    def usage(folder):
        return shutil._ntuple_diskusage(0, 0, 1000 if Path(folder) == free[option] else 10**12)

    monkeypatch.setattr(runs.shutil, "disk_usage", usage)
    assert option in refused(capsys, run, "siamese", *SCRIPTS["siamese"], "--publish")
    assert not list((tmp_path / "run").rglob("*.npz"))


def test_the_card_is_the_last_to_take_its_place(run, tmp_path, monkeypatch):
    run("siamese", *SCRIPTS["siamese"])
    order = [file.name for file in publish.whole_results(tmp_path / "run")]
    assert order[-1] == "siamese.json" and "siamese.weights.h5" in order


# 4 -- no number


def test_a_training_that_diverges_publishes_nothing(run, shelf, tmp_path, capsys):
    message = refused(capsys, run, "siamese", *SCRIPTS["siamese"], "--learning-rate", "1e30", "--publish")
    assert "diverged" in message and shelf() and not (tmp_path / "run" / "results").exists()


def test_weights_that_are_no_numbers_are_refused(run, shelf, monkeypatch, capsys):
    import train.siamese as script

    trained = script.train

    def broken(*given):
        model, history = trained(*given)
        model.layers[1].set_weights([np.full_like(array, np.nan) for array in model.layers[1].get_weights()])
        return model, history

    monkeypatch.setattr(script, "train", broken)
    monkeypatch.setattr(script, "judge", lambda *_: (0.5, []))
    assert "not finite" in refused(capsys, run, "siamese", *SCRIPTS["siamese"], "--publish")
    assert shelf()


@pytest.mark.parametrize("name", ["resnet20", "pet_breeds", "pet_segmentation", "cifar10_transfer"])
def test_a_limit_never_cuts_the_test_split(name, run, monkeypatch):
    monkeypatch.setattr(common, "fit", lambda model, *_, **__: [{"val_accuracy": 0.5, "seconds": 1.0}])
    words = [word for word in SCRIPTS[name] if word not in ("--average", "2")] if name == "resnet20" else SCRIPTS[name]
    parts = ["--parts", "heads"] if name == "cifar10_transfer" else []
    results = run(name, *words, *parts, "--limit", "9") / "results"
    card = weights.card(name, results)
    expected = {"resnet20": 20, "cifar10_transfer": 20, "pet_breeds": 6, "pet_segmentation": 6}[name]
    assert card["data"]["splits"]["test"] == expected == card["metrics"][0]["samples"]
    assert card["data"]["splits"]["train"] == 9


# 5 -- results stay in the run folder


def test_results_are_published_only_when_one_says_so(run, shelf, tmp_path, monkeypatch):
    folder = run("siamese", "--epochs", "1", "--limit", "60", "--batch-size", "32")
    assert shelf() and weights.card("siamese", folder / "results")["epochs"] == 1
    monkeypatch.setattr(sys, "argv", ["publish", str(folder), "--weights-dir", str(tmp_path / "w")])
    publish.main()
    assert weights.card("siamese", tmp_path / "w")["arguments"]["limit"] == 60
    assert weights.load("siamese", tmp_path / "w").output_shape == (None, 128)


def test_damaged_results_are_not_published(run, shelf, tmp_path, monkeypatch, capsys):
    folder = run("siamese", *SCRIPTS["siamese"])
    file = folder / "results" / "siamese.weights.h5"
    os.truncate(file, file.stat().st_size - 9)
    monkeypatch.setattr(sys, "argv", ["publish", str(folder), "--weights-dir", str(tmp_path / "w")])
    assert file.name in refused(capsys, publish.main) and shelf()


# 6 -- signals


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


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_after_the_batch_and_logs_nothing_false(number, code, run, tmp_path, monkeypatch, capsys):
    handler = signal.getsignal(number)
    at(monkeypatch, 1, lambda: os.kill(os.getpid(), number))
    with pytest.raises(SystemExit) as ended:
        run("siamese", *SCRIPTS["siamese"])
    told = capsys.readouterr().err
    assert ended.value.code == code and signal.getsignal(number) is handler
    assert f"python -m train.siamese {' '.join(SCRIPTS['siamese'])}" in told and "--resume" in told
    assert len(common.read_log(tmp_path / "run" / "history.csv")) == 1
    assert {name.split("/")[1] for name in arrays(tmp_path / "run")} == {"epoch_0001.npz"}


def test_a_signal_outside_the_epochs_costs_one_line(run, monkeypatch, capsys):
    import train.siamese as script

    monkeypatch.setattr(script, "judge", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(SystemExit) as ended:
        run("siamese", *SCRIPTS["siamese"])
    assert ended.value.code == 130 and "Go on with" in capsys.readouterr().err


# 7 -- a run that goes on is the run that was never struck


@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_resumed_run_ends_with_the_same_weights(name, epoch, run, tmp_path, monkeypatch):
    if epoch == 1 and name not in QUICK:
        pytest.skip("one epoch is enough for the slower ones")
    stages = []

    def photograph():
        """The folder as kill -9 leaves it, in the last stage that gets so far."""
        shutil.rmtree(tmp_path / "struck", ignore_errors=True)
        shutil.copytree(tmp_path / "run", tmp_path / "struck")
        stages.append(1)

    last = 0 if name in HEAVY else epoch
    if name in HEAVY:
        heavy(monkeypatch)
    at(monkeypatch, last, photograph)
    whole = run(name, *SCRIPTS[name])
    monkeypatch.undo()
    assert stages
    if name in HEAVY:
        heavy(monkeypatch)
    tiny.shrink(monkeypatch.setattr)
    run(name, *SCRIPTS[name], "--resume", run_dir=tmp_path / "struck")
    same(whole, tmp_path / "struck")


HEAVY = ("pet_segmentation_pretrained", "cifar10_transfer")


def heavy(monkeypatch) -> None:
    """Tracing a large network's training step takes longer than running it a few times."""
    import keras

    compile = keras.Model.compile
    monkeypatch.setattr(
        keras.Model, "compile", lambda self, *given, **more: compile(self, *given, **(more | {"run_eagerly": True}))
    )
