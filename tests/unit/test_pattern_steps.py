"""One position written out, boxes cut from a picture, and the three ways to the same numbers."""

import numpy as np
import pytest

from cnndemo.errors import VisitorError
from cnndemo.pattern_matching import METHODS, WORKED_EXAMPLES, Match, correlate, response, steps
from cnndemo.pattern_matching.steps import (
    alter,
    beside,
    correlate_loops,
    correlate_numpy,
    crop,
    dot_product,
    step,
    three_ways,
    to_csv,
    written_out,
)


@pytest.fixture(scope="module")
def texture():
    return np.random.default_rng(5).integers(0, 256, (40, 50)).astype(np.uint8)


def test_the_first_step_of_the_book():
    example = WORKED_EXAMPLES["4 × 4"]
    first = step(example.image, example.pattern, 0, 0)
    assert first.products.tolist() == [[255, 0], [0, 144]]
    assert written_out(first) == "255 × 1 + 185 × 0 + 155 × 0 + 144 × 1 = 399"
    assert step(example.image, example.pattern, 0, 1).total == 373


@pytest.mark.parametrize("method", METHODS)
def test_every_step_is_a_score_of_the_response(texture, method):
    pattern = texture[4:13, 7:19].astype(np.float32) - 90
    scores = response(texture, pattern, method)
    for row, column in ((0, 0), (4, 7), (31, 38)):
        assert step(texture, pattern, row, column, method).score == pytest.approx(
            scores[row, column], rel=1e-3, abs=1e-4
        )


def test_long_sums_are_counted_and_negative_factors_are_in_brackets(texture):
    large = step(texture, np.ones((10, 10)), 0, 0)
    assert written_out(large).startswith("sum of 100 products, ")
    assert "3 × (-2)" in written_out(step(np.array([[3, 4]]), np.array([[-2]]), 0, 0))
    assert written_out(step(texture, texture[:3, :3], 0, 0, "normalised")).endswith("= 1.0000")


def test_a_step_over_the_edge_is_refused(texture):
    for place in ((32, 0), (0, 39), (-1, 0)):
        with pytest.raises(VisitorError, match="edge"):
            step(texture, texture[:9, :12], *place)
    assert step(np.zeros((3, 3)), np.eye(2), 0, 0, "normalised").score == 0


def test_the_three_ways_agree(texture):
    pattern = texture[3:9, 4:11].astype(np.float32)
    loops = correlate_loops(texture, pattern)
    np.testing.assert_array_equal(loops, correlate_numpy(texture, pattern))
    np.testing.assert_array_equal(loops, correlate(texture, pattern))


def test_three_ways_reports_time_and_difference(texture):
    ways, shape = three_ways(texture, texture[:20, :20], products=20_000)
    assert [way.name.split(",")[0] for way in ways] == ["Double loop of listing 1.1", "NumPy", "OpenCV"]
    assert ways[0].difference == 0 and all(way.milliseconds > 0 for way in ways)
    scale = float(correlate_loops(texture[: shape[0], : shape[1]], texture[:5, :5]).max())
    assert all(way.difference <= 1e-5 * scale for way in ways)
    assert shape < texture.shape and set(ways[2].row) == {"way", "time", "largest difference from the loops"}


def test_three_ways_sees_a_way_that_is_wrong(texture, monkeypatch):
    monkeypatch.setattr(steps, "correlate_numpy", lambda i, p: correlate(i, p[::-1, ::-1].copy()))
    ways, _ = three_ways(texture, texture[:6, :6])
    assert ways[1].difference > 1000


def test_the_dot_product_of_the_book():
    assert dot_product([[1, 2], [3, 4]], [[5, 6], [7, 8]]) == 5 + 12 + 21 + 32


def test_crop_cuts_what_it_says_and_knows_its_middle(texture):
    cut, center = crop(texture, (25.0, 50.0), (20.0, 10.0))  # drawn from right to left
    np.testing.assert_array_equal(cut, texture[10:20, 5:10])
    assert center == (14.5, 7.0)
    whole, _ = crop(texture, (0.0, 100.0), (0.0, 100.0))
    assert whole.shape == texture.shape
    for rows in ((30.0, 30.0), (99.5, 100.0)):
        with pytest.raises(VisitorError, match="too thin"):
            crop(texture, rows, (0.0, 100.0))


def test_alter_keeps_the_picture_a_picture(texture):
    np.testing.assert_array_equal(alter(texture), texture)
    brighter = alter(texture, scale=1.5, brightness=1.7)
    assert brighter.shape == (60, 75) and brighter.dtype == np.uint8
    assert brighter.mean() > texture.mean() and brighter.max() == 255
    assert alter(np.zeros((1, 1), np.uint8), 0.5).shape == (1, 1)


def test_beside_stays_inside(texture):
    window = texture[:20, :20]
    assert beside(texture, window, Match(10, 25, 1, 0, 20, 20), 0.5) == (5, 15)
    assert beside(texture, window, Match(0, 0, 1, 0, 20, 20), 0.5) == (0, 10)
    assert beside(texture, texture, Match(0, 0, 1, 0, 40, 50), 0.5) == (0, 0)


def test_csv_reads_back(texture):
    scores = correlate(texture, texture[:4, :4])
    read = np.array([[float(value) for value in line.split(",")] for line in to_csv(scores).splitlines()])
    np.testing.assert_allclose(read, scores, rtol=1e-6)
