"""How far a network's percentages can be trusted, for its card."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from cnndemo.fool_it import reliability
from train import common


def calibration(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """What `cnndemo.fool_it.reliability` shows of a network.

    Args:
        model: as `common.logits` takes it.
        x: test examples as the model wants them, (n, …).
        y: their classes, (n,).
    """
    return reliability.table(common.logits(model, x), y)
