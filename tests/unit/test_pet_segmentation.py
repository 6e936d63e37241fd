"""From a picture to labels and back, with invented networks; then the two shipped ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo import images, pet_segmentation, weights
from cnndemo.errors import VisitorError
from cnndemo.models import unet, unet_pretrained
from cnndemo.pet_segmentation import metrics

CAT = (40, 60, 200, 220)  # rows and columns inside the sample cat's face


def bright_is_pet(batch: np.ndarray) -> np.ndarray:
    """A network that calls bright pixels pet, dark ones surroundings, and is sure of it."""
    bright = (batch.mean(axis=-1) > 200).astype(np.float32)
    return np.stack([bright, 1 - bright, np.zeros_like(bright)], axis=-1)


def scene(height: int, width: int) -> np.ndarray:
    """White pet on the right half of black surroundings."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, width // 2 :] = 255
    return image


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 500), st.integers(1, 500))
def test_labels_have_the_pictures_size_and_place(height, width):
    image = scene(height, width)
    labels = pet_segmentation.segment(image, "pretrained", bright_is_pet)
    assert labels.shape == image.shape[:2] and labels.dtype == np.uint8
    assert set(np.unique(labels)) <= {1, 2, 3}
    if min(height, width) >= 32:
        expected = np.where(image[..., 0] == 255, 1, 2)
        assert metrics.pixel_accuracy(expected, labels) > 0.95


@pytest.mark.parametrize("shape", [(60, 1600), (1600, 60), (1, 1600), (50, 126), (1600, 500)])
def test_panoramas_are_seen_in_windows_that_cover_them(shape):
    parts = pet_segmentation.windows(*shape)
    assert 1 < len(parts) <= pet_segmentation.MOST_WINDOWS
    seen = np.zeros(shape, int)
    for part in parts:
        seen[part] += 1
    assert seen.min() >= 1
    labels = pet_segmentation.segment(scene(*shape), "pretrained", bright_is_pet)
    assert labels.shape == shape
    if shape[0] < shape[1] and shape[0] > 1:
        assert (labels[:, : shape[1] // 2 - 30] == 2).all() and (labels[:, shape[1] // 2 + 30 :] == 1).all()


@pytest.mark.parametrize("name", pet_segmentation.NETWORKS)
def test_probabilities_sum_to_one(name):
    values = pet_segmentation.probabilities(images.sample("cat"), name)
    assert values.shape == images.sample("cat").shape and values.dtype == np.float32
    np.testing.assert_allclose(values.sum(axis=-1), 1, atol=1e-4)


def test_preparing_does_not_squash():
    net = pet_segmentation.NETWORKS["book"]
    square, (top, left, height, width) = pet_segmentation.prepare(scene(100, 200), net)
    assert square.shape == (128, 128, 3) and (top, left, height, width) == (32, 0, 64, 128)
    np.testing.assert_allclose(square[0, 0], pet_segmentation.FILL / 255, atol=1e-6)
    assert square.min() >= 0 and square.max() <= 1


def test_an_unknown_network_is_refused_with_the_known_ones():
    with pytest.raises(VisitorError, match="pretrained, book"):
        pet_segmentation.segment(scene(10, 10), "nonsense")


def test_says_when_there_is_no_pet_and_when_there_are_several():
    labels = np.full((100, 100), 2, np.uint8)
    assert "No pet" in pet_segmentation.describe(labels)
    labels[10:40, 10:40] = 1
    assert "9%" in pet_segmentation.describe(labels) and "parts" not in pet_segmentation.describe(labels)
    labels[60:90, 60:90] = 1
    assert "2 separate parts" in pet_segmentation.describe(labels)
    labels[0, 99] = 1
    assert pet_segmentation.parts(labels) == [900, 900]


def test_overlay_tints_by_class_and_leaves_the_picture_alone():
    image, labels = (
        np.full((60, 90, 3), 100, np.uint8),
        np.repeat([[1, 2, 3]], 60, 0).repeat(30, axis=1).astype(np.uint8),
    )
    before = image.copy()
    full = pet_segmentation.overlay(image, labels, 1.0, contour=False)
    for column, color in ((15, 1), (45, 2), (75, 3)):
        assert tuple(full[30, column]) == pet_segmentation.COLORS[color]
    np.testing.assert_array_equal(pet_segmentation.overlay(image, labels, 0.0, contour=False), image)
    outlined = pet_segmentation.overlay(image, labels, 0.0)
    assert (outlined != image).any()
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("background", ["transparent", "blurred", "#ff0000", np.full((7, 300, 3), 9, np.uint8)])
def test_the_cut_out_keeps_the_animal(background):
    image, mask = images.sample("cat"), np.zeros(images.sample("cat").shape[:2], bool)
    mask[50:150, 100:250] = True
    cut = pet_segmentation.cut_out(image, mask, background)
    assert cut.shape == (*image.shape[:2], 4)
    np.testing.assert_array_equal(cut[mask][:, :3], image[mask])
    if isinstance(background, str) and background == "transparent":
        np.testing.assert_array_equal(cut[..., 3], mask * 255)
    else:
        assert (cut[..., 3] == 255).all() and (cut[~mask][:, :3] != image[~mask]).any()
    if isinstance(background, str) and background.startswith("#"):
        assert (cut[~mask] == (255, 0, 0, 255)).all()


def test_the_books_network_is_the_books():
    model = unet.build()
    assert model.count_params() == 1_862_979
    assert model.input_shape == (None, 128, 128, 3) and model.output_shape == (None, 128, 128, 3)


def test_folding_changes_nothing_but_the_layers():
    model = unet_pretrained.build(64)
    random = np.random.default_rng(0)
    for layer in model.layers:
        if "normalization" in layer.name:
            layer.set_weights([random.uniform(0.5, 1.5, array.shape) for array in layer.get_weights()])
    folded = unet_pretrained.fold(model, 64)
    x = random.uniform(0, 255, (2, 64, 64, 3)).astype("float32")
    np.testing.assert_allclose(np.asarray(folded(x)), np.asarray(model(x)), atol=1e-5)
    assert not [layer.name for layer in folded.layers if "normalization" in layer.name]


@pytest.fixture(scope="module")
def shipped():
    """The book's network, and its feature maps of the cat."""
    from cnndemo import inference

    model = weights.load("pet_segmentation")
    square, _ = pet_segmentation.prepare(images.sample("cat"), pet_segmentation.NETWORKS["book"])
    maps = inference.predictor("pet_segmentation", unet.LEVELS)(square[None])
    return model(square[None]).numpy()[0], maps


def test_the_right_half_repeats_the_whole_networks_answer(shipped):
    answer, maps = shipped
    np.testing.assert_allclose(pet_segmentation.decode(maps, "book"), answer, atol=1e-4)


def test_without_skips_the_mask_loses_its_edges(shipped):
    answer, maps = shipped
    whole = pet_segmentation.animal(pet_segmentation.labels(answer))
    cut = pet_segmentation.labels(pet_segmentation.decode(maps, "book", unet.SKIPS))
    assert metrics.boundary_f_score(whole, pet_segmentation.animal(cut)) < 0.9


@pytest.mark.parametrize("name", pet_segmentation.NETWORKS)
def test_the_sample_cat_is_found(name):
    labels = pet_segmentation.segment(images.sample("cat"), name)
    found = pet_segmentation.animal(labels)
    # Between the eyes and on the nose is cat; the upper left corner is none.
    assert found[120:180, 180:260].mean() > 0.9
    assert not found[:20, :20].any()


@pytest.mark.parametrize(("name", "least"), [("pretrained", (0.92, 0.85, 0.78)), ("book", (0.85, 0.72, 0.67))])
def test_the_cards_figures_do_not_fall_behind_and_carry_their_intervals(name, least):
    card = weights.card(pet_segmentation.NETWORKS[name].weights)
    values = {figure["name"]: figure for figure in card["metrics"]}
    for figure, bound in zip(("pixel accuracy", "Jaccard of pet", "mean Jaccard of the classes"), least, strict=True):
        assert values[figure]["value"] >= bound
        low, high = values[figure]["interval"]
        assert low < values[figure]["value"] < high and values[figure]["samples"] == card["data"]["splits"]["test"]
    assert len(card["worst"]) == len(card["best"]) == 10
    assert card["bytes"] < 12e6


def test_what_each_augmentation_was_worth_is_at_hand():
    runs = pet_segmentation.ablation()
    assert tuple(runs) == pet_segmentation.LEFT_OUT
    gaps = {name: run["training"] - run["validation"] for name, run in runs.items()}
    assert gaps["all of them"] > gaps["nothing"], "without augmentation a network remembers its training pictures"
    assert all(weights.history(net.weights) for net in pet_segmentation.NETWORKS.values())


@pytest.mark.parametrize("name", ["black", "white", "noise", "one pixel", "coffee", "drawing"])
def test_odd_pictures_give_labels_and_a_sentence(name):
    odd = {
        "black": np.zeros((90, 120, 3), np.uint8),
        "white": np.full((90, 120, 3), 255, np.uint8),
        "noise": np.random.default_rng(0).integers(0, 256, (90, 120, 3)).astype(np.uint8),
        "one pixel": np.full((1, 1, 3), 77, np.uint8),
        "coffee": images.sample("coffee"),
        "drawing": scene(200, 300),
    }[name]
    labels = pet_segmentation.segment(odd, "pretrained")
    assert labels.shape == odd.shape[:2]
    assert "%" in pet_segmentation.describe(labels)


def test_a_picture_and_its_mirror_image_have_mirrored_labels():
    image = images.sample("cat")[40:260, 100:400]
    labels = pet_segmentation.segment(image, "book")
    mirrored = pet_segmentation.segment(np.ascontiguousarray(image[:, ::-1]), "book")[:, ::-1]
    assert np.mean(labels == mirrored) > 0.995


def test_looking_twice_averages_both_answers():
    squares = np.random.default_rng(0).random((2, 4, 4, 3)).astype(np.float32)
    ramp = np.linspace(0, 1, 4, dtype=np.float32)[None, None, :, None]
    np.testing.assert_allclose(
        pet_segmentation.look(lambda batch: batch * ramp, squares), squares * (ramp + ramp[:, :, ::-1]) / 2, rtol=1e-6
    )
    assert pet_segmentation.look(lambda batch: batch, squares).shape == squares.shape


def test_the_cards_state_speed_and_what_the_mirror_is_worth():
    for net in pet_segmentation.NETWORKS.values():
        card = weights.card(net.weights)
        values = {figure["name"]: figure["value"] for figure in card["metrics"]}
        assert values["mean Jaccard of the classes"] > values["mean Jaccard of the classes, without the mirror image"]
        assert card["speed"]["milliseconds"] > 0 and "cores" in card["speed"]["hardware"]
    assert weights.card("pet_segmentation_pretrained")["resumed"]
