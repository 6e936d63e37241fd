"""Plans against Keras, gradients against automatic differentiation, blocks against arithmetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo import architectures, images, weights
from cnndemo.architectures import comparing, folding, gradients, stacks
from cnndemo.errors import VisitorError

KERNELS = ("Conv2D", "DepthwiseConv2D", "Conv2DTranspose", "Dense")


@pytest.mark.parametrize("name", comparing.BUILDERS)
def test_a_plan_is_what_its_builder_builds(name):
    """Those of `keras.applications` too: parameters, and the outputs of all kernels."""
    model = comparing.build(name)
    plan = architectures.plan(name)
    assert plan.parameters == model.count_params()
    kernels = [layer for layer in model.layers if type(layer).__name__ in KERNELS]
    planned = [layer for layer in plan.layers if layer.kind in ("convolution", "dense")]
    assert sorted(layer.output.shape[1:] for layer in kernels) == sorted(
        (layer.channels,) if layer.kind == "dense" else (layer.side, layer.side, layer.channels) for layer in planned
    )


def test_builders_have_the_published_sizes():
    from keras import applications

    from cnndemo.models import densenet

    assert architectures.plan("mobilenet_v2").parameters == applications.MobileNetV2(weights=None).count_params()
    # As others count DenseNet-BC-100-12, without the two numbers a map that are kept and not learned; 0.8 million.
    assert sum(np.prod(each.shape) for each in densenet.build().trainable_variables) == 769_162


def test_the_papers_counts():
    assert architectures.plan("alexnet").parameters == 60_965_224  # with the two groups of Krizhevsky et al. 2012
    assert architectures.plan("resnet20").parameters == weights.card("resnet20")["parameters"]
    depths = {name: architectures.plan(name).depth for name in architectures.NETWORKS}
    assert depths == {
        "book": 9, "alexnet": 8, "vgg16": 16, "resnet50": 50, "resnet20": 20, "densenet100": 100, "densenet121": 121,
        "mobilenet_v2": 53, "efficientnet_lite0": 50, "unet": 13,
    }  # fmt: skip
    assert architectures.plan("vgg16").multiply_adds == 15_470_264_320
    assert round(architectures.plan("mobilenet_v2").multiply_adds / 1e6) == 301  # "300M" in its table 4
    card = weights.card("efficientnet_lite0")
    assert architectures.plan("efficientnet_lite0").multiply_adds == card["multiply_adds"]
    assert architectures.plan("unet").multiply_adds == weights.card("pet_segmentation")["multiply_adds"]
    assert architectures.plan("unet").parameters == weights.card("pet_segmentation")["parameters"]


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
        assert "larger input" in str(error) or name == "unet" and side % 4 and "multiple of 4" in str(error)
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


def test_floats_give_up_where_their_limits_are():
    half, single, double = (architectures.chain(0.8, 100, dtype) for dtype in ("float16", "float32", "float64"))
    assert single[-1] == pytest.approx(2.037e-10, rel=1e-2) and double[-1] == pytest.approx(2.037e-10, rel=1e-3)
    # Two of its smallest steps, times 0.8, round to two again: it never gets below.
    assert half[-1] == half[-20] == 2 * gradients.limits("float16")[0] and half.dtype == np.float16
    assert architectures.chain(0.5, 150, "float32")[-1] == 0 < architectures.chain(0.5, 150)[-1]
    for values, dtype in ((half, "float16"), (architectures.chain(1.5, 100, "float16"), "float16")):
        smallest, largest = gradients.limits(dtype)
        kept = values[(values != 0) & np.isfinite(values)]
        assert kept.min() >= smallest and kept.max() <= largest
    assert np.isinf(architectures.chain(1.5, 100, "float16")[-1])
    assert gradients.limits("float16") == (5.960464477539063e-08, 65504.0)


@pytest.mark.parametrize("name", architectures.NETWORKS)
@pytest.mark.parametrize("level", [folding.STAGES, folding.BLOCKS, folding.LAYERS])
def test_boxes_hold_all_layers_once_and_in_order(name, level):
    layers = architectures.plan(name).layers
    shown = folding.boxes(layers, level)
    assert [place for box in shown for place in range(box.first, box.last + 1)] == list(range(len(layers)))
    assert len({box.name for box in shown}) == len(shown)
    assert sum(box.parameters for box in shown) == architectures.plan(name).parameters
    pairs = folding.arrows(layers, shown)
    assert all(start < to for start, to in pairs) and {to for _, to in pairs} == set(range(len(shown)))


def test_blocks_are_those_of_the_papers():
    def count(name: str, words: str) -> int:
        return sum(words in box.name and box.folded for box in folding.boxes(architectures.plan(name).layers, "blocks"))

    assert count("resnet50", "block") == 16 and count("resnet20", "block") == 9
    assert count("densenet121", "layer") == 58 and count("densenet100", "layer") == 48
    assert count("mobilenet_v2", "block") == 10  # those whose shapes allow a skip
    assert count("vgg16", "") == 0
    across = folding.arrows(architectures.plan("unet").layers, folding.boxes(architectures.plan("unet").layers))
    assert (0, 4) in across and (1, 3) in across, "the U’s two skips"


def test_a_click_unfolds_one_box_and_another_folds_it_again():
    layers = architectures.plan("resnet50").layers
    closed = folding.boxes(layers)
    stage = next(box for box in closed if box.name == "maps of 28 × 28")
    opened = folding.boxes(layers, folding.STAGES, {stage.name})
    inside = [box for box in opened if box.parent == stage.name]
    assert [box.count for box in inside] == [5, 4, 4, 4] and len(opened) == len(closed) + 3
    within = folding.boxes(layers, folding.STAGES, {stage.name, inside[1].name})
    assert [box.name for box in within if box.parent == inside[1].name][0] == "stage 2 block 2 1×1 down"
    all_but_one = folding.boxes(layers, folding.LAYERS, {inside[1].name})
    assert [box.name for box in all_but_one if box.folded] == [inside[1].name]


def test_two_stacks_learn_the_same_digits_and_tell_their_gradients():
    told: list[stacks.Look] = []
    stacks.fit(stacks.Race(depth=2, updates=20, rate=0.003), told.append)
    assert [look.update for look in told if look.update in (1, 10, 20)] == [1, 10, 20]
    for name in (stacks.PLAIN, stacks.RESIDUAL):
        assert told[-1].losses[name] < told[0].losses[name] and told[-1].accuracies[name] > 0.1
        assert told[0].norms[name].shape == (2,) and (told[0].norms[name] > 0).all()
    with pytest.raises(VisitorError, match="even depth"):
        next(stacks.run(stacks.Race(depth=5)))


def test_measuring_runs_the_network_and_invents_nothing():
    told = comparing.measured("resnet20")
    assert told.name == "resnet20" and told.milliseconds > 0.1 and told.runs >= comparing.LEAST
    assert told.megabytes is None or 1 < told.megabytes < 1000
    assert comparing.CITED.keys() <= comparing.BUILDERS.keys() <= architectures.NETWORKS.keys()
    assert all(0.5 < cited.accuracy < 1 and cited.source for cited in comparing.CITED.values())


def test_each_network_is_measured_in_a_process_of_its_own(monkeypatch):
    """One that has run Keras before says so and is ended; the next begins afresh."""
    said = iter([["stale", "never"], ["first"], ["second"]])
    closed = []

    def steps(function, name, waiting):
        try:
            yield from next(said)
        finally:
            closed.append(name)

    monkeypatch.setattr(comparing.worker, "steps", steps)
    assert list(comparing.measure(["mobilenet_v2", "resnet20"])) == ["first", "second"]
    assert closed == ["resnet20", "resnet20", "mobilenet_v2"]


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("skip", [0, 1, 2, 3])
def test_gradients_equal_automatic_differentiation(activation, normalized, skip):
    import tensorflow as tf

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
