"""How long calls take."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median


def in_turn(*functions: Callable[[], object], rounds: int = 25) -> list[float]:
    """Median milliseconds of each function, called in turn so that a busy machine slows all alike.

    Two rounds more go first, uncounted: they trace, fill caches and wake the processor.
    """
    spent: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds + 2):
        for kept, function in zip(spent, functions, strict=True):
            start = time.perf_counter()
            function()
            kept.append(1000 * (time.perf_counter() - start))
    return [median(kept[2:]) for kept in spent]


def milliseconds(function: Callable[[], object], rounds: int = 15) -> float:
    """Median milliseconds of one call."""
    return in_turn(function, rounds=rounds)[0]
