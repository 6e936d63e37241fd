"""Every weights file that ships: its card, its hash, its size, its network."""

import importlib.util

import pytest

from cnndemo import weights
from train import cards

FOLDER = weights.WEIGHTS_DIR


def test_the_folder_stays_small():
    sizes = [file.stat().st_size for file in FOLDER.iterdir()]
    assert sum(sizes) < 90e6 and max(sizes) < 25e6


def test_every_file_has_a_card():
    assert {file.name.removesuffix(".weights.h5") for file in FOLDER.glob("*.weights.h5")} == set(weights.names())


def test_the_readme_is_what_the_cards_say():
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == cards.readme(), "run: make cards"


@pytest.mark.parametrize("name", weights.names())
def test_a_card_is_complete_and_true(name):
    card = weights.card(name)
    for field in ("builder", "command", "data", "metrics", "hardware", "date", "seed", "dtype", "parameters"):
        assert field in card, field
    assert weights.sha256(weights.path(name)) == card["sha256"]
    assert card.get("epochs") or card.get("source"), "neither trained nor converted"
    for metric in card["metrics"]:
        assert {"name", "value", "samples"} <= set(metric)
        if metric.get("interval"):
            low, high = metric["interval"]
            assert low <= metric["value"] <= high


@pytest.mark.parametrize("name", weights.names())
def test_without_its_card_the_right_script_is_named(name, tmp_path, monkeypatch):
    made_by = weights.card(name)["command"].removeprefix("KERAS_BACKEND=jax ")
    monkeypatch.setattr(weights, "WEIGHTS_DIR", tmp_path)
    with pytest.raises(weights.WeightsError) as error:
        weights.card(name)
    command = str(error.value).partition("Make it with: ")[2].removesuffix(" --publish")
    assert f"{made_by} ".startswith(f"{command} ")
    assert importlib.util.find_spec(command.split()[2])


@pytest.mark.parametrize("name", weights.names())
def test_every_network_is_served_from_its_own_file(name):
    about = weights.card(name)["onnx"]
    assert weights.onnx_file(name).stat().st_size == about["bytes"]
    layers = weights.layers(name)
    assert sum(layer.parameters for layer in layers) == weights.card(name)["parameters"]
    for layer in layers:
        assert sum(array.size for array in weights.arrays(name, layer.name)) == layer.parameters, layer.name


@pytest.mark.parametrize("name", weights.names())
def test_weights_load_into_their_network(name):
    assert weights.load(name).count_params() == weights.card(name)["parameters"]
