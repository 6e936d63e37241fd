"""ResNet50 as visitors are served: the downloaded weights, turned to ONNX once, in the Keras process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cnndemo import inference
from cnndemo.errors import VisitorError
from cnndemo.resnet_transfer import resnet50

EPSILON = 1.001e-5  # of the batch normalizations of keras.applications
OPSET = 17
MAPS, FEATURES, SCORES = "conv5_block3_out", "avg_pool", "predictions"


def path() -> Path:
    """Where the file is, or will be: beside the weights."""
    return resnet50.path().with_suffix(".onnx")


def ready() -> bool:
    """Whether the file is there, and not older than the weights it was made from."""
    file, source = path(), resnet50.path()
    return file.is_file() and (not source.is_file() or file.stat().st_mtime >= source.stat().st_mtime)


def convert(tell: Callable[[float], None] = lambda share: None) -> None:
    """Make the file, unless it is there. Runs in the Keras process.

    Args:
        tell: called with the share that is done, in [0, 1].

    Raises:
        VisitorError: no weights, those of another network, or no room or no right to write beside them.
    """
    if ready():
        return
    model, done = resnet50.load(), 0

    def arrays(layer: str) -> list[np.ndarray]:
        nonlocal done
        done += 1
        tell(done / (2 * len(resnet50.convolutions()) + 1))
        return model.get_layer(layer).get_weights()

    part = path().with_suffix(".part")
    try:
        part.write_bytes(graph(arrays).SerializeToString())
        part.replace(path())
    except OSError:
        raise VisitorError(f"There is no room for ResNet50 in the folder {part.parent.name} of this server.") from None
    finally:
        part.unlink(missing_ok=True)


def session() -> tuple[object, list[np.ndarray]]:
    """The network in ONNX Runtime, and kernel (2048, 1000) and bias (1000,) of its last layer.

    Raises:
        VisitorError: the file is damaged; it is thrown away.
    """
    try:
        found = inference.load(path(), "resnet50")
    except VisitorError:
        path().unlink(missing_ok=True)
        raise VisitorError(
            "The prepared file of ResNet50 was damaged and was thrown away. Choose it once more."
        ) from None
    nothing = np.zeros((0, resnet50.INPUT_SIZE, resnet50.INPUT_SIZE, 3), np.float32)
    return found, found.run([f"{SCORES}/kernel", f"{SCORES}/bias"], {"input": nothing})


def graph(arrays: Callable[[str], list[np.ndarray]]):
    """ResNet50 with its batch normalizations multiplied into the kernels.

    Args:
        arrays: the arrays of a layer of `keras.applications.ResNet50` by its name.

    Returns:
        A graph from `input`, float32 (n, 224, 224, 3), to the last maps, (n, 7, 7, 2048), their average, (n, 2048),
        and the logits, (n, 1000), under Keras' names: an `onnx.ModelProto`.
    """
    import onnx
    from onnx import helper, numpy_helper

    nodes: list[onnx.NodeProto] = []
    tensors: list[onnx.TensorProto] = []

    def add(kind: str, inputs: list[str], output: str, **attributes) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(name: str, values: np.ndarray) -> str:
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), f"resnet50/{name}"))
        return f"resnet50/{name}"

    def convolution(x: str, name: str, stride: int = 1, pad: int = 0) -> str:
        kernel, bias = arrays(f"{name}_conv")
        gamma, beta, mean, variance = arrays(f"{name}_bn")
        scale = gamma / np.sqrt(variance + EPSILON)
        weights = [
            constant(f"{name}/kernel", (kernel * scale).transpose(3, 2, 0, 1)),
            constant(f"{name}/bias", (bias - mean) * scale + beta),
        ]
        return add("Conv", [x, *weights], name, strides=[stride, stride], pads=[pad] * 4)

    def relu(x: str) -> str:
        return add("Relu", [x], f"{x}/relu")

    x = add("Transpose", ["input"], "channels_first", perm=[0, 3, 1, 2])
    x = relu(convolution(x, "conv1", stride=2, pad=3))
    x = add("MaxPool", [x], "pool1", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for number, (_, blocks, stride) in enumerate(resnet50.STAGES, start=2):
        for block in range(1, blocks + 1):
            name, step = f"conv{number}_block{block}", stride if block == 1 else 1
            shortcut = convolution(x, f"{name}_0", step) if block == 1 else x
            x = relu(convolution(x, f"{name}_1", step))
            x = relu(convolution(x, f"{name}_2", pad=1))
            x = relu(add("Add", [shortcut, convolution(x, f"{name}_3")], name))
    add("Transpose", [x], MAPS, perm=[0, 2, 3, 1])
    add("ReduceMean", [x], FEATURES, axes=[2, 3], keepdims=0)
    last = [
        constant(f"{SCORES}/{part}", values) for part, values in zip(("kernel", "bias"), arrays(SCORES), strict=True)
    ]
    add("Gemm", [FEATURES, *last], SCORES)
    shapes = {MAPS: ["n", 7, 7, 2048], FEATURES: ["n", 2048], SCORES: ["n", 1000]}
    for tensor in last:  # the last layer's arrays can be asked for, too
        part = tensor.removeprefix("resnet50/")
        shapes[add("Identity", [tensor], part)] = [2048, 1000][1 if part.endswith("bias") else 0 :]
    source = helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, ["n", 224, 224, 3])
    outputs = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    made = helper.make_graph(nodes, "resnet50", [source], outputs, tensors)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
