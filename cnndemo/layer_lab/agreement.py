"""The same operations by Keras, to compare with ours. Imports Keras, and so TensorFlow, only when called."""

from __future__ import annotations

import numpy as np

from cnndemo.grids import pair
from cnndemo.layer_lab.geometry import geometry, pad


def keras_convolve(x, kernel, stride=1, dilation=1, padding: str = "valid", bias=0.0) -> np.ndarray:
    """``keras.layers.Conv2D`` on x (H, W, C) with kernel (h, w, C, F): (oh, ow, F) float32.

    The paddings that Keras lacks are added beforehand; a stride together with a dilation, which Keras refuses, is
    computed at stride 1 of which every stride-th cell is kept.
    """
    import keras

    x, kernel = np.asarray(x, "float32"), np.asarray(kernel, "float32")
    stride, dilation = pair(stride, "The stride"), pair(dilation, "The dilation")
    shape = geometry(x.shape, kernel.shape, stride, dilation, padding)
    both = max(stride) > 1 and max(dilation) > 1
    by_layer = padding in ("valid", "same") and not both
    if not by_layer:
        x = pad(x, shape.pads, padding)
    layer = keras.layers.Conv2D(
        kernel.shape[3],
        kernel.shape[:2],
        strides=1 if both else stride,
        dilation_rate=dilation,
        padding=padding if by_layer else "valid",
    )
    layer.build((None, *x.shape))
    layer.set_weights([kernel, np.broadcast_to(np.asarray(bias, "float32"), (kernel.shape[3],))])
    result = keras.ops.convert_to_numpy(layer(x[None]))[0]
    return result[:: stride[0], :: stride[1]] if both else result


def keras_pool(x, size, stride, padding: str, kind: str) -> np.ndarray:
    """``MaxPooling2D`` or ``AveragePooling2D`` (kind ``max`` or ``average``) on x (H, W): (oh, ow) float32."""
    import keras

    layer = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}[kind]
    result = layer(size, strides=stride, padding=padding)(np.asarray(x, "float32")[None, :, :, None])
    return keras.ops.convert_to_numpy(result)[0, :, :, 0]


def keras_activation(x, name: str, parameter: float = 0.0) -> np.ndarray:
    """The activation by Keras, float32."""
    import keras

    x = np.asarray(x, "float32")
    if name == "elu":
        return keras.ops.convert_to_numpy(keras.ops.elu(x, alpha=parameter))
    if name == "leaky_relu":
        return keras.ops.convert_to_numpy(keras.ops.leaky_relu(x, negative_slope=parameter))
    return keras.ops.convert_to_numpy(getattr(keras.ops, name)(x))


def keras_softmax(logits, temperature: float = 1.0) -> np.ndarray:
    """``keras.ops.softmax`` of logits / temperature, float32."""
    import keras

    return keras.ops.convert_to_numpy(keras.ops.softmax(np.asarray(logits, "float32") / np.float32(temperature)))


def keras_dense(x, weights, bias) -> np.ndarray:
    """``keras.layers.Dense`` on x (n,) with weights (n, units) and bias (units,): (units,) float32."""
    import keras

    layer = keras.layers.Dense(np.shape(weights)[1])
    layer.build((None, len(x)))
    layer.set_weights([np.asarray(weights, "float32"), np.asarray(bias, "float32")])
    return keras.ops.convert_to_numpy(layer(np.asarray(x, "float32")[None]))[0]


def largest_difference(a, b) -> float:
    """The largest absolute difference of two arrays of one shape; fails loudly when the shapes differ."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape:
        raise ValueError(f"shapes differ: {a.shape} and {b.shape}")
    return float(np.abs(a - b).max())
