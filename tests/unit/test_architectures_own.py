"""Networks that visitors bring: what is read of them equals Keras and the cards; hostile files give a sentence."""

import io
import json
import zipfile

import h5py
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cnndemo import images, inference, weights
from cnndemo.architectures import keras_file, onnx_file, own, reading
from cnndemo.errors import VisitorError

PICTURE = images.sample("cat")


# --- ONNX ------------------------------------------------------------------------------------------------------------


def onnx_bytes(nodes, inputs, outputs, arrays=(), **more) -> bytes:
    """A file of these nodes; inputs and outputs are (name, shape), arrays are (name, values)."""
    values = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in side]
        for side in (inputs, outputs)
    ]
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays]
    graph = helper.make_graph(nodes, "net", *values, tensors)
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **more).SerializeToString()


def residual(side=32) -> bytes:
    """As PyTorch writes it: channels first, a residual block, a head."""
    generator = np.random.default_rng(0)
    node = helper.make_node
    nodes = [
        node("Conv", ["picture", "k1", "b1"], ["c1"], "conv1", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Relu", ["c1"], ["r1"], "relu1"),
        node("Conv", ["r1", "k2"], ["c2"], "conv2", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["c2", "s", "s", "s", "s"], ["n2"], "norm2"),
        node("Add", ["n2", "r1"], ["a"], "add"),
        node("Relu", ["a"], ["r2"], "relu2"),
        node("MaxPool", ["r2"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", ["p"], ["g"], "mean"),
        node("Flatten", ["g"], ["f"], "flat"),
        node("Gemm", ["f", "w", "b"], ["scores"], "fc", transB=1),
    ]
    arrays = [("k1", generator.normal(0, 0.1, (8, 3, 3, 3)).astype("f")), ("b1", np.zeros(8, "f")),
              ("k2", generator.normal(0, 0.1, (8, 8, 3, 3)).astype("f")), ("s", np.ones(8, "f")),
              ("w", generator.normal(0, 0.1, (5, 8)).astype("f")), ("b", np.zeros(5, "f"))]  # fmt: skip
    return onnx_bytes(nodes, [("picture", ["n", 3, side, side])], [("scores", ["n", 5])], arrays)


def test_a_network_of_pytorch_is_read_layer_by_layer():
    found = onnx_file.look(residual(), PICTURE, "0 to 1")
    rows = {layer.name: layer for layer in found.layers}
    assert list(rows) == ["conv1", "conv2", "add", "pool", "mean", "fc"]
    assert [layer.shape for layer in found.layers] == [
        "16 × 16 × 8", "16 × 16 × 8", "16 × 16 × 8", "8 × 8 × 8", "1 × 1 × 8", "5"
    ]  # fmt: skip
    assert [layer.reads for layer in found.layers] == [(-1,), (0,), (1, 0), (2,), (3,), (4,)]
    assert rows["conv1"].parameters == 8 * 27 + 8 and rows["fc"].parameters == 45
    assert rows["conv2"].parameters == 576 + 8  # the four arrays of this normalization are one and the same
    assert rows["conv2"].arithmetic == "Conv, BatchNormalization"
    assert rows["conv1"].multiply_adds == 256 * 216 and rows["conv2"].multiply_adds == 256 * 576
    assert [layer.sees for layer in found.layers] == [3, 7, 7, 9, 9 + 7 * 4, 9 + 7 * 4]
    assert found.source == reading.Source(32, 32, 3, True) and found.takes == "1 × 3 × 32 × 32, float"
    assert found.answer.shape == (5,) and [maps is not None for maps in found.maps[:4]] == [True] * 4
    assert found.maps[0].shape == (16, 16, 8) and found.maps[0].dtype == np.uint8


@pytest.mark.parametrize("name", ["digit_classifier", "resnet20", "efficientnet_lite0", "siamese", "pet_segmentation"])
def test_shipped_networks_have_the_work_of_their_cards_and_the_answer_of_the_predictor(name):
    card = weights.card(name)
    scale = own.PIXELS.get(name, "0 to 1")
    found = onnx_file.look(weights.onnx_file(name).read_bytes(), PICTURE, scale)
    # The U-Net's card leaves out its transposed convolutions.
    assert found.multiply_adds == card["multiply_adds"]
    # Normalizations are multiplied into kernels there, so there may be fewer.
    assert 0.9 * card["parameters"] <= found.parameters <= card["parameters"]
    batch = found.source.batch(PICTURE, scale)
    np.testing.assert_allclose(found.answer, inference.predictor(name)(batch)[0], atol=1e-5)
    if name in ("digit_classifier", "siamese", "pet_segmentation"):
        assert found.parameters == card["parameters"]


def test_maps_are_those_of_the_layer():
    data = weights.onnx_file("resnet20").read_bytes()
    found = onnx_file.look(data, PICTURE, "0 to 255")
    batch = found.source.batch(PICTURE, "0 to 255")
    truth = inference.predictor("resnet20", ["last_activation"])(batch)["last_activation"][0]
    place = [place for place, layer in enumerate(found.layers) if layer.kind == "merge"][-1]
    np.testing.assert_array_equal(found.maps[place], reading.shown_maps(truth))


def external(where: str) -> bytes:
    """A file whose weights lie in another one, perhaps hidden in a graph within a node."""
    tensor = numpy_helper.from_array(np.zeros((4, 4), "f"), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    model = onnx.load_from_string(residual())
    if where == "weights":
        model.graph.initializer.append(tensor)
    else:
        inner = helper.make_graph(
            [helper.make_node("Constant", [], ["x"], value=tensor)], "in",
            [], [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 4])],
        )  # fmt: skip
        model.graph.node.append(helper.make_node("If", ["f"], ["y"], then_branch=inner, else_branch=inner))
    return model.SerializeToString()


def no_text() -> bytes:
    """A file in which an operation's name is no UTF-8."""
    return residual().replace(b"MaxPool", b"Max\xffool")


BAD_ONNX = {
    "no text": (no_text, "no text"),
    "empty": (lambda: b"", "no network|no ONNX"),
    "text": (lambda: b"hello, I am a network", "no ONNX"),
    "cut": (lambda: residual()[:700], "no ONNX"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(200), "no ONNX"),
    "external": (lambda: external("weights"), "other files"),
    "external within": (lambda: external("node"), "other files"),
    "no input": (
        lambda: onnx_bytes([helper.make_node("Relu", ["w"], ["y"])], [], [("y", [2])], [("w", np.ones(2, "f"))]),
        "no input",
    ),
}


@pytest.mark.parametrize("kind", BAD_ONNX)
def test_onnx_that_is_none_or_not_whole_is_refused(kind):
    make, words = BAD_ONNX[kind]
    with pytest.raises(VisitorError, match=words):
        onnx_file.look(make(), PICTURE, "0 to 1")


def test_shapes_beyond_all_bounds_are_said_and_not_computed():
    found = onnx_file.look(residual(100_000), PICTURE, "0 to 1")
    assert found.answer is None and "at most 1,024" in found.notes[-1]
    node = helper.make_node("Conv", ["x", "k"], ["y"], kernel_shape=[3, 3])
    lying = onnx.load_from_string(
        onnx_bytes([node], [("x", [1, 3, 8, 8])], [("y", [1, 2, 6, 6])], [("k", np.zeros((2, 3, 3, 3), "f"))])
    )
    lying.graph.initializer[0].dims[:] = [2_000_000_000, 3, 3, 3]
    found = onnx_file.look(lying.SerializeToString(), PICTURE, "0 to 1")
    assert found.answer is None and "cannot run" in found.notes[-1]


def test_a_node_that_puts_nothing_out_is_passed_over():
    model = onnx.load_from_string(residual())
    model.graph.node.append(helper.make_node("Relu", ["picture"], []))
    model.graph.node.append(helper.make_node("Constant", [], [], value=helper.make_tensor("v", 1, [1], [1.0])))
    found = onnx_file.look(model.SerializeToString(), PICTURE, "0 to 1")
    assert len(found.layers) == 6 and "cannot run" in found.notes[-1]


def test_inputs_that_are_no_picture_are_read_and_not_run():
    data = onnx_bytes(
        [helper.make_node("MatMul", ["x", "w"], ["y"], "dense")], [("x", ["n", 7])], [("y", ["n", 3])],
        [("w", np.ones((7, 3), "f"))],
    )  # fmt: skip
    found = onnx_file.look(data, PICTURE, "0 to 1")
    assert found.source is None and found.answer is None
    assert [(layer.kind, layer.parameters, layer.multiply_adds) for layer in found.layers] == [("dense", 21, 21)]


def test_any_size_is_taken_as_224_pixels():
    model = onnx.load_from_string(residual())
    for axis in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        axis.dim_param = "side"
    found = onnx_file.look(model.SerializeToString(), PICTURE, "ImageNet’s mean and spread")
    assert (found.source.height, found.layers[0].side) == (224, 112) and "any size" in found.notes[0]


def endless() -> bytes:
    """A loop that never ends."""
    keep = helper.make_tensor_value_info("go", TensorProto.BOOL, [])
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Identity", ["v"], ["w"])], "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []), keep,
         helper.make_tensor_value_info("v", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, []),
         helper.make_tensor_value_info("w", TensorProto.FLOAT, None)],
    )  # fmt: skip
    nodes = [helper.make_node("Loop", ["", "yes", "x"], ["y"], body=body)]
    return onnx_bytes(nodes, [("x", [1, 3, 8, 8])], [("y", None)], [("yes", np.array(True))])


def greedy() -> bytes:
    """A few bytes that ask for 40 GB."""
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["huge"], value=helper.make_tensor("v", 1, [1], [1.0])),
        helper.make_node("Identity", ["x"], ["z"]),
        helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0),
        helper.make_node("Add", ["z", "sum"], ["y"]),
    ]
    return onnx_bytes(nodes, [("x", [1, 3, 8, 8])], [("y", [1, 3, 8, 8])], [("size", np.array([100_000, 100_000]))])


def test_what_never_ends_or_eats_all_memory_is_stopped_and_the_next_is_answered(monkeypatch):
    monkeypatch.setattr(own.RUNNER, "minutes", 0.05)
    with pytest.raises(VisitorError, match="longer than"):
        own.look("loop.onnx", endless(), PICTURE, "0 to 1")
    monkeypatch.undo()
    try:
        found = own.look("greedy.onnx", greedy(), PICTURE, "0 to 1")
        assert found.answer is None and "cannot run" in found.notes[-1]  # the system refused the memory at once
    except VisitorError as error:
        assert "more than the 700 MB" in str(error) or "ONNX process" in str(error)
    assert own.look("good.onnx", residual(), PICTURE, "0 to 1").answer.shape == (5,)
    own.RUNNER.end()


def test_files_are_bounded_and_known_by_their_ending():
    with pytest.raises(VisitorError, match="at most 20"):
        own.look("large.onnx", bytes(20_971_521), PICTURE, "0 to 1")
    with pytest.raises(VisitorError, match="Only .onnx and .keras"):
        own.look("old.h5", b"", PICTURE, "0 to 1")


# --- .keras ----------------------------------------------------------------------------------------------------------


def layer(name="Dense", module="keras.layers", registered=None, **config) -> dict:
    return {"module": module, "class_name": name, "config": config, "registered_name": registered}


def keras_bytes(*layers, weights_file: bytes = b"", packing=zipfile.ZIP_STORED, **more) -> bytes:
    """An archive as Keras writes it, of a Sequential model."""
    config = layer("Sequential", "keras", layers=list(layers)) | more
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", packing) as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", weights_file)
    return result.getvalue()


def function(module: str, name: str, registered: str = "function") -> dict:
    return {"module": module, "class_name": "function", "config": name, "registered_name": registered}


HOSTILE = {
    "a Lambda": (layer("Lambda", function="x"), "Lambda"),
    "a lambda as activation": (
        layer(activation={"class_name": "__lambda__", "config": {"value": "aGk="}, "module": "builtins"}), "Lambda"
    ),
    "a Lambda within": (layer("Activation", activation=layer("Lambda")), "Lambda"),
    "any function by its module, CVE-2025-1550": (layer(activation=function("os", "system")), "none of Keras"),
    "any class by its module": (layer("Popen", "subprocess"), "not among"),
    "Keras fetching files, CVE-2025-8747": (layer(activation=function("keras.utils", "get_file")), "none of Keras"),
    "safe mode off, CVE-2025-9906": (
        layer(activation=function("keras.config", "enable_unsafe_deserialization")), "none of Keras"
    ),
    "safe mode off as a class": (layer("enable_unsafe_deserialization", "keras.config"), "not among"),
    "a class of one’s own": (layer("Dense", registered="mine>Dense"), "author’s own"),
    "a class of one’s own by its module": (layer("MyLayer", "my_package.layers"), "not among"),
    "a vocabulary from a file": (layer("StringLookup", vocabulary="/etc/passwd"), "not among"),
    "text": (layer("TextVectorization"), "not among"),
    "a saved model": (layer("TFSMLayer", filepath="/tmp/x"), "not among"),
    "a program of Torch": (layer("TorchModuleWrapper"), "not among"),
    "a type by its module": ({"class_name": "__typespec__", "spec_name": "x", "module": "os"}, "no class"),
    "a name with dots": (layer("Dense.build"), "no class"),
    "a wrapper of a Lambda": (layer("TimeDistributed", layer=layer("Lambda")), "not among|Lambda"),
    "a function of numpy’s": (layer("load", "keras.src.ops.numpy"), "not among"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_whatever_could_run_code_is_refused_before_keras_sees_it(kind):
    part, words = HOSTILE[kind]
    with pytest.raises(VisitorError, match=words):
        keras_file.checked(keras_bytes(layer("InputLayer"), part))
    nested = layer("Functional", "keras", layers=[layer("Sequential", "keras", layers=[part])])
    with pytest.raises(VisitorError, match=words):
        keras_file.checked(keras_bytes(nested))


def test_a_loss_of_ones_own_is_left_out_and_nothing_else_goes_on(tmp_path):
    mine = layer("MyLoss", "mine", "mine>MyLoss")
    arrays = _h5(lambda file: file.create_dataset("w", data=np.ones(3, "f")))
    data = io.BytesIO(
        keras_bytes(layer() | {"compile_config": mine}, compile_config={"loss": mine}, weights_file=arrays)
    )
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("assets/evil.txt", "x")
        archive.writestr("../../evil.py", "x")
    with zipfile.ZipFile(keras_file.write_anew(data.getvalue(), tmp_path)) as clean:
        assert sorted(clean.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]
        assert b"compile_config" not in clean.read("config.json")


def bomb() -> bytes:
    return keras_bytes(layer(), weights_file=bytes(keras_file.MOST_UNPACKED + 1), packing=zipfile.ZIP_DEFLATED)


BAD_KERAS = {
    "empty": (lambda: b"", "no .keras file"),
    "text": (lambda: b"import os; os.remove('x')", "no .keras file"),
    "cut": (lambda: keras_bytes(layer())[:-90], "no .keras file"),
    "a bomb": (bomb, "unpacks to more than 120 MB"),
    "a bomb of words": (lambda: keras_bytes(layer(name=" " * 6_000_000), packing=zipfile.ZIP_DEFLATED), "5 MB"),
    "HDF5": (lambda: b"\x89HDF\r\n\x1a\n" + bytes(100), "no .keras file"),
    "another archive": (lambda: _zip({"a.txt": "x"}), "older .h5"),
    "no JSON": (lambda: _zip({"config.json": "{", "model.weights.h5": ""}), "no .keras file"),
    "deep JSON": (lambda: _zip({"config.json": "[" * 100_000, "model.weights.h5": ""}), "no .keras file"),
    "a list": (lambda: _zip({"config.json": "[]", "model.weights.h5": ""}), "class of its own"),
    "a class": (lambda: _zip({"config.json": json.dumps(layer()), "model.weights.h5": ""}), "class of its own"),
}


def _zip(entries: dict[str, str]) -> bytes:
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as archive:
        for name, text in entries.items():
            archive.writestr(name, text)
    return result.getvalue()


@pytest.mark.parametrize("kind", BAD_KERAS)
def test_keras_files_that_are_none_or_too_large_are_refused(kind):
    make, words = BAD_KERAS[kind]
    with pytest.raises(VisitorError, match=words):
        keras_file.checked(make())


def _h5(fill) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("fill", "words"),
    [
        (lambda file: file.__setitem__("layers", h5py.ExternalLink("/etc/passwd", "/")), "other files"),
        (lambda file: file.create_dataset("w", (4,), "f4", external=[("/etc/passwd", 0, 16)]), "other files"),
        (lambda file: file.create_dataset("w", (10**6, 10**6), "f4", chunks=(100, 100)), "claim 4,000,000 MB"),
    ],
)
def test_weights_that_lie_elsewhere_or_are_beyond_all_bounds_are_refused(fill, words, tmp_path):
    data = keras_bytes(layer("InputLayer", batch_shape=[None, 4]), weights_file=_h5(fill))
    with pytest.raises(VisitorError, match=words):
        keras_file.write_anew(data, tmp_path)


def test_all_names_on_the_list_are_keras_own():
    keras = pytest.importorskip("keras")
    assert all(hasattr(keras.layers, name) for name in keras_file.LAYERS)
    assert not {"Lambda", "TFSMLayer", "StringLookup", "TimeDistributed", "Wrapper"} & keras_file.LAYERS


def saved(model, tmp_path) -> bytes:
    file = tmp_path / "net.keras"
    model.save(file)
    return file.read_bytes()


def test_a_keras_file_is_read_as_keras_has_it(tmp_path):
    """With a network within, a skip, arithmetic outside of layers, and a loss."""
    import keras
    from keras import layers

    inner = keras.Sequential(
        [keras.Input((16, 16, 8)), layers.Conv2D(8, 3, padding="same"), layers.BatchNormalization()]
    )
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(8, 3, 2, "same", activation="relu", kernel_regularizer="l2", name="first")(inputs)
    x = layers.ReLU()(layers.Add(name="sum")([inner(x), x]) * 2.0)
    x = layers.SeparableConv2D(4, 5)(x)
    x = layers.Conv2DTranspose(4, 2, 2, name="up")(x)
    outputs = layers.Dense(3, activation="softmax", name="last")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "mse")
    found = keras_file.look(saved(model, tmp_path), PICTURE, "−1 to 1")
    assert found.parameters == model.count_params() and len(found.maps) == len(found.layers)
    rows = {each.name: each for each in found.layers}
    assert rows["first"].multiply_adds == 256 * 27 * 8 and rows["first"].shape == "16 × 16 × 8"
    assert rows["up"].multiply_adds == 12 * 12 * 4 * 4 * 4 and rows["up"].shape == "24 × 24 × 4"
    assert rows["sum"].kind == "merge" and set(rows["sum"].reads) == {0, 1}
    assert rows["first"].sees == 3 and found.layers[1].sees == 7 and found.layers[1].parameters == 8 * 73 + 32
    batch = found.source.batch(PICTURE, "−1 to 1")
    np.testing.assert_allclose(found.answer, np.asarray(model(batch))[0], atol=1e-5)


def test_what_keras_cannot_build_is_a_sentence(tmp_path):
    import keras

    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    data = saved(model, tmp_path)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries["config.json"] = entries["config.json"].replace(b'"units": 2', b'"units": -2')
    with pytest.raises(VisitorError, match="Keras cannot"):
        keras_file.look(_zip(entries), PICTURE, "0 to 1")
    entries["config.json"] = entries["config.json"].replace(b'"units": -2', b'"units": 3')
    with pytest.raises(VisitorError, match="Keras cannot"):
        keras_file.look(_zip(entries), PICTURE, "0 to 1")


def test_a_chain_without_layers_is_a_sentence(tmp_path):
    import keras

    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    with zipfile.ZipFile(io.BytesIO(saved(model, tmp_path))) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(entries["config.json"])
    config["config"] |= {"layers": "", "build_input_shape": None}
    entries["config.json"] = json.dumps(config).encode()
    with pytest.raises(VisitorError, match="Keras cannot open this network"):
        keras_file.look(_zip(entries), PICTURE, "0 to 1")


def test_behind_the_list_keras_safe_mode_refuses_a_lambda_too(tmp_path, monkeypatch):
    import keras

    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Lambda(lambda x: 2 * x)])
    data = saved(model, tmp_path)

    def passed(data: bytes) -> dict:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return json.loads(archive.read("config.json"))

    monkeypatch.setattr(keras_file, "checked", passed)
    with pytest.raises(VisitorError, match="Keras cannot.*lambda"):
        keras_file.look(data, PICTURE, "0 to 1")


# --- both ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 500), (500, 1), (1, 1), (40, 60)])
@pytest.mark.parametrize("scale", reading.SCALES)
def test_any_picture_fits_any_input(shape, scale):
    picture = np.full((*shape, 3), 128, np.uint8)
    assert reading.Source(20, 30, 3, True).batch(picture, scale).shape == (1, 3, 20, 30)
    assert reading.Source(28, 28, 1).batch(picture, scale).shape == (1, 28, 28, 1)


def test_maps_shown_are_few_small_and_the_strongest():
    values = np.zeros((200, 100, 40), np.float32)
    values[..., 7] = 5
    values[0, 0, 9] = np.nan
    maps = reading.shown_maps(values)
    assert maps.shape == (64, 32, 12) and maps[..., 0].min() == 255
    assert reading.shown_maps(np.zeros((1, 1, 8))) is None and reading.shown_maps(np.zeros(8)) is None


def test_the_server_takes_uploads_of_the_size_that_is_opened():
    from streamlit import config

    assert config.get_option("server.maxUploadSize") == own.MOST_MEGABYTES
