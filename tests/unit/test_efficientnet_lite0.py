"""EfficientNet-Lite0 gives the answers of the reference implementation, as stored, folded and at other sizes."""

from pathlib import Path

import numpy as np
import pytest

from cnndemo import images, weights
from cnndemo.models import efficientnet_lite0

GOLDEN = Path(__file__).parents[1] / "golden" / "efficientnet_lite0.npz"


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return dict(file)


@pytest.fixture(scope="module")
def model():
    return weights.load("efficientnet_lite0")


def answers(model, pixels):
    import keras

    names = ("logits", "average_pool")
    network = keras.Model(model.input, [model.get_layer(name).output for name in names])
    return [np.asarray(output) for output in network(pixels.astype(np.float32))]


def test_shipped_file_gives_the_reference_logits_and_features(model, golden):
    logits, features = answers(model, golden["pixels"])
    assert np.abs(logits - golden["logits"]).max() < 0.06
    assert np.abs(features - golden["features"]).max() < 0.06
    assert (logits.argmax(1) == golden["logits"].argmax(1)).all()


def test_parameters_are_those_of_the_checkpoint(model):
    assert model.count_params() == 4_694_024 == weights.card("efficientnet_lite0")["parameters"]


def test_folding_changes_no_answer(model, golden):
    folded = efficientnet_lite0.fold(model)
    for before, after in zip(answers(model, golden["pixels"]), answers(folded, golden["pixels"]), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-3)
    assert not [layer.name for layer in folded.layers if "normalization" in layer.name]


def test_folding_a_network_without_its_top_and_of_another_size(golden):
    trained = efficientnet_lite0.build(96, include_top=False)
    normalization = trained.get_layer("stage3_block1_depthwise_normalization")
    normalization.set_weights([w + 0.1 * i for i, w in enumerate(normalization.get_weights())])
    picture = golden["pixels"][:1, :96, :96].astype(np.float32)
    folded = efficientnet_lite0.fold(trained)
    assert folded.output_shape == (None, 3, 3, 1280)
    np.testing.assert_allclose(np.asarray(folded(picture)), np.asarray(trained(picture)), atol=1e-4)


@pytest.mark.parametrize("stride", [2, 4, 8, 16, 32])
@pytest.mark.parametrize("folded", [False, True])
def test_stage_outputs_have_the_stride_their_table_says(stride, folded, model):
    network = efficientnet_lite0.build(folded=True) if folded else model
    shape = network.get_layer(efficientnet_lite0.STRIDE_LAYERS[stride]).output.shape
    channels = {2: 16, 4: 24, 8: 40, 16: 112, 32: 320}[stride]
    assert shape == (None, 224 // stride, 224 // stride, channels)


def test_preprocessing_is_the_reference_crop(golden):
    for name, pixels in zip(golden["names"], golden["pixels"], strict=True):
        assert efficientnet_lite0.preprocess(images.sample(str(name))).shape == (224, 224, 3)
        if str(name) in ("cat", "coffee"):
            ours = efficientnet_lite0.preprocess(images.sample(str(name)))
            assert np.abs(ours.astype(int) - pixels).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 900, 3), (3, 5, 3), (640, 20, 3)])
def test_preprocessing_takes_any_shape(shape):
    assert efficientnet_lite0.preprocess(np.full(shape, 7, np.uint8)).tolist() == np.full((224, 224, 3), 7).tolist()


def test_labels_are_the_thousand_of_imagenet():
    names = efficientnet_lite0.labels()
    assert len(names) == 1000
    assert (names[0], names[282], names[967], names[999]) == ("tench", "tiger cat", "espresso", "toilet tissue")


def test_top_answer_for_the_samples(model):
    batch = np.stack([efficientnet_lite0.preprocess(images.sample(name)) for name in ("cat", "coffee")])
    probabilities = np.asarray(model(batch.astype(np.float32)))
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-4)
    assert [efficientnet_lite0.labels()[i] for i in probabilities.argmax(1)] == ["tiger cat", "espresso"]
