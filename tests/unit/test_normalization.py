"""Gradient descent on squashed and round bowls, and pictures as small, even numbers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo import images, normalization
from cnndemo.errors import VisitorError
from cnndemo.normalization import figures as charts

GENTLE, BOOK = normalization.PRESETS["gentle"], normalization.PRESETS["book"]


def counted(problem, rate, most=20_000, tolerance=1e-3):
    """Steps until the tolerance, by taking them; None if not within `most`."""
    excess = problem.excess(normalization.descend(problem, rate, most))
    reached = np.flatnonzero(excess <= tolerance * excess[0])
    return int(reached[0]) if len(reached) else None


def test_features_lie_in_the_ranges_asked_for():
    problem = normalization.make(*BOOK)
    assert problem.features.min(axis=0) == pytest.approx([-5000, 0])
    assert problem.features.max(axis=0) == pytest.approx([25000, 1])


@pytest.mark.parametrize(
    ("scaling", "low", "high"),
    [("unit", (0, 0), (1, 1)), ("symmetric", (-1, -1), (1, 1)), ("raw", (-5000, 0), (25000, 1))],
)
def test_scalings_reach_their_ends(scaling, low, high):
    features = normalization.make(*BOOK, scaling).features
    assert features.min(axis=0) == pytest.approx(low, abs=1e-9)
    assert features.max(axis=0) == pytest.approx(high)


def test_standardised_features_have_mean_zero_and_deviation_one():
    features = normalization.make(*BOOK, "standard").features
    assert features.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)
    assert features.std(axis=0) == pytest.approx([1, 1])


def test_the_scalings_agree_with_keras_normalization():
    import keras

    values = np.random.default_rng(0).normal(5, 3, (50, 2)).astype(np.float32)
    layer = keras.layers.Normalization(axis=-1)
    layer.adapt(values)
    assert normalization.scale(values, "standard") == pytest.approx(np.asarray(layer(values)), abs=1e-5)


def test_a_constant_column_becomes_zero():
    values = np.full((5, 1), 7.0)
    for scaling in normalization.SCALINGS:
        assert np.all(normalization.scale(values, scaling) == 0)


def test_best_weights_and_hessian():
    problem = normalization.make(*GENTLE)
    x, y = problem.features, problem.targets
    assert problem.best == pytest.approx(np.linalg.solve(x.T @ x, x.T @ y))
    weights = np.array([0.3, -0.7])
    loss = 0.5 * np.mean((x @ weights - y) ** 2)
    assert problem.lowest + problem.excess(weights) == pytest.approx(loss)


def test_rescaling_cures_the_books_ranges():
    raw = normalization.make(*BOOK).condition
    assert raw > 1e8
    for scaling in normalization.SCALINGS:
        assert normalization.make(*BOOK, scaling).condition < 10
    centred = normalization.make(*BOOK, "symmetric").condition
    assert centred < normalization.make(*BOOK, "unit").condition


def test_condition_is_numpys():
    problem = normalization.make(*GENTLE)
    assert problem.condition == pytest.approx(np.linalg.cond(problem.hessian))


def test_condition_when_scaled():
    wide = normalization.make((10 * GENTLE[0][0], 10 * GENTLE[0][1]), GENTLE[1]).condition
    growth = normalization.condition_when_scaled(*GENTLE, 10)
    assert growth == pytest.approx(wide / normalization.make(*GENTLE).condition, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["raw", *normalization.SCALINGS]),
    st.floats(0.02, 1.2),
    st.floats(-3, 3),
    st.floats(0.2, 6),
    st.floats(1e-4, 0.5),
)
def test_steps_needed_equals_counting(scaling, share, start, span, tolerance):
    problem = normalization.make((start, start + span), (0.0, 1.0), scaling)
    rate = share * problem.largest_rate
    steps = normalization.steps_needed(problem, rate, tolerance)
    taken = counted(problem, rate, 3000, tolerance)
    if math.isinf(steps):
        assert share >= 1
    elif steps <= 2999:
        assert taken is not None and abs(taken - steps) <= 1
    else:
        assert taken is None


def test_steps_far_beyond_counting_follow_the_formula():
    problem = normalization.make(*BOOK)
    rate = problem.best_rate
    slow = problem.curvatures[0]
    expected = math.log(1e-3) / (2 * math.log1p(-rate * slow))
    assert normalization.steps_needed(problem, rate) == pytest.approx(expected, rel=0.1)
    assert normalization.steps_needed(problem, rate) > 1e8


@pytest.mark.parametrize("scaling", ["raw", *normalization.SCALINGS])
def test_no_rate_needs_fewer_steps_than_the_fastest(scaling):
    problem = normalization.make(*GENTLE, scaling)
    rate, least = normalization.fastest(problem)
    tried = [normalization.steps_needed(problem, share * problem.largest_rate) for share in np.linspace(0.1, 1, 800)]
    assert normalization.steps_needed(problem, rate) == least == min(tried)
    assert least <= normalization.steps_needed(problem, problem.best_rate), "that one is best for the worst start only"


def test_divergence_is_said_and_seen():
    problem = normalization.make(*BOOK)
    assert "bursts" in normalization.verdict(problem, 0.2)
    path = normalization.descend(problem, 0.2, 60)
    assert not np.isfinite(path).all()
    assert "arrives" in normalization.verdict(normalization.make(*BOOK, "standard"), 0.2)


def test_standing_still_is_said():
    assert "arrives after" in normalization.verdict(normalization.make(*BOOK), 1e-9)
    assert normalization.count(math.inf) == "never"
    assert normalization.count(1234.0) == "1,234"


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ((1.0, 1.0), "smaller to a larger"),
        ((2.0, 1.0), "smaller to a larger"),
        ((math.nan, 1.0), "two numbers"),
        ((0.0, math.inf), "two numbers"),
        ((None, 1.0), "two numbers"),
        ((0.0, 1e9), "within"),
    ],
)
def test_bad_ranges(first, words):
    with pytest.raises(VisitorError, match=words):
        normalization.make(first, (0.0, 1.0))
    with pytest.raises(VisitorError, match=words):
        normalization.make((0.0, 1.0), first)


@pytest.mark.parametrize("scaling", ["raw", *normalization.SCALINGS])
@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("rate", [1e-9, 0.2, 2.0])
def test_the_bowl_can_always_be_drawn(scaling, same, rate):
    problem = normalization.make(*BOOK, scaling)
    figure = charts.bowls([problem], [normalization.descend(problem, rate, 100)], "x", same)
    limits = charts.window(problem, np.zeros(2), same)
    assert np.isfinite(limits).all() and (limits[:, 1] > limits[:, 0]).all()
    for trace in figure.data:
        assert np.isfinite(np.asarray(trace.x, float)).all() and np.isfinite(np.asarray(trace.y, float)).all()


def test_contour_lines_have_their_loss():
    problem = normalization.make(*GENTLE)
    ring = charts._ring(problem, 0.25)
    assert problem.excess(ring.T) == pytest.approx(np.full(ring.shape[1], 0.25))


def test_table_has_all_four_problems():
    rows = normalization.table(*GENTLE)
    assert [row["features"] for row in rows] == ["as they are", *normalization.SCALINGS.values()]


# --- pictures ---


def test_divided_by_255():
    image = np.array([[[0, 51, 255]]], np.uint8)
    assert normalization.normalize_image(image, "unit").tolist() == [[[0.0, pytest.approx(0.2), 1.0]]]
    assert normalization.normalize_image(image, "symmetric")[0, 0, [0, 2]].tolist() == [-1, 1]


def test_sample_wise_is_the_books_generator(photo):
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    generator = ImageDataGenerator(samplewise_center=True, samplewise_std_normalization=True)
    expected = generator.standardize(photo.astype(np.float32))
    assert normalization.normalize_image(photo, "sample") == pytest.approx(expected, abs=1e-5)


def test_each_channel_has_mean_zero(photo):
    values = normalization.normalize_image(photo, "channels")
    assert values.mean(axis=(0, 1)) == pytest.approx([0, 0, 0], abs=1e-4)
    assert values.std(axis=(0, 1)) == pytest.approx([1, 1, 1], abs=1e-4)


def test_data_set_statistics_are_those_of_all_pixels(photo):
    other = np.full((10, 7, 3), 9, np.uint8)
    pixels = np.concatenate([photo.reshape(-1, 3), other.reshape(-1, 3)]).astype(np.float64)
    mean, spread = normalization.channel_statistics([photo, other])
    assert mean == pytest.approx(pixels.mean(axis=0)) and spread == pytest.approx(pixels.std(axis=0))
    values = normalization.normalize_image(photo, "data set", (mean, spread))
    assert values * spread + mean == pytest.approx(photo.astype(float), abs=1e-3)


@pytest.mark.parametrize("method", list(normalization.METHODS))
def test_a_flat_picture_stays_finite(method):
    flat = np.full((4, 5, 3), 80, np.uint8)
    values = normalization.normalize_image(flat, method, normalization.channel_statistics([flat]))
    assert np.isfinite(values).all()
    assert normalization.stretch(values).dtype == np.uint8
    centres, shares = normalization.channel_histograms(flat, values)
    assert shares.sum(axis=1) == pytest.approx([1, 1, 1]) and np.isfinite(centres).all()
    charts.histograms(centres, shares, "flat")


def test_unknown_methods_are_refused(photo):
    with pytest.raises(VisitorError, match="one of"):
        normalization.normalize_image(photo, "magic")
    with pytest.raises(ValueError, match="statistics"):
        normalization.normalize_image(photo, "data set")


def test_histograms_put_each_bin_where_its_values_went():
    image = images.sample("cat")
    values = normalization.normalize_image(image, "channels")
    centres, shares = normalization.channel_histograms(image, values, levels=1)
    for channel in range(3):
        mean = (centres[channel] * shares[channel]).sum()
        assert mean == pytest.approx(0, abs=1e-3)
        assert (centres[channel] ** 2 * shares[channel]).sum() == pytest.approx(1, abs=1e-3)
