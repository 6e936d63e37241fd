"""What the callbacks of listings 2.4 and 2.5 do along a validation loss, without training again."""

from __future__ import annotations

import math
from collections.abc import Sequence


def plateau(
    losses: Sequence[float], rate: float = 1e-3, factor: float = 0.2, patience: int = 2, least: float = 1e-6
) -> list[float]:
    """The learning rate in each epoch under ReduceLROnPlateau (listing 2.5), the validation losses given.

    Returns:
        One rate an epoch. Keras counts an epoch as progress if its loss is 0.0001 below the best so far.
    """
    rates, best, waited = [], math.inf, 0
    for loss in losses:
        rates.append(rate)
        if loss < best - 1e-4:
            best, waited = loss, 0
            continue
        waited += 1
        if waited >= patience and rate > least:
            rate, waited = max(rate * factor, least), 0
    return rates


def checkpoints(losses: Sequence[float], best_only: bool = False) -> list[str]:
    """The files that ModelCheckpoint writes with the book's pattern (listing 2.4), numbered from 1 as Keras does."""
    files, best = [], math.inf
    for epoch, loss in enumerate(losses, start=1):
        if loss < best or not best_only:
            files.append(f"models/model-{epoch:02d}-{loss:.4f}.keras")
        best = min(best, loss)
    return files


def early_stop(losses: Sequence[float], patience: int) -> int:
    """After how many epochs EarlyStopping ends the run: when so many in a row bring nothing; else all of them."""
    best, waited = math.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best, waited = loss, 0
        else:
            waited += 1
        if epoch > 1 and waited >= max(1, patience):
            return epoch
    return len(losses)
