"""A network whose maps can be switched off: its served file with a factor behind every layer that the page shows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from cnndemo import inference, weights
from cnndemo.activation_maps.networks import Network, summary


def silenced(network: Network, fitted: np.ndarray, off: Mapping[str, tuple[int, ...]]) -> np.ndarray:
    """The network's answer when some maps are zero, whatever the picture.

    Args:
        network: of `NETWORKS`.
        fitted: what it sees, uint8 (size, size, 3).
        off: layer -> channels that are silent.

    Returns:
        float32 (classes,), they sum to 1.

    Raises:
        ValueError: a channel is not one of its layer.
    """
    factors = {}
    for layer, chosen in off.items():
        count = network.channels(layer)
        if wrong := [channel for channel in chosen if not 0 <= channel < count]:
            raise ValueError(f"“{layer}” has channels 0 to {count - 1}; got {wrong}.")
        factors[f"on_{layer}"] = on = np.ones((1, count, 1, 1), np.float32)
        on[0, list(chosen)] = 0.0
    return summary(_switched(network.name)(network.batch(fitted), **factors)[0])


@lru_cache(maxsize=1)
def _switched(name: str):
    """A function of a batch and of factors `on_<layer>`, (1, channels, 1, 1); the last network's is kept, 10 to 30 MB.

    The factors are put in here and not where the file is made, since other pages do without them.
    """
    import onnx

    model = onnx.load(weights.onnx_file(name))
    put_switches(model)
    return inference.function(inference.load(model.SerializeToString(), name), None, name)


def put_switches(model) -> None:
    """Multiply every layer with maps that a graph gives out by a further input; what it gives out stays as it was.

    Args:
        model: `onnx.ModelProto` whose maps are (batch, channels, height, width) inside, and transposed at its outputs.
    """
    from onnx import TensorProto, helper

    graph, given = model.graph, {output.name for output in model.graph.output}
    makers = {name: node for node in graph.node for name in node.output}
    for output in graph.output:
        last = makers[output.name]
        if last.op_type != "Transpose" or len(output.type.tensor_type.shape.dim) != 4:
            continue
        inside, switch = last.input[0], f"on_{output.name}"
        after = {inside: f"{inside}/switched", output.name: f"{output.name}/switched"}
        channels = output.type.tensor_type.shape.dim[3].dim_value
        for node in graph.node:
            if node.op_type != "Transpose" or node.output[0] not in given:
                for place, name in enumerate(node.input):
                    node.input[place] = after.get(name, name)
        graph.input.append(helper.make_tensor_value_info(switch, TensorProto.FLOAT, [1, channels, 1, 1]))
        product = helper.make_node("Mul", [inside, switch], [after[inside]], name=f"{output.name}/switch")
        turned = helper.make_node("Transpose", [after[inside]], [after[output.name]], name=f"{output.name}/turned")
        turned.attribute.extend(last.attribute)
        at = next(place for place, node in enumerate(graph.node) if inside in node.output)
        graph.node.insert(at + 1, product)
        graph.node.insert(at + 2, turned)
