"""Layers that slide a window: convolution and pooling (book 2.3.1 and 2.4.2, figures 2.8–2.10, 2.17, 2.18)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.grids import number_text, pair
from cnndemo.layer_lab.geometry import Geometry, geometry, pad


def _windows(padded: np.ndarray, shape: Geometry) -> np.ndarray:
    """(oh, ow, C, h, w) view of a (H, W, C) padded input: the cells that each output cell reads."""
    rows, columns = shape.rows, shape.columns
    view = np.lib.stride_tricks.sliding_window_view(padded, (rows.reach, columns.reach), axis=(0, 1))
    return view[:: rows.stride, :: columns.stride, :, :: rows.dilation, :: columns.dilation]


def convolve(x, kernel, stride=1, dilation=1, padding: str = "valid", bias=0.0) -> np.ndarray:
    """What a ``Conv2D`` layer computes: the kernel slides without being flipped (cross-correlation).

    x: (H, W) or (H, W, C). kernel: (h, w), (h, w, C), or (h, w, C, F) for F filters.
    stride, dilation: one whole number or (down, across). bias: one number, or one a filter.
    Returns float64: (oh, ow), or (oh, ow, F) when the kernel has filters.
    """
    x, kernel = np.asarray(x, dtype=float), np.asarray(kernel, dtype=float)
    if x.ndim not in (2, 3) or kernel.ndim not in (2, 3, 4):
        raise VisitorError("The input must be (H, W) or (H, W, C), the kernel (h, w), (h, w, C) or (h, w, C, F).")
    image = x[..., None] if x.ndim == 2 else x
    filters = kernel[..., None] if kernel.ndim == 2 else kernel
    filters = filters[..., None] if filters.ndim == 3 else filters
    if filters.shape[2] != image.shape[2]:
        raise VisitorError(
            f"The kernel has {filters.shape[2]} channels and the input {image.shape[2]}: each input channel needs its "
            "own slice of the kernel."
        )
    shape = geometry(image.shape, filters.shape, stride, dilation, padding)
    windows = _windows(pad(image, shape.pads, padding), shape)
    result = np.stack([np.einsum("ijchw,hwc->ij", windows, filters[..., f]) for f in range(filters.shape[3])], axis=-1)
    result = result + bias
    return result if kernel.ndim == 4 else result[..., 0]


def convolve_by_hand(x, kernel, stride=1, dilation=1, padding: str = "valid", bias=0.0) -> np.ndarray:
    """The same as ``convolve`` for x (H, W, C) and kernel (h, w, C, F), one product at a time, to be read."""
    shape = geometry(x.shape, kernel.shape, stride, dilation, padding)
    padded = pad(np.asarray(x, dtype=float), shape.pads, padding)
    stride, dilation = pair(stride, "The stride"), pair(dilation, "The dilation")
    height, width, channels, filters = kernel.shape
    result = np.zeros((*shape.output, filters))
    for f in range(filters):
        for i in range(shape.output[0]):
            for j in range(shape.output[1]):
                total = 0.0
                for a in range(height):
                    for b in range(width):
                        for c in range(channels):
                            row = i * stride[0] + a * dilation[0]
                            column = j * stride[1] + b * dilation[1]
                            total += padded[row, column, c] * kernel[a, b, c, f]
                result[i, j, f] = total + np.ravel(bias)[f if np.size(bias) > 1 else 0]
    return result


@dataclass(frozen=True)
class Cell:
    """One output cell taken apart: the places read in the padded input, what stood there, and the products."""

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    weights: np.ndarray
    value: float

    def arithmetic(self, terms: int = 12) -> str:
        """“1×2 + 0×−1 + … = 3”, at most ``terms`` products written out."""
        values, weights = self.values.ravel(), self.weights.ravel()
        parts = [f"{number_text(v)}×{number_text(w)}" for v, w in zip(values[:terms], weights[:terms], strict=True)]
        if len(values) > terms:
            parts.append(f"… {len(values) - terms} more")
        return " + ".join(parts) + f" = {number_text(self.value)}"


def explain_convolution(x, kernel, cell, stride=1, dilation=1, padding: str = "valid") -> Cell:
    """The arithmetic of output ``cell`` (row, column) for x (H, W, C) and one filter (h, w, C)."""
    shape = geometry(x.shape, kernel.shape, stride, dilation, padding)
    rows, columns = shape.rows.reads(cell[0]), shape.columns.reads(cell[1])
    values = pad(np.asarray(x, dtype=float), shape.pads, padding)[np.ix_(rows, columns)]
    weights = np.asarray(kernel, dtype=float)
    return Cell(rows, columns, values, weights, float((values * weights).sum()))


def _pooling(x, size, stride, padding: str, fill: float):
    x = np.asarray(x, dtype=float)
    image = x[..., None] if x.ndim == 2 else x
    if image.ndim != 3:
        raise VisitorError("Pooling needs an input of shape (H, W) or (H, W, C).")
    if padding not in ("valid", "same"):
        raise VisitorError(f"Pooling knows the paddings “valid” and “same”, not “{padding}”.")
    size = pair(size, "The pool size")
    shape = geometry(image.shape, size, size if stride is None else stride, 1, padding)
    return x.ndim, _windows(pad(image, shape.pads, padding, fill), shape), shape, image


def max_pool(x, size=2, stride=None, padding: str = "valid") -> np.ndarray:
    """Largest value of each window, as ``MaxPooling2D``: x (H, W) or (H, W, C) to (oh, ow) or (oh, ow, C), float64.

    stride defaults to the size. Padded cells are −∞, so that they never win.
    """
    dims, windows, _, _ = _pooling(x, size, stride, padding, -np.inf)
    result = windows.max(axis=(3, 4))
    return result[..., 0] if dims == 2 else result


def average_pool(x, size=2, stride=None, padding: str = "valid") -> np.ndarray:
    """Mean of each window, as ``AveragePooling2D``; padded cells are left out of the mean."""
    dims, windows, _, _ = _pooling(x, size, stride, padding, np.nan)
    result = np.nanmean(windows, axis=(3, 4))
    return result[..., 0] if dims == 2 else result


def pool_gradient(x, upstream, size=2, stride=None, padding: str = "valid", kind: str = "max") -> np.ndarray:
    """The gradient's way back through a pooling layer: (H, W) from ``upstream`` (oh, ow).

    Max: each output's gradient goes to the one cell that won its window (the first of equals), the others get zero.
    Average: it is shared evenly among the cells of the window. Windows that overlap add up.
    """
    fill = -np.inf if kind == "max" else np.nan
    _, windows, shape, image = _pooling(x, size, stride, padding, fill)
    upstream = np.asarray(upstream, dtype=float)
    if upstream.shape != shape.output:
        raise VisitorError(f"The gradient must have the output's shape {shape.output}; it has {upstream.shape}.")
    padded = np.zeros((shape.rows.padded, shape.columns.padded))
    for i, j in np.ndindex(shape.output):
        window = windows[i, j, 0]
        rows, columns = shape.rows.reads(i), shape.columns.reads(j)
        if kind == "max":
            a, b = np.unravel_index(int(window.argmax()), window.shape)
            padded[rows[a], columns[b]] += upstream[i, j]
        else:
            real = ~np.isnan(window)
            padded[np.ix_(rows, columns)] += real * upstream[i, j] / real.sum()
    top, left = shape.rows.pads[0], shape.columns.pads[0]
    return padded[top : top + image.shape[0], left : left + image.shape[1]]


def count_work(kernel_shape, output_shape) -> dict[str, int]:
    """Trainable numbers and multiply-adds of a convolution layer for one image, biases included in the former.

    kernel_shape: (h, w, C, F). output_shape: (oh, ow).
    """
    height, width, channels, filters = (int(n) for n in kernel_shape)
    weights = height * width * channels * filters
    return {
        "weights": weights,
        "biases": filters,
        "parameters": weights + filters,
        "multiply_adds": weights * int(output_shape[0]) * int(output_shape[1]),
    }


def to_keras_code(kernel_shape, stride=1, dilation=1, padding: str = "valid", pads=((0, 0), (0, 0))) -> str:
    """The Keras line (or lines) that make the same layer; says so in a comment where Keras alone cannot."""
    stride, dilation = pair(stride, "The stride"), pair(dilation, "The dilation")
    height, width, _, filters = kernel_shape
    keras_padding = padding if padding in ("valid", "same") else "valid"
    lines = []
    if padding == "full":
        lines.append(f"x = keras.layers.ZeroPadding2D({pads})(x)")
    elif padding in ("reflect", "edge"):
        lines.append(f'x = numpy.pad(x, ((0, 0), {pads[0]}, {pads[1]}, (0, 0)), mode="{padding}")')
    if max(stride) > 1 and max(dilation) > 1:
        lines.append("# Keras refuses strides and dilation_rate above 1 together; compute at stride 1 and skip:")
        if keras_padding == "same":
            lines.append(f"x = keras.layers.ZeroPadding2D({pads})(x)")
        lines.append(f"x = keras.layers.Conv2D({filters}, ({height}, {width}), dilation_rate={dilation})(x)")
        lines.append(f"x = x[:, ::{stride[0]}, ::{stride[1]}]")
    else:
        options = [str(filters), f"({height}, {width})"]
        if max(stride) > 1:
            options.append(f"strides={stride}")
        if max(dilation) > 1:
            options.append(f"dilation_rate={dilation}")
        options.append(f'padding="{keras_padding}"')
        lines.append(f"x = keras.layers.Conv2D({', '.join(options)})(x)")
    return "\n".join(lines)
