"""Naming and explaining a picture: answers, maps, and what holds them together."""

import numpy as np
import pytest

from cnndemo import images, pet_presence, weights
from cnndemo import resnet_transfer as transfer
from cnndemo.errors import VisitorError
from cnndemo.models import efficientnet_lite0, resnet20
from cnndemo.resnet_transfer import attribution, backbones, naming, small_pictures


@pytest.fixture(scope="module")
def network():
    return transfer.network("efficientnet_lite0")


@pytest.fixture(scope="module")
def cat(network):
    return network.look(images.sample("cat"))


@pytest.mark.parametrize(("name", "label"), [("cat", "tiger cat"), ("coffee", "espresso")])
def test_names_the_samples(name, label):
    answers = transfer.classify(images.sample(name))
    assert answers[0][0] == label
    assert len(answers) == 5
    values = [value for _, value in answers]
    assert values == sorted(values, reverse=True)
    assert all(0 < value <= 1 for value in values)


def test_cifar_network_answers_with_its_ten_classes():
    answers = transfer.classify(images.sample("cat"), "resnet20", top=10)
    assert {label for label, _ in answers} == set(resnet20.CLASSES)
    assert sum(value for _, value in answers) == pytest.approx(1, abs=1e-4)


def test_cifar_network_is_as_sure_of_the_mirror_image():
    chosen = transfer.network("resnet20")
    pixels = resnet20.preprocess(images.sample("motorcycle"))
    ahead, behind = chosen.see(pixels), chosen.see(pixels[:, ::-1])
    np.testing.assert_allclose(ahead.probabilities, behind.probabilities, atol=1e-5)
    assert np.abs(ahead.scores - behind.scores).max() > 0.01, "the scores, of which maps are made, are of one look"
    ten = backbones.softmax(chosen.scores(resnet20.looks(pixels)))
    np.testing.assert_allclose(ahead.probabilities, ten.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(backbones.softmax(ahead.scores), ten[0], atol=1e-5)


def test_ten_looks_are_the_picture_moved_and_mirrored():
    picture = np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3)
    looks = resnet20.looks(picture)
    assert looks.shape == (10, 32, 32, 3) and looks.dtype == np.uint8
    assert np.array_equal(looks[0], picture) and np.array_equal(looks[1::2], looks[::2, :, ::-1])
    inner = slice(2, 30)
    for look, (down, right) in zip(looks[2::2], [(2, 0), (-2, 0), (0, 2), (0, -2)], strict=True):
        moved = np.roll(picture, (down, right), axis=(0, 1))
        assert np.array_equal(look[inner, inner], moved[inner, inner])
        assert not np.array_equal(look, moved), "what leaves on one side does not come in on the other"


@pytest.mark.parametrize("shape", [(1, 1), (2, 900), (640, 33)])
def test_takes_pictures_of_any_shape(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    assert len(transfer.classify(image, top=3)) == 3


def test_an_unknown_network_is_explained():
    with pytest.raises(VisitorError, match="efficientnet_lite0"):
        transfer.classify(images.sample("cat"), "vgg16")


def test_grad_cam_equals_the_class_activation_map_for_a_pooled_head(network, cat):
    for index in np.argsort(-cat.scores)[[0, 1, 7, 300]]:
        classic = attribution.class_map(cat, network, index)
        np.testing.assert_allclose(attribution.fast_grad_cam(network, cat.pixels, index), classic, atol=1e-4)


def test_class_map_sums_to_the_score_before_it_is_cut_and_scaled(network, cat):
    index = int(cat.scores.argmax())
    scores = (cat.maps @ network.kernel[:, index]).mean() + network.bias[index]
    assert scores == pytest.approx(cat.scores[index], rel=1e-4)


def tiny_network(nested: bool):
    import keras
    from keras import layers

    keras.utils.set_random_seed(4)
    inner_input = keras.Input((16, 16, 3))
    maps = layers.Conv2D(6, 3, activation="relu", name="maps")(inner_input)
    inner = keras.Model(inner_input, layers.GlobalAveragePooling2D()(maps), name="inner")
    if nested:
        parts = [keras.Input((8, 8, 3)), layers.ZeroPadding2D(4), inner, layers.Dense(3, name="scores")]
        return keras.Sequential(parts)
    x = inputs = keras.Input((8, 8, 3))
    x = layers.ZeroPadding2D(4)(x)
    x = layers.Conv2D(6, 3, activation="relu", name="maps")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(3, name="scores")(x))


def test_grad_cam_of_a_nested_model_equals_that_of_the_flat_one():
    nested, flat = tiny_network(True), tiny_network(False)
    flat.set_weights(nested.get_weights())
    batch = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype(np.float32)
    for index in range(3):
        ours = attribution.grad_cam(nested, batch, index)
        np.testing.assert_allclose(ours, attribution.grad_cam(flat, batch, index, "maps"), atol=1e-5)
        assert ours.shape == (14, 14)


def test_grad_cam_says_when_there_is_no_map():
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(VisitorError, match="no layer"):
        attribution.grad_cam(model, np.zeros((1, 4), np.float32), 0)


def test_occlusion_finds_the_object_in_the_middle(network):
    espresso = images.sample("coffee")
    seen = network.look(espresso)
    index = int(seen.scores.argmax())
    steps = list(attribution.occlusion(network, seen.pixels, index, cells=5, batch_size=10))
    assert [round(done, 2) for done, _ in steps] == [0.4, 0.8, 1.0]
    falls = steps[-1][1]
    assert falls.shape == (5, 5)
    assert falls.max() > 0
    assert falls[1:4, 1:4].mean() > np.concatenate([falls[0], falls[-1], falls[1:-1, 0], falls[1:-1, -1]]).mean()


def test_activation_lies_on_the_picture_and_is_zero_outside_the_crop():
    image = images.sample("cat")
    heat = transfer.class_activation(image, "efficientnet_lite0", "tiger cat")
    top, left, side = efficientnet_lite0.crop_box(*image.shape[:2])
    assert heat.shape == image.shape[:2]
    assert heat.dtype == np.float32
    assert heat.min() >= 0
    assert heat.max() <= 1
    assert heat[top : top + side, left : left + side].max() > 0.8
    assert not heat[:, :left].any()
    assert not heat[:top].any()


def test_activation_of_an_unknown_label_is_explained():
    with pytest.raises(VisitorError, match="no class"):
        transfer.class_activation(images.sample("cat"), "efficientnet_lite0", "unicorn")


def test_of_two_classes_with_one_name_the_likelier_is_meant():
    labels = efficientnet_lite0.labels()
    twins = [i for i, label in enumerate(labels) if label == "crane"]
    scores = np.zeros(1000)
    scores[twins[1]] = 1
    assert len(twins) == 2
    assert naming.class_index("efficientnet_lite0", "crane", scores) == twins[1]


def test_shuffled_weights_keep_their_values_but_know_nothing(network, cat):
    untrained = transfer.randomised("efficientnet_lite0")
    np.testing.assert_array_equal(np.sort(network.kernel, axis=None), np.sort(untrained.kernel, axis=None))
    assert not np.array_equal(network.kernel, untrained.kernel)
    features = untrained.features(cat.pixels[None])
    np.testing.assert_allclose(
        features @ untrained.kernel + untrained.bias, untrained.scores(cat.pixels[None]), atol=1e-3
    )
    top = np.argsort(-cat.scores)[:20]
    assert np.argmax(untrained.look(images.sample("cat")).scores) not in top


def test_overlay_keeps_size_and_brightens_where_the_map_is_high():
    pixels = np.full((40, 40, 3), 90, np.uint8)
    values = np.zeros((4, 4), np.float32)
    values[0, 0] = 1
    result = attribution.overlay(pixels, values)
    assert result.shape == pixels.shape
    assert result[2, 2].sum() > result[30, 30].sum()
    assert not attribution.normalised(np.zeros((3, 3))).any()


def test_padding_and_scaling_are_what_the_book_shows():
    small = np.random.default_rng(1).integers(1, 256, (2, 32, 32, 3)).astype(np.uint8)
    padded = small_pictures.zero_pad(small)
    assert padded.shape == (2, 224, 224, 3)
    np.testing.assert_array_equal(padded[:, 96:128, 96:128], small)
    assert not padded[:, :96].any()
    assert not padded[:, :, 128:].any()
    scaled = small_pictures.enlarge(small, 96)
    assert scaled.shape == (2, 96, 96, 3)
    assert np.abs(scaled[:, 1::3, 1::3].astype(int) - small).mean() < 3
    assert [small_pictures.size_of(name) for name in small_pictures.INPUTS] == [224, 96, 128, 224]


def test_both_ways_of_feeding_a_small_picture_give_probabilities():
    small = resnet20.preprocess(images.sample("cat"))
    for way in ("padded", "scaled"):
        pixels, probabilities, seen = naming.small_picture(small, way)
        assert probabilities.shape == (10,)
        assert probabilities.sum() == pytest.approx(1, abs=1e-4)
        assert seen.maps.shape[0] == pixels.shape[0] // 32


def test_the_card_says_that_scaling_beats_padding():
    about = weights.card("cifar10_transfer")
    by_input = {row["input"]: row for row in about["experiments"] if row["trained"] == "head"}
    assert set(by_input) == set(small_pictures.INPUTS)
    padded = by_input.pop("padded to 224")
    assert all(row["interval"][0] > padded["interval"][1] for row in by_input.values())
    assert about["input"] in by_input


def test_breed_answers_with_the_names_of_the_data_set():
    answers = transfer.breed(images.sample("cat"))
    names = weights.card("pet_breeds")["classes"]
    assert len(names) == 37
    assert len(answers) == 3
    assert all(label in names for label, _ in answers)
    assert weights.card("pet_breeds")["imagenet_breeds"].keys() <= set(names)


def test_pets_get_most_of_the_probability_of_a_cat_and_little_of_a_cup():
    seen = {name: transfer.network("efficientnet_lite0").look(images.sample(name)) for name in ("cat", "coffee")}
    assert pet_presence.pet_share(seen["cat"].probabilities) > 0.8
    assert pet_presence.pet_share(seen["coffee"].probabilities) < 0.05


def test_overview_lists_every_network_with_what_is_known():
    rows = {row["network"]: row for row in transfer.overview()}
    assert set(rows) == {"EfficientNet-Lite0", "ResNet-20", "ResNet50"}
    assert rows["EfficientNet-Lite0"]["parameters"] == 4_694_024
    assert rows["EfficientNet-Lite0"]["M multiply-adds"] == pytest.approx(385, abs=25)
    assert rows["EfficientNet-Lite0"]["MB in float32"] == 18.8
    assert rows["ResNet50"]["weights"] in ("not downloaded", "on disk", "in memory")


def test_only_one_network_beside_the_shipped_ones_stays_in_memory(monkeypatch):
    monkeypatch.setattr(backbones, "_networks", {"efficientnet_lite0": "kept", "another": "goes"})
    monkeypatch.setattr(backbones.resnet50_onnx, "ready", lambda: True)
    monkeypatch.setattr(backbones.resnet50_onnx, "session", lambda: "resnet50")
    monkeypatch.setattr(backbones, "Network", lambda backbone, session: session)
    assert backbones.network("resnet50") == "resnet50"
    assert set(backbones._networks) == {"efficientnet_lite0", "resnet50"}
    backbones.forget("resnet50")
    assert set(backbones._networks) == {"efficientnet_lite0"}


def test_resnet20_has_the_papers_size_and_its_skips_can_be_left_out():
    model, plain = resnet20.build(), resnet20.build(skip=False)
    trained = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert trained == 269_722  # 0.27 million in table 6 of the paper
    assert model.count_params() == plain.count_params()
    assert len([layer for layer in model.layers if layer.name.endswith("_add")]) == 9
    assert not [layer for layer in plain.layers if layer.name.endswith("_add")]


def test_resnet20_shortcut_takes_every_second_pixel_and_pads_channels_with_zeros():
    import keras

    model = resnet20.build()
    entry = model.get_layer("stage1_block3_activation").output
    shortcut = next(
        t for t in model.get_layer("stage2_block1_add").input if "channels_last" in t._keras_history[0].name
    )
    before, after = keras.Model(model.input, [entry, shortcut])(
        np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype(np.float32)
    )
    before, after = np.asarray(before), np.asarray(after)
    np.testing.assert_array_equal(after[..., 8:24], before[:, ::2, ::2])
    assert not after[..., :8].any()
    assert not after[..., 24:].any()
