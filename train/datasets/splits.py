"""Validation data are cut from the training split."""

from __future__ import annotations

import numpy as np

Split = tuple[np.ndarray, np.ndarray]


def hold_out(training: Split, validation: int, seed: int) -> tuple[Split, Split]:
    """What is kept for training and the `validation` examples held out, drawn with `seed`."""
    x, y = training
    order = np.random.default_rng(seed).permutation(len(x))
    held, kept = order[:validation], order[validation:]
    return (x[kept], y[kept]), (x[held], y[held])
