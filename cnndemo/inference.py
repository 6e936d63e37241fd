"""A shipped network as a fast function, by ONNX Runtime: NumPy in and out, any batch size, safe from many threads."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnndemo import gate, memory, weights
from cnndemo.weights import WeightsError

Arrays = np.ndarray | dict[str, np.ndarray]
OUTPUT = "output"  # the name that train.onnx_files gives to a model's own answer
THREADS = min(2, os.cpu_count() or 1)  # for one answer; many visitors' answers run beside each other
ROOM = 40_000_000  # bytes of weights; beyond, networks that nobody asks make room for one that is asked
REST = 10.0  # seconds after which a network counts as asked by nobody: under load none comes and goes

HEAVY = 0.01  # seconds of the calling thread from which on a run waits for its turn


@dataclass
class _Loaded:
    """A network in memory: ONNX Runtime's session, bytes of its weights in float32, when it was asked last."""

    session: object
    size: int
    asked: float = 0.0


_sessions: dict[tuple[str, str], _Loaded] = {}  # who was asked last stands last
_costs: dict[tuple, float] = {}  # network and outputs -> seconds of the calling thread for one of a batch
_lock = threading.Lock()


def predictor(name: str, outputs: Sequence[str] | None = None, part: str = "") -> Callable[..., Arrays]:
    """A shipped network as a function, loaded at once, shared by all, and loaded again when it had to make room.

    Args:
        name: of a network whose `<name>.onnx` ships.
        outputs: names of layers whose outputs are wanted instead of the network's own.
        part: "decoder" for the right half of a U-Net.

    Returns:
        A function of a batch, float32 (batch, ...), to the network's output as an array, or to a dict
        layer name -> array when `outputs` is given. Further inputs of the graph are keyword arguments: switches such as
        `on_conv2d_1`, (1, channels), are all on by default.

    Raises:
        WeightsError: the file or the card is missing, damaged, or of another network.
        ValueError: a name in `outputs` is no output of the file.
    """
    return _function(lambda: _session(name, part), outputs, name)


def function(session, outputs: Sequence[str] | None = None, name: str = "") -> Callable[..., Arrays]:
    """The function of a session; see `predictor`."""
    return _function(lambda: session, outputs, name)


def _function(session: Callable, outputs: Sequence[str] | None, name: str) -> Callable[..., Arrays]:
    known = [output.name for output in session().get_outputs()]
    wanted = list(outputs) if outputs is not None else [OUTPUT]
    if unknown := [layer for layer in wanted if layer not in known]:
        raise ValueError(f"Layers {unknown} are not served of “{name}”; there are {known}.")
    source, *others = session().get_inputs()
    given = {value.name: np.ones([1, *value.shape[1:]], np.float32) for value in others}
    costly = (name, str(source.shape[1:]), *wanted)

    def predict(batch: np.ndarray, **more: np.ndarray) -> Arrays:
        inputs = given | {source.name: batch} | more
        inputs = {key: np.ascontiguousarray(value, np.float32) for key, value in inputs.items()}
        rows = max(1, len(batch))
        if _costs.get(costly, 1.0) * rows < HEAVY:
            found = session().run(wanted, inputs)
        else:
            with gate.turn():
                started = time.thread_time()  # not the clock's time, which is long for all when many work
                found = session().run(wanted, inputs)
                _costs[costly] = (time.thread_time() - started) / rows
        return dict(zip(wanted, found, strict=True)) if outputs is not None else found[0]

    return predict


def forget(name: str) -> None:
    """Let a network go; the next `predictor` loads it again."""
    with _lock:
        for key in [key for key in _sessions if key[0] == name]:
            del _sessions[key]


def _session(name: str, part: str):
    with _lock:  # loading takes a tenth of a second; two visitors must not both do it
        loaded = _sessions.pop((name, part), None)
        if loaded is None:
            file = weights.onnx_file(name, part)
            loaded = _Loaded(load(file, name), 2 * file.stat().st_size)  # numbers are in float16 there
        loaded.asked = time.monotonic()
        _sessions[name, part] = loaded
        _make_room()
        return loaded.session


def _make_room() -> None:
    """Let go who was not asked for the longest time, until the rest fits or is in use; never who was asked last."""
    taken = sum(loaded.size for loaded in _sessions.values())
    for key, loaded in list(_sessions.items())[:-1]:
        if taken <= ROOM or time.monotonic() - loaded.asked < REST:
            return
        del _sessions[key]  # who still runs it keeps it until then
        taken -= loaded.size


def load(source: Path | bytes, name: str):
    """An ONNX Runtime session of a file; of bytes it would keep a copy, beside what it makes of them.

    Raises:
        WeightsError: ONNX Runtime cannot read it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    # Measured: threads that spin while they wait make two visitors on two cores three times as slow; the arena keeps
    # the largest batch's memory for ever, 45 MB over five networks, and saves less than the noise.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    try:
        with memory.own_pages():
            return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception:  # its exceptions have no common base
        raise WeightsError(f"The file {name}.onnx cannot be read. Make it again with: make onnx") from None


def shuffled(file: Path, layer: str, seed: int = 0) -> tuple[object, list[np.ndarray]]:
    """A network that has forgotten everything: each array's numbers are in another order.

    Args:
        file: in ONNX.
        layer: a dense layer, whose arrays are wanted too.
        seed: of the order.

    Returns:
        A session of it, and the arrays of `layer`, kernel first.
    """
    import onnx

    graph = onnx.load(file)
    generator = np.random.default_rng(seed)
    found = []
    for tensor in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype.kind == "f" and values.size >= 8:  # smaller ones are settings of the graph
            values = generator.permuted(values.ravel()).reshape(values.shape)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
        if f"/{layer}" in tensor.name:
            found.append(values.astype(np.float32))
    return load(graph.SerializeToString(), layer), sorted(found, key=np.ndim, reverse=True)


def traced(model, outputs: Sequence[str] | None = None) -> Callable[[np.ndarray], Arrays]:
    """The same function of a Keras model, for networks that do not ship: traced once, then only run.

    `model.predict` builds a data pipeline for every call, which costs more than a small network itself.

    Args:
        model: a built `keras.Model` with one input.
        outputs: names of layers, as for `predictor`.

    Raises:
        ValueError: a name in `outputs` is not a layer of the model.
    """
    import keras
    import tensorflow as tf

    if outputs is not None:
        known = [layer.name for layer in model.layers]
        unknown = [name for name in outputs if name not in known]
        if unknown:
            raise ValueError(f"Layers {unknown} are not in the model; it has {known}.")
        model = keras.Model(model.inputs, {name: model.get_layer(name).output for name in outputs})
    tensor = model.inputs[0]
    signature = tf.TensorSpec((None, *tensor.shape[1:]), dtype=tf.float32)
    # No XLA: on a CPU it compiles anew for each batch size and runs convolutions several times slower.
    function = tf.function(lambda batch: model(batch, training=False), input_signature=[signature], jit_compile=False)
    lock = threading.Lock()
    concrete = None

    def predict(batch: np.ndarray) -> Arrays:
        nonlocal concrete
        if concrete is None:
            with lock:  # tracing changes shared state, running the traced graph does not
                concrete = concrete or function.get_concrete_function()
        result = concrete(tf.constant(np.ascontiguousarray(batch, dtype=np.float32)))
        return {name: value.numpy() for name, value in result.items()} if isinstance(result, dict) else result.numpy()

    return predict
