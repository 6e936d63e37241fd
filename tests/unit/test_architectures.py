"""Plans against Keras, gradients against automatic differentiation, blocks against arithmetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo import architectures, images, weights
from cnndemo.errors import VisitorError


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "densenet121"])
def test_counts_are_those_of_keras_applications(name):
    from keras import applications

    builder = {"vgg16": "VGG16", "resnet50": "ResNet50", "densenet121": "DenseNet121"}[name]
    model = getattr(applications, builder)(weights=None)
    plan = architectures.plan(name)
    assert plan.parameters == model.count_params()
    kernels = [layer for layer in model.layers if type(layer).__name__ in ("Conv2D", "Dense")]
    planned = [layer for layer in plan.layers if layer.kind in ("convolution", "dense")]
    assert sorted(layer.output.shape[1:] for layer in kernels) == sorted(
        (layer.channels,) if layer.kind == "dense" else (layer.side, layer.side, layer.channels) for layer in planned
    )


def test_the_papers_counts():
    assert architectures.plan("alexnet").parameters == 60_965_224  # with the two groups of Krizhevsky et al. 2012
    assert architectures.plan("resnet20").parameters == weights.card("resnet20")["parameters"]
    depths = {name: architectures.plan(name).depth for name in architectures.NETWORKS}
    assert depths == {
        "book": 9, "alexnet": 8, "vgg16": 16, "resnet50": 50, "resnet20": 20, "densenet121": 121,
    }  # fmt: skip
    assert architectures.plan("vgg16").multiply_adds == 15_470_264_320


@pytest.mark.parametrize(("name", "side", "width"), [("book", 128, 1), ("alexnet", 160, 0.25), ("vgg16", 48, 0.125)])
def test_the_code_shown_builds_the_planned_network(name, side, width):
    plan = architectures.plan(name, side, width)
    names: dict = {}
    exec(plan.keras_code().replace("model.summary()", ""), names)
    model = names["model"]
    assert model.count_params() == plan.parameters
    shapes = [tuple(layer.output.shape[1:]) for layer in model.layers if type(layer).__name__ != "Flatten"]
    assert shapes == [
        (layer.channels,) if layer.kind == "dense" else (layer.side, layer.side, layer.channels)
        for layer in plan.layers
    ]


def test_networks_with_branches_have_no_simple_code():
    assert not architectures.plan("resnet20").keras_code() and not architectures.plan("densenet121").keras_code()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(list(architectures.NETWORKS)), st.integers(1, 600), st.sampled_from([0.125, 0.5, 1, 2]))
def test_every_size_gives_a_plan_or_a_sentence(name, side, width):
    try:
        plan = architectures.plan(name, side, width)
    except VisitorError as error:
        assert "larger input" in str(error)
        return
    assert all(layer.side >= 1 and layer.channels >= 1 for layer in plan.layers)
    assert plan.layers[-1].channels == architectures.NETWORKS[name].classes
    sees = [layer.sees for layer in plan.layers if "shortcut" not in layer.name]
    assert sees == sorted(sees)


def test_an_unknown_network_is_refused_with_the_known_ones():
    with pytest.raises(VisitorError, match="alexnet, vgg16"):
        architectures.plan("lenet")


def test_the_books_products():
    assert architectures.chain(1.5, 100)[-1] == pytest.approx(4.065611775e17, rel=1e-9)
    assert architectures.chain(0.8, 100)[-1] == pytest.approx(2.037e-10, rel=1e-3)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("skip", [0, 1, 2, 3])
def test_gradients_equal_automatic_differentiation(activation, normalized, skip):
    import tensorflow as tf

    from cnndemo.architectures import gradients

    layers, gain = 5, 0.9
    ours = architectures.gradient_sizes(layers, gain, skip, normalized, activation, seed=3)
    generator = np.random.default_rng(3)  # the draws of gradient_sizes, in its order
    spread = gain * np.sqrt(gradients.VARIANCE[activation] / gradients.WIDTH)
    matrices = generator.normal(0, spread, (layers, gradients.WIDTH, gradients.WIDTH))
    x = tf.constant(generator.normal(0, 1, (gradients.BATCH, gradients.WIDTH)))
    upstream = tf.constant(generator.normal(0, 1, x.shape))
    bend = {"relu": tf.nn.relu, "tanh": tf.tanh, "sigmoid": tf.sigmoid}[activation]
    with tf.GradientTape() as tape:
        tape.watch(x)
        h, entry = x, x
        for number, matrix in enumerate(matrices):
            if skip and number % skip == 0:
                entry = h
            h = h @ tf.constant(matrix)
            if normalized:
                mean, variance = tf.nn.moments(h, axes=[0])
                h = (h - mean) / tf.sqrt(variance + 1e-5)
            h = bend(h)
            if skip and (number + 1) % skip == 0:
                h = h + entry
        total = tf.reduce_sum(h * upstream)
    theirs = tape.gradient(total, x).numpy()
    expected = np.sqrt(np.mean(theirs**2)) / np.sqrt(np.mean(upstream.numpy() ** 2))
    assert ours.shape == (layers + 1,) and ours[-1] == 1
    assert ours[0] == pytest.approx(expected, rel=1e-9)


def test_skips_save_what_sigmoids_lose():
    plain, skipped = (architectures.gradient_sizes(60, skip=skip, activation="sigmoid")[0] for skip in (0, 2))
    assert plain < 1e-30 and 0.1 < skipped < 10


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3), st.booleans())
def test_the_blocks_gradient_is_its_slope(x, first, second, skip):
    block = architectures.residual_block(x, first, second, skip)
    step = 1e-6
    if abs(first * x) < 1e-3:
        return  # at the bend of the ReLU there is no slope
    ahead, behind = (architectures.residual_block(x + d, first, second, skip).output for d in (step, -step))
    assert block.gradient == pytest.approx((ahead - behind) / (2 * step), abs=1e-5)
    assert block.output == pytest.approx(second * max(0, first * x) + x * skip)


@given(st.integers(1, 20))
def test_connections_are_n_times_n_plus_one_halves(layers):
    pairs = architectures.connections(layers)
    assert len(pairs) == len(set(pairs)) == layers * (layers + 1) // 2
    assert all(start < to for start, to in pairs)


def test_a_dense_blocks_weights_are_those_of_keras():
    import keras

    x = inputs = keras.Input((8, 8, 16))
    for _ in range(4):
        x = keras.layers.Concatenate()([x, keras.layers.Conv2D(12, 3, padding="same", use_bias=False)(x)])
    rows = architectures.dense_block(4, 16, 12)
    assert sum(row["weights"] for row in rows) == keras.Model(inputs, x).count_params()
    assert rows[-1]["reads"] + rows[-1]["adds"] == x.shape[-1] == 64
    assert architectures.plain_block_parameters(4, 16, 12) == 9 * (16 * 64 + 3 * 64 * 64)


def test_the_field_of_a_unit_is_bright_and_the_rest_is_dim():
    picture = np.full((100, 140, 3), 200, np.uint8)
    layer = next(layer for layer in architectures.plan("vgg16").layers if layer.name == "block 3 conv 3")
    assert layer.sees == 40
    shown = architectures.field_of(picture, layer, 224)
    assert shown.shape == (448, 448, 3)
    assert (shown == 200).all(axis=-1).mean() == pytest.approx((40 / 224) ** 2, rel=0.2)
    last = architectures.plan("vgg16").layers[-1]
    assert architectures.field_of(images.sample("cat"), last, 224).std() > 20
