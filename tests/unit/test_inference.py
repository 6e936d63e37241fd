"""Networks as served: ONNX Runtime gives what Keras gives, and a file that is not what it should be is a sentence."""

from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from cnndemo import images, inference, pet_segmentation, weights
from cnndemo.resnet_transfer import BACKBONES
from cnndemo.weights import WeightsError
from train import common
from train.onnx_files import SHOWN

PICTURES = ("cat", "coffee", "astronaut", "rocket", "obama_1")


def real_inputs(name: str, count: int) -> np.ndarray:
    """Real pictures as a network wants them, float32 (count, ...)."""
    shape = weights.build(name).inputs[0].shape[1:]
    if shape == (28, 28, 1):
        return images.digits()[0][7::900][:count, ..., None].astype(np.float32) / 255
    pictures = [images.sample(sample) for sample in PICTURES[:count]]
    if len(shape) == 1:
        features = inference.predictor("efficientnet_lite0", ["average_pool"])
        return features(np.stack([BACKBONES["efficientnet_lite0"].prepare(p) for p in pictures]))["average_pool"]
    if name == "pet_presence":
        maps = inference.predictor("efficientnet_lite0", ["head_activation"])
        return maps(real_inputs("efficientnet_lite0", count))["head_activation"]
    if name in BACKBONES:
        return np.stack([BACKBONES[name].prepare(p) for p in pictures]).astype(np.float32)
    for net in pet_segmentation.NETWORKS.values():
        if net.weights == name:
            return np.stack([pet_segmentation.prepare(p, net)[0] for p in pictures])
    return np.stack([images.letterbox(p, shape[0])[0] for p in pictures]).astype(np.float32)


@pytest.mark.parametrize("name", weights.names())
def test_the_served_network_equals_keras_at_every_output(name):
    layers = SHOWN.get(name, ())
    model = weights.load(name)
    batch = real_inputs(name, 5)
    whole = keras.Model(model.inputs[0], [model.get_layer(layer).output for layer in layers] + [model.outputs[0]])
    for part in (batch, batch[:1]):
        wanted = [np.asarray(value) for value in keras.tree.flatten(whole(part, training=False))]
        served = inference.predictor(name, layers)(part) if layers else {}
        for layer, value in zip(layers, wanted, strict=False):
            scale = max(1.0, float(np.abs(value).max()))
            np.testing.assert_allclose(served[layer], value, atol=1e-4 * scale, err_msg=layer)
        np.testing.assert_allclose(inference.predictor(name)(part), wanted[-1], atol=1e-4)


def test_a_layer_that_is_not_served_is_named():
    with pytest.raises(ValueError, match="nowhere"):
        inference.predictor("digit_classifier", ["nowhere"])


def test_a_network_that_was_just_trained_gets_its_file(tmp_path):
    pytest.importorskip("tf2onnx")
    weights.save(weights.build("siamese"), "siamese", weights.card("siamese"), folder=tmp_path)
    common.serve("siamese", tmp_path)
    about = weights.card("siamese", tmp_path)
    assert (
        weights.sha256(tmp_path / "siamese.onnx")
        == about["onnx"]["sha256"]
        != weights.card("siamese")["onnx"]["sha256"]
    )
    fresh = weights.load("siamese", tmp_path)
    digits = real_inputs("siamese", 3)
    served = inference.function(inference.load((tmp_path / "siamese.onnx").read_bytes(), "siamese"))(digits)
    np.testing.assert_allclose(served, np.asarray(fresh(digits)), atol=1e-4)


def test_a_network_that_was_trained_with_jax_is_exported_by_tensorflow(tmp_path, monkeypatch):
    pytest.importorskip("tf2onnx")
    asked = []
    monkeypatch.setattr(common.keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(
        common.subprocess, "run", lambda words, env, **_: asked.append((words[1:], env["KERAS_BACKEND"]))
    )
    common.serve("siamese", tmp_path)
    assert asked == [(["-m", "train.onnx_files", "siamese", "--weights-dir", str(tmp_path)], "tensorflow")]


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """A copy of a small network's files that a test may spoil."""
    for file in weights.WEIGHTS_DIR.glob("siamese.*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(weights, "WEIGHTS_DIR", tmp_path)
    inference.forget("siamese")
    yield tmp_path
    inference.forget("siamese")


def spoil(folder, how: str) -> None:
    file = folder / "siamese.onnx"
    whole = file.read_bytes()
    if how == "missing":
        file.unlink()
    elif how == "half":
        file.write_bytes(whole[: len(whole) // 2])
    elif how == "of another network":
        file.write_bytes((weights.Path(__file__).resolve().parents[2] / "weights" / "triplet.onnx").read_bytes())
    elif how == "one bit":
        file.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    else:
        (folder / "siamese.json").write_text("{")


@pytest.mark.parametrize("how", ["missing", "half", "of another network", "one bit", "card"])
def test_a_file_that_is_not_what_it_should_be_is_a_sentence_with_the_command(own_folder, how):
    spoil(own_folder, how)
    with pytest.raises(WeightsError, match="python -m train.siamese"):
        inference.predictor("siamese")


def test_what_only_looks_like_a_network_is_a_sentence():
    with pytest.raises(WeightsError, match="make onnx"):
        inference.load(b"no network at all", "siamese")


def test_many_threads_load_it_once_and_agree(own_folder):
    batches = [real_inputs("siamese", 5)[at : at + 1] for at in range(5)] * 8
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda batch: inference.predictor("siamese")(batch), batches))
    for index in range(5):
        for other in found[index::5]:
            np.testing.assert_array_equal(other, found[index])


def test_a_network_that_nobody_asks_makes_room_and_comes_again(own_folder, monkeypatch):
    monkeypatch.setattr(inference, "_sessions", {})
    size = 2 * (own_folder / "siamese.onnx").stat().st_size
    monkeypatch.setattr(inference, "ROOM", 1.5 * size)
    batch = real_inputs("siamese", 2)
    siamese, before = inference.predictor("siamese"), inference.predictor("siamese")(batch)
    untrained = inference.predictor("siamese", part="untrained")
    assert len(inference._sessions) == 2  # both were asked just now: many visitors must not make them come and go
    monkeypatch.setattr(inference, "REST", 0)
    untrained(batch)
    inference.forget("siamese")
    siamese(batch), untrained(batch)
    assert [part for _, part in inference._sessions] == ["untrained"]
    np.testing.assert_array_equal(siamese(batch), before)
    assert [part for _, part in inference._sessions] == [""]


# --- networks that do not ship, in the Keras process -------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(3, 3, activation="relu", name="first")(inputs)
    x = keras.layers.Dropout(0.5)(x)
    return keras.Model(inputs, keras.layers.Dense(2, name="last")(keras.layers.Flatten()(x)))


def test_equals_the_model_at_any_batch_size(model):
    predict = inference.traced(model)
    for size in (1, 3, 17):
        batch = np.random.default_rng(size).random((size, 8, 8, 1), dtype=np.float32)
        np.testing.assert_allclose(predict(batch), model(batch, training=False).numpy(), atol=1e-6)


def test_gives_layers_by_name(model):
    result = inference.traced(model, ["first", "last"])(np.ones((2, 8, 8, 1)))
    assert {name: value.shape for name, value in result.items()} == {"first": (2, 6, 6, 3), "last": (2, 2)}


def test_an_unknown_layer_is_named(model):
    with pytest.raises(ValueError, match="nowhere"):
        inference.traced(model, ["nowhere"])


def test_many_threads_agree(model):
    predict = inference.traced(model)
    batches = [np.full((1, 8, 8, 1), i / 20, np.float32) for i in range(20)]
    expected = [model(batch, training=False).numpy() for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        for got, want in zip(pool.map(predict, batches), expected, strict=True):
            np.testing.assert_allclose(got, want, atol=1e-6)
