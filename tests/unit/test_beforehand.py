"""What is known beforehand is what is computed, and counts only for the networks that it comes from."""

import json
import shutil
from collections import OrderedDict

import numpy as np
import pytest

from cnndemo import activation_maps, beforehand, weights
from cnndemo.resnet_transfer import teaching
from train import beforehand as script


def test_the_file_holds_what_is_computed(monkeypatch):
    monkeypatch.setattr(teaching, "_features", OrderedDict())  # no earlier test has looked at the pictures
    with beforehand.recording() as found:
        script.ask()
    with np.load(weights.WEIGHTS_DIR / beforehand.NAME) as file:
        assert sorted(file.files) == sorted(f"{entry}/{key}" for entry, made in found.items() for key in made)
        for entry, made in found.items():
            for key, array in made.items():
                kept = file[f"{entry}/{key}"]
                assert kept.dtype == array.dtype and kept.shape == array.shape
                there, here = (np.nan_to_num(values.astype(float), nan=-1) for values in (kept, array))
                wrong = np.abs(there - here)
                # Another processor may round the last digit, which a digit at the border between two answers feels.
                assert wrong.mean() < 0.002 if array.dtype == bool else wrong.max(initial=0) < 1e-3, (
                    f"{entry} {key} {wrong.max()}"
                )


@pytest.fixture
def unread(monkeypatch):
    """No network answers."""
    monkeypatch.setattr(activation_maps.maps, "silenced", lambda *_: pytest.fail("it was computed"))


def test_what_pages_ask_for_first_is_looked_up(unread):
    overall, each = activation_maps.accuracy({})
    assert overall == pytest.approx(each.mean()) and overall > 0.97


@pytest.mark.usefixtures("unread")
def test_of_another_network_nothing_is_known(tmp_path, monkeypatch):
    for name in (beforehand.NAME, "digit_classifier.json", "digit_classifier.layers.json"):
        shutil.copy(weights.WEIGHTS_DIR / name, tmp_path)
    monkeypatch.setattr(weights, "WEIGHTS_DIR", tmp_path)
    activation_maps.accuracy({})
    card = tmp_path / "digit_classifier.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"sha256": "0" * 64}))
    with pytest.raises(pytest.fail.Exception, match="it was computed"):
        activation_maps.accuracy({})


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no archive"])
def test_a_missing_or_damaged_file_costs_time_only(tmp_path, monkeypatch, content):
    shutil.copy(weights.WEIGHTS_DIR / "digit_classifier.json", tmp_path)
    monkeypatch.setattr(weights, "WEIGHTS_DIR", tmp_path)
    if content is not None:
        (tmp_path / beforehand.NAME).write_bytes(content)
    made = {"one": np.ones(1)}
    assert beforehand.known("anything", ("digit_classifier",), lambda: made) is made
