"""Upsampling and transposed convolution against Keras, and the learned kernel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo import upsampling
from cnndemo.errors import VisitorError
from cnndemo.upsampling import methods

quick = settings(max_examples=60, deadline=None)


def numbers(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@quick
@given(
    st.integers(2, 8), st.integers(2, 8), st.integers(2, 16), st.sampled_from(upsampling.METHODS), st.integers(0, 99)
)
def test_upsampling_equals_keras(height, width, factor, method, seed):
    x = numbers(seed, height, width)
    np.testing.assert_allclose(
        upsampling.upsample(x, factor, method), upsampling.keras_upsample(x, factor, method), atol=1e-5
    )


@quick
@given(
    st.integers(2, 8), st.integers(2, 8), st.integers(1, 7), st.integers(1, 4),
    st.sampled_from(["same", "valid"]), st.integers(0, 99),
)  # fmt: skip
def test_transposed_convolution_equals_keras(height, width, kernel, stride, padding, seed):
    x, weights = numbers(seed, height, width), numbers(seed + 1, kernel, kernel)
    ours = upsampling.transposed_convolution(x, weights, stride, padding)
    np.testing.assert_allclose(ours, upsampling.keras_transposed(x, weights, stride, padding), atol=1e-5)


@quick
@given(st.integers(2, 6), st.integers(1, 5), st.integers(1, 4), st.integers(0, 99))
def test_placing_pixel_by_pixel_gives_the_same(n, kernel, stride, seed):
    x, weights = numbers(seed, n, n), numbers(seed + 1, kernel, kernel)
    np.testing.assert_allclose(
        upsampling.placements(x, weights, stride, n * n),
        upsampling.transposed_convolution(x, weights, stride, "valid"),
        atol=1e-12,
    )


def test_unequal_strides_and_channels():
    x = numbers(0, 4, 5, 3)
    result = upsampling.transposed_convolution(x, np.ones((2, 3)), (2, 3))
    assert result.shape == (8, 15, 3)
    np.testing.assert_allclose(result[..., 1], np.repeat(np.repeat(x[..., 1], 2, 0), 3, 1))
    np.testing.assert_allclose(
        upsampling.upsample(x, 3, "bicubic")[..., 2], upsampling.upsample(x[..., 2], 3, "bicubic"), atol=1e-12
    )


def test_the_checkerboard_is_there_for_3_by_2_and_gone_for_4_by_2():
    inside = upsampling.overlap_counts(8, 3, 2)[2:-2, 2:-2]
    assert set(np.unique(inside)) == {1, 2, 4}
    assert set(np.unique(upsampling.overlap_counts(8, 4, 2)[2:-2, 2:-2])) == {4}
    cured = upsampling.resize_then_convolve(np.ones((8, 8)), np.ones((3, 3)) / 9, 2)
    np.testing.assert_allclose(cured, 1)


@quick
@given(st.integers(2, 8), st.integers(2, 16), st.sampled_from(upsampling.METHODS))
def test_shares_sum_to_one_and_give_the_cell(n, factor, method):
    x = numbers(n, n, n)
    cell = (n * factor - 1, factor // 2)
    share = upsampling.shares((n, n), factor, method, cell)
    assert share.sum() == pytest.approx(1)
    assert (share * x).sum() == pytest.approx(upsampling.upsample(x, factor, method)[cell])


def test_the_bilinear_kernel_interpolates():
    x = numbers(1, 6, 6)
    kernel = upsampling.kernel_preset("bilinear", 4, 2)
    inside = upsampling.transposed_convolution(x, kernel, 2)[2:-2, 2:-2]
    np.testing.assert_allclose(inside, upsampling.upsample(x, 2, "bilinear")[2:-2, 2:-2], atol=1e-12)


def test_learning_reaches_the_best_kernel():
    original, small = upsampling.shrink_by(numbers(0, 32, 40).cumsum(0).cumsum(1) / 50, 2)
    steps = list(upsampling.learn_kernel(small, original, 4, steps=400))
    assert steps[-1].loss < steps[0].loss / 10
    best = upsampling.best_kernel(small, original, 4)
    floor = np.mean((upsampling.transposed_convolution(small, best, 2) - original) ** 2)
    assert floor <= steps[-1].loss < 1.5 * floor


def test_the_gradient_is_the_slope_of_the_error():
    small, original, kernel = numbers(0, 5, 6, 2), numbers(1, 10, 12, 2), numbers(2, 3, 3)

    def total(k):
        return ((upsampling.transposed_convolution(small, k, 2) - original) ** 2).sum()

    error = upsampling.transposed_convolution(small, kernel, 2) - original
    gradient = methods._kernel_gradient(small, error, 3, 2)
    for index in np.ndindex(3, 3):
        moved = np.zeros((3, 3))
        moved[index] = 1e-5
        assert gradient[index] == pytest.approx((total(kernel + moved) - total(kernel - moved)) / 2e-5, rel=1e-5)


def test_shrinking_takes_block_means():
    image = np.arange(17 * 19, dtype=np.uint8).reshape(17, 19)
    original, small = upsampling.shrink_by(image, 2)
    assert original.shape == (16, 18) and small.shape == (8, 9)
    assert small[0, 0] == pytest.approx(image[:2, :2].mean() / 255)


@pytest.mark.parametrize("shape", [(32, 32), (40, 33, 3)])
def test_quality_is_scikit_images(shape):
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    picture = np.clip(numbers(0, *shape) * 0.2 + 0.5, 0, 1)
    same = upsampling.quality(picture, picture)
    assert same["SSIM"] == pytest.approx(1) and same["PSNR"] == float("inf")
    off = np.clip(picture + numbers(1, *shape) * 0.1, 0, 1)
    found = upsampling.quality(picture, off + 10 * (off == 1))  # what is outside is clipped
    axis = -1 if len(shape) == 3 else None
    assert found["PSNR"] == pytest.approx(peak_signal_noise_ratio(picture, off, data_range=1.0), abs=1e-9)
    theirs = structural_similarity(picture, off, data_range=1.0, channel_axis=axis)
    assert found["SSIM"] == pytest.approx(theirs, abs=1e-9)
    assert found["SSIM"] < 0.99


@pytest.mark.parametrize(
    "call",
    [
        lambda: upsampling.upsample(np.ones((2, 2)), 0),
        lambda: upsampling.upsample(np.ones((2, 2)), 17),
        lambda: upsampling.upsample(np.ones((2, 2)), 2, "magic"),
        lambda: upsampling.upsample(np.ones(2), 2),
        lambda: upsampling.transposed_convolution(np.ones((2, 2)), np.ones((2, 2)), 0),
        lambda: upsampling.transposed_convolution(np.ones((2, 2)), np.ones((2, 2)), 2, "full"),
        lambda: upsampling.transposed_convolution(np.ones((2, 2)), np.ones(2), 2),
        lambda: upsampling.shrink_by(np.ones((10, 10)), 4),
        lambda: upsampling.kernel_preset("ones", 0, 2),
        lambda: upsampling.kernel_preset("secret", 2, 2),
        lambda: next(upsampling.learn_kernel(np.ones((8, 8)), np.ones((32, 32)), 2)),
        lambda: next(upsampling.learn_kernel(np.ones((8, 8)), np.ones((17, 16)), 2)),
    ],
)
def test_bad_input_is_a_sentence(call):
    with pytest.raises(VisitorError, match=r"\.$"):
        call()


def test_a_kernel_of_zeros_gives_zeros():
    assert not upsampling.transposed_convolution(np.ones((3, 3)), np.zeros((2, 2))).any()


@pytest.mark.parametrize(("kernel", "stride", "levels"), [(3, 2, [1, 2, 4]), (4, 2, [4]), (2, 3, [0, 1]), (5, 1, [25])])
def test_the_levels_of_overlap(kernel, stride, levels):
    assert upsampling.overlap_levels(kernel, stride).tolist() == levels


@pytest.mark.parametrize(("kernel_size", "stride"), [(2, 2), (3, 2), (4, 2), (5, 3), (1, 1)])
def test_the_best_kernel_solves_the_whole_problem(kernel_size, stride):
    small, original = numbers(0, 6, 7, 2), numbers(1, 6 * stride, 7 * stride, 2)
    units = np.eye(kernel_size**2).reshape(-1, kernel_size, kernel_size)
    columns = [upsampling.transposed_convolution(small, unit, stride).ravel() for unit in units]
    expected = np.linalg.lstsq(np.stack(columns, axis=1), original.ravel(), rcond=None)[0]
    found = upsampling.best_kernel(small, original, kernel_size)
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-9)
