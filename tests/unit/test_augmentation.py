"""Random transforms against the Keras layers, given the same parameters; pipelines, mixing, labels, uneven classes."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo import archives, images
from cnndemo.augmentation import (
    BOOK,
    FILL_MODES,
    OPERATIONS,
    Pipeline,
    Step,
    affine,
    data_sets,
    mixing,
    reference,
    resampling,
    to_picture,
)
from cnndemo.errors import VisitorError

MOVING = [kind for kind, operation in OPERATIONS.items() if operation.mask == "moves"]
STAYING = [kind for kind in OPERATIONS if kind not in MOVING]
EVERYTHING = Pipeline(tuple(Step(kind) for kind in OPERATIONS), "reflect")


@pytest.fixture(scope="module")
def cat() -> np.ndarray:
    return images.shrink(images.sample("cat"), 60)


# --- equality with Keras ---


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 13), st.integers(1, 13), st.integers(1, 3)),
    st.lists(st.floats(-2, 2, width=32, allow_subnormal=False), min_size=4, max_size=4),
    st.lists(st.floats(-30, 30, width=32, allow_subnormal=False), min_size=2, max_size=2),
    st.sampled_from(FILL_MODES),
    st.sampled_from(["bilinear", "nearest"]),
    st.integers(0, 9),
)
def test_resampling_is_the_operation_below_the_layers(shape, turn, move, fill_mode, interpolation, seed):
    import keras

    image = np.random.default_rng(seed).random(shape, dtype=np.float32) * 255
    matrix = (turn[0], turn[1], move[0], turn[2], turn[3], move[1])
    expected = keras.ops.image.affine_transform(
        image, np.array([*matrix, 0, 0], np.float32), interpolation=interpolation, fill_mode=fill_mode, fill_value=33.0
    )
    ours = affine(image, matrix, fill_mode, 33.0, interpolation)
    assert ours == pytest.approx(np.asarray(expected), abs=255e-5)


@pytest.mark.parametrize("fill_mode", FILL_MODES)
@pytest.mark.parametrize("kind", MOVING)
def test_moving_transforms_equal_their_layers(cat, kind, fill_mode):
    pipeline = Pipeline((Step(kind),), fill_mode)
    for seed in range(4):
        ours, draws = pipeline.sample(cat, seed)
        assert ours == pytest.approx(reference.run(cat, draws, fill_mode), abs=255e-5)


@pytest.mark.parametrize("kind", [kind for kind in STAYING if kind != "noise"])
def test_colour_and_detail_equal_their_layers(cat, kind):
    pipeline = Pipeline((Step(kind),))
    for seed in range(6):
        ours, draws = pipeline.sample(cat, seed)
        assert ours == pytest.approx(reference.run(cat, draws, "nearest"), abs=255e-5)


def test_the_whole_pipeline_equals_the_layers_one_after_another(cat):
    for seed in range(3):
        ours, draws = EVERYTHING.sample(cat, seed)
        assert len(draws) == len(OPERATIONS)
        assert ours == pytest.approx(reference.run(cat, draws, "reflect"), abs=255e-5 * 4)


@pytest.mark.parametrize("kind", MOVING)
def test_masks_equal_the_layers_masks(kind):
    """The layers' own way for segmentation masks, where they have one apart from that for images."""
    from keras import layers

    mask = data_sets.rough_mask(images.shrink(images.sample("cat"), 60))
    pipeline = Pipeline((Step(kind),), "nearest")
    draws = pipeline.draw(mask.shape, 5)
    moved = pipeline.apply_to_mask(mask, draws)
    assert moved.dtype == np.uint8 and set(np.unique(moved)) <= {0, 1}
    drawn, batch = draws[0].parameters, mask[None, ..., None].astype(np.float32)
    if kind == "translation":
        layer = layers.RandomTranslation(1.0, 1.0, fill_mode="nearest")
        transformation = {"translations": np.array([[drawn["right"], drawn["down"]]], np.float32)}
    elif kind == "zoom":
        layer = layers.RandomZoom(0.9, 0.9, fill_mode="nearest")
        transformation = {name + "_zoom": np.array([[drawn[name]]], np.float32) for name in ("height", "width")}
    elif kind == "shear":
        layer = layers.RandomShear(1.0, 1.0, fill_mode="nearest")
        transformation = {"shear_factor": np.array([[drawn["x"], drawn["y"]]], np.float32)}
    elif kind == "rotation":
        layer = layers.RandomRotation(0.5, fill_mode="nearest")
        matrix = resampling.rotation_matrix(drawn["angle"], *mask.shape)
        transformation = {"rotation_matrix": np.array([[*matrix, 0, 0]], np.float32)}
    else:
        layer = layers.RandomFlip(kind.removeprefix("flip_"))
        transformation = {"flips": np.array([[[[drawn["flip"]]]]])}
    expected = np.asarray(layer.transform_segmentation_masks(batch, transformation))[0, ..., 0]
    assert np.array_equal(moved, expected)


def test_draws_fill_the_range_of_the_layers():
    """The range and the mean of what is drawn here, against what the layer's own dice give."""
    from keras import layers

    batch = np.zeros((2000, 4, 4, 3), np.float32)
    cases = {
        "brightness": (layers.RandomBrightness(0.2, seed=1), "rgb_delta", "delta"),
        "contrast": (layers.RandomContrast((0.3, 0.3), seed=1), "contrast_factor", "factor"),
        "hue": (layers.RandomHue(0.2, seed=1), "factor", "shift"),
        "zoom": (layers.RandomZoom(0.3, 0.3, seed=1), "width_zoom", "width"),
        "rotation": (layers.RandomRotation(30 / 360, seed=1), "angle", "angle"),
    }
    for kind, (layer, theirs, ours) in cases.items():
        expected = np.asarray(layer.get_random_transformation(batch)[theirs]).ravel()
        pipeline = Pipeline((Step(kind),))
        drawn = np.array([pipeline.draw((4, 4), seed)[0].parameters[ours] for seed in range(2000)])
        spread = float(np.ptp(expected))
        for quantile in (0.0, 0.25, 0.5, 0.75, 1.0):
            assert np.quantile(drawn, quantile) == pytest.approx(np.quantile(expected, quantile), abs=0.06 * spread), (
                kind
            )


def test_noise_has_the_deviation_asked_for():
    image = np.full((80, 90, 3), 100, np.uint8)
    values, draws = Pipeline((Step("noise", {"stddev": 20.0}),)).sample(image, 3)
    assert values.mean() == pytest.approx(100, abs=1) and values.std() == pytest.approx(20, abs=0.5)
    again, _ = Pipeline((Step("noise", {"stddev": 20.0}),)).sample(image, 3)
    assert np.array_equal(values, again)
    assert "20" in str(draws[0])


def test_quarter_turns_and_whole_pixels_are_exact():
    image = np.random.default_rng(0).random((9, 9, 3), dtype=np.float32) * 255
    turned = affine(image, resampling.rotation_matrix(90, 9, 9))
    assert turned == pytest.approx(np.rot90(image), abs=1e-2)  # counter-clockwise
    moved = affine(image, resampling.translation_matrix(2, 1), "wrap")
    assert moved[1:, 2:] == pytest.approx(image[:-1, :-2])


# --- pipelines ---


def test_same_seed_same_variant_and_another_seed_another(cat):
    assert np.array_equal(EVERYTHING.sample(cat, 4)[0], EVERYTHING.sample(cat, 4)[0])
    assert not np.array_equal(EVERYTHING.sample(cat, 4)[0], EVERYTHING.sample(cat, 5)[0])


def test_switching_one_transform_off_leaves_the_other_draws():
    all_draws = {draw.kind: draw for draw in EVERYTHING.draw((60, 60), 9)}
    for draw in Pipeline((Step("zoom"), Step("rotation"))).draw((60, 60), 9):
        assert draw == all_draws[draw.kind]


def test_order_matters_and_is_kept(cat):
    there = Pipeline((Step("rotation", {"degrees": 90}), Step("flip_horizontal")))
    back = Pipeline(there.steps[::-1])
    seed = next(s for s in range(20) if there.draw((60, 60), s)[1].parameters["flip"])
    assert not np.allclose(there.sample(cat, seed)[0], back.sample(cat, seed)[0])


def test_standardised_samples_are_the_books(cat):
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    generator = ImageDataGenerator(samplewise_center=True, samplewise_std_normalization=True)
    values, draws = BOOK.sample(cat, 1)
    moved = Pipeline(BOOK.steps, BOOK.fill_mode).apply(cat, draws)
    assert values == pytest.approx(generator.standardize(moved.copy()), abs=1e-4)
    assert to_picture(values, standardized=True).dtype == np.uint8
    flat = Pipeline((), center=True, scale=True).apply(np.full((5, 5, 3), 7, np.uint8), ())
    assert np.all(flat == 0)


def test_the_words_name_what_was_drawn():
    words = [str(draw) for draw in EVERYTHING.draw((100, 100), 0)]
    assert len(words) == len(OPERATIONS) and all(words)
    angle = EVERYTHING.draw((100, 100), 0)[0].parameters["angle"]
    assert f"{abs(angle):.1f}" in words[0]


@pytest.mark.parametrize(
    "pipeline", [BOOK, EVERYTHING, Pipeline(()), Pipeline((), center=True), Pipeline((), scale=True)]
)
def test_the_code_runs_and_means_the_same(pipeline):
    import keras

    scope: dict = {}
    exec(pipeline.to_keras_code(), scope)
    layers = [layer for layer in scope["augment"].layers if not isinstance(layer, keras.layers.Rescaling)]
    names = [step.operation.layer for step in pipeline.steps]
    assert [type(layer).__name__ for layer in layers][: len(names)] == names
    batch = np.random.default_rng(0).uniform(0, 255, (3, 20, 30, 3)).astype(np.float32)
    variants = np.asarray(scope["augment"](batch, training=True)) if scope["augment"].layers else batch
    assert variants.shape == batch.shape and np.isfinite(variants).all()
    if pipeline.center:
        assert variants.mean(axis=(1, 2, 3)) == pytest.approx([0, 0, 0], abs=1e-4)
    if pipeline.scale:
        assert variants.std(axis=(1, 2, 3)) == pytest.approx([1, 1, 1], abs=1e-3)


def test_the_code_has_the_ranges_of_the_settings():
    scope: dict = {}
    exec(EVERYTHING.to_keras_code(), scope)
    layers = {type(layer).__name__: layer for layer in scope["augment"].layers}
    assert layers["RandomRotation"].factor == pytest.approx((-30 / 360, 30 / 360))
    assert layers["RandomTranslation"].width_upper == 0.25 and layers["RandomZoom"].height_lower == -0.3
    assert layers["RandomShear"].x_factor == pytest.approx((0, 0.2)), "the layer draws the sign by itself"
    assert layers["RandomContrast"].factor == pytest.approx((0.3, 0.3))  # both ways, 0.7 to 1.3
    assert layers["RandomRotation"].fill_mode == "reflect"
    assert layers["RandomGaussianBlur"].sigma == pytest.approx((0.1, 1.5))


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_json_brings_every_pipeline_back(data):
    steps = []
    for kind in data.draw(st.lists(st.sampled_from(list(OPERATIONS)), max_size=6)):
        chosen = {
            s.name: data.draw(st.sampled_from(s.choices) if s.choices else st.floats(s.low, s.high))
            for s in OPERATIONS[kind].settings
        }
        steps.append(Step(kind, chosen))
    pipeline = Pipeline(tuple(steps), data.draw(st.sampled_from(FILL_MODES)), data.draw(st.booleans()))
    assert Pipeline.from_json(pipeline.to_json()) == pipeline
    image = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    values, _ = pipeline.sample(image, data.draw(st.integers(0, 10_000)))
    assert values.shape == image.shape and np.isfinite(values).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 50_000, "not JSON"),
        ("[]", "not a pipeline"),
        ('{"format": 2, "steps": []}', "not a pipeline"),
        ('{"format": 1, "steps": 3}', "not a pipeline"),
        ('{"format": 1, "steps": [3]}', "Transform 1"),
        ('{"format": 1, "steps": [{"kind": "magic"}]}', "no transform “magic”"),
        ('{"format": 1, "steps": [{"kind": "zoom", "settings": {"zoom": 5}}]}', "between"),
        ('{"format": 1, "steps": [{"kind": "zoom", "settings": {"zoom": NaN}}]}', "must be a number"),
        ('{"format": 1, "steps": [{"kind": "zoom", "settings": {"zoom": "1"}}]}', "must be a number"),
        ('{"format": 1, "steps": [{"kind": "zoom", "settings": {"zoom": true}}]}', "must be a number"),
        ('{"format": 1, "steps": [{"kind": "zoom", "settings": {"shape": "round"}}]}', "one of"),
        ('{"format": 1, "steps": [{"kind": "zoom", "settings": {"depth": 1}}]}', "no setting"),
        ('{"format": 1, "steps": [], "fill_mode": "glue"}', "fill mode"),
        (json.dumps({"format": 1, "steps": [{"kind": "hue"}] * 21}), "at most 20"),
        ("x" * 200_000, "too long"),
        (b"\xff\xfe\x00", "not JSON"),
    ],
)
def test_bad_json(text, words):
    with pytest.raises(VisitorError, match=words):
        Pipeline.from_json(text)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 40, 3), (3, 2, 3)])
def test_tiny_pictures(shape):
    image = np.full(shape, 128, np.uint8)
    for fill_mode in FILL_MODES:
        values, _ = Pipeline(EVERYTHING.steps, fill_mode).sample(image, 0)
        assert values.shape == shape and np.isfinite(values).all()


# --- two pictures ---


def test_mixing_equals_the_layers(cat):
    from keras import layers

    other = mixing.fit(images.sample("coffee"), *cat.shape[:2])
    batch = np.stack([cat, other]).astype(np.float32)
    order, weights = np.array([1, 0]), np.array([0.3, 0.3], np.float32)
    expected = layers.MixUp().transform_images(batch, {"mix_weight": weights, "permutation_order": order})
    assert mixing.mix_up(cat, other, 0.3).image == pytest.approx(np.asarray(expected)[0], abs=1e-3)
    mixed = mixing.cut_mix(cat, other, 0.3, 0.5, 0.25)
    layer = layers.CutMix()
    corners = [np.full(2, mixed.box[side], np.float32) for side in ("left", "right", "top", "bottom")]
    masks, weight = layer._generate_batch_mask(batch.shape, corners)
    expected = layer.transform_images(batch, {"batch_masks": masks, "permutation_order": order})
    assert np.array_equal(mixed.image, np.asarray(expected)[0])
    assert mixed.weight == pytest.approx(float(np.ravel(weight)[0]), abs=1e-4)


def test_mixing_weights():
    draws = np.array([mixing.draw_weight(0.2, seed) for seed in range(400)])
    assert draws.mean() == pytest.approx(0.5, abs=0.07)
    assert np.mean((draws < 0.1) | (draws > 0.9)) > 0.5
    assert mixing.draw_weight(1.0, 7) == mixing.draw_weight(1.0, 7)
    for alpha in (0, -1, math.nan):
        with pytest.raises(VisitorError, match="above zero"):
            mixing.draw_weight(alpha, 0)


def test_mixing_ends(cat):
    other = np.zeros_like(cat)
    assert np.array_equal(mixing.mix_up(cat, other, 1.0).image, cat)
    assert np.array_equal(mixing.cut_mix(cat, other, 1.0, 0.5, 0.5).image, cat)
    assert np.array_equal(mixing.cut_mix(cat, other, 0.0, 0.5, 0.5).image, other)
    with pytest.raises(ValueError, match="one shape"):
        mixing.mix_up(cat, other[:-1], 0.5)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (30, 200), (200, 30), (64, 64)])
def test_fit_covers(height, width):
    assert mixing.fit(images.sample("rocket"), height, width).shape == (height, width, 3)


# --- data sets ---


def test_the_books_cats_and_pandas():
    book = {"cat": 1_000_000, "panda": 10_000}
    shown = {s: [row.shown for row in data_sets.balance(book, s)] for s in data_sets.STRATEGIES}
    assert shown["as it is"] == [1_000_000, 10_000]
    assert shown["drop pictures"] == [10_000, 10_000]
    assert shown["oversample"] == [1_000_000, 1_000_000]
    assert data_sets.balance(book, "oversample")[1].copies == 100
    assert data_sets.accuracy_of_always_largest(data_sets.balance(book, "as it is")) == pytest.approx(100 / 101)
    for strategy in ("drop pictures", "oversample", "weights"):
        assert data_sets.accuracy_of_always_largest(data_sets.balance(book, strategy)) == pytest.approx(0.5)
    weights = [row.weight for row in data_sets.balance(book, "weights")]
    assert weights == pytest.approx([0.505, 50.5])  # scikit-learn's "balanced"
    assert [row["class"] for row in data_sets.table(data_sets.balance(book, "weights"))] == ["cat", "panda"]


@pytest.mark.parametrize(
    ("names", "numbers", "words"),
    [
        (["a", "a"], [1, 2], "twice"),
        (["a", None], [1, 2], "name and a number"),
        (["a", "b"], [1, None], "name and a number"),
        (["a", "b"], [1, math.nan], "name and a number"),
        (["a", "b"], [1, 2.5], "whole number"),
        (["a", "b"], [1, math.inf], "whole number"),
        (["a", "b"], [1, 0], "whole number"),
        (["a", "b"], [1, -4], "whole number"),
        (["a"], [1], "at least two"),
        ([], [], "at least two"),
    ],
)
def test_bad_counts(names, numbers, words):
    with pytest.raises(VisitorError, match=words):
        data_sets.balance(data_sets.counts(names, numbers), "oversample")


def test_empty_rows_are_skipped():
    assert data_sets.counts(["a", None, "b"], [1, None, 2.0]) == {"a": 1, "b": 2}


def test_the_demonstration_has_the_books_layout():
    folders = archives.read_class_folders(data_sets.demonstration_zip())
    assert folders.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2] and not folders.notes


@pytest.mark.parametrize("name", ["cat", "coffee", "astronaut"])
def test_rough_masks_hold_the_middle(name):
    image = images.shrink(images.sample(name), 100)
    mask = data_sets.rough_mask(image)
    assert mask.shape == image.shape[:2] and mask.dtype == np.uint8 and 0.02 < mask.mean() < 0.98
    assert np.array_equal(mask, data_sets.rough_mask(image))


@pytest.mark.parametrize("shape", [(1, 1), (3, 90), (40, 40)])
def test_rough_masks_of_flat_and_tiny_pictures(shape):
    assert data_sets.rough_mask(np.full((*shape, 3), 5, np.uint8)).shape == shape


def test_swipe_and_overlay():
    black, white = np.zeros((4, 10, 3), np.uint8), np.full((4, 10, 3), 255, np.uint8)
    assert np.array_equal(data_sets.swipe(black, white, 0), white)
    assert np.array_equal(data_sets.swipe(black, white, 1), black)
    half = data_sets.swipe(black, white, 0.5)
    assert half[0, 0, 0] == 0 and half[0, -1, 0] == 255
    mask = np.zeros((4, 10), np.uint8)
    mask[:, :5] = 1
    tinted = data_sets.overlay(white, mask)
    assert np.array_equal(tinted[:, 5:], white[:, 5:]) and not np.array_equal(tinted[:, :5], white[:, :5])


def test_todays_layers_exist():
    import keras

    for _, today, _ in data_sets.TODAY:
        name = today.split("(")[0].split("=")[0]
        if name[0].isupper():
            assert hasattr(keras.layers, name), name
    assert callable(keras.utils.image_dataset_from_directory)


def test_the_books_shear_was_in_degrees():
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    parameters = ImageDataGenerator(shear_range=0.2).get_random_transform((50, 50, 3), seed=3)
    image = np.zeros((50, 50, 3), np.float32)
    image[:, 25] = 255
    sheared = ImageDataGenerator().apply_transform(image, {"shear": parameters["shear"]})
    assert abs(parameters["shear"]) <= 0.2
    assert np.abs(sheared - image).max() < 30  # less than a tenth of a pixel anywhere
    slope = math.tan(math.radians(0.2))
    assert f"x_factor={slope:.4f}" in next(today for old, today, _ in data_sets.TODAY if old.startswith("shear"))


def test_memory_of_a_batch():
    assert data_sets.memory(9, (150, 150)) == np.zeros((9, 150, 150, 3), np.float32).nbytes


SAVED = [Pipeline((Step(kind),), "reflect") for kind in OPERATIONS]
SAVED += [Pipeline((Step("shear"), Step("flip_horizontal")), "nearest", *flags) for flags in ((1, 0), (0, 1), (1, 1))]
SAVED += [Pipeline((), center=True), Pipeline((), scale=True)]


@pytest.mark.parametrize("pipeline", SAVED, ids=lambda pipeline: f"{[s.kind for s in pipeline.steps]}")
def test_what_the_code_builds_can_be_saved_and_loaded_in_safe_mode(pipeline, tmp_path):
    import keras

    scope: dict = {}
    exec(pipeline.to_keras_code(), scope)
    batch = np.random.default_rng(0).uniform(0, 255, (2, 20, 24, 3)).astype(np.float32)
    scope["augment"](batch, training=True)
    scope["augment"].save(tmp_path / "augment.keras")
    loaded = keras.models.load_model(tmp_path / "augment.keras", safe_mode=True)
    before, after = (model(batch, training=False) for model in (scope["augment"], loaded))
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert np.asarray(loaded(batch, training=True)).shape == batch.shape


def test_the_shear_of_the_code_draws_both_ways_and_evenly():
    scope: dict = {}
    exec(Pipeline((Step("shear", {"slope": 0.2}),)).to_keras_code(), scope)
    assert "21110" in Pipeline((Step("shear"),)).to_keras_code()
    layer = scope["augment"].layers[-1]
    drawn = np.asarray(layer.get_random_transformation(np.zeros((4000, 4, 4, 3), np.float32))["shear_factor"])[:, 0]
    assert np.allclose(np.percentile(drawn, (0.1, 25, 50, 75, 99.9)), (-0.2, -0.1, 0, 0.1, 0.2), atol=0.02)
