"""Why networks want small, even numbers (book 3.1): gradient descent on a squashed bowl and on a round one.

The model is one linear unit of two features, ŷ = w₁x₁ + w₂x₂, with the loss ½·mean((ŷ − y)²). That loss is a quadratic
bowl, so the number of steps that gradient descent needs is known exactly, without taking them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from cnndemo.errors import VisitorError

Scaling = Literal["raw", "unit", "symmetric", "standard"]

SCALINGS: dict[str, str] = {
    "unit": "to [0, 1]",
    "symmetric": "to [−1, 1]",
    "standard": "standardise",
}

PRESETS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "gentle": ((-1.0, 5.0), (0.0, 1.0)),
    "book": ((-5000.0, 25000.0), (0.0, 1.0)),
    "even": ((-1.0, 1.0), (-1.0, 1.0)),
}
"""Ranges of the two features; `book` are the numbers of 3.1."""

MAX_ABS = 1e6
SAMPLES = 200


@dataclass(frozen=True)
class Problem:
    """A least-squares problem in two weights.

    Attributes:
        features: float64 (samples, 2), after scaling.
        targets: float64 (samples,).
        hessian: float64 (2, 2), mean of x xᵀ: the curvature of the loss.
        best: float64 (2,), the weights with the smallest loss.
        lowest: that loss.
    """

    features: np.ndarray
    targets: np.ndarray
    hessian: np.ndarray
    best: np.ndarray
    lowest: float

    @property
    def curvatures(self) -> np.ndarray:
        """Eigenvalues of the Hessian, the smaller first: how steep the bowl is along its axes."""
        return np.linalg.eigvalsh(self.hessian)

    @property
    def condition(self) -> float:
        """Largest by smallest curvature; 1 is a round bowl."""
        low, high = self.curvatures
        return float(high / low) if low > 0 else math.inf

    @property
    def best_rate(self) -> float:
        """The learning rate that is best for the worst start, 2 / (smallest + largest curvature)."""
        return float(2 / self.curvatures.sum())

    @property
    def largest_rate(self) -> float:
        """Learning rates above this diverge: 2 / largest curvature."""
        return float(2 / self.curvatures[-1])

    def excess(self, weights: np.ndarray) -> np.ndarray:
        """Loss above the lowest, for weights (..., 2): ½ (w − best)ᵀ H (w − best)."""
        with np.errstate(over="ignore", invalid="ignore"):
            away = weights - self.best
            return 0.5 * np.einsum("...i,ij,...j->...", away, self.hessian, away)


def make(first: tuple[float, float], second: tuple[float, float], scaling: Scaling = "raw", seed: int = 0) -> Problem:
    """A data set whose two features lie in the given ranges, scaled, with its loss.

    Over its whole range the first feature moves the target by 3, the second by 2, whatever the ranges are.

    Args:
        first, second: (lowest, highest) value of each feature.
        scaling: `raw`, `unit` ([0, 1]), `symmetric` ([−1, 1]) or `standard` (mean 0, standard deviation 1).
        seed: of the data.

    Raises:
        VisitorError: a range is empty, reversed, not finite or beyond ±1,000,000.
    """
    for name, (low, high) in (("first", first), ("second", second)):
        if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
            raise VisitorError(f"The range of the {name} feature needs two numbers.")
        if max(abs(low), abs(high)) > MAX_ABS:
            raise VisitorError(f"Please keep the range of the {name} feature within ±{MAX_ABS:,.0f}.")
        if high - low < 1e-3:
            raise VisitorError(
                f"The {name} feature must reach from a smaller to a larger number, at least 0.001 apart."
            )
    random = np.random.default_rng(seed)
    position = random.uniform(size=(SAMPLES, 2))
    position = (position - position.min(axis=0)) / np.ptp(position, axis=0)  # both ends of each range occur
    low, high = np.array([first[0], second[0]]), np.array([first[1], second[1]])
    raw = low + position * (high - low)
    targets = raw @ (np.array([3.0, 2.0]) / (high - low)) + random.normal(scale=0.1, size=SAMPLES)
    features = scale(raw, scaling)
    hessian = features.T @ features / SAMPLES
    best = np.linalg.lstsq(features, targets, rcond=None)[0]
    lowest = 0.5 * float(np.mean((features @ best - targets) ** 2))
    return Problem(features, targets, hessian, best, lowest)


def scale(values: np.ndarray, scaling: Scaling) -> np.ndarray:
    """Rescale each column; float64 (samples, features) in and out.

    A column of equal values becomes zeros.
    """
    if scaling == "raw":
        return values
    if scaling == "standard":
        spread = values.std(axis=0)
        return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    spread = np.ptp(values, axis=0)
    unit = (values - values.min(axis=0)) / np.where(spread > 0, spread, 1.0)
    return unit if scaling == "unit" else 2 * unit - np.where(spread > 0, 1.0, 0.0)


def descend(problem: Problem, rate: float, steps: int, start: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Gradient descent: float64 (steps + 1, 2), the weights from the start on; infinite once they overflow."""
    weights = np.array(start, dtype=np.float64)
    path = np.empty((steps + 1, 2))
    path[0] = weights
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(1, steps + 1):
            errors = problem.features @ weights - problem.targets
            weights = weights - rate * (problem.features.T @ errors) / len(errors)
            path[step] = weights
    return path


def steps_needed(
    problem: Problem, rate: float, tolerance: float = 1e-3, start: tuple[float, float] = (0.0, 0.0)
) -> float:
    """Steps until the excess loss is `tolerance` times that of the start, exactly, without taking them.

    Along axis i of the bowl the distance to the minimum shrinks by 1 − rate·λᵢ a step, so the excess loss after k steps
    is ½ Σ λᵢ cᵢ² (1 − rate·λᵢ)^2k; the smallest such k is found by doubling and halving.

    Returns:
        The number of steps, or infinity when the descent diverges or stands still.
    """
    curvatures, axes = np.linalg.eigh(problem.hessian)
    distances = axes.T @ (np.array(start) - problem.best)
    shares = 0.5 * curvatures * distances**2
    goal = tolerance * shares.sum()
    if shares.sum() <= goal:
        return 0.0
    factors = np.abs(1 - rate * curvatures)
    # An axis without a share is at its minimum from the start, one with the factor 0 after a step.
    lasting = (shares > 0) & (factors > 0)
    shares, factors = shares[lasting], factors[lasting]
    if np.any(factors > 1):
        return math.inf  # it may come near for a moment, but it does not stay
    logs = np.log(factors)

    def reached(k: int) -> bool:
        # exp(2k·log f) does not lose f's last digits as f**(2k) would for f next to 1
        return bool(np.sum(shares * np.exp(2.0 * k * logs)) <= goal)

    return _first(reached)


def fastest(problem: Problem, tolerance: float = 1e-3, start: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float]:
    """The learning rate that needs the fewest steps from this very start, and how many: no other rate needs fewer.

    After k steps the excess loss is ½ Σ λᵢ cᵢ² (1 − rate·λᵢ)^2k, convex in the rate. Where its slope is zero, the two
    factors have the ratio −q with q = (λ₂² c₂² / λ₁² c₁²)^(1/(2k − 1)); hence the rate (1 + q) / (λ₁ + q λ₂).
    """
    (flat, steep), axes = np.linalg.eigh(problem.hessian)
    shares = 0.5 * np.array([flat, steep]) * (axes.T @ (np.array(start) - problem.best)) ** 2
    if shares.sum() == 0:
        return problem.best_rate, 0.0
    if shares.min() <= 0:  # it starts on an axis of the bowl: one step along it
        return 1 / float((flat, steep)[int(np.argmax(shares))]), 1.0
    ratio = math.log(shares[1] * steep) - math.log(shares[0] * flat)

    def rate(k: int) -> float:
        weight = math.exp(min(ratio / (2 * k - 1), 300.0))
        return (1 + weight) / (flat + weight * steep)

    def reached(k: int) -> bool:
        with np.errstate(divide="ignore"):
            logs = np.log(np.abs(1 - rate(k) * np.array([flat, steep])))
        return bool(np.sum(shares * np.exp(2.0 * k * logs)) <= tolerance * shares.sum())

    steps = _first(reached)
    return (rate(int(steps)) if math.isfinite(steps) else problem.best_rate), steps


def _first(reached: Callable[[int], bool]) -> float:
    """The smallest number of steps, from 1, after which it is reached; infinite beyond 2**60."""
    high = 1
    while not reached(high):
        high *= 2
        if high > 2**60:
            return math.inf
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return float(high)


def verdict(problem: Problem, rate: float, tolerance: float = 1e-3) -> str:
    """One sentence on what this learning rate does."""
    if rate > problem.largest_rate:
        growth = float(np.abs(1 - rate * problem.curvatures).max())
        return f"It bursts: each step multiplies the error by {growth:,.3g}."
    steps = steps_needed(problem, rate, tolerance)
    if math.isinf(steps):
        return "It never arrives: at this rate the error stays as it is."
    return f"It arrives after {steps:,.0f} step{'' if steps == 1 else 's'}."


def table(first: tuple[float, float], second: tuple[float, float], tolerance: float = 1e-3) -> list[dict[str, str]]:
    """Curvatures, condition number, best weights and steps of the raw and of each rescaled problem, as words."""
    problems = {"as they are": make(first, second)}
    problems |= {title: make(first, second, key) for key, title in SCALINGS.items()}
    return [
        {
            "features": name,
            "smallest curvature": f"{problem.curvatures[0]:.4g}",
            "largest curvature": f"{problem.curvatures[1]:.4g}",
            "condition number": f"{problem.condition:,.4g}",
            "best w₁": f"{problem.best[0]:.3g}",
            "best w₂": f"{problem.best[1]:.3g}",
            "fewest steps": count(fastest(problem, tolerance)[1]),
        }
        for name, problem in problems.items()
    ]


def condition_when_scaled(first: tuple[float, float], second: tuple[float, float], factor: float) -> float:
    """By how much the condition number grows when all values of the first feature are multiplied by `factor`."""
    problem = make(first, second)
    stretched = np.diag([factor, 1.0])
    low, high = np.linalg.eigvalsh(stretched @ problem.hessian @ stretched)
    return float(high / low) / problem.condition


def count(steps: float) -> str:
    """A number of steps for people: 1,234, 1.7e+09 or never."""
    return "never" if math.isinf(steps) else f"{steps:,.0f}" if steps < 1e7 else f"{steps:.2g}"


# --- images ---------------------------------------------------------------------------------------------------------

METHODS: dict[str, str] = {
    "none": "as it is, 0 to 255",
    "unit": "divided by 255",
    "symmetric": "divided by 127.5, minus 1",
    "sample": "standardised by this picture",
    "channels": "standardised by this picture, each channel",
    "data set": "standardised by a data set, each channel",
}


def normalize_image(
    image: np.ndarray, method: str, statistics: tuple[np.ndarray, np.ndarray] | None = None
) -> np.ndarray:
    """The picture as the network gets it.

    Args:
        image: uint8 (height, width, 3).
        method: a key of `METHODS`. `sample` is the book's samplewise_center and samplewise_std_normalization.
        statistics: mean and standard deviation of each channel of the data set, for `data set`.

    Returns:
        float32 (height, width, 3).
    """
    values = image.astype(np.float32)
    if method == "none":
        return values
    if method == "unit":
        return values / np.float32(255)
    if method == "symmetric":
        return values / np.float32(127.5) - np.float32(1)
    if method == "sample":
        return (values - values.mean(dtype=np.float64)).astype(np.float32) / _safe(values.std(dtype=np.float64))
    if method == "channels":
        mean, spread = channel_statistics([image])
    elif method == "data set":
        if statistics is None:
            raise ValueError("Method “data set” needs the statistics of the data set.")
        mean, spread = statistics
    else:
        raise VisitorError(f"The method must be one of: {', '.join(METHODS)}.")
    return ((values - mean) / _safe(spread)).astype(np.float32)


def stretch(values: np.ndarray) -> np.ndarray:
    """Normalised values as a picture that can be shown: uint8, zero is black, or mid-grey where values are negative."""
    spread = max(float(np.abs(values).max()), 1e-6)
    return np.rint(values / spread * 127.5 + 127.5 if values.min() < 0 else values / spread * 255).astype(np.uint8)


def _safe(spread):
    """A standard deviation to divide by; a flat picture is not divided at all."""
    return np.where(np.asarray(spread) > 1e-6, spread, 1.0).astype(np.float32)


def channel_statistics(pictures: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel over all pixels of all pictures: two float64 (3,)."""
    count = sum(picture.shape[0] * picture.shape[1] for picture in pictures)
    total = sum(picture.sum(axis=(0, 1), dtype=np.float64) for picture in pictures)
    squares = sum(np.square(picture, dtype=np.float64).sum(axis=(0, 1)) for picture in pictures)
    mean = total / count
    return mean, np.sqrt(np.maximum(squares / count - mean**2, 0.0))


def channel_histograms(image: np.ndarray, values: np.ndarray, levels: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """How often each value occurs in each channel.

    Args:
        image: uint8 (height, width, 3), before normalisation.
        values: the same picture after it, or `image` itself.
        levels: grey levels that share a bin; whole levels, so that no bin holds one more than its neighbour.

    Returns:
        Centres of the bins in the unit of `values`, and the share of pixels in each, both (3, bins).
    """
    counts = np.stack([np.bincount(image[..., c].ravel(), minlength=256) for c in range(3)])
    shares = counts.reshape(3, -1, levels).sum(axis=2) / image[..., 0].size
    low, high = image.min(axis=(0, 1)).astype(np.float64), image.max(axis=(0, 1)).astype(np.float64)
    least, most = values.min(axis=(0, 1)).astype(np.float64), values.max(axis=(0, 1)).astype(np.float64)
    slope = np.divide(most - least, high - low, out=np.ones(3), where=high > low)
    grey = np.arange(0, 256, levels) + (levels - 1) / 2
    return least[:, None] + slope[:, None] * (grey - low[:, None]), shares


def thumbnail() -> np.ndarray:
    """Gradient descent on a squashed and on a round bowl, for the front page: uint8 (180, 320, 3)."""
    picture = np.full((180, 320, 3), 255, np.uint8)
    for left, widths in ((10, (62.0, 16.0)), (170, (52.0, 52.0))):
        centre = np.array([left + 70.0, 90.0])
        for level in (0.35, 0.6, 0.85, 1.1):
            axes = (int(widths[0] * level), int(widths[1] * level))
            cv2.ellipse(picture, centre.astype(int).tolist(), axes, 0, 0, 360, (146, 197, 222), 2, cv2.LINE_AA)
        # The same rate for both: as large as the steep direction of the left bowl just endures.
        curvature = (widths[1] / np.array(widths)) ** 2 if widths[0] != widths[1] else np.ones(2) * 0.5
        point, path = centre + np.array([-48.0, 14.0 if widths[1] < 20 else -30.0]), []
        for _ in range(12):
            path.append(point)
            point = point - 1.8 * curvature * (point - centre)
        cv2.polylines(picture, [np.round(path).astype(np.int32)], False, (213, 94, 0), 2, cv2.LINE_AA)
    return picture
