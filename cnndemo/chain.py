"""A network that is a chain of layers, read from a `.keras` file without Keras, and as a graph for ONNX Runtime.

Nothing in the file is executed: only the names, settings and arrays of known layers are read.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from cnndemo import inference, weights
from cnndemo.errors import VisitorError
from cnndemo.weights import Layer

OUTPUT = inference.OUTPUT
OPSET = 17
ACTIVATIONS = {"linear": "", "relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softmax": "Softmax"}
KINDS = (
    "Conv2D", "MaxPooling2D", "BatchNormalization", "Dropout", "GlobalAveragePooling2D", "Flatten", "Dense",
)  # fmt: skip
MOST_BYTES = 60_000_000  # that an entry may unpack to


@dataclass(frozen=True)
class Chain:
    """A network whose layers follow one another.

    Attributes:
        shape: of one input, (height, width, channels).
        settings: of each layer, as Keras writes them, the input's left out; each has its `class_name`.
        arrays: of each layer that has some, as Keras has them, kernel first.
    """

    shape: tuple[int, int, int]
    settings: tuple[dict, ...]
    arrays: dict[str, tuple[np.ndarray, ...]]

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """What a page tells of the layers, first to last."""
        found, shape = [Layer("digit", "InputLayer", (None, *self.shape), 0, ())], self.shape
        for each in self.settings:
            shape = _after(each, shape)
            parameters = sum(array.size for array in self.arrays.get(each["name"], ()))
            found.append(Layer(each["name"], each["class_name"], (None, *shape), parameters, ()))
        return tuple(found)

    def named(self, kind: str) -> tuple[str, ...]:
        """The names of the layers of one class, such as "Conv2D"."""
        return tuple(each["name"] for each in self.settings if each["class_name"] == kind)

    @cached_property
    def session(self):
        """The network in ONNX Runtime."""
        return inference.load(self.onnx(), "network")

    def predictor(self, outputs: Sequence[str] | None = None) -> Callable[..., inference.Arrays]:
        """The network as a function; see `inference.predictor`. Convolutions have switches `on_<name>`."""
        return inference.function(self.session, outputs, "network")

    def onnx(self, switches: bool = True) -> bytes:
        """The network as an ONNX file: `digit` (n, height, width, channels) to `output`, and each layer by its name."""
        return _graph(self, switches)


@dataclass(frozen=True)
class Reader:
    """A network that reads digits: the shipped one, or the visitor's.

    Attributes:
        key: tells networks apart.
        listed: tells the layers, first to last.
        predictor: outputs -> function, as `inference.predictor` of one network.
        arrays: layer -> its weights, kernel first.
    """

    key: str
    listed: Callable[[], tuple[Layer, ...]]
    predictor: Callable[..., Callable[..., inference.Arrays]]
    arrays: Callable[[str], tuple[np.ndarray, ...]]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Its layers, first to last.

        Raises:
            WeightsError: those of the shipped network are not there.
        """
        return self.listed()

    def named(self, kind: str) -> tuple[str, ...]:
        """The names of the layers of one class, such as "Conv2D"."""
        return tuple(layer.name for layer in self.layers if layer.type == kind)


def shipped(name: str) -> Reader:
    """A network that ships."""
    return Reader(
        name, *(partial(function, name) for function in (weights.layers, inference.predictor, weights.arrays))
    )


def read(data: bytes) -> Chain:
    """The network of a `.keras` file.

    Raises:
        VisitorError: the file is damaged, or its network is not a chain of known layers.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if any(archive.getinfo(name).file_size > MOST_BYTES for name in archive.namelist()):
                raise VisitorError("This network is too large for this page.")
            config = json.loads(archive.read("config.json"))
            content = archive.read("model.weights.h5")
        layers = config["config"]["layers"]
        source, *chain = [{"class_name": each["class_name"]} | each["config"] for each in layers]
        unknown = [each["class_name"] for each in chain if each["class_name"] not in KINDS]
        if config["class_name"] != "Sequential" or source["class_name"] != "InputLayer" or unknown:
            raise VisitorError("This network is not a chain of layers that this page knows.")
        return Chain(tuple(source["batch_shape"][1:]), tuple(chain), _arrays(content, chain))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        raise VisitorError("This file is not a network of this page, or it is damaged.") from None


def _arrays(content: bytes, chain: Sequence[dict]) -> dict[str, tuple[np.ndarray, ...]]:
    """The arrays of each layer. Keras files them under the layer's class and its number among those of the class."""
    import h5py

    found, numbers = {}, Counter()
    with h5py.File(io.BytesIO(content)) as file:
        for each in chain:
            folder = re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", each["class_name"]))
            folder, number = folder.lower(), numbers[folder.lower()]
            numbers[folder] += 1
            group = file.get(f"layers/{folder}{f'_{number}' if number else ''}/vars", {})
            if len(group):
                found[each["name"]] = tuple(
                    np.asarray(group[str(place)][()], np.float32) for place in range(len(group))
                )
    return found


def _after(layer: dict, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that a layer makes of another."""
    kind = layer["class_name"]
    if kind in ("Conv2D", "MaxPooling2D"):
        size = layer["kernel_size" if kind == "Conv2D" else "pool_size"]
        sides = tuple((side - k) // s + 1 for side, k, s in zip(shape[:2], size, layer["strides"], strict=True))
        return (*sides, layer["filters"] if kind == "Conv2D" else shape[2])
    if kind == "GlobalAveragePooling2D":
        return shape[2:]
    if kind == "Flatten":
        return (int(np.prod(shape)),)
    return (layer["units"],) if kind == "Dense" else shape


def _graph(chain: Chain, switches: bool) -> bytes:
    """See `Chain.onnx`. Within the graph maps are (n, channels, height, width), as ONNX wants them."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, tensors, outputs = [], [], []
    inputs = [helper.make_tensor_value_info("digit", TensorProto.FLOAT, ["n", *chain.shape])]

    def add(kind: str, given: Sequence[str], output: str, **attributes) -> str:
        nodes.append(helper.make_node(kind, list(given), [output], **attributes))
        return output

    def constant(name: str, values: np.ndarray) -> str:
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def tell(x: str, name: str, shape: tuple[int, ...]) -> None:
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape]))
        add("Transpose", [x], name, perm=[0, 2, 3, 1]) if len(shape) == 3 else add("Identity", [x], name)

    x = add("Transpose", ["digit"], "channels_first", perm=[0, 3, 1, 2])
    for layer, about in zip(chain.settings, chain.layers[1:], strict=True):
        kind, name, inner = layer["class_name"], layer["name"], f"{layer['name']}/inner"
        arrays = chain.arrays.get(name, ())
        if kind == "Conv2D":
            given = constant(f"{name}/kernel", arrays[0].transpose(3, 2, 0, 1)), constant(f"{name}/bias", arrays[1])
            x = add("Conv", [x, *given], inner, strides=layer["strides"])
        elif kind == "MaxPooling2D":
            x = add("MaxPool", [x], inner, kernel_shape=layer["pool_size"], strides=layer["strides"])
        elif kind == "BatchNormalization":
            parts = [constant(f"{name}/{place}", array) for place, array in enumerate(arrays)]
            x = add("BatchNormalization", [x, *parts], inner, epsilon=layer["epsilon"])
        elif kind == "GlobalAveragePooling2D":
            x = add("ReduceMean", [x], inner, axes=[2, 3], keepdims=0)
        elif kind == "Flatten":
            x = add("Transpose", [x], f"{name}/last", perm=[0, 2, 3, 1])
            x = add("Reshape", [x, constant(f"{name}/row", np.array([0, -1], np.int64))], inner)
        elif kind == "Dense":
            given = constant(f"{name}/kernel", arrays[0]), constant(f"{name}/bias", arrays[1])
            x = add("Gemm", [x, *given], inner)
        if activation := ACTIVATIONS[layer.get("activation", "linear")]:
            x = add(activation, [x], f"{name}/active")
        if kind == "Conv2D" and switches:
            switch = f"on_{name}"
            inputs.append(helper.make_tensor_value_info(switch, TensorProto.FLOAT, [1, layer["filters"]]))
            spread = add(
                "Reshape", [switch, constant(f"{name}/spread", np.array([1, -1, 1, 1], np.int64))], f"{name}/on"
            )
            x = add("Mul", [x, spread], f"{name}/switched")
        tell(x, name, about.shape[1:])
    tell(x, OUTPUT, chain.layers[-1].shape[1:])
    made = helper.make_graph(nodes, "network", inputs, outputs, tensors)
    return helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="cnndemo"
    ).SerializeToString()
