"""A table of layers: what is written, what Keras builds of it, what ONNX Runtime answers, and what cannot be."""

import keras
import numpy as np
import pytest

from cnndemo import chain, weights
from cnndemo.errors import VisitorError
from cnndemo.models import digit_classifier, layer_table
from cnndemo.models.layer_table import NETWORKS, line, parse, plan

ODD = "conv 3 4/2 tanh; norm; pool 3/1; conv 5 2 sigmoid; norm; average; dense 7 tanh; norm; drop 0.3; dense 6 linear"
COLOUR = (28, 28, 3)


@pytest.mark.parametrize("text", [*NETWORKS.values(), ODD])
def test_a_table_reads_back_as_it_is_written(text):
    assert line(parse(text)) == text


@pytest.mark.parametrize(("text", "shape", "classes"), [(NETWORKS["small"], (28, 28, 1), 10), (ODD, COLOUR, 3)])
def test_shapes_and_parameters_are_those_of_keras_and_answers_those_of_onnx_runtime(text, shape, classes, tmp_path):
    rows = parse(text)
    model = layer_table.build(rows, shape, classes)
    for layer in model.layers:  # averages of a batch normalization that are not 0 and 1
        layer.set_weights(
            [array + np.random.default_rng(1).uniform(0, 0.3, array.shape) for array in layer.get_weights()]
        )
    found = plan(rows, shape, classes)
    assert [each.name for each in found] == [layer.name for layer in model.layers]
    assert [each.output for each in found] == [layer.output.shape[1:] for layer in model.layers]
    assert [each.parameters for each in found] == [layer.count_params() for layer in model.layers]
    file = tmp_path / "network.keras"
    model.save(file)
    made = chain.read(file.read_bytes())
    assert [(layer.name, layer.shape[1:], layer.parameters) for layer in made.layers[1:]] == [
        (each.name, each.output, each.parameters) for each in found
    ]
    x = np.random.default_rng(0).random((5, *shape), np.float32)
    whole = keras.Model(model.inputs, {layer.name: layer.output for layer in model.layers})
    theirs = {name: np.asarray(values) for name, values in whole(x).items()}
    ours = made.predictor(list(theirs))(x)
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, atol=2e-5, err_msg=name)
    np.testing.assert_allclose(made.predictor()(x), theirs[found[-1].name], rtol=1e-4, atol=2e-5)
    for name in made.named("Conv2D")[:1]:
        off = np.ones((1, theirs[name].shape[-1]), np.float32)
        off[0, 1] = 0
        maps = made.predictor([name])(x, **{f"on_{name}": off})[name]
        assert not maps[..., 1].any() and np.allclose(maps[..., 0], theirs[name][..., 0], rtol=1e-4, atol=2e-5)
    import onnx

    plain = onnx.load_from_string(made.onnx(switches=False))
    onnx.checker.check_model(plain)
    assert len(plain.graph.input) == 1


def test_the_books_table_is_the_books_network():
    ours = [(each.name, each.parameters) for each in plan(parse("book"))]
    assert ours == [(layer.name, layer.parameters) for layer in weights.layers("digit_classifier")[-len(ours) :]]
    assert sum(count for _, count in ours) == digit_classifier.build().count_params()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("dense 10 relu", "Put “flatten”"),
        ("conv 8 3 relu", "needs one row"),
        ("flatten; conv 8 3 relu", "needs maps"),
        ("pool 2; pool 2; pool 2; conv 8 5 relu; flatten", "does not fit"),
        ("conv 64 3 relu; flatten; dense 1024 relu", "too many for this page"),
        ("drop 0.1; " * 17 + "flatten", "layers are too many"),
        ("conv 8 relu", "written like"),
        ("conv 0 3 relu", "written like"),
        ("dense 9 magic", "written like"),
        ("drop 1.5", "written like"),
        ("lambda x", "There are conv"),
        ("flatten 3", "There are conv"),
    ],
)
def test_an_impossible_table_is_explained(text, word):
    with pytest.raises(VisitorError, match=word):
        plan(parse(text))


def test_a_file_that_is_no_chain_of_known_layers_is_a_sentence(tmp_path):
    source = keras.Input((28, 28, 1))
    model = keras.Model(source, keras.layers.Dense(2)(keras.layers.Flatten()(source)))
    model.save(tmp_path / "other.keras")
    for data in (b"", b"PK\x03\x04 nothing", (tmp_path / "other.keras").read_bytes()):
        with pytest.raises(VisitorError):
            chain.read(data)
