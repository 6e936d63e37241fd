from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from cnndemo import inference


@pytest.fixture(scope="module")
def model() -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(3, 3, activation="relu", name="first")(inputs)
    x = keras.layers.Dropout(0.5)(x)
    return keras.Model(inputs, keras.layers.Dense(2, name="last")(keras.layers.Flatten()(x)))


def test_equals_the_model_at_any_batch_size(model):
    predict = inference.predictor(model)
    for size in (1, 3, 17):
        batch = np.random.default_rng(size).random((size, 8, 8, 1), dtype=np.float32)
        np.testing.assert_allclose(predict(batch), model(batch, training=False).numpy(), atol=1e-6)


def test_gives_layers_by_name(model):
    result = inference.predictor(model, ["first", "last"])(np.ones((2, 8, 8, 1)))
    assert {name: value.shape for name, value in result.items()} == {"first": (2, 6, 6, 3), "last": (2, 2)}


def test_an_unknown_layer_is_named(model):
    with pytest.raises(ValueError, match="nowhere"):
        inference.predictor(model, ["nowhere"])


def test_many_threads_agree(model):
    predict = inference.predictor(model)
    batches = [np.full((1, 8, 8, 1), i / 20, np.float32) for i in range(20)]
    expected = [model(batch, training=False).numpy() for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        for got, want in zip(pool.map(predict, batches), expected, strict=True):
            np.testing.assert_allclose(got, want, atol=1e-6)
