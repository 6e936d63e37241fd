"""The exact gradient of the digit networks, without Keras: forward by ONNX Runtime, backward by hand.

A rectifier lets the slope through where it answered, a convolution's slope is gathered through the same kernel, a dense
layer's through the same matrix. Nothing is estimated: the result is what Keras' tape gives, to the rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cnndemo import inference, weights
from cnndemo.fool_it.attacks import Gradient, margin_gradient

LAYERS = ("conv2d_1", "conv2d_2", "dense_1")
MAPS = "conv2d_2"
STRIDES = {"digit_classifier": 1, "robust_digits": 2}


@dataclass(frozen=True)
class Backward:
    """What the way back needs of a network.

    Attributes:
        kernels: of the two convolutions, float32 (size, size, channels before, channels).
        hidden: kernel of the first dense layer, float16 (flattened, units), as it ships: it is the large one.
        last: kernel (units, 10) and bias (10,) of the scores, float32.
        stride: of both convolutions.
    """

    kernels: tuple[np.ndarray, np.ndarray]
    hidden: np.ndarray
    last: tuple[np.ndarray, np.ndarray]
    stride: int


@lru_cache(maxsize=2)
def backward(name: str) -> Backward:
    """The arrays of a digit network, read once.

    Raises:
        WeightsError: a file is missing or broken.
    """
    first, second = (weights.arrays(name, layer)[0] for layer in LAYERS[:2])
    hidden = weights.arrays(name, "dense_1")[0].astype(np.float16)
    return Backward((first, second), hidden, weights.arrays(name, "dense_2"), STRIDES[name])


def scores(name: str, pictures: np.ndarray) -> np.ndarray:
    """Logits (n, 10) of grey levels (n, 28, 28): the last layer before its softmax."""
    return _forward(name, pictures)[1]


def _forward(name: str, pictures: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    outputs = inference.predictor(name, LAYERS)(pictures.astype(np.float32)[..., None] / 255)
    kernel, bias = backward(name).last
    return outputs, outputs["dense_1"] @ kernel + bias


def slopes(
    name: str, pictures: np.ndarray, say: Callable[[np.ndarray], np.ndarray], hidden: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """How a number made of the scores changes with each pixel and with each value of the last maps.

    Args:
        name: digit_classifier or robust_digits.
        pictures: (n, 28, 28), grey levels from 0 to 255.
        say: scores (n, 10) -> the number's derivative with respect to them, alike.
        hidden: `Backward.hidden` in float32, where it was widened already.

    Returns:
        "pixels" float32 (n, 28, 28), a grey level's worth, and "maps" like the output of `conv2d_2`, which is there
        under its own name.
    """
    ways, (outputs, found) = backward(name), _forward(name, pictures)
    hidden = ways.hidden.astype(np.float32) if hidden is None else hidden
    slope = (say(found).astype(np.float32) @ ways.last[0].T) * (outputs["dense_1"] > 0)
    maps = (slope @ hidden.T).reshape(outputs[MAPS].shape)
    slope = through_convolution(maps * (outputs[MAPS] > 0), ways.kernels[1], outputs[LAYERS[0]].shape, ways.stride)
    slope = slope * (outputs[LAYERS[0]] > 0)
    pixels = through_convolution(slope, ways.kernels[0], (len(pictures), 28, 28, 1), ways.stride)
    return {"pixels": pixels[..., 0] / 255, "maps": maps, MAPS: outputs[MAPS]}


def through_convolution(slope: np.ndarray, kernel: np.ndarray, shape: tuple[int, ...], stride: int) -> np.ndarray:
    """A convolution backward: each output hands its slope to the inputs that it was made of, by their weights.

    Args:
        slope: float32 (n, rows, columns, channels).
        kernel: float32 (size, size, channels before, channels); no padding.
        shape: of the input, (n, height, width, channels before).
    """
    result = np.zeros(shape, np.float32)
    rows, columns = slope.shape[1:3]
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            part = slice(i, i + stride * rows, stride), slice(j, j + stride * columns, stride)
            result[:, part[0], part[1]] += slope @ kernel[i, j].T
    return result


def gradient(name: str) -> Gradient:
    """The `attacks.Gradient` of a digit network; pictures are grey levels (n, 28, 28)."""
    hidden = backward(name).hidden.astype(np.float32)  # once for all steps; it is let go with the function

    def of(pictures: np.ndarray, classes: np.ndarray, wanted: bool) -> np.ndarray:
        return slopes(name, pictures, lambda found: margin_gradient(found, classes), hidden)["pixels"]

    return of


def class_map(name: str, picture: np.ndarray, digit: int) -> np.ndarray:
    """Where the score of a digit comes from: Grad-CAM of the last convolution (Selvaraju et al. 2017).

    Args:
        name: digit_classifier or robust_digits.
        picture: (28, 28), grey levels.

    Returns:
        float32 (rows, columns) from 0 to 1.
    """
    found = slopes(name, picture[None], lambda scores: np.eye(10)[[digit]])
    heat = np.maximum(found[MAPS][0] @ found["maps"][0].mean(axis=(0, 1)), 0)
    return (heat / heat.max() if heat.max() > 0 else heat).astype(np.float32)
