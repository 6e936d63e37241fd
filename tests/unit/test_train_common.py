import json

import keras
import numpy as np
import pytest

from train import common, intervals, logs
from train.normalization import FusedBatchNormalization, fuse_normalization


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["train", "--epochs", "2", "--data-dir", "/somewhere"])
    result = common.parser("A test.", "small", epochs=3).parse_args()
    result.run_dir, result.weights_dir = tmp_path / "run", tmp_path / "weights"
    return result


def compiled() -> keras.Model:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def data():
    x = np.random.default_rng(0).random((48, 4), dtype=np.float32)
    return x, x[:, :3].argmax(1)


def test_resuming_goes_on_where_it_stopped(arguments, data):
    common.prepare(arguments)
    common.fit(compiled(), data, data, arguments, epochs=2, verbose=False)
    arguments.resume = True
    common.prepare(arguments)
    seen = []
    model = compiled()
    counter = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch))
    history = common.fit(model, data, data, arguments, callbacks=[counter], epochs=4, verbose=False)
    assert seen == [2, 3] and [row["epoch"] for row in history] == [0, 1, 2, 3]
    best = min(history, key=lambda row: row["val_loss"])
    assert model.evaluate(*data, verbose=0)[0] == pytest.approx(best["val_loss"], rel=1e-4)


def test_an_interrupt_keeps_the_finished_epochs(arguments, data):
    import os
    import signal

    common.prepare(arguments)
    strike = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: os.kill(os.getpid(), signal.SIGINT) if epoch == 1 else None
    )
    with pytest.raises(SystemExit):
        common.fit(compiled(), data, data, arguments, callbacks=[strike], verbose=False)
    assert len(logs.read(arguments.run_dir / "history.csv")) == 1
    assert [file.name for file in (arguments.run_dir / "checkpoints").iterdir()] == ["epoch_0001.npz"]


def test_a_run_that_has_lost_patience_does_not_train_on(arguments, data):
    arguments.epochs = 50
    common.prepare(arguments)
    stuck = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(figure=max(3.0 - epoch, 1.0)))
    options = {"monitor": "figure", "patience": 2, "callbacks": [stuck], "verbose": False}
    history = common.fit(compiled(), data, data, arguments, **options)
    assert [row["figure"] for row in history] == [3, 2, 1, 1, 1]
    arguments.resume = True
    common.prepare(arguments)
    model = compiled()
    model.fit = lambda *_, **__: pytest.fail("it trained")
    assert common.fit(model, data, data, arguments, **options) == history


@pytest.mark.parametrize(("reduce", "epochs"), [(False, 14), (True, 12)])
def test_only_where_no_schedule_leads_the_rate_patience_ends(arguments, data, reduce, epochs):
    common.prepare(arguments)
    stuck = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(figure=max(2.0 - epoch, 1.0)))
    options = {"monitor": "figure", "callbacks": [stuck], "verbose": False}
    assert len(common.fit(compiled(), data, data, arguments, epochs=14, reduce=reduce, **options)) == epochs


def test_patience_is_not_forgotten_by_a_run_that_goes_on(arguments, data):
    stuck = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(figure=max(3.0 - epoch, 1.0)))
    options = {"monitor": "figure", "patience": 2, "callbacks": [stuck], "verbose": False}
    common.prepare(arguments)
    common.fit(compiled(), data, data, arguments, epochs=4, **options)
    arguments.resume = True
    common.prepare(arguments)
    history = common.fit(compiled(), data, data, arguments, epochs=50, **options)
    assert [row["figure"] for row in history] == [3, 2, 1, 1, 1], "one epoch of the patience was spent before"


def test_publish_writes_a_card_without_local_folders(arguments, data):
    model = compiled()
    metrics = [intervals.metric("accuracy", 0.5, 48, intervals.wilson(24, 48))]
    common.publish(model, arguments, "cnndemo.models.x:build", {"name": "toy"}, metrics, history=[{"seconds": 1.5}])
    card = json.loads((arguments.run_dir / "results" / "small.json").read_text())
    assert card["command"] == "python -m train.small --epochs 2 --publish"
    assert card["seconds"] == 1.5 and card["epochs"] == 1 and card["metrics"][0]["samples"] == 48
    assert "/somewhere" not in json.dumps(card)


def test_wilson_interval_against_worked_values():
    assert intervals.wilson(9940, 10_000) == pytest.approx([0.99229, 0.99534], abs=2e-5)
    assert intervals.wilson(10, 10)[1] == pytest.approx(1.0) and intervals.wilson(0, 10)[0] == pytest.approx(0.0)


def test_bootstrap_of_a_constant_is_that_constant():
    assert intervals.bootstrap(np.full(20, 0.25)) == [0.25, 0.25]


@pytest.mark.parametrize(("policy", "tolerance"), [("float32", 2e-4), ("mixed_bfloat16", 3e-2)])
def test_fused_normalization_trains_as_keras_does(policy, tolerance):
    layers = keras.layers
    options = {"dtype": policy}
    plain = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, kernel_initializer=keras.initializers.HeNormal(1), **options),
            layers.BatchNormalization(momentum=0.8, epsilon=1e-4, name="normalization", **options),
            layers.ReLU(**options),
            layers.Flatten(**options),
            layers.Dense(2, kernel_initializer=keras.initializers.HeNormal(2), **options),
        ]
    )
    fused = fuse_normalization(plain)
    assert isinstance(fused.get_layer("normalization"), FusedBatchNormalization)
    generator = np.random.default_rng(0)
    x, y = generator.normal(3, 2, (32, 8, 8, 3)).astype(np.float32), generator.normal(size=(32, 2)).astype(np.float32)
    np.testing.assert_allclose(fused(x[:4]), plain(x[:4]), atol=1e-5)
    losses = []
    for model in (plain, fused):
        model.compile(keras.optimizers.SGD(0.01), "mse")
        losses.append([float(model.train_on_batch(x, y)) for _ in range(5)])
    np.testing.assert_allclose(*losses, rtol=tolerance)
    # TensorFlow divides by n - 1 for the moving variance, Keras by n.
    for ours, keras_weights in zip(fused.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, keras_weights, rtol=max(tolerance, 2e-3), atol=tolerance)


def test_a_frozen_fused_normalization_keeps_its_statistics():
    model = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.BatchNormalization()])
    fused = fuse_normalization(model)
    fused.trainable = False
    x = np.random.default_rng(0).normal(5, 1, (8, 4, 4, 2)).astype(np.float32)
    np.testing.assert_allclose(fused(x, training=True), model(x), rtol=1e-5)
