"""The shipped digits nearest to one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cnndemo import digit_classifier, images
from cnndemo.digit_classifier import neighbours


@pytest.fixture(scope="module", autouse=True)
def some_digits():
    """Each fifth of the shipped digits: what is tested here does not depend on how many there are."""
    with pytest.MonkeyPatch.context() as patch:
        x, y = images.digits()
        patch.setattr(images, "digits", lambda: (x[::5], y[::5]))
        patch.setattr(neighbours, "_index", {})
        neighbours.agreement.cache_clear()
        yield
    neighbours.agreement.cache_clear()


def test_the_nearest_in_pixels_are_the_nearest():
    x, y = images.digits()
    found = digit_classifier.nearest(x[300].astype(np.float32) / 255)["pixels"]
    away = np.sqrt(((x[300] / 255.0 - x / 255.0) ** 2).sum(axis=(1, 2)))
    best = np.argsort(away)[1:9]  # the first is the digit itself
    assert found.labels.tolist() == y[best].tolist()
    assert found.distances == pytest.approx(away[best], rel=2e-2)


def test_depth_helps():
    right = {space: digit_classifier.agreement(space, 4) for space in neighbours.SPACES}
    assert right["dense_1"] > right["conv2d_2"] - 0.01 and right["dense_1"] > right["pixels"] + 0.02
    assert right["dense_1"] > 0.96


def test_the_index_is_small_and_asked_for_by_layer():
    every = neighbours.index(neighbours.SPACES)
    assert sum(points.levels.nbytes + points.step.nbytes for points in every.values()) < 2.6e6
    assert np.shares_memory(every["pixels"].levels, images.digits()[0].base)  # those that are in memory anyway
    only = neighbours.index(("dense_1",))
    assert set(only) == {"dense_1"} and only["dense_1"] is every["dense_1"]
    assert only["dense_1"].levels.shape == (1000, 128)


def test_a_byte_a_number_is_enough():
    x = images.digits()[0][::50]
    exact = neighbours.described(x[..., None].astype(np.float32) / 255, neighbours.SPACES)
    for space, values in exact.items():
        stored = neighbours.index((space,))[space][np.arange(0, 1000, 50)]
        assert np.abs(stored - values).max() <= values.max() / 500, space
        away = neighbours.distances(values, values)
        found = neighbours.distances(values, neighbours.index((space,))[space])[:, ::50]
        assert np.abs(found - away).max() < 0.02 * away.max(), space


def test_many_visitors_build_the_index_once(monkeypatch):
    monkeypatch.setattr(neighbours, "_index", {})
    asked, described = [], neighbours.described
    monkeypatch.setattr(neighbours, "described", lambda *given: asked.append(given[1]) or described(*given))
    with ThreadPoolExecutor(6) as visitors:
        found = list(visitors.map(lambda _: neighbours.index(("dense_1",))["dense_1"], range(6)))
    assert len(asked) == 1000 / neighbours.BATCH and all(points is found[0] for points in found)


def test_what_most_neighbours_are():
    def near(*labels: int) -> digit_classifier.Neighbours:
        return digit_classifier.Neighbours(np.zeros((len(labels), 28, 28)), np.array(labels), np.arange(len(labels)))

    assert near(3, 5, 5).majority == 5 and near(3, 5, 5, 3).majority == 3 and near(3, 5, 5).count(5) == 2


def test_a_shipped_digit_is_known_and_a_drawn_one_is_not():
    field = images.digits()[0][700].astype(np.float32) / 255
    assert digit_classifier.label_of(field) == images.digits()[1][700] == 7
    assert digit_classifier.label_of(1 - field) is None


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_empty_and_a_full_field_have_neighbours(value):
    for near in digit_classifier.nearest(np.full((28, 28), value, np.float32), count=3).values():
        assert len(near.labels) == 3 and np.isfinite(near.distances).all()


def test_a_doubtful_reading():
    def reading(digit: int, sure: float) -> digit_classifier.Reading:
        probabilities = np.full(10, (1 - sure) / 9, np.float32)
        probabilities[3] = sure
        return digit_classifier.Reading(digit, probabilities, np.zeros((28, 28), np.float32), ())

    assert not reading(3, 0.99).doubtful and reading(3, 0.6).doubtful and reading(8, 0.99).doubtful
