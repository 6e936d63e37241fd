"""Each layer of the lab against the Keras layer over the whole range of the page's controls."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cnndemo import layer_lab as lab
from cnndemo.errors import VisitorError

quick = settings(max_examples=60, deadline=None)
sizes, kernels, strides, dilations = st.integers(3, 12), st.integers(1, 7), st.integers(1, 4), st.integers(1, 3)
paddings = st.sampled_from(lab.PADDINGS)


def numbers(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def possible(size, kernel, stride, dilation, padding):
    try:
        lab.Axis(size, kernel, stride, dilation, padding)
    except VisitorError:
        return False
    return True


@settings(max_examples=120, deadline=None)
@given(
    st.tuples(sizes, sizes), st.tuples(kernels, kernels), st.tuples(strides, strides), st.tuples(dilations, dilations),
    paddings, st.integers(1, 3), st.integers(1, 3), st.integers(0, 99),
)  # fmt: skip
def test_convolution_equals_keras(size, kernel, stride, dilation, padding, channels, filters, seed):
    assume(all(possible(size[i], kernel[i], stride[i], dilation[i], padding) for i in (0, 1)))
    x, weights = numbers(seed, *size, channels), numbers(seed + 1, *kernel, channels, filters)
    bias = numbers(seed + 2, filters)
    ours = lab.convolve(x, weights, stride, dilation, padding, bias)
    keras_says = lab.keras_convolve(x, weights, stride, dilation, padding, bias)
    assert lab.largest_difference(ours, keras_says) < 1e-4
    assert np.abs(ours - keras_says).max() <= 1e-5 * max(1, np.abs(ours).max())
    shape = tuple(lab.output_size(size[i], kernel[i], stride[i], dilation[i], padding) for i in (0, 1))
    assert ours.shape == (*shape, filters)


@quick
@given(
    st.tuples(sizes, sizes), st.tuples(kernels, kernels), st.tuples(strides, strides), st.tuples(dilations, dilations),
    paddings, st.integers(1, 2), st.integers(0, 99),
)  # fmt: skip
def test_by_hand_by_numpy_and_cell_by_cell_are_one(size, kernel, stride, dilation, padding, channels, seed):
    assume(all(possible(size[i], kernel[i], stride[i], dilation[i], padding) for i in (0, 1)))
    x, weights = numbers(seed, *size, channels), numbers(seed + 1, *kernel, channels, 1)
    ours = lab.convolve(x, weights, stride, dilation, padding)
    by_hand = lab.convolve_by_hand(x, weights, stride, dilation, padding)
    np.testing.assert_allclose(by_hand, ours, atol=1e-9)
    cell = tuple(n - 1 for n in ours.shape[:2])
    explained = lab.explain_convolution(x, weights[..., 0], cell, stride, dilation, padding)
    assert explained.value == pytest.approx(ours[(*cell, 0)], abs=1e-9)
    assert "=" in explained.arithmetic(3)


@quick
@given(sizes, kernels, strides, dilations, paddings)
def test_reads_and_feeds_are_each_others_inverse(size, kernel, stride, dilation, padding):
    assume(possible(size, kernel, stride, dilation, padding))
    axis = lab.Axis(size, kernel, stride, dilation, padding)
    for cell in range(size):
        expected = [o for o in range(axis.output) if cell + axis.pads[0] in axis.reads(o)]
        assert axis.feeds(cell).tolist() == expected
    assert axis.reads(axis.output - 1).max() == axis.padded - 1 - axis.dropped
    assert 0 <= axis.dropped < stride
    assert not axis.used[axis.padded - axis.dropped :].any()


@pytest.mark.parametrize(("stride", "expected"), [(1, 3), (2, 2)])
def test_the_books_figures_2_8_and_2_9(stride, expected):
    assert lab.convolve(np.ones((4, 4)), np.ones((2, 2)), stride).shape == (expected, expected)


def test_the_floor_and_the_uneven_padding():
    axis = lab.Axis(6, 3, 2)
    assert (axis.output, axis.dropped) == (2, 1)
    assert r"\lfloor" in axis.formula() and "= 2" in axis.formula()
    assert lab.Axis(6, 3, 2, padding="same").pads == (0, 1)
    notes = " ".join(lab.Axis(6, 3, 2).notes("down") + lab.Axis(6, 3, 2, padding="same").notes("across"))
    assert "never read" in notes and "TensorFlow puts the extra one at the end" in notes


@pytest.mark.parametrize(
    "arguments",
    [
        (3, 4), (5, 3, 1, 3), (0, 1), (3, 0), (3, 1, 0), (3, 1, 1, 0), (3, 1.5), (3, "x"), (3, 1, 1, 1, "round"),
        (3, float("nan")), (3, float("inf")),
    ],
)  # fmt: skip
def test_impossible_geometry_is_a_sentence(arguments):
    with pytest.raises(VisitorError, match=r"\.$"):
        lab.output_size(*arguments)


def test_a_stride_larger_than_the_input_is_said_and_works():
    axis = lab.Axis(3, 2, 4)
    assert axis.output == 1
    assert any("only one window" in note for note in axis.notes("down"))


def test_a_kernel_of_zeros_gives_zeros():
    assert not lab.convolve(numbers(0, 5, 5), np.zeros((3, 3))).any()


def test_channels_must_match():
    with pytest.raises(VisitorError, match="channels"):
        lab.convolve(np.ones((5, 5, 3)), np.ones((3, 3, 2)))


@quick
@given(
    st.tuples(sizes, sizes), st.integers(1, 4), st.integers(1, 4),
    st.sampled_from(["valid", "same"]), st.sampled_from(["max", "average"]), st.integers(0, 99),
)  # fmt: skip
def test_pooling_and_its_gradient_equal_keras(size, pool, stride, padding, kind, seed):
    assume(all(possible(n, pool, stride, 1, padding) for n in size))
    import tensorflow as tf

    x = numbers(seed, *size).astype("float32")
    ours = {"max": lab.max_pool, "average": lab.average_pool}[kind](x, pool, stride, padding)
    np.testing.assert_allclose(ours, lab.keras_pool(x, pool, stride, padding, kind), atol=1e-5)
    upstream = numbers(seed + 1, *ours.shape).astype("float32")
    operation = {"max": tf.nn.max_pool2d, "average": tf.nn.avg_pool2d}[kind]
    with tf.GradientTape() as tape:
        variable = tf.Variable(x[None, :, :, None])
        result = operation(variable, pool, stride, padding.upper())
    back = tape.gradient(result, variable, upstream[None, :, :, None])[0, :, :, 0].numpy()
    np.testing.assert_allclose(lab.pool_gradient(x, upstream, pool, stride, padding, kind), back, atol=1e-5)


def test_pooling_refuses_what_it_cannot_do():
    for arguments in [(np.ones((2, 2)), 3), (np.ones((2, 2)), 0), (np.ones(3), 1), (np.ones((4, 4)), 2, 2, "full")]:
        with pytest.raises(VisitorError):
            lab.max_pool(*arguments)
    with pytest.raises(VisitorError, match="shape"):
        lab.pool_gradient(np.ones((4, 4)), np.ones((3, 3)))


def test_pooling_keeps_channels_apart():
    x = numbers(3, 6, 6, 2)
    np.testing.assert_allclose(lab.max_pool(x)[..., 1], lab.max_pool(x[..., 1]))


@pytest.mark.parametrize("name", lab.ACTIVATIONS)
@pytest.mark.parametrize("parameter", [0.0, 0.2, 1.0, 2.0])
def test_activations_equal_keras_and_their_slopes_the_differences(name, parameter):
    x = np.linspace(-8, 8, 161)
    ours = lab.activate(x, name, parameter)
    np.testing.assert_allclose(ours, lab.keras_activation(x, name, parameter), atol=1e-5)
    between = x + 0.05
    numeric = (lab.activate(between + 1e-5, name, parameter) - lab.activate(between - 1e-5, name, parameter)) / 2e-5
    np.testing.assert_allclose(lab.activation_slope(between, name, parameter), numeric, atol=1e-5)


def test_activations_do_not_overflow():
    with np.errstate(all="raise", under="ignore"):
        assert lab.activate([-1e6, 1e6], "sigmoid").tolist() == [0, 1]
        assert np.isfinite(lab.activate([-1e6, 1e6], "elu", 1.0)).all()


def test_softmax_of_the_book_and_its_printed_digits():
    found = lab.softmax(lab.BOOK_LOGITS)
    np.testing.assert_allclose(found, [0, 0, 0.9737, 0.0241, 0, 0, 0, 0.0003, 0.0001, 0.0018], atol=5e-5)
    assert found.sum() == pytest.approx(1)


@quick
@given(st.lists(st.floats(-2000, 2000), min_size=1, max_size=12), st.floats(0.05, 20))
def test_softmax_equals_keras_and_never_overflows(logits, temperature):
    found = lab.softmax(logits, temperature)
    assert np.isfinite(found).all() and found.sum() == pytest.approx(1)
    # float32 holds a logit of 2000 / 0.05 to about 0.004 only, so compare where it is sure.
    if max(map(abs, logits)) / temperature < 100:
        np.testing.assert_allclose(found, lab.keras_softmax(logits, temperature), atol=1e-5)


def test_the_naive_softmax_fails_at_1000():
    assert np.isnan(lab.naive_softmax([1000.0, 0.0])).any()
    assert lab.softmax([1000.0, 0.0]).tolist() == [1, 0]
    np.testing.assert_allclose(lab.naive_softmax(lab.BOOK_LOGITS), lab.softmax(lab.BOOK_LOGITS), atol=1e-6)


@pytest.mark.parametrize(
    ("logits", "temperature"), [([1, np.nan], 1), ([1, np.inf], 1), ([1], 0), ([1], -1), ([1], np.nan)]
)
def test_softmax_refuses_what_has_no_answer(logits, temperature):
    with pytest.raises(VisitorError):
        lab.softmax(logits, temperature)


def test_flatten_says_where_each_cell_lands():
    x = numbers(0, 3, 4, 2)
    flat = lab.flatten(x)
    for index in np.ndindex(x.shape):
        assert flat[lab.flat_place(*index, x.shape)] == x[index]


@quick
@given(st.integers(1, 20), st.integers(1, 6), st.integers(0, 99))
def test_dense_equals_keras(inputs, units, seed):
    x, weights, bias = numbers(seed, inputs), numbers(seed + 1, inputs, units), numbers(seed + 2, units)
    np.testing.assert_allclose(lab.dense(x, weights, bias), lab.keras_dense(x, weights, bias), atol=1e-5)


def test_dense_refuses_weights_of_another_size():
    with pytest.raises(VisitorError, match="each of the 3 inputs"):
        lab.dense(np.ones(3), np.ones((4, 2)))


def test_dropout_scales_and_is_seeded():
    x = np.ones(10_000)
    output, kept = lab.dropout(x, 0.25, seed=3)
    assert set(np.unique(output)) == {0, 1 / 0.75}
    assert kept.mean() == pytest.approx(0.75, abs=0.02)
    np.testing.assert_array_equal(output, lab.dropout(x, 0.25, seed=3)[0])
    np.testing.assert_array_equal(lab.dropout(x, 0.25, seed=3, training=False)[0], x)


def test_many_masked_passes_average_to_the_full_one():
    x, weights = numbers(1, 12), numbers(2, 12)
    found = lab.dropout_average(x, weights, 0.5, 4000, seed=0)
    assert abs(found["average"][-1] - found["full"]) < 4 * found["spread"] / np.sqrt(4000)
    assert found["outputs"].std() == pytest.approx(found["spread"], rel=0.1)


@pytest.mark.parametrize("rate", [1.0, -0.1, 1.5, float("nan")])
def test_rates_without_a_scale_are_refused(rate):
    with pytest.raises(VisitorError, match="below 1"):
        lab.dropout(np.ones(3), rate, 0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=4))
def test_the_receptive_field_is_what_one_output_reads(stack):
    """Trace one output back through the stack and count the input pixels between the first and the last it reads."""
    layers = [lab.StackLayer(*numbers) for numbers in stack]
    places = {0}
    for layer in reversed(layers):
        places = {place * layer.stride + layer.dilation * tap for place in places for tap in range(layer.kernel)}
    field = lab.receptive_field(layers)[-1]["field"]
    assert field == max(places) - min(places) + 1
    counts = lab.path_counts(layers)
    assert len(counts) == field and set(np.flatnonzero(counts)) == places


@pytest.mark.parametrize(
    "values",
    [
        [], [[]], [[1, None]], [[1, ""]], [[1, "two"]], [[1, float("nan")]], [[float("inf"), 1]], [[-float("inf"), 1]],
        [[1], [1, 2]], [[1e300]], 5,
    ],
)  # fmt: skip
def test_a_bad_cell_is_named(values):
    with pytest.raises(VisitorError, match=r"[.]$"):
        lab.as_grid(values, "The kernel")


def test_a_good_grid_comes_through_as_numbers():
    assert lab.as_grid([["1", 2], [3.5, True]]).tolist() == [[1, 2], [3.5, 1]]
    with pytest.raises(VisitorError, match="row 1, column 0"):
        lab.as_grid([[1, 2], [None, 4]])


def test_work_is_counted_as_the_books_listing_2_2_counts_it():
    first = lab.count_work((3, 3, 1, 32), (26, 26))
    assert first == {"weights": 288, "biases": 32, "parameters": 320, "multiply_adds": 288 * 676}
    assert lab.count_work((3, 3, 32, 64), (24, 24))["parameters"] == 18496


@pytest.mark.parametrize("padding", lab.PADDINGS)
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2), (2, 2), ((1, 2), (2, 1))])
def test_the_keras_line_runs_and_gives_the_shape(padding, stride, dilation):
    import keras
    import numpy

    shape = lab.geometry((9, 8), (3, 2), stride, dilation, padding)
    code = lab.to_keras_code((3, 2, 1, 4), stride, dilation, padding, shape.pads)
    names = {"keras": keras, "numpy": numpy, "x": np.ones((1, 9, 8, 1), "float32")}
    exec(code, names)
    assert tuple(names["x"].shape) == (1, *shape.output, 4)
