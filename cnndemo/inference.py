"""A Keras model as a fast function: traced once, free batch size, safe from many threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

Arrays = np.ndarray | dict[str, np.ndarray]


def predictor(model, outputs: Sequence[str] | None = None) -> Callable[[np.ndarray], Arrays]:
    """Compile a model into one function from NumPy to NumPy.

    `model.predict` builds a data pipeline for every call, which costs more than a small network itself; here the graph
    is traced once for any batch size and then only run.

    Args:
        model: a built `keras.Model` with one input.
        outputs: names of layers whose outputs are wanted instead of the model's own.

    Returns:
        A function of a batch, float32 (batch, ...), to the model's output as an array, or to a dict
        layer name -> array when `outputs` is given. Calls from several threads are safe.

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
    traced = tf.function(lambda batch: model(batch, training=False), input_signature=[signature], jit_compile=False)
    lock = threading.Lock()
    concrete = None

    def predict(batch: np.ndarray) -> Arrays:
        nonlocal concrete
        if concrete is None:
            with lock:  # tracing changes shared state, running the traced graph does not
                concrete = concrete or traced.get_concrete_function()
        result = concrete(tf.constant(np.ascontiguousarray(batch, dtype=np.float32)))
        return {name: value.numpy() for name, value in result.items()} if isinstance(result, dict) else result.numpy()

    return predict
