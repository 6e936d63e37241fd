import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from cnndemo import weights


def small(units: int = 3) -> keras.Model:
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, name="head")])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A weights folder with one small model, and a builder for it inside cnndemo.models."""
    import cnndemo.models as models

    monkeypatch.setattr(weights, "WEIGHTS_DIR", tmp_path)
    monkeypatch.setattr(models, "small", small, raising=False)
    about = {"builder": "cnndemo.models.:small", "command": "python -m train.small", "metrics": []}
    monkeypatch.setattr(weights, "importlib", SimpleNamespace(import_module=lambda name: models))
    weights.save(small(), "small", about)
    return tmp_path


def test_round_trip_in_half_precision(folder):
    model = small()
    model.layers[0].set_weights([np.full((4, 3), 0.1, np.float32), np.zeros(3, np.float32)])
    weights.save(model, "small", weights.card("small"))
    loaded = weights.load("small")
    assert loaded.layers[0].kernel.dtype == "float32"
    np.testing.assert_array_equal(loaded.get_weights()[0], np.full((4, 3), np.float16(0.1), np.float32))


def test_a_card_tells_the_file(folder):
    card = weights.card("small")
    assert card["parameters"] == 15 and card["dtype"] == "float16" and card["file"] == "small.weights.h5"
    assert card["bytes"] == weights.path("small").stat().st_size
    assert weights.names() == ["small"]


def test_optimizer_state_does_not_ship(folder):
    import h5py

    model = small()
    model.compile("adam", "mse")
    model.fit(np.zeros((2, 4)), np.zeros((2, 3)), verbose=0)
    weights.save(model, "small", weights.card("small"))
    with h5py.File(weights.path("small")) as file:
        assert "layers" in file and "optimizer" not in file


def test_a_missing_card_names_the_command(folder):
    with pytest.raises(weights.WeightsError, match="python -m train.unheard_of"):
        weights.load("unheard_of")


def test_missing_weights_name_the_command(folder):
    weights.path("small").unlink()
    with pytest.raises(weights.WeightsError, match="python -m train.small"):
        weights.load("small")


def test_damaged_weights_are_refused(folder):
    file = weights.path("small")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(weights.WeightsError, match="damaged"):
        weights.load("small")


def test_weights_of_another_network_are_refused(folder):
    weights.save(small(units=5), "small", weights.card("small"))
    with pytest.raises(weights.WeightsError, match="do not fit"):
        weights.load("small")


def test_a_card_cannot_name_code_elsewhere(folder):
    (folder / "small.json").write_text(json.dumps(weights.card("small") | {"builder": "os:system"}))
    with pytest.raises(weights.WeightsError, match="outside"):
        weights.load("small")


def test_stages_are_the_trainings_from_the_first_to_the_last():
    first, second = {"command": "a"}, {"command": "b", "started_from": {"command": "a"}}
    third = {"command": "c", "started_from": second}
    assert weights.stages(first) == [first]
    assert [stage["command"] for stage in weights.stages(third)] == ["a", "b", "c"]
