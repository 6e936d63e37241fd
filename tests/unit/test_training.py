"""Runs in a process of their own, and callbacks against those of Keras."""

import time

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo import training, worker
from cnndemo.errors import VisitorError
from cnndemo.training import Settings

TINY = Settings(digits=100, epochs=2, batch_size=32)
LOSSES = st.lists(st.floats(0.01, 3, allow_nan=False), min_size=1, max_size=25)


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


def test_data_are_even_apart_and_repeatable():
    (x, y), (held, answers) = training.data(Settings(digits=105))
    assert x.shape == (105, 28, 28, 1) and x.dtype == np.float32 and x.min() == 0 and x.max() == 1
    assert held.shape == (training.VALIDATION, 28, 28, 1) and set(np.bincount(answers)) == {100}
    assert set(np.bincount(y)) == {10, 11}
    assert not {digit.tobytes() for digit in x} & {digit.tobytes() for digit in held}
    again = training.data(Settings(digits=105))[0][0]
    np.testing.assert_array_equal(x, again)


def test_wrong_labels_are_as_many_as_asked():
    true = training.data(Settings(digits=1000))[0][1]
    spoiled = training.data(Settings(digits=1000, wrong=0.3))[0][1]
    assert (true != spoiled).sum() == 300 and spoiled.max() <= 9


@pytest.mark.parametrize(
    "change",
    [{"digits": 9}, {"digits": 5000}, {"epochs": 0}, {"batch_size": 0}, {"rate": 0.0}, {"wrong": 1.5}]
    + [{"network": "huge"}, {"optimizer": "Magic"}, {"factor": 1.0}, {"patience": -1}],
)
def test_senseless_settings_are_a_sentence(change):
    with pytest.raises(VisitorError):
        next(training.train(Settings(**change)))


def test_updates_count_the_last_smaller_batch():
    assert Settings(digits=1000, batch_size=16).updates == 63


def test_a_run_ends_with_the_best_epochs_model(tmp_path):
    run = list(training.train(TINY))[-1]
    assert len(run.history) == 2 and run.answers.shape == (10, 10)
    np.testing.assert_allclose(run.answers.sum(axis=1), 1, atol=1e-4)
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"} <= set(run.history[0])
    file = tmp_path / "digits.keras"
    file.write_bytes(run.model)
    model = keras.models.load_model(file)
    _, (x, y) = training.data(TINY)
    right = float((np.asarray(model(x)).argmax(axis=1) == y).mean())
    best = min(run.history, key=lambda row: row["val_loss"])
    assert right == pytest.approx(best["val_accuracy"], abs=0.002) and right > 0.2


def test_the_best_network_so_far_is_there_after_stop(tmp_path):
    run = training.train(Settings(network=TINY.network, digits=TINY.digits, epochs=30))
    state = next(told for told in run if told.history and told.model)
    run.close()
    file = tmp_path / "digits.keras"
    file.write_bytes(state.model)
    model = keras.models.load_model(file)
    assert model.output_shape == (None, 10) and getattr(model, "optimizer", None) is None


def test_closing_ends_the_process_within_a_second_and_lets_the_next_one_in():
    run = training.train(Settings(network="the book’s", digits=4000, epochs=30, batch_size=1))
    first = next(run)
    assert first.epoch == 1 and first.batch >= 1
    start = time.time()
    run.close()
    assert time.time() - start < 1 and worker.pid() is None
    assert len(list(training.train(TINY))[-1].history) == 2


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
