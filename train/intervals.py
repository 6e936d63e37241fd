"""A figure of a model card, and how sure it is."""

from __future__ import annotations

from typing import Any

import numpy as np


def wilson(successes: int, samples: int) -> list[float]:
    """95 % interval of a proportion (Wilson 1927), robust near 0 and 1."""
    z, p = 1.959964, successes / samples
    centre = (p + z * z / (2 * samples)) / (1 + z * z / samples)
    half = z * np.sqrt(p * (1 - p) / samples + z * z / (4 * samples * samples)) / (1 + z * z / samples)
    return [float(max(0.0, centre - half)), float(min(1.0, centre + half))]


def bootstrap(values: np.ndarray, statistic=np.mean, rounds: int = 2000, seed: int = 0) -> list[float]:
    """95 % percentile bootstrap interval of a statistic over samples (first axis)."""
    values, generator = np.asarray(values), np.random.default_rng(seed)
    draws = [statistic(values[generator.integers(0, len(values), len(values))]) for _ in range(rounds)]
    return [float(v) for v in np.quantile(draws, [0.025, 0.975])]


def metric(name: str, value: float, samples: int, interval: list[float], split: str = "test", **more) -> dict[str, Any]:
    """One figure of a model card; `more` may explain it (`note`, `threshold`, …)."""
    return {
        "name": name,
        "value": round(float(value), 5),
        "interval": [round(float(end), 5) for end in interval],
        "samples": int(samples),
        "split": split,
        **more,
    }
