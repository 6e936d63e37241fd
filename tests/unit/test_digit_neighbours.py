"""The shipped digits nearest to one."""

from __future__ import annotations

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
        neighbours.index.cache_clear()
        neighbours.agreement.cache_clear()
        yield
    neighbours.index.cache_clear()
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
    assert sum(points.nbytes for points in neighbours.index(neighbours.SPACES).values()) < 6e6
    only = neighbours.index(("dense_1",))
    assert set(only) == {"dense_1"} and only["dense_1"].shape == (1000, 128)


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
