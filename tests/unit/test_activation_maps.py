"""Feature maps, their redundancy, and the switches."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cnndemo import activation_maps, digit_classifier
from cnndemo.activation_maps import LAYERS
from cnndemo.activation_maps import figures as charts


@pytest.fixture(scope="module")
def network():
    """The book's network with small random weights and biases: what is tested here does not depend on training."""
    import keras

    from cnndemo.models.digit_classifier import build

    keras.utils.set_random_seed(3)
    model = build()
    chance = np.random.default_rng(3)
    model.set_weights(
        [w if w.ndim > 1 else chance.normal(0, 0.05, w.shape).astype(w.dtype) for w in model.get_weights()]
    )
    return model


@pytest.fixture(scope="module")
def shipped():
    from cnndemo import weights

    return weights.load("digit_classifier")


@pytest.fixture
def batch() -> np.ndarray:
    return activation_maps.validation_digits(30)[0]


def test_maps_of_layer_1_are_correlations_after_the_rectifier(network):
    digit = digit_classifier.sample(5, 0)
    maps = activation_maps.feature_maps(network, digit)
    assert {name: values.shape for name, values in maps.items()} == {"conv2d_1": (26, 26, 32), "conv2d_2": (24, 24, 64)}
    kernels, biases = network.get_layer("conv2d_1").get_weights()
    for channel in (0, 9, 31):
        full = cv2.filter2D(digit.astype(np.float32) / 255, -1, kernels[:, :, 0, channel])[1:-1, 1:-1]
        assert maps["conv2d_1"][..., channel] == pytest.approx(np.maximum(full + biases[channel], 0), abs=1e-5)


def test_bytes_and_fractions_give_the_same_maps(network):
    digit = digit_classifier.sample(7, 4)
    first = activation_maps.feature_maps(network, digit)
    second = activation_maps.feature_maps(network, digit.astype(np.float32) / 255)
    assert first["conv2d_2"] == pytest.approx(second["conv2d_2"], abs=1e-6)


@pytest.mark.parametrize("shape", [(27, 28), (28, 28, 1), (280, 280)])
def test_other_sizes_are_refused(network, shape):
    with pytest.raises(ValueError, match="28"):
        activation_maps.feature_maps(network, np.zeros(shape, np.float32))


@pytest.mark.parametrize("size", [24, 26])
def test_the_overlay_puts_a_value_where_it_was_computed(size):
    maps = np.zeros((size, size), np.float32)
    maps[3, 5] = 1.0
    border = (28 - size) // 2
    picture = activation_maps.overlay(maps, np.zeros((28, 28), np.float32), size=28)
    assert picture.shape == (28, 28, 3) and picture.dtype == np.uint8
    brightest = np.unravel_index(picture.sum(axis=2).argmax(), (28, 28))
    assert brightest == (3 + border, 5 + border)


def test_an_empty_map_is_drawn_without_trouble():
    picture = activation_maps.overlay(np.zeros((26, 26), np.float32), np.zeros((28, 28), np.float32))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize("by", activation_maps.SORTS)
def test_sorting_keeps_every_map_once(by):
    maps = np.random.default_rng(0).normal(size=(9, 9, 12)).clip(0).astype(np.float32)
    ranked = activation_maps.order(maps, by)
    assert sorted(ranked.tolist()) == list(range(12))
    if by != "number":
        values = activation_maps.statistics(maps)[by][ranked]
        assert (np.diff(values) <= 0).all()


def test_a_sheet_shows_each_map_in_its_cell():
    maps = np.zeros((26, 26, 5), np.float32)
    maps[..., 3] = 1.0
    sheet = activation_maps.sheet(maps, np.array([3, 0, 1, 2, 4]), columns=3, cell=28)
    assert sheet.shape == (60, 90, 3)
    assert sheet[14, 14].sum() > sheet[14, 44].sum() and (sheet[45, 75] == 128).all()


def test_dead_and_twin_maps_are_found():
    chance = np.random.default_rng(1)
    maps = chance.random((10, 8, 8, 5)).astype(np.float32)
    maps[..., 1] = 0.0
    maps[..., 4] = 2 * maps[..., 0] + 0.01 * chance.random((10, 8, 8))
    found = activation_maps.redundancy([maps[:3], maps[3:]])
    assert found.dead == (1,) and found.digits == 10
    assert [pair[:2] for pair in found.twins(0.9)] == [(0, 4)]
    assert found.spare(0.9) == [1, 4]
    others = np.corrcoef(maps[..., [0, 2, 3, 4]].reshape(-1, 4).T)
    assert found.correlation[np.ix_([0, 2, 3, 4], [0, 2, 3, 4])] == pytest.approx(others, abs=1e-4)
    assert np.isfinite(found.correlation).all()


def test_with_all_switches_on_it_is_the_network(shipped, batch):
    assert activation_maps.silenced(batch) == pytest.approx(np.asarray(shipped(batch)), abs=1e-5)


def test_switching_a_map_off_is_zeroing_its_kernel(shipped, batch):
    import keras

    silenced = keras.models.clone_model(shipped)
    silenced.set_weights(shipped.get_weights())
    kernel, bias = silenced.get_layer("conv2d_1").get_weights()
    kernel[..., [2, 30]] = 0
    bias[[2, 30]] = 0
    silenced.get_layer("conv2d_1").set_weights([kernel, bias])
    off = activation_maps.silenced(batch, {"conv2d_1": (2, 30)})
    assert off == pytest.approx(np.asarray(silenced(batch)), abs=1e-5)
    assert np.abs(off - activation_maps.silenced(batch)).max() > 1e-6


def test_without_layer_2_every_digit_looks_the_same(batch):
    silent = activation_maps.silenced(batch, {"conv2d_2": tuple(range(64))})
    assert np.ptp(silent, axis=0).max() < 1e-6


def test_accuracy_counts_what_is_read_right():
    total, each = activation_maps.accuracy({}, 50)
    x, y = activation_maps.validation_digits(50)
    assert total == pytest.approx((activation_maps.silenced(x).argmax(axis=1) == y).mean())
    assert each.shape == (10,) and each.mean() == pytest.approx(total)


def test_validation_digits_are_even():
    x, y = activation_maps.validation_digits(200)
    assert x.shape == (200, 28, 28, 1) and x.max() == 1.0
    assert np.bincount(y).tolist() == [20] * 10


def test_as_many_by_chance():
    off = {"conv2d_1": (1, 2, 3), "conv2d_2": tuple(range(64))}
    chosen = activation_maps.random_off(off, {"conv2d_1": 32, "conv2d_2": 64})
    assert len(set(chosen["conv2d_1"])) == 3 and set(chosen["conv2d_2"]) == set(range(64))
    assert chosen == activation_maps.random_off(off, {"conv2d_1": 32, "conv2d_2": 64})


def test_clicks_carry_the_channel():
    figure = charts.clickable(np.zeros((20, 30, 3), np.uint8), [4, 2, 0, 1, 3], 3, chosen=2)
    assert list(figure.data[1].customdata) == [4, 2, 0, 1, 3]
    assert (figure.data[1].x[1], figure.data[1].y[1]) == (15, 5)
    assert len(figure.layout.shapes) == 1


def test_the_kernels_of_layer_1(shipped):
    whole = activation_maps.kernels()
    np.testing.assert_array_equal(whole, shipped.get_layer("conv2d_1").get_weights()[0])
    raw = whole[:, :, 0]
    assert raw.shape == (3, 3, 32)
    figure = charts.kernel_sheet(raw, 8, [str(i) for i in range(32)])
    grid = np.array(figure.data[0].z, dtype=float)
    assert grid[4:7, 8:11] == pytest.approx(raw[..., 10])


def test_layers_names_are_those_of_the_network(network):
    assert [layer.name for layer in network.layers[:2]] == list(LAYERS)


def test_the_thumbnail_is_a_picture():
    assert activation_maps.thumbnail().shape == (180, 320, 3)
