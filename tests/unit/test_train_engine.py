"""Keras' own engines in every script: two devices, 16 bits, accumulated gradients, averaged weights, TensorBoard."""

from __future__ import annotations

import importlib
import io
import os
import shutil
import subprocess
import sys
from argparse import Namespace

import keras
import numpy as np
import pytest

from cnndemo import weights
from tests import tiny
from tests.benchmarks import bench_pipelines
from tests.conftest import ROOT
from tests.scripts import SCRIPTS, at, refused, same
from train import checkpoints, common, engine, events, logs, pictures, schedules
from train.progress import Progress, clock

OPTIONS = ["--mixed", "--accumulate", "2", "--ema", "0.9", "--workers", "2"]
OF_FEATURES = ("pet_breeds", "pet_presence", "cifar10_transfer")
"""What these train first sees no pictures, but numbers of a frozen network."""


class Begun(Exception):
    """A training that was about to begin."""


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_takes_the_options_of_the_engine(name, run, monkeypatch, tmp_path):
    def begin(model, stream, **options):
        raise Begun(model, stream, options)

    monkeypatch.setattr(keras.Model, "fit", begin)
    with pytest.raises(Begun) as begun:
        run(name, *SCRIPTS[name], *(OPTIONS[1:] if name == "robust_digits" else OPTIONS),  # see there
            "--events", str(tmp_path / "events.jsonl"))  # fmt: skip
    model, stream, options = begun.value.args
    assert model.optimizer.gradient_accumulation_steps == 2 and model.optimizer.ema_momentum == 0.9
    assert stream.workers == 2 and keras.config.dtype_policy().name == "float32"
    layers = model._flatten_layers(include_self=False)
    assert {layer.compute_dtype for layer in layers if layer.weights} >= {"bfloat16"} or name in (
        "pet_presence",
        "robust_digits",
    )
    callbacks = options["callbacks"]
    assert isinstance(callbacks[0], keras.callbacks.SwapEMAWeights)
    best, told = (next(each for each in callbacks if type(each) is kind) for kind in (checkpoints.Best, events.Events))
    assert told.monitor == best.monitor and told.sign == (-1 if best.mode == "max" else 1)
    largest = max(keras.tree.flatten(stream[0][0]), key=lambda array: array.nbytes)
    assert largest.dtype == np.uint8 or name in OF_FEATURES, "pictures travel as bytes"


def test_the_benchmark_of_pipelines_begins_each_training(tmp_path):
    trainings = bench_pipelines.trainings(str(tmp_path))
    assert {name.partition(",")[0] for name in trainings} == set(SCRIPTS)
    for name in ("triplet", "robust_digits", "pet_breeds, features", "pet_presence, features"):
        _, stream = bench_pipelines.begun(trainings[name])
        assert bench_pipelines.weight(stream[0]) > 784


def test_a_run_with_all_options_goes_on_as_the_run_that_was_never_struck(run, tmp_path, monkeypatch):
    at(monkeypatch, 2, lambda: shutil.copytree(tmp_path / "run", tmp_path / "struck"))
    whole = run("siamese", *SCRIPTS["siamese"], *OPTIONS)
    monkeypatch.undo()
    tiny.shrink(monkeypatch.setattr)
    run("siamese", *SCRIPTS["siamese"], *OPTIONS, "--resume", run_dir=tmp_path / "struck")
    same(whole, tmp_path / "struck")


def little(**options) -> keras.Model:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    model.compile(keras.optimizers.SGD(0.5, **options), "categorical_crossentropy")
    return model


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["train"])
    result = common.parser("A test.", "small", epochs=3, batch_size=8).parse_args([])
    result.run_dir = tmp_path / "run"
    return result


@pytest.fixture(scope="module")
def data():
    x = np.random.default_rng(0).random((48, 4), dtype=np.float32)
    return x, np.eye(3, dtype=np.float32)[x[:, :3].argmax(1)]


def test_two_accumulated_batches_make_the_step_of_one_of_twice_the_size(arguments, data):
    found = []
    for batch_size, accumulate in ((16, 1), (8, 2)):
        arguments.batch_size, arguments.accumulate, arguments.fresh = batch_size, accumulate, True
        common.prepare(arguments)
        model = little(**engine.optimizer_options(arguments))
        found.append((common.fit(model, data, data, arguments, verbose=False), model.get_weights()))
    assert [row["val_loss"] for row in found[0][0]] == pytest.approx([row["val_loss"] for row in found[1][0]], abs=1e-5)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_averaged_weights_are_measured_and_kept_and_the_others_trained(arguments, data):
    arguments.ema, arguments.epochs = 0.5, 2
    common.prepare(arguments)
    model, seen = little(**engine.optimizer_options(arguments)), []
    see = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(model.get_weights()[0]))
    history = common.fit(model, data, data, arguments, callbacks=[see], verbose=False)
    average = seen[0]
    for values in seen[1:]:
        average = 0.5 * average + 0.5 * values
    np.testing.assert_allclose(model.get_weights()[0], average, atol=1e-5)
    assert model.evaluate(*data, verbose=0) == pytest.approx(history[-1]["val_loss"], rel=1e-4)
    assert not np.allclose(seen[-1], average, atol=1e-3)


def test_a_network_of_16_bits_is_measured_in_32(arguments):
    arguments.mixed = True
    with engine.precision(arguments):
        model = keras.Sequential(
            [keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(3, activation="softmax")]
        )
    assert keras.config.dtype_policy().name == "float32"
    x = np.random.default_rng(0).random((5, 4), dtype=np.float32)
    exact = common.as_stored(model)
    a, b, c, d = exact.get_weights()
    scores = (x @ a + b) @ c + d
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(exact.predict(x, verbose=0), expected, atol=1e-6)
    assert np.abs(model.predict(x, verbose=0).astype(np.float32) - expected).max() > 1e-5
    engine.answer_exactly(model)
    assert keras.ops.convert_to_numpy(model(x)).dtype == np.float32


@pytest.mark.parametrize("text", ["0", "1", "-0.5", "nan"])
def test_a_momentum_that_is_none_is_a_usage_error(text, capsys):
    with pytest.raises(SystemExit) as ended:
        common.parser("A test.", "small").parse_args(["--ema", text])
    assert ended.value.code == 2 and "--ema" in capsys.readouterr().err


# TensorBoard


def test_without_tensorboard_a_sentence_says_what_to_install(run, tmp_path, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        engine.importlib.util, "find_spec", lambda name, *more: None if name == "tensorboard" else find(name, *more)
    )
    message = refused(capsys, run, "siamese", *SCRIPTS["siamese"], "--tensorboard")
    assert "pip install tensorboard" in message and not (tmp_path / "run").exists()


@pytest.mark.skipif(not importlib.util.find_spec("tensorboard"), reason="TensorBoard is not installed")
def test_tensorboard_finds_its_log_in_the_run_folder(run):
    folder = run("siamese", *SCRIPTS["siamese"], "--tensorboard")
    files = sorted(path.parent.name for path in folder.rglob("events.out.tfevents.*"))
    assert files == ["train", "validation"]


# Two devices of TensorFlow


@pytest.fixture(scope="module")
def mirrored(data_dir, tmp_path_factory):
    """Run folders: a layer on one device and on two, and digits with a random layer on two."""
    folder = tmp_path_factory.mktemp("mirrored")

    def words(name: str, into: str, *more: str) -> list[str]:
        folders = ["--data-dir", str(data_dir), "--run-dir", str(folder / into), "--weights-dir", str(folder / "w")]
        return [name, "--epochs", "2", *more, *folders]

    lines = [
        words("pet_presence", "alone", "--batch-size", "40"),
        words("pet_presence", "two", "--batch-size", "41", "--distribute", "mirrored"),
        words("digit_classifier", "digits", "--batch-size", "20", "--variant-epochs", "0", "--distribute", "mirrored"),
    ]
    environment, said = os.environ | {"CNNDEMO_TEST_DEVICES": "2", "CUDA_VISIBLE_DEVICES": ""}, ""
    for part in (lines[:2], lines[2:]):  # TensorFlow counts what its devices exchange once a process
        command = [sys.executable, "-m", "tests.tiny", *(word for line in part for word in ["--", *line])]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr[-3000:]
        said += done.stdout
    return folder, said


@pytest.mark.slow
def test_two_mirrored_devices_train_as_one_where_nothing_is_random(mirrored):
    folder, _ = mirrored
    one, two = (logs.read(folder / name / "history.csv") for name in ("alone", "two"))
    for figure in ("loss", "val_loss"):
        assert [row[figure] for row in two] == pytest.approx([row[figure] for row in one], abs=1e-5)


@pytest.mark.slow
def test_batches_that_do_not_divide_among_mirrored_devices_are_rounded_and_said(mirrored):
    assert "batches of 41 are of 40" in mirrored[1]


@pytest.mark.slow
def test_random_layers_of_mirrored_devices_draw_numbers_of_their_own(mirrored):
    folder, said = mirrored
    seeds = [line.split()[1:] for line in said.splitlines() if line.startswith("seeds") and len(line.split()) > 1]
    assert seeds and all(len(set(each)) == 2 for each in seeds)
    assert weights.card("digit_classifier", folder / "digits" / "results")["arguments"]["distribute"] == "mirrored"
    losses = [row["val_loss"] for row in logs.read(folder / "digits" / "history.csv")]
    assert np.isfinite(losses).all() and losses[1] < losses[0]


@pytest.mark.parametrize("name", ["siamese", "triplet", "pet_segmentation", "pet_segmentation_pretrained"])
def test_losses_over_more_than_examples_are_not_mirrored(name, run, tmp_path, capsys):
    message = refused(capsys, run, name, *SCRIPTS[name], "--distribute", "mirrored")
    assert "mean over examples" in message and "data-parallel" in message and not (tmp_path / "run").exists()


# The learning rate, pictures on their way, and how far a training is


def test_the_cosine_warms_up_and_falls_to_zero():
    rate, callbacks = schedules.cosine(0.4, epochs=20, batches=10, warm_up=5)
    rates = [float(rate(step)) for step in range(201)]
    assert not callbacks and rates[0] == pytest.approx(0.02) and max(rates) == rates[50] == pytest.approx(0.4)
    assert rates[125] == pytest.approx(0.2) and rates[200] == pytest.approx(0, abs=1e-6)
    assert all(a < b for a, b in zip(rates[:50], rates[1:51], strict=True))
    short, _ = schedules.cosine(0.4, epochs=1, batches=1, warm_up=5)
    assert float(short(0)) == pytest.approx(0.4)


def test_time_ends_the_cosine(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(schedules.time, "time", lambda: now[0])
    rate, (callback,) = schedules.cosine(1e-3, 100, 10, 1, schedules.Clock(2.0), part=0.5)
    callback.set_model(Namespace(optimizer=Namespace(learning_rate=rate), stop_training=False))
    rates = []
    for epoch, seconds in enumerate((40, 10, 10, 10, 10)):  # the first epoch compiles; 40 of 80 seconds are left then
        callback.on_epoch_begin(epoch)
        rates.append(callback.model.optimizer.learning_rate)
        now[0] += seconds
        callback.on_epoch_end(epoch)
        assert callback.model.stop_training == (epoch == 4)
    assert rates[1] == pytest.approx(1e-3, rel=1e-2) and rates[1] > rates[2] > rates[3] > rates[4]
    assert rates[4] < 5e-5


def test_each_picture_is_cut_at_a_place_of_its_own():
    """`keras.layers.RandomCrop` cuts all pictures of a batch at one place, which is why it is not used."""
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (20, 32, 32, 3)).astype(np.uint8)
    padded = np.pad(x, ((0, 0), (4, 4), (4, 4), (0, 0)))
    result = pictures.crops(padded, 4, pictures.corners(20, 4, np.random.default_rng(1)))

    def places(cut: np.ndarray, whole: np.ndarray) -> list[tuple[int, int]]:
        around = [(top, left) for top in range(9) for left in range(9)]
        return [(top, left) for top, left in around if np.array_equal(cut, whole[top : top + 32, left : left + 32])]

    found = [places(cut, whole) for cut, whole in zip(result, padded, strict=True)]
    assert all(len(each) == 1 for each in found) and len({each[0] for each in found}) > 10
    theirs = np.asarray(keras.layers.RandomCrop(32, 32, seed=1)(padded, training=True)).astype(np.uint8)
    assert len({places(cut, whole)[0] for cut, whole in zip(theirs, padded, strict=True)}) == 1


def test_progress_tells_the_time_left(monkeypatch):
    now, written = [0.0], io.StringIO()
    monkeypatch.setattr("train.progress.time.time", lambda: now[0])
    progress = Progress(32, "at_64", written)
    progress.set_params({"epochs": 3, "steps": 5})
    for epoch in range(3):
        progress.on_epoch_begin(epoch)
        for batch in range(5):
            now[0] += 60.0 if epoch == batch == 0 else 2.0  # the first compiles
            progress.on_train_batch_end(batch, {})
        progress.on_epoch_end(epoch, {"loss": 0.25, "seconds": 9.0})
    lines = written.getvalue().splitlines()
    assert lines[0].startswith("at_64 · epoch 1/3 · ") and lines[0].endswith("loss 0.25 · 0:20 left")
    assert lines[1].endswith("0:10 left") and lines[2].endswith("0:00 left") and len(lines) == 3
    assert "16 examples/s" in lines[2]


@pytest.mark.parametrize(("seconds", "text"), [(7.2, "0:07"), (750, "12:30"), (11100, "3:05:00")])
def test_times_are_written_as_clocks_show_them(seconds, text):
    assert clock(seconds) == text
