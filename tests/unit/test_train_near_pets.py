"""How often the nearest of other pets is alike: which pets, which neighbour, which shares."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest

from cnndemo import images, weights
from cnndemo.activation_maps import NETWORKS, nearest
from tests import tiny

pytest.importorskip("keras")
near_pets = pytest.importorskip("train.near_pets")
pet_library = near_pets.pet_library
SHIPPED = weights.WEIGHTS_DIR


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    tiny.pets(folder)
    return folder


def test_as_many_of_each_breed(data_dir):
    pets = pet_library.load(data_dir)
    assert np.bincount(pets.breeds).tolist() == [7, 7, 7] and len(pets) == 21  # six with a trimap and one without
    assert pets.names == ["Abyssinian", "Bengal", "pug"] and pets.cats.sum() == 14


def test_the_rarest_breed_sets_the_number(monkeypatch):
    pictures = [np.full((4, 4, 3), number, np.uint8) for number in range(6)]
    train, validation = (pictures[:4], np.array([0, 1, 1, 0])), (pictures[4:], np.array([1, 0]))
    splits = train, validation, ([], np.array([])), ["Cat", "dog"]
    monkeypatch.setattr(pet_library.oxford_breeds, "load", lambda data_dir: splits)
    assert [int(each[0, 0, 0]) for each in pet_library.load(None).pictures] == [0, 3, 5, 1, 2, 4]


def test_no_pet_is_its_own_neighbour():
    """A picture twice, and another one twice: in each space each finds its twin."""
    shipped = [images.sample(name) for name in ("cat", "rocket", "cat", "rocket")]
    pets = pet_library.Pets(shipped, np.array([0, 1, 0, 1]), ["Cat", "dog"])
    others = near_pets.found("resnet20", pets)
    assert {word: list(found) for word, found in others.items()} == dict.fromkeys(others, [2, 3, 0, 1])
    others["early"] = np.array([1, 3, 3, 1])
    values = {(figure["space"], figure["alike"]): figure["value"] for figure in near_pets.figures(pets, others)}
    assert values["last", "breed"] == values["pixels", "species"] == 1 and values["early", "breed"] == 0.5


def test_its_cards_are_those_that_the_page_reads(data_dir, tmp_path, monkeypatch, capsys):
    words = ["near_pets", "--data-dir", str(data_dir), "--weights-dir", str(tmp_path)]
    monkeypatch.setattr(near_pets, "NETWORKS", {"resnet20": NETWORKS["resnet20"]})
    monkeypatch.setattr(sys, "argv", words)
    near_pets.main()
    assert "same breed, last" in capsys.readouterr().out and not list(tmp_path.iterdir())
    monkeypatch.setattr(sys, "argv", [*words, "--publish"])
    near_pets.main()
    monkeypatch.setattr(weights, "WEIGHTS_DIR", tmp_path / "nowhere")
    with pytest.raises(weights.WeightsError, match="python -m train.near_pets --publish"):
        nearest.measured(NETWORKS["resnet20"])
    shutil.copy(SHIPPED / "resnet20.json", tmp_path)
    monkeypatch.setattr(weights, "WEIGHTS_DIR", tmp_path)
    found = nearest.measured(NETWORKS["resnet20"])
    assert (found.pets, found.breeds) == (21, 3) and found.command == "python -m train.near_pets --publish"
