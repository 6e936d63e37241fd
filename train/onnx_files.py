"""The networks as visitors are served: `weights/<name>.onnx`, made from the Keras weights that ship.

    python -m train.onnx_files                 # all networks
    python -m train.onnx_files siamese         # one of them; each training script does so at its end

Each file has the model's own answer as `output`, and every layer that a page shows under its own name. Large arrays are
stored in float16 and widened when the file is loaded. Maps that a page switches off have a factor behind them. Where
the graph's optimizer has multiplied a batch normalization into a kernel, the kernel itself is stored and the factors
beside it, so that nothing is rounded. What a page tells of the layers is written beside it: `<name>.layers.json`.

Needs tf2onnx (requirements-train.txt).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cnndemo import weights
from cnndemo.activation_maps import NETWORKS
from cnndemo.models import siamese, unet, unet_pretrained
from train.runs import script

OUTPUT = "output"  # name of the model's own answer
LARGE = 512  # arrays of fewer elements stay in float32
SWITCHED = {"digit_classifier": ("conv2d_1", "conv2d_2")}  # maps that a page switches off
DECODED = {"pet_segmentation": unet, "pet_segmentation_pretrained": unet_pretrained}  # skips that a page cuts
SIAMESE = ("conv_1", "conv_2", "embedding")
MAPPED = {network.name: tuple(layer.name for layer in network.layers) for network in NETWORKS.values()}
SHOWN: dict[str, tuple[str, ...]] = {
    "digit_classifier": ("conv2d_1", "conv2d_2", "flatten_1", "dense_1", "dense_2"),
    "robust_digits": ("conv2d_1", "conv2d_2", "dense_1"),  # what the way back of a gradient needs
    "not_a_digit": ("dense",),  # from which its scores follow, as its energy needs them
    "siamese": SIAMESE,
    "triplet": SIAMESE,
    "efficientnet_lite0": (*MAPPED["efficientnet_lite0"], "average_pool", "logits"),
    "resnet20": (*MAPPED["resnet20"], "average_pool", "logits"),
    "pet_segmentation": MAPPED["pet_segmentation"],  # its levels, skips and bottom are among them
    "pet_segmentation_pretrained": tuple(
        dict.fromkeys((*unet_pretrained.LEVELS, *unet_pretrained.SKIPS, unet_pretrained.BOTTOM))
    ),
}


def served(name: str, model: keras.Model) -> keras.Model:
    """The model whose inputs and outputs are those that visitors are served with."""
    if name in SWITCHED:
        return switched(model, SWITCHED[name], SHOWN[name])
    outputs = {layer: model.get_layer(layer).output for layer in SHOWN.get(name, ())}
    return keras.Model(model.inputs[0], outputs | {OUTPUT: model.outputs[0]})


def switched(model: keras.Model, layers: tuple[str, ...], shown: tuple[str, ...]) -> keras.Model:
    """A chain of layers with a further input for each of `layers`, (1, channels), by which its maps are multiplied."""
    x = source = keras.Input(model.inputs[0].shape[1:], name=model.inputs[0].name)
    inputs, outputs = [source], {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        x = layer(x)
        if layer.name in shown:
            outputs[layer.name] = x
        if layer.name in layers:
            inputs.append(keras.Input((x.shape[-1],), name=f"on_{layer.name}"))
            x = x * inputs[-1][:, None, None, :]
    return keras.Model(inputs, outputs | {OUTPUT: x})


def decoder(name: str, model: keras.Model) -> keras.Model:
    """The right half of a U-Net: from its skips and its bottom to the answer."""
    inputs = [model.get_layer(layer).output for layer in (*DECODED[name].SKIPS, DECODED[name].BOTTOM)]
    half = keras.Model(inputs, {OUTPUT: model.outputs[0]})
    sources = [keras.Input(tensor.shape[1:], name=layer) for tensor, layer in zip(
        inputs, (*DECODED[name].SKIPS, DECODED[name].BOTTOM), strict=True)]  # fmt: skip
    return keras.Model(sources, half(sources))


def written(model: keras.Model, file: Path, exact: list[np.ndarray], switch: bool = False) -> dict[str, Any]:
    """Write a model as an ONNX file, with switches for its maps where wanted; what the card says of it."""
    inputs = [np.zeros((1, *source.shape[1:]), np.float32) for source in model.inputs]
    model(inputs if len(inputs) > 1 else inputs[0])  # the export wants a model that has been called
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch) / "raw.onnx"
        model.export(raw, format="onnx", verbose=False)
        graph = onnx.load(raw)
    halve(graph, exact)
    if switch:
        put_switches(graph.graph)
    del graph.metadata_props[:]
    graph.doc_string = graph.graph.doc_string = ""
    graph.producer_name, graph.producer_version = "keras, tf2onnx", ""
    with weights.whole(file) as part:
        part.write_bytes(graph.SerializeToString(deterministic=True))
    return {"file": file.name, "sha256": weights.sha256(file), "bytes": file.stat().st_size}


def put_switches(graph: onnx.GraphProto) -> None:
    """Multiply every layer with maps that a graph gives out by a further input; what it gives out stays as it was.

    The inputs are `on_<layer>`, (1, channels, 1, 1), all ones where they are not given: who does without them sees the
    graph as it was, and pays a hundredth to a tenth of an answer.

    Args:
        graph: whose maps are (batch, channels, height, width) inside, and transposed at its outputs.
    """
    given = {output.name for output in graph.output}
    makers = {name: node for node in graph.node for name in node.output}
    for output in graph.output:
        last = makers[output.name]
        if last.op_type != "Transpose" or len(output.type.tensor_type.shape.dim) != 4:
            continue
        inside, switch = last.input[0], f"on_{output.name}"
        after = {inside: f"{inside}/switched", output.name: f"{output.name}/switched"}
        shape = [1, output.type.tensor_type.shape.dim[3].dim_value, 1, 1]
        for node in graph.node:
            if node.op_type != "Transpose" or node.output[0] not in given:
                for place, name in enumerate(node.input):
                    node.input[place] = after.get(name, name)
        graph.input.append(helper.make_tensor_value_info(switch, TensorProto.FLOAT, shape))
        graph.initializer.append(numpy_helper.from_array(np.ones(shape, np.float32), switch))
        product = helper.make_node("Mul", [inside, switch], [after[inside]], name=f"{output.name}/switch")
        turned = helper.make_node("Transpose", [after[inside]], [after[output.name]], name=f"{output.name}/turned")
        turned.attribute.extend(last.attribute)
        at = next(place for place, node in enumerate(graph.node) if inside in node.output)
        graph.node.insert(at + 1, product)
        graph.node.insert(at + 2, turned)


def export(name: str, folder: Path | None = None) -> Path:
    """Write `<name>.onnx` beside the weights and complete the card."""
    folder = folder or weights.WEIGHTS_DIR
    model = weights.load(name, folder)
    file, exact = folder / f"{name}.onnx", kernels(model)
    about = weights.card(name, folder) | {
        "onnx": written(served(name, model), file, exact, switch=name in MAPPED),
        "multiply_adds": multiply_adds(model),
    }
    if name in DECODED:
        about["onnx_decoder"] = written(decoder(name, model), folder / f"{name}.decoder.onnx", exact)
    if name == "siamese":
        about["onnx_untrained"] = written(served(name, siamese.build(seed=0)), folder / f"{name}.untrained.onnx", [])
    rows = ",\n".join(json.dumps(row) for row in layers(weights.path(name, folder), model))
    with weights.whole(folder / f"{name}.layers.json") as part:
        part.write_text(f"[\n{rows}\n]\n", encoding="utf-8")
    weights.write_card(name, about, folder)
    return file


def kernels(model: keras.Model) -> list[np.ndarray]:
    """The kernels of all convolutions in ONNX's order, (out, in, height, width), exact in float16 as they ship."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            found.append(np.asarray(layer.kernel).transpose(2, 3, 0, 1))
        elif isinstance(layer, keras.layers.Conv2D):
            found.append(np.asarray(layer.kernel).transpose(3, 2, 0, 1))
    return found


def halve(graph: onnx.ModelProto, exact: list[np.ndarray]) -> None:
    """Store the large arrays of a graph in float16, changing nothing by more than float32's own rounding."""
    nodes = []
    for tensor in list(graph.graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LARGE:
            continue
        kernel, factors = split(values, exact)
        if kernel is None:
            continue
        half = f"{tensor.name}/half"
        graph.graph.initializer.append(numpy_helper.from_array(kernel.astype(np.float16), half))
        whole = tensor.name if factors is None else f"{tensor.name}/kernel"
        nodes.append(helper.make_node("Cast", [half], [whole], to=TensorProto.FLOAT))
        if factors is not None:
            graph.graph.initializer.append(numpy_helper.from_array(factors, f"{tensor.name}/factors"))
            nodes.append(helper.make_node("Mul", [whole, f"{tensor.name}/factors"], [tensor.name]))
        graph.graph.initializer.remove(tensor)
    for node in reversed(nodes):
        graph.graph.node.insert(0, node)


def split(values: np.ndarray, exact: list[np.ndarray]) -> tuple[np.ndarray | None, np.ndarray | None]:
    """An array as one that float16 holds exactly, and factors (out, 1, 1, 1) for it, or None where it needs none."""
    if np.array_equal(values.astype(np.float16).astype(np.float32), values):
        return values, None
    for kernel in exact:
        if kernel.shape == values.shape:
            weight = (kernel**2).sum(axis=(1, 2, 3), keepdims=True)
            shares = (values * kernel).sum(axis=(1, 2, 3), keepdims=True)
            factors = (shares / np.maximum(weight, 1e-30)).astype(np.float32)
            if np.allclose(kernel * factors, values, rtol=1e-5, atol=1e-7 * np.abs(values).max()):
                return kernel, factors
    return None, None


def multiply_adds(model: keras.Model) -> int:
    """Multiplications, each with its addition, that convolutions and dense layers need for one input."""
    total = 0
    for layer in model.layers:
        transposed = isinstance(layer, keras.layers.Conv2DTranspose)  # each pixel that comes in meets the whole kernel
        if transposed or isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D | keras.layers.Dense):
            shape = (layer.input if transposed else layer.output).shape
            positions = int(np.prod(shape[1:-1])) if len(shape) == 4 else 1
            total += positions * int(np.prod(layer.weights[0].shape))
    return total


def layers(file: Path, model: keras.Model) -> list[dict[str, Any]]:
    """What a page tells of each layer: name, type, output shape, parameters, and where its arrays lie in the file."""
    import h5py

    with h5py.File(file) as content:
        places: dict[str, np.ndarray] = {}
        content.visititems(lambda key, item: places.update({key: item[()]} if isinstance(item, h5py.Dataset) else {}))
    rows = []
    for layer in model.layers:
        paths = []
        for array in layer.get_weights():
            found = next(
                key for key, other in places.items()
                if np.shape(other) == array.shape and np.array_equal(np.asarray(other, np.float32), array)
            )  # fmt: skip
            paths.append(found)
            if array.size > 1:
                del places[found]
        rows.append(
            {
                "name": layer.name,
                "type": type(layer).__name__,
                "shape": list(layer.output.shape),
                "parameters": int(layer.count_params()),
                "arrays": paths,
            }
        )
    return rows


@script
def main() -> None:
    """Export the networks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="networks; default all that have a card")
    parser.add_argument("--weights-dir", type=Path, default=weights.WEIGHTS_DIR, help="where they lie")
    arguments = parser.parse_args()
    for name in arguments.names or weights.names(arguments.weights_dir):
        file = export(name, arguments.weights_dir)
        print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main()
