"""Photographs in networks: receptive fields, maps, filters switched off, and the nearest shipped views."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cnndemo import activation_maps, images, inference, weights
from cnndemo.activation_maps import NETWORKS, drawing, fields, library, nearest
from cnndemo.activation_maps.networks import shapes

PLACES = {  # layers of each network, with a place of their maps
    "efficientnet_lite0": (("stem_normalization", 40, 51), ("stage2", 20, 31), ("stage3", 12, 15), ("stage4", 3, 11)),
    "resnet20": (("stem_activation", 0, 31), ("stage2_block1_activation", 9, 7), ("stage3_block1_1_activation", 3, 4)),
    "pet_segmentation": (("encoder2_convolution1", 31, 20), ("bottom_convolution2", 9, 8),
                         ("decoder1_convolution2", 40, 71)),
}  # fmt: skip


@pytest.fixture(scope="module")
def pictures():
    chance = np.random.default_rng(5)
    return {n.name: chance.integers(0, 256, (n.size, n.size, 3)).astype(np.uint8) for n in NETWORKS.values()}


@pytest.mark.parametrize(("name", "layer", "row", "column"), [(n, *at) for n, every in PLACES.items() for at in every])
def test_a_place_looks_at_its_field_and_at_nothing_else(name, layer, row, column, pictures):
    network, picture = NETWORKS[name], pictures[name]
    top, left, height, width = network.layer(layer).looks_at(row, column, network.size)
    outside, inside = 255 - picture, picture.copy()
    outside[top : top + height, left : left + width] = picture[top : top + height, left : left + width]
    inside[top, left : left + width] = 255 - picture[top, left : left + width]  # its first row and its last
    inside[top + height - 1, left : left + width] = 255 - picture[top + height - 1, left : left + width]

    def at(image: np.ndarray) -> np.ndarray:
        maps = inference.predictor(name, [layer])(network.batch(image))[layer]
        return maps[0, row, column]

    value = at(picture)
    assert at(outside) == pytest.approx(value, abs=1e-3 * max(1.0, float(np.abs(value).max())))
    assert np.abs(at(inside) - value).max() > 1e-4


def test_fields_by_hand():
    assert fields.width((fields.Window(3), fields.Window(3))) == 5
    assert fields.same(224, 3, 2) == fields.Window(3, 2, 0) and fields.same(224, 5, 2).before == 1
    assert fields.seen((fields.Window(2, 2), fields.Grow(2)), 5) == (4, 5)
    assert fields.clipped((fields.Window(3, 1, 1),), 0, 8) == (0, 2)
    eff = NETWORKS["efficientnet_lite0"]
    assert [eff.layer(name).field for name in ("stem_normalization", "stage1", "stage2", "stage3")] == [3, 7, 19, 67]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_has_maps_of_its_shape_and_fields_that_grow(name):
    network = NETWORKS[name]
    seen = activation_maps.look(network, images.sample("cat"), tuple(layer.name for layer in network.layers))
    for layer in network.layers:
        assert seen.maps[layer.name].shape == shapes(name)[layer.name]
        assert layer.signed or seen.maps[layer.name].min() >= 0, layer.name
    widths = [layer.field for layer in network.layers]
    assert widths == sorted(widths)
    assert seen.answer.sum() == pytest.approx(1, abs=1e-3) and len(seen.answer) == len(network.classes())


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 2000, 3), (2000, 1, 3)])
@pytest.mark.parametrize("name", NETWORKS)
def test_pictures_of_any_shape(name, shape):
    network = NETWORKS[name]
    seen = activation_maps.look(network, np.full(shape, 90, np.uint8), (network.layers[0].name,))
    assert seen.fitted.shape == (network.size, network.size, 3)
    assert np.isfinite(seen.maps[network.layers[0].name]).all()


@pytest.mark.parametrize(("name", "layer", "off"), [
    ("efficientnet_lite0", "stage2", (0, 5, 23)), ("efficientnet_lite0", "head_activation", tuple(range(0, 1280, 3))),
    ("resnet20", "stage2_block2_activation", (1, 30)), ("efficientnet_lite0", "stage1", (2, 9)),
    ("pet_segmentation", "decoder1_convolution2", tuple(range(40))),
])  # fmt: skip
def test_switching_maps_off_is_what_keras_makes_of_zeros(name, layer, off):
    import keras

    network, model = NETWORKS[name], weights.load(name)
    fitted = network.fit(images.sample("coffee"))
    first = keras.Model(model.inputs[0], model.get_layer(layer).output)
    rest = keras.Model(model.get_layer(layer).output, model.outputs[0])
    maps = np.array(first(network.batch(fitted), training=False))
    whole = np.asarray(rest(maps, training=False))[0]
    maps[..., list(off)] = 0
    without = np.asarray(rest(maps, training=False))[0]
    expected = without.reshape(-1, without.shape[-1]).mean(axis=0)
    found = activation_maps.silenced_photo(network, fitted, {layer: off})
    np.testing.assert_allclose(found, expected, atol=1e-4)
    all_on = activation_maps.silenced_photo(network, fitted, {})
    np.testing.assert_allclose(all_on, whole.reshape(-1, whole.shape[-1]).mean(axis=0), atol=1e-4)
    assert np.abs(found - all_on).max() > 1e-4


def test_a_filter_that_is_not_there_cannot_be_switched_off():
    network = NETWORKS["resnet20"]
    with pytest.raises(ValueError, match="0 to 15"):
        activation_maps.silenced_photo(network, network.fit(images.sample("cat")), {"stem_activation": (16,)})


def test_colours_of_maps():
    low, middle, high = drawing.colored(np.array([-2.0, 0.0, 2.0]), True).tolist()
    assert low == [33, 102, 172] and min(middle) > 244 and high == [178, 24, 43]
    dark, bright = drawing.colored(np.array([0.0, 3.0]), False)
    assert dark.sum() < bright.sum() and drawing.colored(np.zeros((2, 2)), False).shape == (2, 2, 3)
    maps = np.zeros((9, 9, 3), np.float32)
    maps[4, 4] = (1, 5, 3)
    assert drawing.strength(maps).tolist() == [1, 2, 0]
    sheet = drawing.map_sheet(maps, [1, 2, 0], 2, False, 18)
    assert sheet.shape == (40, 40, 3) and (sheet[25:, 25:] == 128).all()
    tiles = drawing.tiles([np.zeros((5, 5), np.uint8), np.zeros((40, 20, 3), np.uint8)], 8, 50)
    assert tiles.shape == (50, 104, 4) and tiles[25, 56, 3] == 0 and tiles[25, 79, 3] == 255


def test_the_nearest_in_the_last_layer_are_of_the_same_kind():
    network = NETWORKS["efficientnet_lite0"]
    found = nearest.nearest(network, network.fit(images.sample("obama_1")), "obama_1", 4)
    assert set(found) == {"pixels", "early", "middle", "last"}
    named = {word: [library.sample_of(near.view).name for near in views] for word, views in found.items()}
    assert all("obama_1" not in names for names in named.values())
    assert all(name.startswith(("obama", "biden", "astronaut")) for name in named["last"])
    for views in found.values():
        away = [near.distance for near in views]
        assert away == sorted(away) and np.isfinite(away).all()
    view = library.view(0, network.size)
    itself = nearest.nearest(network, view)["last"][0]
    assert itself.view == 0 and itself.distance < found["last"][0].distance / 100
    assert sum(points.nbytes for points in nearest.index(network.name).values()) < 0.7e6


def test_many_visitors_build_the_index_of_photographs_once(monkeypatch):
    nearest._built.cache_clear()
    asked, described = [], nearest.described
    monkeypatch.setattr(nearest, "described", lambda *given: asked.append(given) or described(*given))
    with ThreadPoolExecutor(6) as visitors:
        found = list(visitors.map(nearest.index, ["resnet20"] * 6))
    assert len(asked) == library.count() and all(points is found[0] for points in found)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_was_measured_on_pets_says_that_depth_helps(name):
    found = nearest.measured(NETWORKS[name])
    assert found.breeds == 37 and found.pets % found.breeds == 0 and "none of its pictures ships" in found.licence
    assert found.seen == (name == "pet_segmentation")
    assert set(found.shares) == {(word, alike) for word in ("pixels", "early", "middle", "last")
                                 for alike in ("breed", "species")}  # fmt: skip
    assert all(found.shares[word, "species"] > 0.5 for word in ("pixels", "last"))
    assert found.shares["last", "breed"] > found.shares["pixels", "breed"] > 1 / found.breeds
    if name == "efficientnet_lite0":  # it learned breeds, among other classes
        assert found.shares["last", "breed"] > 0.8 and found.shares["last", "species"] > 0.99
