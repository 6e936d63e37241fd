"""Pattern matching: the book's numbers, agreement with plain sums, and what each method forgives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage.feature import match_template

from cnndemo.errors import VisitorError
from cnndemo.pattern_matching import METHODS, WORKED_EXAMPLES, Match, correlate, find, peaks, resize, response
from cnndemo.pattern_matching import figures as drawings


def plain_sum(image, pattern):
    """The definition, in double precision."""
    (tall, wide), (height, width) = image.shape, pattern.shape
    result = np.empty((tall - height + 1, wide - width + 1))
    for row in range(result.shape[0]):
        for column in range(result.shape[1]):
            result[row, column] = (image[row : row + height, column : column + width].astype(float) * pattern).sum()
    return result


@pytest.fixture(scope="module")
def texture():
    """A 60 × 70 picture without two equal places."""
    return np.random.default_rng(3).integers(20, 200, (60, 70)).astype(np.uint8)


@pytest.mark.parametrize("name", WORKED_EXAMPLES)
def test_the_worked_examples_come_out_number_for_number(name):
    example = WORKED_EXAMPLES[name]
    result = correlate(example.image, example.pattern)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, example.response)


def test_the_book_matrices_are_typed_in_correctly():
    first, second = (WORKED_EXAMPLES[name].response for name in ("4 × 4", "4 × 7"))
    assert first.tolist() == [[399, 373, 334], [243, 315, 399], [305, 231, 272]]
    assert second.tolist() == [[0, 510, 0, 255, 0], [765, 0, 255, 0, 255]]


@settings(deadline=None, max_examples=40)
@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(5, 24), st.integers(5, 24))),
    arrays.arrays(np.int8, st.tuples(st.integers(1, 5), st.integers(1, 5))),
)
def test_small_patterns_give_exact_sums(image, pattern):
    np.testing.assert_array_equal(correlate(image, pattern), plain_sum(image, pattern))


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64, bool])
def test_large_patterns_are_right_to_a_millionth(texture, kind):
    pattern = (texture[5:35, 8:48] > 100).astype(kind)
    expected = plain_sum(texture, pattern)
    result = correlate(texture, pattern)
    assert result.shape == (31, 31) and result.dtype == np.float32
    assert np.abs(result - expected).max() <= 2e-6 * expected.max()


def test_nothing_is_flipped():
    image = np.zeros((3, 3), np.uint8)
    image[0, 0] = 1
    np.testing.assert_array_equal(correlate(image, np.array([[5, 6], [7, 8]])), [[5, 0], [0, 0]])


def test_normalised_equals_scikit_image(texture):
    pattern = texture[10:22, 30:45]
    expected = match_template(texture, pattern)
    np.testing.assert_allclose(response(texture, pattern, "normalised"), expected, atol=2e-5)


def test_zero_mean_is_the_dot_product_of_what_differs_from_the_mean(texture):
    pattern = texture[10:19, 30:41].astype(float)
    patch = texture[3:12, 4:15].astype(float)
    expected = ((patch - patch.mean()) * (pattern - pattern.mean())).sum()
    assert response(texture, pattern, "zero-mean")[3, 4] == pytest.approx(expected, rel=1e-4)


def test_what_each_method_forgives(texture):
    image = (texture * 0.4).astype(np.uint8)
    image[40:58, 5:25] = 255  # a bright flat patch, brighter than anything
    pattern = texture[12:24, 40:56]
    assert not find(image, pattern, "plain")[0].hits((17.5, 47.5))
    for method in ("zero-mean", "normalised"):
        match = find(image, pattern, method)[0]
        assert (match.row, match.column) == (12, 40)
    assert find(image, pattern, "normalised")[0].score > 0.99


@pytest.mark.parametrize("growth", [0.7, 1.5])
def test_the_search_over_scales_finds_what_grew(texture, growth):
    smooth = resize(resize(texture, 0.25), 4)
    grown = resize(smooth, growth)
    pattern = smooth[10:30, 20:44]
    scales = (0.6, 0.7, 0.8, 1.0, 1.2, 1.5, 1.8)
    match = find(grown, pattern, "normalised", scales)[0]
    assert match.scale == growth and match.score > 0.95
    assert match.hits((19.5 * growth, 31.5 * growth))


def test_top_gives_different_places_best_first(texture):
    image = texture.copy()
    image[40:52, 2:14] = image[5:17, 50:62]  # the same patch twice
    matches = find(image, image[5:17, 50:62], "normalised", top=5)
    assert {(m.row, m.column) for m in matches[:2]} == {(5, 50), (40, 2)}
    assert [m.score for m in matches] == sorted((m.score for m in matches), reverse=True)
    assert all(a.overlap(b) <= 0.5 for i, a in enumerate(matches) for b in matches[:i])


def test_a_smaller_window_inside_a_match_is_no_second_match(texture):
    smooth = resize(resize(texture, 0.25), 4)
    matches = find(smooth, smooth[10:40, 20:50], "normalised", (0.5, 0.7, 1.0, 1.2), top=3)
    assert matches[0].scale == 1 and all(other.overlap(matches[0]) <= 0.5 for other in matches[1:])


def test_peaks_keep_half_a_window_apart():
    scores = np.zeros((20, 20), np.float32)
    scores[5, 5], scores[5, 7], scores[15, 15] = 3, 2, 1
    assert peaks(scores, (6, 6), 2) == [((5, 5), 3.0), ((15, 15), 1.0)]
    assert len(peaks(scores, (40, 40), 9)) == 1


def test_a_match_knows_its_centre_and_overlap():
    match = Match(10, 20, 1.0, 0.5, 5, 8)
    assert match.center == (12, 23.5)
    assert match.overlap(match) == 1
    assert match.overlap(Match(10, 24, 1.0, 0.5, 5, 8)) == pytest.approx(0.5)
    assert match.overlap(Match(0, 0, 4.0, 0.5, 50, 80)) == 1
    assert match.overlap(Match(50, 60, 1.0, 0.5, 5, 8)) == 0
    assert match.hits((13, 24)) and not match.hits((30, 24))


def test_a_pattern_as_large_as_the_image_has_one_place(texture):
    assert correlate(texture, texture).shape == (1, 1)
    assert find(texture, texture, "normalised")[0].score == pytest.approx(1, abs=1e-5)


def test_equal_scores_give_the_first_place():
    example = WORKED_EXAMPLES["4 × 4"]  # 399 stands there twice
    matches = find(example.image, example.pattern, top=2)
    assert [(m.row, m.column, m.score) for m in matches] == [(0, 0, 399), (1, 2, 399)]


BAD = {
    "larger": (np.zeros((4, 4)), np.ones((5, 3)), "larger than the image"),
    "nan": (np.zeros((4, 4)), np.array([[1, np.nan], [0, 1]]), "row 1, column 2"),
    "infinite": (np.array([[1.0, 2], [np.inf, 0]]), np.ones((1, 1)), "row 2, column 1"),
    "empty": (np.zeros((4, 4)), np.zeros((0, 2)), "no pixels"),
    "colour": (np.zeros((4, 4, 3)), np.ones((2, 2)), "rows and columns only"),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", BAD)
def test_bad_input_says_what_is_wrong(name, method):
    image, pattern, words = BAD[name]
    with pytest.raises(VisitorError, match=words):
        response(image, pattern, method)


def test_one_flat_tone(texture):
    flat = np.full((6, 6), 7, np.uint8)
    assert correlate(texture, flat).shape == (55, 65)  # the plain sum is the local brightness
    for method in ("zero-mean", "normalised"):
        with pytest.raises(VisitorError, match="flat tone"):
            response(texture, flat, method)
        largest = 1 if method == "normalised" else 90 * texture[:6, :6].sum(dtype=float)
        assert np.abs(response(np.full((20, 20), 90, np.uint8), texture[:6, :6], method)).max() <= 1e-6 * largest
    for method in METHODS:
        with pytest.raises(VisitorError, match="same"):
            find(np.full((20, 20), 90, np.uint8), texture[:6, :6], method)


def test_a_search_that_cannot_be_made_says_why(texture):
    pattern = texture[:8, :8]
    for arguments, words in (
        ({"scales": ()}, "at least one scale"),
        ({"scales": (0.0,)}, "above zero"),
        ({"scales": (float("nan"),)}, "above zero"),
        ({"scales": (20.0,)}, "larger than the image"),
        ({"top": 0}, "at least one match"),
        ({"method": "guess"}, "no method"),
    ):
        with pytest.raises(VisitorError, match=words):
            find(texture, pattern, **arguments)


def test_scales_that_do_not_fit_are_left_out(texture):
    assert find(texture, texture[5:25, 5:25], "normalised", (1.0, 50.0, 0.01))[0].scale == 1.0


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize("scales", [(1.0,), (0.5, 2.0)])
def test_a_pattern_without_pixels_is_a_sentence(shape, scales):
    image = np.random.default_rng(0).random((9, 9))
    with pytest.raises(VisitorError, match="has no pixels"):
        find(image, np.zeros(shape), scales=scales)
    with pytest.raises(VisitorError, match="has no pixels"):
        resize(np.zeros(shape), 2.0)
    with pytest.raises(VisitorError, match="has no pixels"):
        response(image, np.zeros(shape))


def test_what_slides_under_the_finger_is_opaque_where_the_pattern_is_and_bright_where_it_fits():
    pattern = np.array([[0, 1], [1, 0]], np.float32)
    laid = drawings.overlay(pattern)
    assert laid.shape == (2, 2, 4) and laid[0, 1, 3] > 150 and laid[0, 0, 3] == 0
    picture = drawings.response_picture(np.array([[0.0, 0.5, 1.0]]))
    assert picture.dtype == np.uint8 and (np.diff(picture.sum(axis=2)[0]) > 0).all(), "viridis brightens"
    cells, block = drawings.pooled(np.arange(12, dtype=np.float32).reshape(2, 6), 3)
    assert block == 2 and cells.tolist() == [[7, 9, 11]]
