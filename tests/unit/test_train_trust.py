"""No failure of a training falsifies or destroys: each test runs a script's `main()` on a handful of examples."""

from __future__ import annotations

import _signal  # its functions can be sent to other processes
import errno
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from cnndemo import inference, weights
from cnndemo.models import face_check, resnet20
from cnndemo.resnet_transfer import small_pictures
from tests import tiny
from tests.conftest import ROOT
from tests.scripts import SCRIPTS, arrays, at, eager, refused, same
from train import checkpoints, common, logs, processes, provenance, publish, runs

WHOLE = resnet20.build
SIAMESE = ["siamese", *SCRIPTS["siamese"]]
TRACED = ("siamese", "triplet", "pet_breeds", "pet_presence")
"""Whose training step is traced as a graph, with random layers and without; of larger networks that takes seconds."""


@pytest.fixture(scope="module")
def finished(data_dir, tmp_path_factory):
    """The run folder of a whole training, made once."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    with pytest.MonkeyPatch.context() as patch:
        tiny.shrink(patch.setattr)
        folders = ["--data-dir", str(data_dir), "--run-dir", str(folder), "--weights-dir", str(folder.parent / "w")]
        patch.setattr(sys, "argv", [*SIAMESE, *folders])
        importlib.import_module("train.siamese").main()
    return folder


@pytest.fixture
def again(finished, run, tmp_path):
    """Goes on with a copy of that run, which has no epoch left: it measures, and writes or publishes its results."""

    shutil.rmtree(shutil.copytree(finished, tmp_path / "run") / "results")
    return lambda *words: run(*SIAMESE, "--resume", *words)


# 1 -- the run folder


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_folder_with_other_files_is_not_emptied(name, run, tmp_path, capsys):
    thesis = tmp_path / "run" / "thesis.tex"
    thesis.parent.mkdir()
    thesis.write_text("Years of work")
    assert "thesis.tex" in refused(capsys, run, name, *SCRIPTS[name])
    assert thesis.read_text() == "Years of work" and len(list(thesis.parent.iterdir())) == 1


def test_a_run_is_replaced_only_when_one_says_so(run, again, capsys):
    folder = again()
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


def test_killed_while_a_checkpoint_is_written_a_run_goes_on(run, finished, data_dir, tmp_path):
    words = [*SCRIPTS["siamese"], "--data-dir", str(data_dir), "--run-dir", str(tmp_path / "struck")]
    environment = os.environ | {"CNNDEMO_TEST_STRIKE": "2"}
    command = [sys.executable, "-m", "tests.tiny", "siamese", *words, "--weights-dir", str(tmp_path / "w")]
    struck = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert struck.returncode == -signal.SIGKILL, struck.stderr.decode()[-2000:]
    run("siamese", *SCRIPTS["siamese"], "--resume", run_dir=tmp_path / "struck")
    same(finished, tmp_path / "struck")


class Struck(BaseException):
    """The moment of a kill -9: nothing after it happens."""


def test_killed_while_the_best_weights_are_written_the_earlier_ones_stay(run, monkeypatch):
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


def test_a_disk_that_is_full_while_publishing_changes_nothing(again, shelf, monkeypatch, capsys):
    copy, copied = shutil.copyfile, []

    def full(source, target):
        if copied:
            Path(target).write_bytes(Path(source).read_bytes()[:50])
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        copied.append(copy(source, target))
        return target

    monkeypatch.setattr(publish.shutil, "copyfile", full)
    assert "No space left" in refused(capsys, again, "--publish")
    assert copied and shelf()


def test_results_that_find_no_room_leave_the_published_ones(again, shelf, monkeypatch, capsys):
    def full(file, dtype):
        raise OSError(errno.ENOSPC, "No space left on device", str(file))

    monkeypatch.setattr(weights, "_compact", full)
    assert "No space left" in refused(capsys, again, "--publish")
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


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet20", [*SCRIPTS["resnet20"], "--epochs", "2000"]),
        (
            "digit_classifier",
            ["--data", "shipped", "--network", "flatten", "--epochs", "2000", "--checkpoints", "every"],
        ),
        ("not_a_digit", ["--generated", "1000000"]),
    ],
)
def test_what_a_script_keeps_of_its_own_needs_room_too(name, words, run, monkeypatch, capsys):
    """10 MB are enough for the checkpoints of these networks, but not for 2,000 epochs or a million examples."""
    monkeypatch.setattr(runs.shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(0, 0, 10_000_000))
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("it trained"))
    assert "--run-dir" in refused(capsys, run, name, *words)


def test_the_card_is_the_last_to_take_its_place(finished):
    order = [file.name for file in publish.whole_results(finished)]
    assert order[-1] == "siamese.json" and "siamese.weights.h5" in order


# 4 -- no number


def test_a_training_that_diverges_publishes_nothing(run, shelf, tmp_path, capsys):
    message = refused(capsys, run, "siamese", *SCRIPTS["siamese"], "--learning-rate", "1e30", "--publish")
    assert "diverged" in message and shelf() and not (tmp_path / "run" / "results").exists()


def test_weights_that_are_no_numbers_are_refused(again, shelf, monkeypatch, capsys):
    import train.siamese as script

    trained = script.train

    def broken(*given):
        model, history = trained(*given)
        model.layers[1].set_weights([np.full_like(array, np.nan) for array in model.layers[1].get_weights()])
        return model, history

    monkeypatch.setattr(script, "train", broken)
    monkeypatch.setattr(script, "judge", lambda *_: (0.5, []))
    assert "not finite" in refused(capsys, again, "--publish")
    assert shelf()


@pytest.mark.parametrize("name", ["resnet20", "pet_breeds", "pet_segmentation", "cifar10_transfer"])
def test_a_limit_never_cuts_the_test_split(name, run, monkeypatch):
    monkeypatch.setattr(common, "fit", lambda model, *_, **__: [{"val_accuracy": 0.5, "seconds": 1.0}])
    words = [word for word in SCRIPTS[name] if word not in ("--average", "2")] if name == "resnet20" else SCRIPTS[name]
    parts = ["--parts", "heads"] if name == "cifar10_transfer" else []
    results = run(name, *words, *parts, "--limit", "9") / "results"
    card = weights.card(name, results)
    expected = {"resnet20": 20, "cifar10_transfer": 20, "pet_breeds": 3, "pet_segmentation": 3}[name]
    assert card["data"]["splits"]["test"] == expected == card["metrics"][0]["samples"]
    assert card["data"]["splits"]["train"] == 9


def test_a_limit_never_cuts_the_people_that_measure(run, monkeypatch):
    """Of the tiny pictures of faces, the first fold has that of one person and that of another, and a pair of both."""
    import train.face_check as script

    tried = []
    monkeypatch.setattr(script, "fit", lambda *_: (face_check.build(), [{"seconds": 1.0}]))
    monkeypatch.setattr(script, "try_out", lambda k, people, pictures, pairs, using: tried.append((people, pairs)))
    run("face_check", *SCRIPTS["face_check"], "--limit", "1")
    people, pairs = tried[0]
    assert len(people) > 1 and len(pairs) == 1


# 5 -- results stay in the run folder


def test_results_are_published_only_when_one_says_so(run, shelf, tmp_path, monkeypatch):
    folder = run("siamese", "--epochs", "1", "--limit", "60", "--batch-size", "32")
    assert shelf() and weights.card("siamese", folder / "results")["epochs"] == 1
    monkeypatch.setattr(sys, "argv", ["publish", str(folder), "--weights-dir", str(tmp_path / "w")])
    publish.main()
    assert weights.card("siamese", tmp_path / "w")["arguments"]["limit"] == 60
    assert weights.load("siamese", tmp_path / "w").output_shape == (None, 128)


def test_a_network_that_serves_is_not_replaced_by_one_that_cannot(again, shelf, monkeypatch, capsys):
    monkeypatch.setattr(common, "serve", lambda *_: None)
    again("--publish")
    assert shelf() and "tf2onnx" in capsys.readouterr().out


def test_damaged_results_are_not_published(finished, shelf, tmp_path, monkeypatch, capsys):
    folder = shutil.copytree(finished, tmp_path / "run")
    file = folder / "results" / "siamese.weights.h5"
    os.truncate(file, file.stat().st_size - 9)
    monkeypatch.setattr(sys, "argv", ["publish", str(folder), "--weights-dir", str(tmp_path / "w")])
    assert file.name in refused(capsys, publish.main) and shelf()


def test_a_folder_that_no_training_has_written_is_not_published_from(finished, shelf, tmp_path, monkeypatch, capsys):
    folder = shutil.copytree(finished, tmp_path / "copied")
    (folder / runs.MARKER).unlink()
    monkeypatch.setattr(sys, "argv", ["publish", str(folder), "--weights-dir", str(tmp_path / "w")])
    assert runs.MARKER in refused(capsys, publish.main)
    assert shelf() and not (folder / runs.MARKER).exists(), "a later run would empty it unasked"


def test_a_run_that_goes_on_is_not_published_from(finished, shelf, tmp_path, monkeypatch, capsys):
    fcntl = pytest.importorskip("fcntl")
    folder = shutil.copytree(finished, tmp_path / "run")
    monkeypatch.setattr(sys, "argv", ["publish", str(folder), "--weights-dir", str(tmp_path / "w")])
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        assert "Another process" in refused(capsys, publish.main)
    finally:
        os.close(handle)
    assert shelf()


# 6 -- signals


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_after_the_batch_and_logs_nothing_false(number, code, run, tmp_path, monkeypatch, capsys):
    handler = signal.getsignal(number)
    at(monkeypatch, 1, lambda: os.kill(os.getpid(), number))
    with pytest.raises(SystemExit) as ended:
        run("siamese", *SCRIPTS["siamese"])
    told = capsys.readouterr().err
    assert ended.value.code == code and signal.getsignal(number) is handler
    assert f"python -m train.siamese {' '.join(SCRIPTS['siamese'])}" in told and "--resume" in told
    assert len(logs.read(tmp_path / "run" / "history.csv")) == 1
    assert {name.split("/")[1] for name in arrays(tmp_path / "run")} == {"epoch_0001.npz"}


def test_a_signal_outside_the_epochs_costs_one_line(again, monkeypatch, capsys):
    import train.siamese as script

    monkeypatch.setattr(script, "judge", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(SystemExit) as ended:
        again()
    assert ended.value.code == 130 and "Go on with" in capsys.readouterr().err


def test_a_signal_while_keras_is_imported_costs_one_line(tmp_path):
    (tmp_path / "keras.py").write_text("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(30)\n")
    command, environment = [sys.executable, "-m", "train.siamese"], os.environ | {"PYTHONPATH": str(tmp_path)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 130 and ended.stderr.split() == ["Interrupted.", "Nothing", "was", "begun."]


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals of another kind")
def test_processes_that_help_never_hear_ctrl_c():
    """A terminal sends it to all of them; each would print a traceback of its own."""
    jobs = [signal.SIG_BLOCK] * 2 * processes.FEW
    masks = list(processes.spread(_signal.pthread_sigmask, jobs, ((),), 2))
    assert all(signal.SIGINT in mask for mask in masks) and len(masks) == len(jobs)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


# 7 -- a run that goes on is the run that was never struck


STRUCK = dict.fromkeys(SCRIPTS, 2) | {"pet_segmentation_pretrained": 0, "cifar10_transfer": 0}


@pytest.mark.parametrize(("name", "epoch"), [*STRUCK.items(), ("siamese", 1)])
def test_a_resumed_run_ends_with_the_same_weights(name, epoch, run, tmp_path, monkeypatch):
    stages = []

    def photograph():
        """The folder as kill -9 leaves it, in the last stage that gets so far."""
        shutil.rmtree(tmp_path / "struck", ignore_errors=True)
        shutil.copytree(tmp_path / "run", tmp_path / "struck")
        stages.append(1)

    def train(*words: str, **more: Path) -> Path:
        if name not in TRACED:
            eager(monkeypatch)
        return run(name, *SCRIPTS[name], *words, **more)

    at(monkeypatch, epoch, photograph)
    whole = train()
    monkeypatch.undo()
    assert stages
    tiny.shrink(monkeypatch.setattr)
    train("--resume", run_dir=tmp_path / "struck")
    same(whole, tmp_path / "struck")


# 8 -- a run keeps its arguments


def test_other_arguments_are_refused_by_name(run, again, capsys):
    again()
    message = refused(
        capsys, run, "siamese", "--epochs", "9", "--batch-size", "32", "--margin", "2", "--seed", "4", "--resume"
    )
    assert "--epochs 3 (now 9)" in message and "--seed 0 (now 4)" in message and "--margin 1.0 (now 2.0)" in message
    assert "--batch-size 32" not in message.partition("Go on")[0]
    right = message.splitlines()[-1].split()
    assert right[:3] == ["python", "-m", "train.siamese"] and "--resume" in right
    run("siamese", *right[3 : right.index("--data-dir")], "--resume")


def test_other_data_are_refused_by_name(run, again, data_dir, tmp_path, capsys):
    folder = again()
    before = arrays(folder)
    with np.load(data_dir / "mnist.npz") as content:
        np.savez(tmp_path / "mnist.npz", more=np.zeros(9), **content)  # another archive of the same digits
    message = refused(capsys, run, *SIAMESE, "--resume", data_dir=tmp_path)
    assert message.count("mnist.npz of") == 2 and "--data-dir" in message and len(message.splitlines()) == 1
    assert arrays(folder).keys() == before.keys()
    (tmp_path / "moved").mkdir()
    shutil.copy(data_dir / "mnist.npz", tmp_path / "moved")
    run(*SIAMESE, "--resume", data_dir=tmp_path / "moved")


def test_a_damaged_marker_is_named(run, again, capsys):
    (again() / runs.MARKER).write_text("{")
    message = refused(capsys, run, "siamese", *SCRIPTS["siamese"], "--resume")
    assert runs.MARKER in message and "--fresh" in message


# 9 -- what is damaged is named, and what is impossible is a usage error


def damage(file: Path) -> None:
    """Turn over some bytes in the middle."""
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(255 - byte for byte in data[middle : middle + 200])
    file.write_bytes(data)


def test_a_damaged_checkpoint_gives_way_to_the_one_before(run, finished, tmp_path, capsys):
    struck = shutil.copytree(finished, tmp_path / "struck")
    damage(struck / "checkpoints" / "epoch_0003.npz")
    run("siamese", *SCRIPTS["siamese"], "--resume", run_dir=struck)
    assert "epoch_0003.npz is damaged" in capsys.readouterr().err
    same(finished, struck)
    for file in (struck / "checkpoints").iterdir():
        file.write_bytes(b"")
    message = refused(capsys, run, "siamese", *SCRIPTS["siamese"], "--resume", run_dir=struck)
    assert "epoch_0003.npz" in message and "--fresh" in message


def test_damaged_best_weights_are_named(again, tmp_path, capsys):
    file = tmp_path / "run" / "best.weights.h5"
    os.truncate(file, 2000)
    assert str(file) in refused(capsys, again)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("siamese", "mnist.npz"),
        ("digit_classifier", "mnist.npz"),
        ("resnet20", "cifar10.zip"),
        ("cifar10_transfer", "cifar10.zip"),
        ("pet_breeds", "oxford_pets.zip"),
        ("pet_segmentation", "oxford_pets.zip"),
        ("pet_segmentation_pretrained", "oxford_pets.zip"),
    ],
)
@pytest.mark.parametrize("how", [damage, lambda file: os.truncate(file, 3000), lambda file: file.write_bytes(b"")])
def test_a_damaged_archive_is_named(name, file, how, run, data_dir, tmp_path, capsys):
    shutil.copy(data_dir / file, tmp_path)
    how(tmp_path / file)
    message = refused(capsys, run, name, *SCRIPTS[name], data_dir=tmp_path)
    assert str(tmp_path / file) in message and len(message.splitlines()) == 1


def repacked(source: Path, target: Path, **changes: bytes | None) -> None:
    """A ZIP with some members changed, or left out; underscores stand for slashes, a trailing kind for its dot."""
    import zipfile

    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = changes.get(name.replace("/", "__").replace(".", "_"), old.read(name))
            if data is not None:
                new.writestr(name, data)


@pytest.mark.parametrize(
    ("name", "archive", "member", "data"),
    [
        ("resnet20", "cifar10.zip", "train__cat__0001_jpg", b"no picture"),
        ("pet_segmentation", "oxford_pets.zip", "images__pug_2_jpg", b""),
        ("pet_segmentation", "oxford_pets.zip", "images__pug_2_jpg", None),
        ("pet_segmentation", "oxford_pets.zip", "annotations__trimaps__pug_2_png", b"no picture"),
        ("pet_segmentation", "oxford_pets.zip", "annotations__trimaps__pug_7_png", None),
        ("pet_breeds", "oxford_pets.zip", "images__pug_2_jpg", None),
    ],
)
def test_a_damaged_or_missing_picture_is_named(name, archive, member, data, run, data_dir, tmp_path, capsys):
    repacked(data_dir / archive, tmp_path / archive, **{member: data})
    message = refused(capsys, run, name, *SCRIPTS[name], data_dir=tmp_path)
    picture = member.split("__")[-1].rsplit("_", 1)[0]
    assert archive in message and picture in message and len(message.splitlines()) == 1


def test_a_class_without_a_picture_is_told(run, data_dir, tmp_path, capsys):
    gone = {f"test__truck__{index:04}_jpg": None for index in range(2)}
    repacked(data_dir / "cifar10.zip", tmp_path / "cifar10.zip", **gone)
    assert "no truck" in refused(capsys, run, "resnet20", *SCRIPTS["resnet20"], data_dir=tmp_path)


@pytest.mark.parametrize("name", ["siamese", "digit_classifier"])
def test_too_few_digits_are_refused(name, run, data_dir, tmp_path, capsys):
    with np.load(data_dir / "mnist.npz") as content:
        digits = dict(content)
    np.savez(tmp_path / "mnist.npz", **digits | {"x_test": digits["x_test"][:9], "y_test": digits["y_test"][:9]})
    message = refused(capsys, run, name, *SCRIPTS[name], data_dir=tmp_path)
    assert "mnist.npz" in message and "not 200" in message


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize(
    "words",
    [("--epochs", "-1"), ("--batch-size", "0"), ("--limit", "-5"), ("--seed", "-1"), ("--learning-rate", "nan")],
)
def test_what_cannot_be_is_a_usage_error(name, words, run, capsys):
    with pytest.raises(SystemExit) as ended:
        run(name, *words)
    assert ended.value.code == 2 and f"argument {words[0]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pet_breeds", ["--dropout", "1.5"]),
        ("pet_breeds", ["--smoothing", "2"]),
        ("resnet20", ["--smoothing", "-1"]),
        ("digit_classifier", ["--label-smoothing", "nan"]),
        ("digit_classifier", ["--wrong", "1.1"]),
        ("not_a_digit", ["--generated", "-1"]),
        ("not_a_digit", ["--harvest", "-1"]),
        ("not_a_digit", ["--scenes", "0"]),
        ("filter_images", ["--seed", "-1"]),
    ],
)
def test_what_a_script_of_its_own_cannot_do_is_a_usage_error(name, words, run, capsys):
    test_what_cannot_be_is_a_usage_error(name, words, run, capsys)


@pytest.mark.parametrize(("name", "file"), [("not_a_digit", "examples.npz"), ("face_check", "squares.npz")])
def test_examples_that_were_damaged_since_are_named(name, file, run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(common, "fit", interrupt)
    with pytest.raises(SystemExit):
        run(name, *SCRIPTS[name])
    damage(tmp_path / "run" / file)
    message = refused(capsys, run, name, *SCRIPTS[name], "--resume")
    assert str(tmp_path / "run" / file) in message and "--fresh" in message


def interrupt(*_, **__):
    """In place of a training: all is ready for it."""
    raise SystemExit("ready")


@pytest.mark.parametrize("content", [b"no archive", b"", None])
def test_a_reference_that_cannot_be_read_is_named(content, run, copied, tmp_path, capsys):
    copied("efficientnet_lite0")
    if content is not None:
        (tmp_path / "golden.npz").write_bytes(content)
    message = refused(capsys, run, "efficientnet_lite0", "--measure", "--reference", str(tmp_path / "golden.npz"))
    assert "golden.npz" in message and "--reference" in message


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_epoch_is_a_usage_error(name, run, capsys):
    parts = [f"--{part}-epochs" for part in ("small", "taught") if f"--{part}-epochs" in SCRIPTS[name]]
    with pytest.raises(SystemExit) as ended:
        run(name, "--epochs", "0", *(word for part in parts for word in (part, "0")))
    assert ended.value.code == 2


@pytest.mark.parametrize("does", ["sleep 60", "echo 'npm error code ENOTFOUND' >&2; exit 1"])
def test_without_a_network_the_face_networks_say_so(does, run, tmp_path, monkeypatch, capsys):
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\n{does}\n")
    npm.chmod(0o755)
    import train.face_embedding as script

    monkeypatch.setattr(script.shutil, "which", lambda name: str(npm))
    monkeypatch.setattr(script, "PATIENCE", 0.5)
    message = refused(capsys, run, "face_embedding")
    assert "npm" in message and "--source" in message


def test_an_archive_that_is_not_the_package_is_named(run, tmp_path, capsys):
    (tmp_path / "package.tgz").write_bytes(b"no archive")
    assert "package.tgz" in refused(capsys, run, "face_embedding", "--source", str(tmp_path / "package.tgz"))


# 10 -- measuring, and going on from what is published, in a folder of one's own

WHOLE_SPLITS = {
    "pet_presence": {
        "portraits in which a pet is found": 3, "things in which a pet is found": 16, "pets that are missed": 3,
    },
    "face_check": {"pictures of pets in which a face is found": 2, "pictures of things in which a face is found": 20},
    "not_a_digit": {"taken for a digit, of MNIST's digits": 200},
}  # fmt: skip
"""Script -> figures and what the tiny test splits have for them."""


@pytest.fixture
def copied(tmp_path):
    """Copies of shipped networks in a folder of one's own."""

    def copy(*names: str) -> Path:
        folder = tmp_path / "w"
        folder.mkdir(exist_ok=True)
        for name in names:
            for file in weights.WEIGHTS_DIR.glob(f"{name}.*"):
                shutil.copy(file, folder)
        return folder

    return copy


@pytest.mark.parametrize(
    ("name", "networks", "words"),
    [
        ("siamese", ("siamese",), []),
        ("triplet", ("triplet_holdout",), ["--hold-out", "7"]),
        ("digit_classifier", ("digit_classifier",), []),
        ("robust_digits", ("robust_digits",), ["--attacked", "4"]),
        ("resnet20", ("resnet20",), []),
        ("pet_segmentation", ("pet_segmentation",), []),
        ("pet_segmentation_pretrained", ("pet_segmentation_pretrained",), []),
        ("cifar10_transfer", ("cifar10_transfer", "cifar10_transfer_padded"), []),
        ("pet_presence", ("pet_presence",), ["--limit", "1"]),
        ("face_check", ("face_check",), ["--limit", "1"]),
        ("not_a_digit", ("not_a_digit",), ["--scenes", "2", "--limit", "1"]),
    ],
)
def test_measuring_rewrites_the_card_of_ones_own_folder_only(name, networks, words, run, copied, tmp_path, monkeypatch):
    monkeypatch.setitem(small_pictures.INPUTS, "scaled to 224", lambda pictures: pictures)
    monkeypatch.setattr(resnet20, "build", WHOLE)  # the shipped weights fit it, not the tiny one
    folder = copied(*networks)
    cards = {network: weights.card(network, folder) for network in networks}
    shipped = {file: file.read_bytes() for file in weights.WEIGHTS_DIR.glob("*.json")}
    monkeypatch.setattr(inference, "_session", lambda name, part: pytest.fail(f"what ships as {name} was measured"))
    run(name, "--measure", *words)
    for network, before in cards.items():
        after = weights.card(network, folder)
        assert after["metrics"] != before["metrics"] and after["sha256"] == before["sha256"]
        assert [figure["name"] for figure in after["metrics"]][0] == before["metrics"][0]["name"]
        assert "--measure" in after["measured"]["command"] and after["measured"]["versions"]
        samples = {figure["name"]: figure["samples"] for figure in after["metrics"]}
        assert WHOLE_SPLITS.get(name, {}).items() <= samples.items(), "what measures is never cut"
    assert shipped == {file: file.read_bytes() for file in weights.WEIGHTS_DIR.glob("*.json")}
    assert not (tmp_path / "run").exists()


def test_measuring_without_the_network_in_ones_own_folder_is_refused(run, tmp_path, capsys):
    (tmp_path / "w").mkdir()
    for name in ("pet_presence", "face_check", "not_a_digit"):
        assert name in refused(capsys, run, name, "--measure")


def test_after_a_measurement_one_can_train_and_measure_again(run, copied, tmp_path, monkeypatch):
    """What is read on the way is noted in a run folder of its own."""
    import train.not_a_digit as script

    def measure(test, arguments) -> list[dict]:
        (arguments.run_dir / "scenes.csv").write_text("7,7\n")
        return [script.share("read", [True])]

    copied("not_a_digit")
    monkeypatch.setattr(script, "measure", measure)
    for _ in range(2):
        run("not_a_digit", "--measure")
    monkeypatch.setattr(common, "fit", interrupt)
    with pytest.raises(SystemExit, match="ready"):
        run("not_a_digit", *SCRIPTS["not_a_digit"])


def test_figures_that_are_no_numbers_are_not_put_on_a_card(run, copied, monkeypatch, capsys):
    import train.siamese as script

    before, folder = weights.card("siamese"), copied("siamese")
    figure = {"name": "pair accuracy", "value": float("nan"), "interval": [0.0, 1.0], "samples": 2}
    monkeypatch.setattr(script, "judge", lambda *_: (0.5, [figure]))
    assert "pair accuracy" in refused(capsys, run, "siamese", "--measure")
    assert weights.card("siamese", folder) == before


def test_measuring_the_breeds_needs_the_breeds_of_the_network(run, copied):
    """The tiny data set has three breeds; the head knows 37, of which these are the first three numbers."""
    folder = copied("pet_breeds")
    run("pet_breeds", "--measure")
    assert weights.card("pet_breeds", folder)["metrics"][0]["samples"] == 3


def test_measuring_the_converted_backbone_states_its_difference(run, copied):
    folder = copied("efficientnet_lite0")
    run("efficientnet_lite0", "--measure")
    assert 0 < weights.card("efficientnet_lite0", folder)["difference"]["largest"] < 0.5


def test_measuring_the_faces_asks_the_networks_of_ones_own_folder(run, copied, monkeypatch):
    import train.face_embedding as script

    folder = copied(*script.ORDER, "face_check")
    given = []
    monkeypatch.setattr(
        script, "measure", lambda using, data_dir: (given.append(using), ([], {"lfw": {"pairs": 0}}))[1]
    )
    run("face_embedding", "--measure")
    assert given[0].embedding(np.zeros((1, 150, 150, 3), np.float32)).shape == (1, 128)
    assert weights.card("face_embedding", folder)["lfw"] == {"pairs": 0}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet20", ["--start"]),
        ("pet_segmentation", ["--start"]),
        ("pet_segmentation", ["--teacher"]),
        ("pet_segmentation_pretrained", ["--start"]),
        ("cifar10_transfer", ["--parts", "tuned"]),
        ("siamese", ["--measure"]),
        ("not_a_digit", ["--start"]),
    ],
)
def test_what_is_not_in_ones_own_folder_is_not_taken_from_elsewhere(name, words, run, tmp_path, capsys):
    (tmp_path / "w").mkdir()
    message = refused(capsys, run, name, *SCRIPTS[name], *words)
    assert "missing" in message and "python -m train." in message and not (tmp_path / "run").exists()


def test_the_commands_of_a_card_can_be_replayed_into_an_empty_folder(run, tmp_path, monkeypatch):
    eager(monkeypatch)
    run("resnet20", "--epochs", "1", "--batch-size", "20", "--publish")
    words = ["--epochs", "2", "--batch-size", "20", "--average", "2", "--start", "--publish"]
    run("resnet20", *words)  # the run folder is the same: what was in it is published
    card = weights.card("resnet20", tmp_path / "w")
    commands = [stage["command"] for stage in weights.stages(card)]
    assert commands[0] == "python -m train.resnet20 --epochs 1 --batch-size 20 --publish"
    assert commands[1].split()[3:] == words and card["epochs"] == 3


def test_sheets_of_filters_are_measured_and_published_as_networks_are(run, copied, tmp_path, monkeypatch, capsys):
    import train.filter_images as script

    name, stem = "digit_classifier", "digit_classifier.filters"
    folder = copied(stem)
    before, sheet = weights.card(stem, folder), (folder / f"{stem}.webp").read_bytes()
    run("filter_images", name, "--measure")
    after = weights.card(stem, folder)
    assert after["metrics"] != before["metrics"], "fewer digits are shown"
    assert after["measured"]["command"] == f"python -m train.filter_images {name} --measure"
    assert after["table_sha256"] == weights.sha256(folder / f"{stem}.npz")
    assert (folder / f"{stem}.webp").read_bytes() == sheet and not (tmp_path / "run").exists()

    made = script.pieces(name, folder / f"{stem}.webp")
    monkeypatch.setattr(script, "made", lambda name, layer, *_: made[layer])
    run("filter_images", name, "--seed", "3")
    assert "--resume" in refused(capsys, run, "filter_images", name, "--seed", "3")
    run("filter_images", name, "--seed", "3", "--resume", "--publish")
    card = weights.card(stem, folder)
    assert card["command"] == f"python -m train.filter_images {name} --seed 3 --publish" and card["commit"]
    assert card["arguments"]["seed"] == 3 and "measured" not in card and card["metrics"] == after["metrics"]
    run("filter_images", name)  # what the run folder held is published
    monkeypatch.setattr(sys, "argv", ["publish", str(tmp_path / "run"), "--weights-dir", str(folder)])
    publish.main()
    assert weights.card(stem, folder)["arguments"]["seed"] == 0


# 11 -- cards


def test_a_card_tells_how_its_network_was_made(run):
    folder = run("siamese", "--epochs", "1", "--batch-size", "32", "--limit", "70")
    card = weights.card("siamese", folder / "results")
    given = {"epochs": 1, "batch_size": 32, "limit": 70, "learning_rate": 2e-3, "backend": "tensorflow"}
    assert given.items() <= card["arguments"].items()
    assert {"python", "keras", "tensorflow"} <= card["versions"].keys() and all(card["versions"].values())
    assert provenance.processor() in card["hardware"] and str(os.cpu_count()) in card["hardware"]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert card["commit"].rstrip("+") == head.stdout.strip()
    assert str(ROOT) not in json.dumps(card) and str(folder.parent) not in json.dumps(card)


def test_a_run_is_resumed_only_if_there_was_one(run, again, tmp_path):
    assert weights.card("siamese", again() / "results")["resumed"]
    folder = run(*SIAMESE[:1], "--epochs", "1", "--batch-size", "32", "--resume", run_dir=tmp_path / "new")
    assert "resumed" not in weights.card("siamese", folder / "results"), "a job of Slurm says --resume always"


def test_a_card_names_files_without_their_folders(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x", "--source", "/home/me/a.tgz", "--reference=/b/c.npz", "--data-dir", "d=/e"])
    arguments = importlib.import_module("train.face_embedding").options().parse_args()
    assert common.command(arguments).endswith("train.face_embedding --source a.tgz --reference=c.npz --publish")
    assert "/home/me/a.tgz" in runs.command(arguments, folders=True)


def commands() -> list[str]:
    found = set()
    beside = [file.stem for file in weights.WEIGHTS_DIR.glob("*.filters.json")]
    for card in map(weights.card, [*weights.names(), *beside]):
        found |= set(weights.commands(card))
        found |= {row["command"] for row in card.get("experiments", []) if "command" in row}
    return sorted(found)


@pytest.mark.parametrize("command", commands())
def test_the_commands_of_all_cards_still_parse(command):
    words = command.removeprefix("KERAS_BACKEND=jax ").split()
    assert words[:2] == ["python", "-m"]
    arguments = importlib.import_module(words[2]).options().parse_args(words[3:])
    assert arguments.publish != arguments.measure, "else the network, or its figures, would not get into weights/"


@pytest.mark.parametrize("name", [*SCRIPTS, "face_embedding", "efficientnet_lite0", "filter_images"])
def test_one_name_for_one_thing(name):
    parser = importlib.import_module(f"train.{name}").options()
    known = {option for action in parser._actions for option in action.option_strings}
    assert {"--measure", "--publish", "--weights-dir"} <= known
    assert not [option for option in known if option.endswith("-rate") and not option.endswith("learning-rate")]
    if name in SCRIPTS:
        assert {"--learning-rate", "--resume", "--fresh", "--limit"} <= known
    assert "--rate" not in known
