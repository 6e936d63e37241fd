"""The questions of the filters page: what a kernel gives on flat grey and on a negative, and what it costs."""

from __future__ import annotations

import numpy as np

from cnndemo.filters.kernels import apply, separate
from cnndemo.questions import Question, about

ask = about("filters")


def questions(gray: np.ndarray, kernel: np.ndarray) -> list[Question]:
    """To predict, then reveal, about a grey picture, uint8 (height, width), and a kernel (k, k)."""
    total, side = float(kernel.sum()), len(kernel)
    pixels, parts = gray.size, separate(kernel)
    inside = np.s_[side // 2 : -(side // 2) or None, side // 2 : -(side // 2) or None]
    response = apply(gray, kernel)[inside]
    response = response if response.size else apply(gray, kernel)
    strongest = float(response.max())
    negative = 255 * total - strongest
    return [
        ask("flat", 100 * total, [100.0, 0.0, -100.0], total=total),
        ask("work", side**2 * pixels, [pixels, side * pixels, side**2 * 2], side=side, pixels=pixels),
        ask(
            "separable", "yes" if parts.rank == 1 else "no", ["yes", "no"],
            rank=parts.rank, at_once=side**2, parts=2 * side,
        ),
        ask("negative", negative, [strongest, -strongest, 255 - strongest], strongest=strongest, total=total),
    ]  # fmt: skip
