"""The scenes are what they say, and the limitation and its cure of 1.3 are computed."""

import numpy as np
import pytest

from cnndemo.errors import VisitorError
from cnndemo.pattern_matching import find
from cnndemo.pattern_matching.scenes import (
    HEIGHT,
    SHAPES,
    WIDTH,
    contest,
    make_scene,
    outline_points,
    shape_pattern,
)


def test_a_scene_is_reproducible_and_holds_every_shape_once():
    scene, again, other = make_scene(seed=7), make_scene(seed=7), make_scene(seed=8)
    assert scene.image.shape == (HEIGHT, WIDTH) and scene.image.dtype == np.uint8
    np.testing.assert_array_equal(scene.image, again.image)
    assert (scene.image != other.image).any()
    assert sorted(shape.name for shape in scene.shapes) == sorted(SHAPES)


@pytest.mark.parametrize("growth", [0.6, 1.0, 2.0])
@pytest.mark.parametrize("style", ["outline", "filled"])
def test_shapes_lie_where_the_scene_says(growth, style):
    scene = make_scene(90, growth, 30, style, 11)
    rows, columns = np.nonzero(scene.image)
    near = [np.hypot(rows - s.row, columns - s.column) <= s.size / 2 + 3 for s in scene.shapes]
    assert (np.sum(near, axis=0) == 1).all()  # every bright pixel belongs to one shape, and no two shapes touch
    assert all(n.any() for n in near)


def test_the_scene_knows_what_lies_where():
    scene = make_scene(seed=2)
    for shape in scene.shapes:
        assert scene.at((shape.row + 5, shape.column - 5)) == shape.name
        assert scene.center(shape.name) == (shape.row, shape.column)
    assert scene.at((-50, -50)) == "the background"


def test_uneven_scenes_have_one_grey_a_shape():
    scene = make_scene(style="filled", uneven=True)
    values = {shape.brightness for shape in scene.shapes}
    assert len(values) == len(SHAPES)
    for shape in scene.shapes:
        assert scene.image[round(shape.row), round(shape.column)] == shape.brightness


@pytest.mark.parametrize("name", SHAPES)
def test_a_pattern_is_zeros_and_ones_and_fills_its_tile(name):
    pattern = shape_pattern(name, 60, "filled")
    assert set(np.unique(pattern)) == {0.0, 1.0} and pattern.shape == (60, 60)
    assert (shape_pattern(name, 60, "outline") != pattern).any()
    assert pattern.any(axis=1).sum() > 40


def test_the_circle_has_the_area_of_a_circle():
    assert shape_pattern("circle", 80, "filled").sum() == pytest.approx(np.pi * 40**2, rel=0.03)
    assert np.hypot(*outline_points("hexagon", 10).T) == pytest.approx(np.full(6, 5.0))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("style", ["outline", "filled"])
def test_figure_1_8_the_circle_is_found_by_the_plain_sum(seed, style):
    scene = make_scene(style=style, seed=seed)
    assert scene.at(find(scene.image, shape_pattern("circle", 90, style))[0].center) == "circle"


def test_figure_1_13_the_hexagon_wins_when_the_shapes_grow():
    outcome = contest(make_scene(growth=1.1), shape_pattern("circle", 90), "circle")[0]
    assert outcome.winner == "hexagon" and not outcome.right
    assert outcome.scores["hexagon"] > outcome.scores["circle"] == outcome.matches["circle"].score


@pytest.mark.parametrize("wanted", ["circle", "star"])
@pytest.mark.parametrize("growth", [0.7, 1.5, 1.9])
def test_a_search_over_sizes_cures_growth(wanted, growth):
    outcomes = contest(make_scene(growth=growth), shape_pattern(wanted, 90), wanted)
    plain, cured = outcomes[0], outcomes[-1]
    assert cured.right and cured.scores[wanted] > 0.9
    assert cured.matches[wanted].scale == pytest.approx(growth, rel=0.06)
    assert plain.scores[wanted] < contest(make_scene(), shape_pattern(wanted, 90), wanted)[0].scores[wanted]


def test_normalising_cures_brightness():
    scene = make_scene(style="filled", uneven=True, seed=1)
    dim = min(scene.shapes, key=lambda shape: shape.brightness).name
    plain, _, normalised, _ = contest(scene, shape_pattern(dim, 90, "filled"), dim)
    assert not plain.right and normalised.right
    assert plain.row["right"] is False and normalised.row["winner"] == dim


def test_nothing_here_cures_a_turn():
    outcomes = contest(make_scene(angle=30), shape_pattern("square", 90), "square")
    upright = contest(make_scene(), shape_pattern("square", 90), "square")
    assert all(
        turned.scores["square"] < straight.scores["square"] for turned, straight in zip(outcomes, upright, strict=True)
    )


def test_bad_scenes_say_what_to_change():
    for bad in (lambda: make_scene(100, 3.0), lambda: make_scene(4), lambda: shape_pattern("circle", 2)):
        with pytest.raises(VisitorError, match="pixels"):
            bad()
    with pytest.raises(VisitorError, match="no shape"):
        shape_pattern("blob", 30)
