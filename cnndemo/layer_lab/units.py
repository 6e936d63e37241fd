"""Layers without a window: activations, softmax, flatten, dense, dropout (book 2.3.2–2.3.5 and 2.4.1)."""

from __future__ import annotations

import numpy as np

from cnndemo.errors import VisitorError

ACTIVATIONS = ("relu", "elu", "sigmoid", "tanh", "leaky_relu")
BOOK_LOGITS = (-0.113, 1.24, 12.1, 8.401, -0.999, -3.1144, 0.101, 4.0, 2.909, 5.8)


def activate(x, name: str, parameter: float = 0.0) -> np.ndarray:
    """An activation, cell by cell, float64, same shape (figures 2.3–2.7 and 2.14).

    parameter: the slope below zero of ``leaky_relu``, the depth α of ``elu``; the others ignore it.
    """
    x = np.asarray(x, dtype=float)
    if name == "relu":
        return np.maximum(x, 0)
    if name == "elu":
        return np.where(x > 0, x, parameter * np.expm1(np.minimum(x, 0)))
    if name == "sigmoid":
        # e to a positive power overflows: use the form that fits the sign.
        small = np.exp(-np.abs(x))
        return np.where(x >= 0, 1 / (1 + small), small / (1 + small))
    if name == "tanh":
        return np.tanh(x)
    if name == "leaky_relu":
        return np.where(x > 0, x, parameter * x)
    raise VisitorError(f"There is no activation “{name}”. Choose one of: {', '.join(ACTIVATIONS)}.")


def activation_slope(x, name: str, parameter: float = 0.0) -> np.ndarray:
    """Derivative of ``activate`` at x; at the kink of a ReLU the slope from the left, as Keras takes it."""
    x = np.asarray(x, dtype=float)
    if name == "relu":
        return (x > 0).astype(float)
    if name == "elu":
        return np.where(x > 0, 1.0, parameter * np.exp(np.minimum(x, 0)))
    if name == "sigmoid":
        y = activate(x, "sigmoid")
        return y * (1 - y)
    if name == "tanh":
        return 1 - np.tanh(x) ** 2
    if name == "leaky_relu":
        return np.where(x > 0, 1.0, parameter)
    raise VisitorError(f"There is no activation “{name}”. Choose one of: {', '.join(ACTIVATIONS)}.")


def softmax(logits, temperature: float = 1.0) -> np.ndarray:
    """Probabilities from logits along the last axis, float64 (book 2.3.5).

    The largest logit is taken off first. That changes nothing in the result and keeps e to the power of 1000 from
    overflowing. temperature: above 0; small makes the largest win outright, large makes all equal.
    """
    logits = np.asarray(logits, dtype=float)
    if not np.isfinite(logits).all():
        raise VisitorError("Softmax needs finite logits: replace the empty or infinite ones.")
    if not (np.isfinite(temperature) and temperature > 0):
        raise VisitorError(f"The temperature must be above zero; it is {temperature:g}.")
    shifted = (logits - logits.max(axis=-1, keepdims=True)) / temperature
    powers = np.exp(shifted)
    return powers / powers.sum(axis=-1, keepdims=True)


def naive_softmax(logits, temperature: float = 1.0, dtype=np.float32) -> np.ndarray:
    """The formula as the book prints it, in float32 as a network would; overflows to inf/inf = nan above 88."""
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.exp((np.asarray(logits) / temperature).astype(dtype))
        return powers / powers.sum(axis=-1, keepdims=True)


def flatten(x) -> np.ndarray:
    """(n,): the cells row by row, in each cell channel by channel, as ``Flatten`` orders them."""
    return np.asarray(x, dtype=float).reshape(-1)


def flat_place(row: int, column: int, channel: int, shape) -> int:
    """Where cell (row, column, channel) of a (H, W, C) input lands: (row · W + column) · C + channel."""
    _, width, channels = shape
    return (row * width + column) * channels + channel


def dense(x, weights, bias=0.0) -> np.ndarray:
    """x (n,) times weights (n, units) plus bias (units,), float64, as ``Dense`` without an activation."""
    x, weights = np.asarray(x, dtype=float), np.asarray(weights, dtype=float)
    if x.ndim != 1 or weights.ndim != 2 or weights.shape[0] != len(x):
        raise VisitorError(f"Dense needs one row of weights for each of the {x.size} inputs; it has {weights.shape}.")
    return x @ weights + bias


def check_rate(rate: float) -> float:
    """A dropout rate in [0, 1); at 1 nothing would be left to scale."""
    rate = float(rate)
    if not 0 <= rate < 1:
        raise VisitorError(
            f"The dropout rate must be at least 0 and below 1; it is {rate:g}. At 1 every unit is dropped and the "
            "scale 1/(1 − rate) does not exist."
        )
    return rate


def dropout(x, rate: float, seed: int, training: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """(output, kept): each unit of x zeroed with probability ``rate``, the kept ones times 1/(1 − rate).

    kept: bool, same shape. Not training: x unchanged and all kept, as Keras does at inference.
    """
    x, rate = np.asarray(x, dtype=float), check_rate(rate)
    if not training:
        return x, np.ones(x.shape, dtype=bool)
    kept = np.random.default_rng(seed).random(x.shape) >= rate
    return np.where(kept, x / (1 - rate), 0.0), kept


def dropout_average(x, weights, rate: float, passes: int, seed: int) -> dict[str, np.ndarray | float]:
    """The output of one dense unit over many masked passes.

    x (n,), weights (n,). Returns ``outputs`` (passes,), their running mean ``average`` (passes,), and ``full``, the
    output without dropout, to which the average tends because of the scale 1/(1 − rate).
    """
    x, weights, rate = np.asarray(x, dtype=float), np.asarray(weights, dtype=float), check_rate(rate)
    kept = np.random.default_rng(seed).random((passes, len(x))) >= rate
    outputs = (kept * x / (1 - rate)) @ weights
    average = np.cumsum(outputs) / np.arange(1, passes + 1)
    spread = float(np.sqrt(rate / (1 - rate) * ((x * weights) ** 2).sum()))
    return {"outputs": outputs, "average": average, "full": float(x @ weights), "spread": spread}
