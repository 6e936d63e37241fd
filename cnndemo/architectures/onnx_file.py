"""A visitor's ONNX file: read, counted and run in a small process of its own, so that a hostile one harms nobody."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cnndemo.architectures import reading
from cnndemo.architectures.reading import Account, Own, Source
from cnndemo.class_folders import readable
from cnndemo.errors import VisitorError

CONVOLUTIONS = {"Conv", "ConvTranspose"}
POOLS = {"MaxPool", "AveragePool", "LpPool"}
WHOLE_POOLS = {"GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceMax"}
RESIZES = {"Resize", "Upsample"}
PRODUCTS = {"Gemm", "MatMul"}
#: Operations that give the same numbers in another order or type; they are no layers.
LOOKS = {"Identity", "Cast", "Dropout", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Pad"}
FLOATS = {1: "float32", 10: "float16", 11: "float64", 2: "uint8"}  # element types of ONNX that a picture may have


def look(data: bytes, picture: np.ndarray, scale: str) -> Own:
    """What there is to say of a network, and its answer for a picture.

    Args:
        data: of the file.
        picture: uint8 (height, width, 3).
        scale: a key of `reading.SCALES`.

    Raises:
        VisitorError: not ONNX, damaged, or weights in other files.
    """
    import onnx

    model = _parsed(data)
    given = _inputs(model)
    source, notes = _settled(given)
    try:
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception:  # it has no common base; without shapes there is less to tell
        notes.append("The shapes of its layers could not be worked out, so some figures are missing.")
    graph = _Graph(model, source, given[0].name)
    graph.read()
    answer = graph.answer()
    told = Own("ONNX", tuple(graph.account.layers), source, _words(given[0]), _words(answer), tuple(notes))
    if source is None:
        return told
    try:
        found, maps = _run(model, graph, answer.name, source.batch(picture, scale))
    except VisitorError as error:
        return replace(told, notes=(*told.notes, str(error)))
    return replace(told, answer=found, maps=maps)


def _parsed(data: bytes):
    """The `onnx.ModelProto`.

    Raises:
        VisitorError: it cannot be read, or does not stand alone.
    """
    import onnx

    try:
        model = onnx.load_from_string(data)
    except Exception:  # protobuf's errors differ from version to version
        raise VisitorError("This is no ONNX file, or it is cut off.") from None
    if not model.graph.node or not model.graph.output:
        raise VisitorError("This ONNX file holds no network.")
    names = (name for node in model.graph.node for name in (node.op_type, node.name, *node.input, *node.output))
    if not all(isinstance(name, str) for name in names):  # protobuf gives bytes that are no UTF-8 as they are
        raise VisitorError("This ONNX file is damaged: names in it are no text.")
    for tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise VisitorError(
                "This file keeps its weights in other files, which are not opened here. Save it as one file: "
                "onnx.save(model, name, save_as_external_data=False)."
            )
    if model.functions:
        raise VisitorError("This file defines operations of its own; only ONNX’s are read here.")
    return model


def _tensors(model) -> Iterator:
    """All tensors of a file, those of nodes and of graphs within nodes too."""
    graphs = [model.graph, *(training.algorithm for training in model.training_info)]
    nodes = [node for function in model.functions for node in function.node]
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
            nodes.extend(graph.node)
            continue
        for attribute in nodes.pop().attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            graphs += [attribute.g] * attribute.HasField("g") + list(attribute.graphs)


def _inputs(model) -> list:
    """What the network must be given.

    Raises:
        VisitorError: nothing.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    given = [value for value in model.graph.input if value.name not in weights]
    if not given:
        raise VisitorError("This network takes no input.")
    return given


def _settled(given: list) -> tuple[Source | None, list[str]]:
    """The picture that is taken, if it is one; free axes of all inputs get numbers: one picture of 224 pixels."""
    notes: list[str] = []
    for value in given:
        for place, axis in enumerate(value.type.tensor_type.shape.dim):
            if axis.WhichOneof("value") != "dim_value" or axis.dim_value < 1:
                axis.dim_value = 1 if place == 0 else reading.FREE_SIDE
                if place and value is given[0]:
                    notes.append(f"Its input may have any size; here it is {reading.FREE_SIDE} pixels.")
    tensor = given[0].type.tensor_type
    shape = [axis.dim_value for axis in tensor.shape.dim]
    if len(shape) != 4 or shape[0] != 1 or tensor.elem_type not in FLOATS:
        return None, list(dict.fromkeys(notes))
    dtype = FLOATS[tensor.elem_type]
    if shape[1] in (1, 3) and shape[3] not in (1, 3):
        source = Source(shape[2], shape[3], shape[1], True, dtype)
    elif shape[3] in (1, 3):
        source = Source(shape[1], shape[2], shape[3], False, dtype)
    else:
        return None, list(dict.fromkeys(notes))
    return source, list(dict.fromkeys(notes))


def _shape_of(value) -> list[int]:
    return [
        axis.dim_value if axis.WhichOneof("value") == "dim_value" else 0 for axis in value.type.tensor_type.shape.dim
    ]


def _words(value) -> str:
    """Shape and type: "1 × 3 × 224 × 224, float"."""
    import onnx

    kind = value.type.tensor_type.elem_type
    name = onnx.TensorProto.DataType.Name(kind).lower() if kind in onnx.TensorProto.DataType.values() else "unknown"
    return f"{' × '.join(str(axis or '?') for axis in _shape_of(value)) or 'one number'}, {name}"


class _Graph:
    """Reads the nodes of a graph, in their order, into an account of layers.

    Attributes:
        account: of the layers.
        outputs: the tensor that each layer puts out, and whether its channels come first.
    """

    def __init__(self, model, source: Source | None, input_name: str):
        graph = model.graph
        self.nodes = [node for node in graph.node if node.output]
        self.given = list(graph.output)
        shown = (source.height, source.width, source.channels) if source else ()
        self.account = Account(shown)
        self.outputs: list[tuple[str, bool]] = []
        self.shapes = {value.name: _shape_of(value) for value in (*graph.value_info, *graph.input, *graph.output)}
        # An input that need not be given has its value among them; before version 4 every weight was such an input.
        free = {value.name for value in graph.input} if model.ir_version >= 4 else set()
        free &= {tensor.name for tensor in graph.initializer}
        self.weights = {
            tensor.name: (list(tensor.dims), tensor.data_type in (1, 10, 11, 16))
            for tensor in graph.initializer
            if tensor.name not in free
        }
        self.constant = dict.fromkeys(free, set()) | {name: {name} for name in self.weights}  # -> made from which
        self.counted: set[str] = set()
        self.readers: dict[str, int] = {}
        for node in self.nodes:
            for name in node.input:
                self.readers[name] = self.readers.get(name, 0) + 1
        for value in graph.output:
            self.readers[value.name] = self.readers.get(value.name, 0) + 1
        self.home = {input_name: -1}  # tensor -> the layer that it is the output of
        self.first = {input_name: bool(source and source.channels_first)}

    def read(self) -> None:
        """Reads all nodes."""
        for node in self.nodes:
            data = [name for name in node.input if name in self.home]
            if not data:
                self._constant(node)
            elif node.op_type == "Shape" or (node.op_type in ("Size", "NonZero")):
                for name in node.output:
                    self.constant[name] = set()
            else:
                self._layer(node, data)

    def answer(self):
        """The output of the last layer: files may tell of layers on the way, too."""
        made = {name: place for place, node in enumerate(self.nodes) for name in node.output}
        return max(self.given, key=lambda value: (self.home.get(value.name, -1), made.get(value.name, -1)))

    def _constant(self, node) -> None:
        """A node that depends on no input: it is a weight, or makes one of others."""
        made = set().union(*(self.constant.get(name, set()) for name in node.input)) if node.input else set()
        for attribute in node.attribute:
            if attribute.name == "value" and node.op_type == "Constant":
                tensor = attribute.t
                self.weights[node.output[0]] = (list(tensor.dims), tensor.data_type in (1, 10, 11, 16))
                made = {node.output[0]}
        for name in node.output:
            self.constant[name] = made

    def _parameters(self, node) -> int:
        """Numbers that were learned and that this node is the first to use; single ones are settings."""
        found = set().union(*(self.constant.get(name, set()) for name in node.input)) - self.counted
        self.counted |= found
        sizes = (math.prod(shape) for name in found for shape, is_float in [self.weights[name]] if is_float and shape)
        return sum(sizes)

    def _layer(self, node, data: list[str]) -> None:
        reads = [self.home[name] for name in data]
        shape, first = self._output(node, data)
        kind, options = self._kind(node, data, shape)
        words = node.op_type
        alone = len(set(reads)) == 1 and reads[0] >= 0 and self.readers.get(data[0], 0) == 1
        if node.op_type in LOOKS or kind == "other" and alone and len(data) == 1:
            place = reads[0]
            extra = self._parameters(node)
            if kind == "other" and node.op_type not in LOOKS:
                place = self.account.absorb(place, words, extra)
                if len(self._unbatched(node.output[0], first)) == 3:
                    self.outputs[place] = (node.output[0], first)
        else:
            name = self._name(node)
            place = self.account.add(name, kind, reads, shape, self._parameters(node), words=words, **options)
            self.outputs.append((node.output[0], first))
        for name in node.output:
            if name:
                self.home[name], self.first[name] = place, first

    def _unbatched(self, name: str, first: bool) -> list[int]:
        """The shape of a tensor without its batch, channels last."""
        shape = self.shapes.get(name, [])
        if len(shape) == 4:
            return [shape[2], shape[3], shape[1]] if first else shape[1:]
        return shape[1:] if len(shape) > 1 else shape

    def _output(self, node, data: list[str]) -> tuple[list[int], bool]:
        """Shape of a node's output, channels last, and whether its channels come first in the file."""
        first = self.first.get(data[0], True)
        if node.op_type in CONVOLUTIONS | POOLS | {"GlobalAveragePool", "GlobalMaxPool", "BatchNormalization"}:
            first = True
        if node.op_type == "Transpose":
            order = next((list(each.ints) for each in node.attribute if each.name == "perm"), [])
            first = {(0, 2, 3, 1): False, (0, 3, 1, 2): True}.get(tuple(order), first)
        return self._unbatched(node.output[0], first), first

    def _kind(self, node, data: list[str], shape: list[int]) -> tuple[str, dict]:
        """The kind of a node, and what `Account.add` wants to know of it."""
        options = {each.name: list(each.ints) if each.type == 7 else each.i for each in node.attribute}
        stride = max(options.get("strides") or [1])
        window = _window(options.get("kernel_shape"), options.get("dilations"))
        elements = math.prod(shape[:2]) if len(shape) == 3 else 1
        kernel = self._weight_shape(node)
        if node.op_type == "Conv":
            window = window if options.get("kernel_shape") else _window(kernel[2:], options.get("dilations"))
            return "convolution", {"window": window, "stride": stride, "multiply_adds": math.prod(kernel) * elements}
        if node.op_type == "ConvTranspose":
            before = self._unbatched(data[0], True)
            work = math.prod(kernel) * (math.prod(before[:2]) if len(before) == 3 else 1)
            return "convolution", {"window": max(1, -(-window // stride)), "grows": stride, "multiply_adds": work}
        if node.op_type in PRODUCTS and kernel:
            rows = math.prod(self.shapes.get(node.output[0], [1])[:-1] or [1])
            return "dense", {"everything": rows <= 1, "multiply_adds": math.prod(kernel) * max(1, rows)}
        if node.op_type in POOLS:
            return "pooling", {"window": window, "stride": stride}
        if node.op_type in WHOLE_POOLS:
            return "pooling", {"everything": True}
        if node.op_type in RESIZES:
            before = self._unbatched(data[0], True)
            grows = round(shape[0] / before[0]) if len(before) == len(shape) == 3 and before[0] else 1
            return "pooling", {"grows": max(1, grows)}
        return ("merge" if len(data) > 1 else "other"), {}

    def _weight_shape(self, node) -> list[int]:
        """The shape of a node's weights, its second input; [] where that is computed."""
        name = node.input[1] if len(node.input) > 1 else ""
        if name in self.weights:
            return self.weights[name][0]
        return self.shapes.get(name, []) if name in self.constant else []

    def _name(self, node) -> str:
        """A short name: the node's own, without what all have in common, or that of its output."""
        parts = [part for part in (node.name or node.output[0]).split("/") if part]
        telling = [part for part in parts if part.lower() not in _NOISE] or parts
        return "/".join(telling[-2:] if len(telling[-1]) < 4 else telling[-1:])[:60].split(":")[0]


_NOISE = {
    "convolution",
    "depthwise",
    "separable_conv2d_depthwise",
    "biasadd",
    "matmul",
    "conv",
    "relu",
    "add",
    "fusedbatchnormv3",
}


def _window(kernel: list[int] | None, gaps: list[int] | None) -> int:
    """The longer side of a window, with the gaps between its rows."""
    sides = [1 + (side - 1) * gap for side, gap in zip(kernel or [1], gaps or [1] * 9, strict=False)]
    return max(sides, default=1)


def _run(model, graph: _Graph, answer: str, batch: np.ndarray) -> tuple[np.ndarray, tuple]:
    """The answer for a batch of one, and the maps of all layers.

    Raises:
        VisitorError: ONNX Runtime cannot run it.
    """
    import onnx
    import onnxruntime

    own = [value.name for value in model.graph.output]
    wanted = [name for name, _ in graph.outputs if name not in own and len(graph.shapes.get(name, [])) == 4]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted)
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 2
    options.enable_cpu_mem_arena = False
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        inputs = {session.get_inputs()[0].name: batch}
        for value in session.get_inputs()[1:]:  # switches and the like
            shape = [size if isinstance(size, int) else 1 for size in value.shape]
            inputs[value.name] = np.ones(shape, _NUMPY.get(value.type, "float32"))
        names = list(dict.fromkeys([answer, *wanted, *(name for name, _ in graph.outputs if name in own)]))
        found = dict(zip(names, session.run(names, inputs), strict=True))
    except Exception as error:  # its exceptions have no common base
        raise VisitorError(f"ONNX Runtime cannot run it, so there is no answer: {readable(str(error), 160)}") from None
    maps = []
    for name, first in graph.outputs:
        values = found.get(name)
        values = values[0] if isinstance(values, np.ndarray) and values.ndim == 4 else None
        maps.append(reading.shown_maps(values.transpose(1, 2, 0) if first and values is not None else values))
    return reading.shown_answer(np.asarray(found[answer])), tuple(maps)


_NUMPY = {
    "tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64", "tensor(int64)": "int64",
    "tensor(int32)": "int32", "tensor(bool)": "bool", "tensor(uint8)": "uint8",
}  # fmt: skip
