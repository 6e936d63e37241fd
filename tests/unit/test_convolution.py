"""Convolution of curves against closed forms and SciPy, and the picture as a function."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo import convolution
from cnndemo.convolution import BOOK_F, BOOK_G, Curve
from cnndemo.convolution.curves import VisitorError

means = st.floats(-2, 2)
widths = st.floats(0.1, 1)


def test_the_books_two_normals():
    t, values = convolution.convolve_curves(BOOK_F, BOOK_G)
    shape = convolution.moments(t, values)
    assert shape["area"] == pytest.approx(1, abs=1e-9)
    assert shape["mean"] == pytest.approx(1, abs=1e-9)
    assert shape["deviation"] == pytest.approx(0.3 * np.sqrt(2), abs=1e-9)
    assert t[values.argmax()] == pytest.approx(1)


@settings(max_examples=40, deadline=None)
@given(means, widths, means, widths, st.booleans())
def test_two_normals_agree_with_the_closed_form(mean_f, width_f, mean_g, width_g, flip):
    f, g = Curve("normal", mean_f, width_f), Curve("normal", mean_g, width_g)
    t, values = convolution.convolve_curves(f, g, flip)
    np.testing.assert_allclose(values, convolution.closed_form(f, g, t, flip), atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(means, widths, means, widths, st.booleans())
def test_two_boxes_give_a_trapezoid(mean_f, width_f, mean_g, width_g, flip):
    f, g = Curve("box", mean_f, width_f), Curve("box", mean_g, width_g)
    t, values = convolution.convolve_curves(f, g, flip, step=0.01)
    # A box edge between two samples is off by at most a step.
    off = 2 * convolution.STEP / (4 * width_f * width_g)
    np.testing.assert_allclose(values, convolution.closed_form(f, g, t, flip), atol=off)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["normal", "box", "triangle", "exponential"]),
    st.sampled_from(["normal", "box", "triangle", "exponential"]),
    means,
    means,
    st.integers(-400, 400),
    st.booleans(),
)
def test_the_slide_and_the_result_agree(kind_f, kind_g, mean_f, mean_g, hundredths, flip):
    f, g = Curve(kind_f, mean_f, 0.4), Curve(kind_g, mean_g, 0.7)
    t, values = convolution.convolve_curves(f, g, flip)
    at = hundredths / 100
    area = convolution.overlap(f, g, at, flip)["area"]
    assert area == pytest.approx(values[np.abs(t - at).argmin()], abs=1e-9)


def test_flip_matters_for_a_lopsided_curve_and_not_for_an_even_one():
    even, lopsided = Curve("normal", 0, 0.3), Curve("exponential", 0, 0.5)
    _, flipped = convolution.convolve_curves(even, lopsided, True)
    _, straight = convolution.convolve_curves(even, lopsided, False)
    assert np.abs(flipped - straight).max() > 0.1
    np.testing.assert_allclose(straight, flipped[::-1], atol=1e-9)
    np.testing.assert_allclose(
        convolution.convolve_curves(even, even, True)[1], convolution.convolve_curves(even, even, False)[1], atol=1e-12
    )


@pytest.mark.parametrize("kind", ["normal", "box", "triangle", "exponential"])
def test_every_curve_has_area_one(kind):
    tau = convolution.grid()
    assert Curve(kind, 0.5, 0.5)(tau).sum() * convolution.STEP == pytest.approx(1, abs=1e-4)


def test_a_drawing_becomes_a_curve():
    alpha = np.zeros((101, 200), np.uint8)
    for column in range(50, 150):
        alpha[100 - column // 2 : 103 - column // 2, column] = 255
    curve = convolution.curve_from_drawing(alpha, -2, 2, 2.0)
    assert curve(np.array([0.0]))[0] == pytest.approx(1, abs=0.05)
    assert curve(np.array([-1.5, 1.5])).tolist() == [0, 0]


@pytest.mark.parametrize(
    "points",
    [
        (), ((0, 1),), ((0, 1), (0, 2)), ((0, 1), (1, float("nan"))), ((0, 1), (float("inf"), 1)), ((0, "x"), (1, 2)),
        ((0, None), (1, 1)), (1, 2),
    ],
)  # fmt: skip
def test_bad_points_are_refused_with_a_sentence(points):
    with pytest.raises(VisitorError, match=r"[.!]$"):
        Curve("drawn", points=points)


@pytest.mark.parametrize("curve", [("normal", 0, 0), ("normal", 0, -1), ("normal", float("nan"), 1), ("wave", 0, 1)])
def test_bad_curves_are_refused(curve):
    with pytest.raises(VisitorError):
        Curve(*curve)


def test_a_line_on_the_floor_is_refused():
    floor = np.zeros((10, 10))
    floor[-1] = 1
    with pytest.raises(VisitorError, match="floor"):
        convolution.curve_from_drawing(floor, -1, 1, 1)


def test_an_empty_drawing_is_refused():
    with pytest.raises(VisitorError, match="drawn"):
        convolution.curve_from_drawing(np.zeros((10, 10)), -1, 1, 1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (300, 200), (1600, 1200)])
def test_the_surface_keeps_brightness_and_is_bounded(shape):
    gray = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    heights = convolution.surface(gray)
    assert max(heights.shape) <= 72
    assert heights.mean() == pytest.approx(gray.mean(), abs=2)


def test_profile_reads_a_ramp_exactly():
    gray = np.tile(np.arange(101), (50, 1)).astype(np.uint8)
    along, values = convolution.profile(gray, (0, 0.5), (1, 0.5))
    np.testing.assert_allclose(along, values)
    along, values = convolution.profile(gray, (0, 0), (0.5, 1))
    assert along[-1] == pytest.approx(np.hypot(50, 49))
    assert values[-1] == pytest.approx(50)


@pytest.mark.parametrize("ends", [((0, 0), (0, 0)), ((0, 0), (2, 0)), ((0, 0), (float("nan"), 0))])
def test_bad_lines_are_refused(ends):
    with pytest.raises(VisitorError):
        convolution.profile(np.zeros((5, 5)), *ends)


def test_the_dog_is_flat_and_the_same_each_time():
    dog = convolution.cartoon_dog()
    assert dog.shape == (240, 240, 3) and dog.dtype == np.uint8
    np.testing.assert_array_equal(dog, convolution.cartoon_dog())
    gray = dog.mean(axis=2)
    assert (np.abs(np.diff(gray, axis=1)) < 1).mean() > 0.9


def test_the_line_is_drawn_on_a_copy():
    picture = np.zeros((20, 30, 3), np.uint8)
    marked = convolution.draw_line(picture, (0, 0.5), (1, 0.5))
    assert marked.any() and not picture.any()


def test_the_thumbnail_has_the_size_of_a_card():
    assert convolution.thumbnail().shape == (180, 320, 3)
