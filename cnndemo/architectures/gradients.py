"""Why depth was hard (book 4.2): products of many numbers, and the gradient of real layers with and without skips."""

from __future__ import annotations

import numpy as np

from cnndemo.layer_lab.units import activate, activation_slope

WIDTH, BATCH = 64, 64
#: Gain that keeps the spread of activations: 2 for ReLU (He 2015), which zeroes half of them.
VARIANCE = {"relu": 2.0, "tanh": 1.0, "sigmoid": 1.0}


def chain(weight: float, layers: int, dtype: str = "float64") -> np.ndarray:
    """The book's network of one number a layer: w, w², …, wⁿ, multiplied one after the other.

    Args:
        weight: of every layer.
        layers: how many.
        dtype: of the numbers: "float16", "float32" or "float64". What is too small for it becomes 0, what is too large
            becomes infinite.

    Returns:
        (layers,) of that type.
    """
    with np.errstate(over="ignore", under="ignore"):
        return np.multiply.accumulate(np.full(layers, weight, dtype))


def limits(dtype: str) -> tuple[float, float]:
    """The smallest number above 0 and the largest that a type of floats can hold."""
    about = np.finfo(dtype)
    return float(about.smallest_subnormal), float(about.max)


def _normalize(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Batch normalization: mean 0 and spread 1 over the batch; and the spread it had."""
    spread = np.sqrt(values.var(axis=0) + 1e-5)
    return (values - values.mean(axis=0)) / spread, spread


def _normalize_back(gradient: np.ndarray, normalized: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The gradient before a batch normalization, from the one after it."""
    return (gradient - gradient.mean(axis=0) - normalized * (gradient * normalized).mean(axis=0)) / spread


def gradient_sizes(
    layers: int, gain: float = 1.0, skip: int = 0, normalized: bool = False, activation: str = "relu", seed: int = 0
) -> np.ndarray:
    """How large the gradient is before each layer of a random network, relative to where it comes in at the end.

    Each layer multiplies 64 numbers by a random matrix, normalizes them over a batch if asked, and bends them.

    Args:
        layers: depth.
        gain: factor on the matrices; 1 is the spread that theory recommends for the activation.
        skip: every so many layers their input is added to their output, as in a residual block; 0: never.
        normalized: batch normalization after each matrix.
        activation: "relu", "tanh" or "sigmoid".

    Returns:
        float64 (layers + 1,): root mean square of the gradient before layer 1, 2, …, and after the last, where it is 1.
    """
    generator = np.random.default_rng(seed)
    spread = gain * np.sqrt(VARIANCE[activation] / WIDTH)
    matrices = generator.normal(0, spread, (layers, WIDTH, WIDTH))
    x = generator.normal(0, 1, (BATCH, WIDTH))
    kept, entry = [], x
    for number, matrix in enumerate(matrices):
        if skip and number % skip == 0:
            entry = x
        linear, scale = x @ matrix, None
        if normalized:
            linear, scale = _normalize(linear)
        kept.append((linear, scale))
        x = activate(linear, activation)
        if skip and (number + 1) % skip == 0:
            x = x + entry
    gradient = generator.normal(0, 1, x.shape)
    sizes, way_round = [_size(gradient)], None
    for number in reversed(range(layers)):
        if skip and (number + 1) % skip == 0:
            way_round = gradient
        linear, scale = kept[number]
        gradient = gradient * activation_slope(linear, activation)
        if normalized:
            gradient = _normalize_back(gradient, linear, scale)
        gradient = gradient @ matrices[number].T
        if skip and number % skip == 0 and way_round is not None:
            gradient, way_round = gradient + way_round, None
        sizes.append(_size(gradient))
    sizes = np.array(sizes[::-1])
    return sizes / sizes[-1]


def _size(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
