"""Runs in a process of their own, callbacks against those of Keras, and what is said of a network at its end."""

import csv
import io
import json
import time
from dataclasses import replace

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo import calibration, chain, training, worker
from cnndemo.errors import VisitorError
from cnndemo.models import layer_table
from cnndemo.training import Settings, by_hand, evaluation, take_home
from cnndemo.training.comparing import differing, table
from cnndemo.training.run import POINTS, Run
from cnndemo.training.settings import data_dir
from tests import notebook_runner, tiny

TINY = Settings(network="conv 4 5/2 relu; flatten", digits=200, epochs=2, batch_size=32, every=True)
LOSSES = st.lists(st.floats(0.01, 3, allow_nan=False), min_size=1, max_size=25)


@pytest.fixture(scope="module")
def run():
    """A run of two epochs, by the very script, and how far it was at each event."""
    places = []
    for state in training.train(TINY):
        places.append((state.epoch, state.batch, len(state.history)))
    state.places = places
    return state


class Stub(keras.Model):
    """Enough of a model for a callback."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.build((None, 1))
        self.compile(keras.optimizers.Adam(1e-3), "mse")

    def build(self, shape):
        self.dense.build(shape)
        self.built = True


def fed(callback, losses) -> list[float]:
    """The rate of each epoch when a callback sees these losses."""
    model, rates = Stub(), []
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        rates.append(float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)))
        callback.on_epoch_end(epoch, {"val_loss": loss, "loss": loss})
        if model.stop_training:
            break
    return rates


@settings(max_examples=15, deadline=None)
@given(LOSSES, st.integers(1, 5), st.sampled_from([0.1, 0.2, 0.5]))
def test_the_plateau_is_that_of_keras(losses, patience, factor):
    theirs = fed(keras.callbacks.ReduceLROnPlateau("val_loss", factor, patience, min_lr=1e-6), losses)
    np.testing.assert_allclose(training.plateau(losses, 1e-3, factor, patience), theirs, rtol=1e-4)


@settings(max_examples=15, deadline=None)
@given(LOSSES, st.integers(1, 6))
def test_the_early_stop_is_that_of_keras(losses, patience):
    assert training.early_stop(losses, patience) == len(
        fed(keras.callbacks.EarlyStopping("val_loss", patience=patience), losses)
    )


@pytest.mark.parametrize("best_only", [False, True])
def test_the_files_are_those_of_keras(tmp_path, best_only):
    losses = [0.9, 0.5, 0.7, 0.50001, 0.123456]
    pattern = str(tmp_path / "model-{epoch:02d}-{val_loss:.4f}.weights.h5")
    fed(keras.callbacks.ModelCheckpoint(pattern, "val_loss", save_best_only=best_only, save_weights_only=True), losses)
    theirs = sorted(file.name.removesuffix(".weights.h5") for file in tmp_path.iterdir())
    ours = [file.removeprefix("models/").removesuffix(".keras") for file in training.checkpoints(losses, best_only)]
    assert ours == theirs and len(ours) == (3 if best_only else 5)


def test_settings_become_options_that_the_script_understands():
    from train import digit_classifier

    for told in (Settings(), *training.PRESETS.values(), Settings(data="own", augment=True, stop=3, every=True)):
        arguments = digit_classifier.options().parse_args(told.arguments())
        assert (arguments.learning_rate, arguments.epochs) == (pytest.approx(told.rate, rel=1e-5), told.epochs)
        assert (arguments.network, arguments.wrong) == (told.network, told.wrong)
        assert (arguments.reduce is not None) == told.reduce and arguments.augment == told.augment
        assert digit_classifier.lesson(arguments), "it would be published"
    assert not digit_classifier.lesson(digit_classifier.options().parse_args([]))


def test_the_page_shows_the_digits_that_the_script_holds_out():
    from train import digit_classifier, digit_lesson

    arguments = digit_classifier.options().parse_args(Settings(digits=105, wrong=0.2).arguments())
    digits = digit_lesson.load(arguments)
    for ours, theirs in zip(training.held_out(), (digits.validation, digits.test), strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])
        assert set(np.bincount(theirs[1])) == {50}
    x, y = digits.training
    true = digit_lesson.shipped(105).training[1]
    assert set(np.bincount(true)) == {10, 11} and (true != y).sum() == 21 and y.max() <= 9
    splits = [{digit.tobytes() for digit in part[0]} for part in (digits.training, digits.validation, digits.test)]
    assert not splits[0] & splits[1] and not splits[0] & splits[2] and not splits[1] & splits[2]
    assert len(digit_lesson.shipped().training[0]) == 4000


@pytest.fixture
def mnist(tmp_path, monkeypatch):
    """A server with MNIST, of 160 and 200 digits."""
    from train.datasets import mnist

    tiny.mnist(tmp_path)
    monkeypatch.setattr(mnist, "COUNTS", {"train": 160, "test": 200})
    monkeypatch.setenv("CNNDEMO_DATA", str(tmp_path))


def test_on_mnist_the_page_shows_and_tests_what_the_script_neither_learns_nor_chooses_by(mnist, monkeypatch):
    from train import digit_classifier, digit_lesson

    words = [*Settings(data="mnist", digits=90).arguments(), "--data-dir", str(data_dir())]
    digits = digit_lesson.load(digit_classifier.options().parse_args(words))
    assert len(digits.training[0]) == 90
    shown, labels = training.shown(data="mnist")
    np.testing.assert_array_equal(shown, digits.validation[0][digit_lesson.one_of_each(*digits.validation)])
    asked = []

    def predict(x):
        asked.append(x)
        return np.full((len(x), 10), 0.1, np.float32)

    report = training.report(predict, data="mnist")
    ours, theirs = ({digit.tobytes() for digit in pictures} for pictures in (report.pictures, digits.test[0]))
    assert ours == theirs and len(report.truth) == 200 and not report.validated
    assert sum(map(len, asked)) == len(digits.validation[0]) + 200 and labels.tolist() == list(range(10))
    monkeypatch.setenv("CNNDEMO_DATA", "/nowhere")
    with pytest.raises(VisitorError, match="MNIST is no longer"):
        training.report(predict, data="mnist")


@pytest.mark.parametrize(
    "change",
    [{"digits": 60_000}, {"epochs": 0}, {"batch_size": 0}, {"rate": 0.0}, {"wrong": 1.5}, {"data": "nowhere"}]
    + [{"network": "huge"}, {"optimizer": "Magic"}, {"factor": 1.0}, {"patience": -1}],
)
def test_senseless_settings_are_a_sentence(change):
    with pytest.raises(VisitorError):
        next(training.train(Settings(**change)))


def test_updates_count_the_last_smaller_batch():
    assert Settings(digits=1000, batch_size=16).updates() == 63


def test_a_run_tells_of_batches_and_epochs_and_brings_its_best_network(run):
    assert run.places == sorted(run.places) and run.places[-1] == (2, 7, 2)
    assert (run.batches, run.examples, run.parameters) == (7, 200, sum(s.parameters for s in _plan()))
    assert len(run.losses) == 14 and 1.5 < run.losses[0] < 4, "the loss of each batch, not the mean so far"
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"} <= set(run.history[0])
    assert np.mean(run.losses[7:13]) == pytest.approx(run.history[1]["loss"], abs=0.15)
    assert run.answers.shape == (10, 10) and np.allclose(run.answers.sum(axis=1), 1, atol=1e-2)
    assert run.saved == [f"model-{n:02}-{row['val_loss']:.4f}.keras" for n, row in enumerate(run.history, 1)]
    assert run.speed > 0 and run.left == 0


def _plan():
    return layer_table.plan(layer_table.parse(TINY.network))


def test_the_network_that_comes_along_is_that_of_the_best_epoch(run, tmp_path):
    file = tmp_path / "digits.keras"
    file.write_bytes(run.network)
    model = keras.models.load_model(file)
    assert getattr(model, "optimizer", None) is None
    x, y = training.held_out()[0]
    right = float((np.asarray(model(x[..., None] / 255.0)).argmax(axis=1) == y).mean())
    assert right == pytest.approx(run.history[run.best - 1]["val_accuracy"], abs=0.003) and right > 0.2
    report = training.report(chain.read(run.network).predictor())
    theirs = np.asarray(model(training.held_out()[1][0][..., None] / 255.0))
    np.testing.assert_allclose(report.probabilities, theirs, atol=1e-5)
    assert report.matrix.sum() == 500 and report.accuracy == np.trace(report.matrix) / 500
    worst = report.worst(5)
    assert (report.answers[worst] != report.truth[worst]).all()
    assert (np.diff(report.probabilities[worst].max(axis=1)) <= 0).all()
    assert len(report.cell(3, 3)) == report.matrix[3, 3]


def test_the_same_seed_is_the_same_run(run):
    again = list(training.train(TINY))[-1]
    assert [row["val_loss"] for row in again.history] == [row["val_loss"] for row in run.history]


def test_a_run_on_what_a_visitor_brings():
    x, y = training.held_out()[1]
    own = training.of_drawings(x[y < 3], y[y < 3])
    assert set(own.validation[1]) == {0, 1, 2} and own.classes == tuple("0123456789")
    settings = Settings(network=TINY.network, data="drawn", digits=0, epochs=1, augment=True)
    state = list(training.train(settings, own))[-1]
    assert state.answers.shape == (3, 10) and state.examples == 150
    colour = training.of_classes(
        [np.full((40, 30, 3), 20 * n, np.uint8) for n in range(8)], ["dark"] * 4 + ["light"] * 4
    )
    assert colour.shape == (28, 28, 3) and len(colour.training[1]) == 6 and len(colour.validation[1]) == 2
    state = list(training.train(Settings(network=TINY.network, data="own", digits=0, epochs=1), colour))[-1]
    report = training.report(chain.read(state.network).predictor(), colour)
    assert report.probabilities.shape == (2, 2) and report.validated


def test_too_little_to_learn_from_is_a_sentence():
    with pytest.raises(VisitorError, match="Nothing is drawn"):
        training.of_drawings([], [])
    with pytest.raises(VisitorError, match="Only the digit 4"):
        training.of_drawings([np.zeros((28, 28), np.uint8)], [4])
    with pytest.raises(VisitorError, match="fewer than four"):
        training.of_classes([np.zeros((9, 9, 3), np.uint8)] * 5, ["a"] * 4 + ["b"])


def test_a_training_that_diverges_says_so_and_the_next_one_runs():
    wild = Settings(network="conv 4 5/2 linear; flatten", digits=200, rate=100.0, optimizer="SGD", epochs=20)
    told = []
    with pytest.raises(VisitorError, match="diverged"):
        for state in training.train(wild):
            told.append(state)
    assert told and told[-1].losses


def test_many_batches_are_a_curve_of_bounded_length():
    run = Run(Settings())
    for number in range(40):
        run.hear({"event": "batch", "epoch": 1, "batch": 1, "samples_per_second": 1.0, "left": 1.0,
                  "losses": [float(number)] * 100})  # fmt: skip
    assert len(run.losses) <= POINTS and run.stride == 4
    assert run.losses[0] == 0 and run.losses[-1] == 39 and run.losses == sorted(run.losses)


def test_one_batch_by_hand_is_what_keras_does():
    x, y = by_hand.epoch_digits()
    step = by_hand.one_step(by_hand.start(), x[:16], y[:16], 0.1)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    before = step.before
    model.set_weights([before.kernels[:, :, None], before.bias, before.dense, before.offset])
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy())
    loss = model.train_on_batch(x[:16, ..., None] / 255.0, y[:16])
    assert float(loss) == pytest.approx(step.first.loss, abs=1e-5)
    for ours, theirs in zip(vars(step.after).values(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours.ravel(), theirs.ravel(), atol=1e-6)
    assert step.again.loss < step.first.loss


def test_an_epoch_by_hand_goes_on_where_the_batch_before_it_ended():
    losses, last = by_hand.epoch(16, 0.1, 19)
    assert len(losses) == by_hand.batches(16) == 20 and losses[-1] == last.first.loss
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    np.testing.assert_array_equal(by_hand.epoch(16, 0.1, 18)[1].after.kernels, last.before.kernels)


def test_a_temperature_undoes_the_one_that_was_put_on():
    random = np.random.default_rng(0)
    scores = random.normal(0, 2, (4000, 5))
    honest = evaluation.warmed(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), 1.0)
    truth = np.array([random.choice(5, p=row) for row in honest])
    too_sure = evaluation.warmed(honest, 1 / 3)
    assert evaluation.temperature(too_sure, truth) == pytest.approx(3, rel=0.08)
    before, after = (calibration.diagram(each, truth) for each in (too_sure, honest))
    assert after.error < 0.03 < 0.1 < before.error
    assert before.count.sum() == 4000 and (too_sure.argmax(1) == honest.argmax(1)).all()


def test_only_what_differs_is_compared():
    row = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "learning_rate": 0.1, "seconds": 1.0}
    one, other = Run(Settings(), "Run 1", [row], best=1), Run(Settings(rate=0.1, wrong=0.4), "Run 2", [row], best=1)
    assert differing([one, other]) == ["wrong", "rate"] and differing([one, one]) == []
    rows = table([one, other])
    assert rows[1]["wrong labels"] == "40%" and rows[1]["learning rate"] == "0.1" and "network" not in rows[0]


def test_what_is_taken_home_runs(run, tmp_path, monkeypatch):
    run.name = "Run 1"
    rows = list(csv.DictReader(io.StringIO(take_home.history(run))))
    assert [float(row["val_loss"]) for row in rows] == [row["val_loss"] for row in run.history]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["script"])
    exec(compile(take_home.script(run), "script", "exec"), {"__name__": "script"})
    log = (tmp_path / take_home.FOLDER / "history.csv").read_text().splitlines()
    again = [float(row["val_loss"]) for row in csv.DictReader(log)]
    assert again == pytest.approx([row["val_loss"] for row in run.history], abs=1e-5)


def test_what_is_taken_home_runs_with_the_examples_that_were_brought(tmp_path, monkeypatch, capsys):
    x, y = training.held_out()[1]
    own = training.of_drawings(x[y < 2], y[y < 2])
    told = Settings(network=TINY.network, data="drawn", digits=0, epochs=1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["script"])
    np.savez_compressed("mine.npz", **own.arrays())
    text = take_home.script(Run(told, "Run 1", own=own))
    assert "“Examples (.npz)”" in text and "--data mine.npz" in text
    exec(compile(text, "script", "exec"), {"__name__": "script"})
    assert "of 100 are right" in capsys.readouterr().out
    assert (tmp_path / take_home.FOLDER / "history.csv").is_file()


def test_the_notebook_that_is_taken_home_trains_by_itself(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.ipynb").write_bytes(take_home.notebook(replace(run, name="Run 1")))
    found = notebook_runner.run(tmp_path, keras=True)
    assert not found["error"], found["error"]
    assert found["pictures"] == 2 and (tmp_path / "best.weights.h5").is_file()


def test_every_setting_is_in_the_notebook():
    settings = Settings(
        optimizer="SGD", rate=0.3, factor=0.25, patience=3, stop=4, every=True, augment=True, wrong=0.1, seed=7,
        data="mnist", network="conv 4 3 relu; flatten", epochs=3, batch_size=11,
    )  # fmt: skip
    cells = take_home.cells(settings)
    for words in ("data='mnist'", "wrong=0.1", "seed=7", "conv 4 3 relu; flatten"):
        assert words in cells["code"]
    for words in (
        "optimizers.SGD(0.3)",
        "factor=0.25, patience=3",
        "patience=4",
        "model-{epoch:02d}",
        "Augmentation(7)",
    ):
        assert words in cells["keras"]
    document = json.loads(take_home.notebook(Run(settings, "Run 2", [{"val_loss": 0.5}], best=1)))
    text = "".join("".join(cell["source"]) for cell in document["cells"])
    assert "class Augmentation" in text and "from train" not in text and "cnndemo import" not in text
    assert "0.5000" in "".join(document["cells"][0]["source"])


def test_closing_ends_the_process_within_a_second_and_lets_the_next_one_in():
    going = training.train(Settings(network=TINY.network, epochs=30, batch_size=1))
    next(going)
    start = time.time()
    going.close()
    assert time.time() - start < 1 and worker.pid() is None


def test_waiting_may_end_it():
    class Enough(Exception):
        pass

    def enough():
        raise Enough

    with pytest.raises(Enough):
        list(training.train(TINY, waiting=enough))
    assert worker.waiting() == 0


def test_the_answer_sheet_marks_right_and_wrong():
    answers = np.full((10, 10), 0.01)
    answers[np.arange(10), np.arange(10)] = 0.91
    answers[3] = np.roll(answers[3], 1)
    sheet = training.answer_sheet(answers)
    frames = [tuple(sheet[2, 72 * digit + 30]) for digit in range(10)]
    assert sheet.shape == (100, 720, 3)
    assert [frame == (213, 94, 0) for frame in frames] == [digit == 3 for digit in range(10)]
