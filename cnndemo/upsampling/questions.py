"""The questions of the upsampling page: size, overlap and sum of a transposed convolution."""

from __future__ import annotations

import numpy as np

from cnndemo.questions import Question, about
from cnndemo.upsampling.methods import overlap_levels, placement

ask = about("upsampling")


def questions(x: np.ndarray, kernel: np.ndarray, stride: int, padding: str) -> list[Question]:
    """To predict, then reveal, about an input (n, n), a kernel (k, k) and how its copies are placed."""
    rows, size = len(x), len(kernel)
    full = placement(rows, size, stride, padding).output
    covered = overlap_levels(size, stride)
    total, weight = float(x.sum()), float(kernel.sum())
    steps = -(-size // stride)
    most = min(rows, steps)
    return [
        ask(
            "rows", full, [rows * stride, rows * stride + size, rows + size - 1],
            rows=rows, size=size, stride=stride, padding=padding,
        ),
        ask(
            "checkerboard", "yes" if len(covered) > 1 else "no", ["yes", "no"],
            size=size, stride=stride, rest=size % stride,
        ),
        ask(
            "stamps", most**2, [1, most**2 + most, size**2 + 1],
            size=size, stride=stride, steps=steps, rows=rows, most=most,
        ),
        ask("sum", total * weight, [total + weight, total * weight * stride + 1], total=total, weight=weight),
    ]  # fmt: skip
