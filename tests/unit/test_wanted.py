"""What filters want: the sheets that ship, the patches beside them, and how they are made."""

from __future__ import annotations

import argparse
import importlib
import sys
import time

import numpy as np
import pytest

from cnndemo import activation_maps, images, weights
from cnndemo.weights import WeightsError
from tests.conftest import ROOT
from train import filter_patches, pet_library

wanted = importlib.import_module("cnndemo.activation_maps.wanted")
EVERY = {wanted.DIGITS: 1, wanted.PHOTOS: 6}  # of the filters, those that are measured again


def test_there_are_enough_of_them():
    digits, photos = wanted.PARTS[wanted.DIGITS], wanted.PARTS[wanted.PHOTOS]
    assert [len(wanted.channels(wanted.DIGITS, layer)) for layer in digits] == [32, 64, 10]
    assert sum(len(wanted.channels(wanted.PHOTOS, layer)) >= 16 for layer in photos if layer != "logits") >= 8
    files = [weights.WEIGHTS_DIR / f"{name}.filters.{kind}" for name in wanted.PARTS for kind in ("webp", "npz")]
    assert sum(file.stat().st_size for file in files) < 3e6


@pytest.mark.parametrize("name", wanted.PARTS)
def test_the_pictures_really_excite_their_filters_more_than_any_shipped_patch(name):
    """Measured again on the pictures that ship, and compared with what the card says."""
    table, more = wanted.table(name), []
    for layer in wanted.PARTS[name]:
        own = wanted.channels(name, layer)
        excited, best = table[f"{layer}/excited"], table[f"{layer}/best"]
        some = slice(None, None, EVERY[name])
        pictures = wanted.pictures(name, layer)[some]
        again, peak = wanted.excited(name, layer, pictures[..., :1] if name == wanted.DIGITS else pictures, own[some])
        np.testing.assert_allclose(again, excited[some], rtol=1e-3, atol=1e-3)
        assert (peak == table[f"{layer}/peak"][some]).all(axis=1).mean() > 0.9  # two places may be equally excited
        assert (excited >= best[:, 0] - wanted.EQUAL).all(), layer
        more.append(excited > best[:, 0] + wanted.EQUAL)
        # A stroke may hold the very nine pixels that a filter of 3 × 3 wants most; a dead filter wants nothing.
        assert more[-1].all() or layer == "conv2d_1" or (excited[~more[-1]] < 0).all(), layer
    strictly, at_least = weights.card(f"{name}.filters")["metrics"][:2]
    assert strictly["value"] == pytest.approx(np.concatenate(more).mean(), abs=1e-4) and strictly["value"] > 0.9
    assert at_least["value"] == 1.0 and strictly["samples"] == sum(map(len, more))


def test_digits_searched_anew_hold_no_better_patch():
    """All shipped digits, by plain NumPy: the table has the highest value, and the picture excites its filter more."""
    layer, table = "conv2d_2", wanted.table(wanted.DIGITS)
    x, highest = images.digits()[0], np.full(64, -np.inf)
    for first in range(0, len(x), 100):
        maps = wanted.answers(wanted.DIGITS, layer, x[first : first + 100, ..., None].astype(np.float32) / 255)
        highest = np.maximum(highest, maps.max(axis=(0, 1, 2)))
    np.testing.assert_allclose(table[f"{layer}/best"][:, 0], highest, rtol=1e-4, atol=1e-5)
    alive = highest > 0
    assert (table[f"{layer}/excited"][alive] > highest[alive]).all() and alive.sum() > 50


def test_photographs_searched_anew_hold_no_better_patch(monkeypatch):
    """In all layers, as pets are searched: the shipped photographs taken for pets have what the table says of them."""
    shipped = [images.sample(name) for name in images.SAMPLES]
    pets = pet_library.Pets(shipped, np.zeros(len(shipped), int), ["Cat"])
    monkeypatch.setattr(pet_library, "load", lambda data_dir: pets)
    found, table = filter_patches.searched_in_pets(wanted.PHOTOS, None), wanted.table(wanted.PHOTOS)
    assert found.pop("pets") == len(images.SAMPLES) and set(found) == set(wanted.PARTS[wanted.PHOTOS])
    for layer, highest in found.items():
        np.testing.assert_allclose(table[f"{layer}/best"][:, 0], highest, rtol=1e-3, atol=1e-3)


def test_pets_are_more_than_the_shipped_photographs_and_still_excite_less():
    table, count = wanted.table(wanted.PHOTOS), wanted.pets()
    in_pets, best, excited = (
        np.concatenate([table[f"{layer}/{key}"].reshape(len(table[f"{layer}/{key}"]), -1)[:, 0]
                        for layer in wanted.PARTS[wanted.PHOTOS]]) for key in ("pets", "best", "excited")
    )  # fmt: skip
    assert count > 500 and (in_pets > best).mean() > 0.5  # more pictures, better patches
    figure = next(figure for figure in weights.card(f"{wanted.PHOTOS}.filters")["metrics"] if "pets" in figure)
    assert figure["value"] == pytest.approx((excited > in_pets + wanted.EQUAL).mean(), abs=1e-4)
    assert figure["value"] > 0.9 and str(count) in figure["name"]
    found = activation_maps.wanted_by(wanted.PHOTOS, "stage4", 3)
    assert found.in_pets == table["stage4/pets"][3]
    assert activation_maps.wanted_by(wanted.DIGITS, "conv2d_2", 3).in_pets is None


def test_what_lies_in_memory_is_a_layer_and_not_the_sheet():
    pictures = wanted.pictures(wanted.PHOTOS, "stage7")
    assert pictures is wanted.pictures(wanted.PHOTOS, "stage7") and not pictures.flags.writeable
    whole = pictures
    while whole.base is not None:
        whole = whole.base
    assert whole.nbytes < 1.3e6


@pytest.mark.parametrize(("name", "layer"), [(wanted.DIGITS, "conv2d_2"), (wanted.PHOTOS, "stage3")])
def test_the_patches_are_where_the_table_says(name, layer):
    table, channel = wanted.table(name), 5
    found = activation_maps.wanted_by(name, layer, channel)
    assert len(found.patches) == wanted.BEST
    values = [patch.value for patch in found.patches]
    assert values == sorted(values, reverse=True)
    number, row, column = map(int, table[f"{layer}/where"][channel, 0])
    if name == wanted.DIGITS:
        batch = images.digits()[0][number][None, ..., None].astype(np.float32) / 255
    else:
        network = activation_maps.NETWORKS[name]
        batch = network.batch(activation_maps.library.view(number, network.size))
    maps = wanted.answers(name, layer, batch)
    assert maps[0, row, column, channel] == pytest.approx(values[0], rel=1e-3)
    side = 5 if name == wanted.DIGITS else 67
    assert found.patches[0].picture.shape[:2] == (side, side) == found.patch.shape[:2]


def test_a_filter_without_a_picture_has_none():
    assert activation_maps.wanted_by(wanted.PHOTOS, "stage7", 300) is None
    assert activation_maps.wanted_by("resnet20", "stem_activation", 0) is None


def test_a_damaged_sheet_is_a_sentence_with_the_command(tmp_path, monkeypatch):
    for file in weights.WEIGHTS_DIR.glob("digit_classifier.filters.*"):
        (tmp_path / file.name).write_bytes(file.read_bytes()[: -9 if file.suffix == ".webp" else None])
    monkeypatch.setattr(weights, "WEIGHTS_DIR", tmp_path)
    with pytest.raises(WeightsError, match="python -m train.filter_images digit_classifier"):
        wanted.file(wanted.DIGITS, "webp")
    (tmp_path / "digit_classifier.filters.json").unlink()
    with pytest.raises(WeightsError, match="python -m train.filter_images digit_classifier"):
        wanted.file(wanted.DIGITS, "webp")


def test_what_lies_beside_a_network_is_no_network():
    assert not [name for name in weights.names() if "." in name]


def test_a_sheet_can_be_cut_again():
    chance = np.random.default_rng(0)
    made = {
        layer: chance.integers(0, 256, (len(wanted.channels(wanted.PHOTOS, layer)), part.size, part.size, 3)).astype(
            np.uint8
        )
        for layer, part in wanted.PARTS[wanted.PHOTOS].items()
    }
    whole = wanted.sheet(wanted.PHOTOS, made)
    for layer, pictures in made.items():
        np.testing.assert_array_equal(wanted.cut(wanted.PHOTOS, layer, whole), pictures)


def test_climbing_goes_up_is_seeded_and_goes_on(tmp_path, monkeypatch):
    pytest.importorskip("keras")
    from train import filter_images

    part, channels = wanted.PARTS[wanted.DIGITS]["conv2d_2"], [3, 40]
    network = filter_images.digit_layer("conv2d_2")
    climbed = [filter_images.climb(network, part, channels, steps, 1) for steps in (1, 12, 12)]
    np.testing.assert_array_equal(climbed[1], climbed[2])
    before, after = (wanted.excited(wanted.DIGITS, "conv2d_2", pictures, channels)[0] for pictures in climbed[:2])
    assert (after > before).all()
    arguments = argparse.Namespace(steps=1, seed=1)
    monkeypatch.setattr(wanted, "channels", lambda name, layer: [3])
    hundred = [next(filter_patches.shipped(wanted.DIGITS))]
    monkeypatch.setattr(filter_patches, "shipped", lambda name: iter(hundred))
    first = filter_images.made(wanted.DIGITS, "conv2d_1", tmp_path, arguments)
    monkeypatch.setattr(filter_images, "climb", None)  # what is done is not done again
    np.testing.assert_array_equal(filter_images.made(wanted.DIGITS, "conv2d_1", tmp_path, arguments), first)


def test_what_a_run_keeps_tells_its_seconds_and_is_of_these_filters(tmp_path):
    file = tmp_path / "layer.npz"
    first = filter_patches.kept(file, {"best": 2}, lambda: time.sleep(0.05) or {"best": np.arange(2)})
    again = filter_patches.kept(file, {"best": 2}, dict)
    np.testing.assert_array_equal(first["best"], again["best"])
    assert first["seconds"] == again["seconds"] >= 0.05
    more = filter_patches.kept(file, {"best": 3}, lambda: {"best": np.arange(3)})
    assert len(more["best"]) == 3


@pytest.mark.parametrize("name", wanted.PARTS)
def test_a_card_tells_how_long_it_took(name):
    assert weights.card(f"{name}.filters")["seconds"] > 10


def test_an_unknown_network_is_named(monkeypatch, capsys):
    pytest.importorskip("keras")
    from train import filter_images

    monkeypatch.setattr(sys, "argv", ["filter_images", "nowhere", "--run-dir", str(ROOT / "runs" / "none")])
    with pytest.raises(SystemExit):
        filter_images.main()
    assert "no network nowhere" in capsys.readouterr().err
