"""Kernels on pictures against NumPy, SciPy, Keras and OpenCV."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cnndemo import filters, images
from cnndemo.errors import VisitorError
from cnndemo.filters import edges
from cnndemo.filters import figures as charts

NUMPY_BORDERS = {"reflect": "reflect", "repeat": "edge", "zeros": "constant", "wrap": "wrap"}


def by_hand(image: np.ndarray, kernel: np.ndarray, border: str) -> np.ndarray:
    """Sum of products, pixel by pixel."""
    reach = len(kernel) // 2
    padded = image.astype(float)
    if border != "valid":
        padded = np.pad(padded, reach, mode=NUMPY_BORDERS[border])
    height, width = padded.shape[0] - 2 * reach, padded.shape[1] - 2 * reach
    result = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            result[row, column] = (padded[row : row + len(kernel), column : column + len(kernel)] * kernel).sum()
    return result


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(8, 14), st.integers(8, 14))),
    st.sampled_from(filters.SIZES).flatmap(
        lambda size: arrays.arrays(np.float64, (size, size), elements=st.floats(-9, 9, width=16))
    ),
    st.sampled_from(list(filters.BORDERS)),
)
def test_equals_the_sum_of_products(image, kernel, border):
    expected = by_hand(image, kernel, border)
    scale = max(1.0, np.abs(kernel).sum() * 255)
    assert filters.apply(image, kernel, border) == pytest.approx(expected, abs=1e-5 * scale)
    assert filters.apply(image.astype(float), kernel, border) == pytest.approx(expected, abs=1e-9 * scale)


def test_equals_keras_conv2d():
    import keras

    image = images.to_gray(images.sample("cat"))[:60, :50]
    for name, preset in filters.PRESETS.items():
        expected = keras.ops.conv(
            image[None, :, :, None].astype(np.float32),
            preset.values[:, :, None, None].astype(np.float32),
            padding="valid",
        )
        assert filters.apply(image, preset.values, "valid") == pytest.approx(
            np.asarray(expected)[0, :, :, 0], abs=1e-5 * 255 * np.abs(preset.values).sum()
        ), name


def test_a_flipped_kernel_is_scipys_convolution():
    from scipy.ndimage import convolve

    image = np.random.default_rng(0).integers(0, 256, (20, 30)).astype(float)
    kernel = filters.PRESETS["emboss"].values
    expected = convolve(image, kernel, mode="mirror")
    assert filters.apply(image, kernel[::-1, ::-1]) == pytest.approx(expected)


def test_colour_channels_are_filtered_one_by_one(photo):
    kernel = filters.PRESETS["sharpen"].values
    whole = filters.apply(photo, kernel)
    for channel in range(3):
        assert np.array_equal(whole[..., channel], filters.apply(photo[..., channel].copy(), kernel))


def test_sobel_is_opencvs_and_has_the_signs_of_a_derivative():
    gray = images.to_gray(images.sample("coffee"))
    dx, dy = filters.sobel(gray)
    assert np.array_equal(dx, cv2.Sobel(gray, cv2.CV_32F, 1, 0))
    assert np.array_equal(dy, cv2.Sobel(gray, cv2.CV_32F, 0, 1))
    ramp = np.tile(np.arange(10, dtype=np.uint8), (10, 1))
    assert filters.sobel(ramp)[0][5, 5] == 8 and filters.sobel(ramp.T)[1][5, 5] == 8


def test_the_books_misprint_does_not_sum_to_zero():
    printed, right = filters.PRESETS["sobel_misprint"].values, filters.PRESETS["sobel_x"].values
    assert right.sum() == 0 and printed.sum() == 2
    assert np.argwhere(printed != right).tolist() == [[2, 2]]
    flat = np.full((9, 9), 100, np.uint8)
    assert np.all(filters.apply(flat, right) == 0) and np.all(filters.apply(flat, printed) == 200)


@pytest.mark.parametrize("name", [n for n in filters.PRESETS if n != "sobel_misprint"])
def test_presets_sum_to_zero_or_one(name):
    assert filters.PRESETS[name].values.sum() == pytest.approx(round(filters.PRESETS[name].values.sum()))
    assert round(filters.PRESETS[name].values.sum()) in (0, 1)


@pytest.mark.parametrize(
    ("kernel", "words", "harmless"),
    [
        (np.zeros((3, 3)), "zero everywhere", True),
        (filters.PRESETS["laplacian"].values, "become 0", True),
        (filters.PRESETS["box"].values, "keep their brightness", True),
        (filters.PRESETS["sobel_misprint"].values, "becomes 200", False),
    ],
)
def test_brightness_in_words(kernel, words, harmless):
    image = np.full((12, 12), 50, np.uint8)
    effect = filters.brightness(image, filters.apply(image, kernel), kernel)
    assert words in effect.words and effect.harmless is harmless
    assert effect.after == pytest.approx(50 * kernel.sum())


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(filters.SIZES).flatmap(
        lambda size: st.tuples(*[arrays.arrays(np.int64, size, elements=st.integers(-9, 9)) for _ in range(2)])
    )
)
def test_outer_products_are_recognised(pair):
    kernel = np.outer(*pair).astype(float)
    parts = filters.separate(kernel)
    if not kernel.any():
        assert parts.rank == 0
        return
    assert parts.rank == 1
    assert np.outer(parts.column, parts.row) == pytest.approx(kernel)
    assert (parts.whole, parts.parts) == (kernel.size, 2 * len(kernel))


@pytest.mark.parametrize("name", list(filters.PRESETS))
def test_separable_presets_run_as_column_and_row(name):
    kernel = filters.PRESETS[name].values
    parts = filters.separate(kernel)
    assert parts.rank == np.linalg.matrix_rank(kernel)
    if parts.rank == 1:
        image = images.to_gray(images.sample("rocket"))[:80, :90].astype(float)
        two_passes = cv2.sepFilter2D(image, cv2.CV_64F, parts.row, parts.column)
        assert two_passes == pytest.approx(filters.apply(image, kernel), abs=1e-8)
        assert "Separable" in parts.words(image.size)
    else:
        assert "Not separable" in parts.words(100)


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        ([[1, None, 1]] * 3, "empty or not a number"),
        ([[1, np.nan, 1]] * 3, "empty or not a number"),
        ([[1, np.inf, 1]] * 3, "too large"),
        ([["a", 1, 1]] * 3, "needs a number"),
        ([[1e9, 1, 1]] * 3, "too large"),
        ([[1, 2], [3, 4]], "odd side"),
        ([1, 2, 3], "square"),
        ([[1, 2, 3]], "square"),
    ],
)
def test_bad_kernels(kernel, words):
    with pytest.raises(VisitorError, match=words):
        filters.apply(np.zeros((9, 9), np.uint8), kernel)


@pytest.mark.parametrize("border", [b for b in filters.BORDERS if b != "valid"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 3)])
def test_a_kernel_larger_than_the_picture(border, shape):
    image = np.full(shape, 10, np.uint8)
    response = filters.apply(image, np.full((7, 7), 1 / 49), border)
    assert response.shape == shape
    if border != "zeros":
        assert response == pytest.approx(np.full(shape, 10.0), abs=1e-4)


def test_no_border_and_a_small_picture_is_refused():
    with pytest.raises(VisitorError, match="too small"):
        filters.apply(np.zeros((6, 20), np.uint8), np.ones((7, 7)), "valid")


def test_unknown_border_is_refused():
    with pytest.raises(VisitorError, match="border"):
        filters.apply(np.zeros((6, 6), np.uint8), np.ones((3, 3)), "magic")


def test_views():
    response = np.array([[-100.0, 0.0], [60.0, 300.0]])
    assert filters.view(response, "clipped").tolist() == [[0, 0], [60, 255]]
    assert filters.view(response, "absolute").tolist() == [[85, 0], [51, 255]]
    signed = filters.view(response, "signed").astype(int)
    assert signed[0, 0, 2] > signed[0, 0, 0] and signed[1, 1, 0] > signed[1, 1, 2]  # blue below zero, red above
    assert np.ptp(signed[0, 1]) <= 2 and signed[0, 1].min() > 240  # white at zero
    for how in ("signed", "absolute", "clipped"):
        assert filters.view(np.zeros((3, 3)), how).shape[:2] == (3, 3)
    with pytest.raises(ValueError, match="how"):
        filters.view(response, "loud")


def test_five_channels_as_the_book_stacks_them(photo):
    stacked = filters.stack_as_channels(photo)
    assert stacked.shape == (60, 80, 5) and stacked.dtype == np.float32
    assert stacked[..., :3] == pytest.approx(photo / 255)
    dx = filters.apply(images.to_gray(photo), filters.PRESETS["x_derivative"].values)
    assert stacked[..., 3] == pytest.approx(dx / 255)
    import io

    assert np.array_equal(np.load(io.BytesIO(filters.npy(stacked))), stacked)


@pytest.mark.parametrize("border", [b for b in filters.BORDERS if b != "valid"])
def test_neighbourhood_times_kernel_is_the_response(border):
    gray = images.to_gray(images.sample("cat"))[:20, :25].copy()
    kernel = filters.PRESETS["gaussian"].values
    response = filters.apply(gray.astype(float), kernel, border)
    for row, column in ((0, 0), (19, 24), (7, 11)):
        under = filters.neighbourhood(gray, row, column, 5, border)
        assert (under * kernel).sum() == pytest.approx(response[row, column])


def test_arithmetic_in_words():
    values = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9.0]])
    assert filters.arithmetic(values, filters.PRESETS["sobel_x"].values) == (
        "1 · 1 − 1 · 3 + 2 · 4 − 2 · 6 + 1 · 7 − 1 · 9 = −8"
    )
    assert filters.arithmetic(values, np.zeros((3, 3))) == "0 = 0"


def test_kernels_grow_and_shrink_about_their_centre():
    kernel = np.arange(9.0).reshape(3, 3)
    grown = filters.resized(kernel, 7)
    assert grown.shape == (7, 7) and np.array_equal(filters.resized(grown, 3), kernel)


def test_the_sudoku_is_uneven_and_in_perspective():
    picture = filters.sudoku()
    assert picture.shape == (480, 480, 3) and picture.dtype == np.uint8
    paper = picture[120:400, 100:400, 0].astype(float)
    assert np.quantile(paper[:60, :60], 0.9) > 1.3 * np.quantile(paper[-60:, -60:], 0.9)


# --- edges ---


@pytest.mark.parametrize("name", ["cat", "coffee", "sudoku"])
@pytest.mark.parametrize("thresholds", [(40, 120), (120, 40), (100, 101), (0, 1), (5000, 6000)])
def test_edges_are_opencvs_canny(name, thresholds):
    gray = images.to_gray(filters.sudoku() if name == "sudoku" else images.shrink(images.sample(name), 240))
    expected = cv2.Canny(gray, *thresholds, L2gradient=True) > 0
    assert np.array_equal(edges.find(gray, *thresholds).edges, expected)


@settings(max_examples=40, deadline=None)
@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(3, 12), st.integers(3, 12))), st.integers(0, 300), st.integers(0, 900)
)
def test_edges_are_opencvs_canny_on_noise(gray, low, high):
    assert np.array_equal(edges.find(gray, low, high).edges, cv2.Canny(gray, low, high, L2gradient=True) > 0)


def test_the_gradient_points_to_brighter_pixels():
    ramp = np.tile(np.arange(0, 200, 10, dtype=np.uint8), (20, 1))
    assert edges.find(ramp, 1, 1).direction[10, 10] == 0
    assert edges.find(ramp.T.copy(), 1, 1).direction[10, 10] == 90
    arrows = edges.arrows(edges.find(ramp, 1, 1), 5)
    assert (arrows[:, 2] > 0).all() and (arrows[:, 3] == 0).all()


def test_hues_tell_directions_apart():
    directions = np.array([[0.0, 90.0], [180.0, -90.0]])
    colors = edges.hue_wheel(directions, np.ones((2, 2))).reshape(-1, 3)
    assert colors[0].tolist() == [255, 0, 0]
    assert len({tuple(color) for color in colors.tolist()}) == 4
    assert edges.wheel(32).shape == (32, 32, 4)


@pytest.mark.parametrize(
    "gray", [np.zeros((1, 1), np.uint8), np.full((30, 40), 9, np.uint8), np.zeros((1, 50), np.uint8)]
)
def test_flat_and_tiny_pictures_have_no_edges(gray):
    found = edges.find(gray, 10, 20)
    assert not found.edges.any()
    assert edges.arrows(found, 4).shape == (0, 4)
    rgb = np.repeat(gray[..., None], 3, axis=2)
    charts.gradient_arrows(rgb, edges.arrows(found, 4))
    charts.loupe(gray, filters.PRESETS["box"].values, 0, 0, "reflect")
    assert all(picture.dtype == np.uint8 for picture in found.pictures().values())


def test_the_loupe_shows_the_pixels_around():
    gray = images.to_gray(images.sample("cat"))
    figure = charts.loupe(gray, filters.PRESETS["sobel_x"].values, 50, 60, "reflect")
    assert np.array_equal(np.asarray(figure.data[0].z), gray[43:58, 53:68])
    response = filters.apply(gray, filters.PRESETS["sobel_x"].values)
    assert figure.data[0].customdata[7][7].endswith(f"= {response[50, 60]:.4g}".replace("-", "−"))


def test_the_strongest_place_is_on_the_edge():
    gray = np.zeros((40, 80), np.uint8)
    gray[:, 60:] = 100
    gray[20:, 60:] = 250
    row, column = edges.find(gray, 1, 1).strongest
    assert 0.5 <= row < 1 and 59 <= column * 80 <= 60
