"""Validation data are cut from the training split."""

from __future__ import annotations

import numpy as np

Split = tuple[np.ndarray, np.ndarray]


def hold_out(training: Split, validation: int, seed: int) -> tuple[Split, Split]:
    """What is kept for training and the `validation` examples held out, drawn with `seed`.

    Raises:
        SystemExit: nothing would be left to train on.
    """
    x, y = training
    if len(x) <= validation:
        raise SystemExit(f"The training split has {len(x)} examples; more than {validation}, held out, are needed.")
    order = np.random.default_rng(seed).permutation(len(x))
    held, kept = order[:validation], order[validation:]
    return (x[kept], y[kept]), (x[held], y[held])
