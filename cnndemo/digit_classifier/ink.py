"""Where the ink is: what somebody wrote, told from paper, light, rules, shadows and whatever else is in the picture.

No single rule finds the ink in every picture, so there are several, from the plainest to the boldest; `guesses` gives
their answers one after the other, and `reading` takes the one in which it recognises most.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.images import to_gray


class NoInk(VisitorError):
    """Nothing that looks like ink was found; there is nothing to predict."""


@dataclass(frozen=True)
class Ink:
    """Where the ink is.

    Attributes:
        strength: float32 (height, width) in [0, 1], 1 is ink; cleaned of specks and shadows.
        dark: the ink is darker than its background.
        contrast: difference between ink and background in grey levels, 0 to 255.
    """

    strength: np.ndarray
    dark: bool
    contrast: float

    @cached_property
    def picture(self) -> np.ndarray:
        """The ink as a picture, uint8 (height, width), bright on black."""
        return cv2.convertScaleAbs(self.strength, alpha=255)


def find_ink(image: np.ndarray) -> Ink:
    """Tell ink from background, whichever is darker, also under uneven light.

    A smooth surface through the grey values stands for the light, and tells on which side of it the ink lies. For dark
    ink on paper the ratio to the surface counts, since a shadow dims both alike. What the surface misses, such as the
    edge of a shadow, a morphological opening with a window wider than any stroke takes away.

    Args:
        image: uint8 (height, width) or (height, width, 3).

    Returns:
        The ink, same height and width.

    Raises:
        NoInk: the image is blank, or its contrast is lost in its noise.
    """
    gray = to_gray(image).astype(np.float32)
    height, width = gray.shape
    if min(height, width) < 8:
        raise NoInk(f"This picture is only {width} × {height} pixels; a digit needs at least 8 × 8.")
    gray = calm(gray)
    surface, dark = _light(gray)
    contrast = 255.0 * (1.0 - gray / np.maximum(surface, 40.0)) if dark else gray - surface
    contrast = contrast - _background(contrast)
    contrast = contrast - np.median(contrast)
    spread = 1.4826 * float(np.median(np.abs(contrast)))
    peak = _peak(contrast)
    if peak < max(12.0, 5.0 * spread):
        raise NoInk("There is nothing to read yet: draw a digit, or choose a picture with more contrast.")
    threshold = max(0.42 * peak, 3.5 * spread)
    mask = _without_specks(contrast > threshold)
    if not mask.any():
        raise NoInk("Only specks were found, no digit. Please draw larger or move closer.")
    halo = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    strength = np.clip((contrast - 0.4 * threshold) / (1.5 * threshold - 0.4 * threshold), 0.0, 1.0) * halo
    return Ink(strength.astype(np.float32), dark, peak)


def calm(image: np.ndarray) -> np.ndarray:
    """A picture, grey or RGB, without the noise of its pixels: blurred as much as it is noisy."""
    noise = _noise(image if image.ndim == 2 else image[..., 1])
    if noise <= 1.5:
        return image
    blur = float(np.clip(noise / 6.0, 0.7, 2.0)) * max(1.0, min(image.shape[:2]) / 300)
    return cv2.GaussianBlur(image, (0, 0), blur)


def _noise(gray: np.ndarray) -> float:
    """Standard deviation of pixel noise: the median absolute difference to a local median."""
    sample = gray.astype(np.uint8)
    return 1.4826 * float(np.median(cv2.absdiff(sample, cv2.medianBlur(sample, 3))))


def _light(gray: np.ndarray) -> tuple[np.ndarray, bool]:
    """The background as a quadratic surface, fitted robustly, and whether the outliers, the ink, are darker than it."""
    small = cv2.resize(gray, (48, 48), interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[-1:1:48j, -1:1:48j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    values = small.reshape(-1).astype(np.float64)
    edge = (np.maximum(np.abs(x), np.abs(y)) > 0.86).reshape(-1)
    # Ink seldom touches the edge of a picture; where it does, it is far from the edge's median.
    off_median = np.abs(values - np.median(values[edge]))
    chosen = edge & (off_median <= max(20.0, 4.0 * float(np.median(off_median[edge]))))
    first = chosen
    for _ in range(6):
        some = terms[chosen]
        solution = np.linalg.solve(some.T @ some + 1e-6 * np.eye(6), some.T @ values[chosen])
        residual = values - terms @ solution
        scale = 1.4826 * np.median(np.abs(residual[chosen])) + 1.0
        chosen = np.abs(residual) < 2.5 * scale
        if chosen.sum() < 200:
            chosen = first
    outliers = np.where(chosen, 0.0, residual)
    dark = float(np.minimum(outliers, 0.0).sum()) < -float(np.maximum(outliers, 0.0).sum())
    surface = (terms @ solution).reshape(48, 48).astype(np.float32)
    return cv2.resize(surface, gray.shape[::-1], interpolation=cv2.INTER_LINEAR), dark


def _background(contrast: np.ndarray) -> np.ndarray:
    """The contrast without its bright strokes: an opening, smoothed, at low resolution."""
    height, width = contrast.shape
    factor = max(1.0, max(height, width) / 160)
    size = (max(8, round(width / factor)), max(8, round(height / factor)))
    small = cv2.resize(contrast, size, interpolation=cv2.INTER_AREA)
    window = max(3, round(0.5 * min(size)) | 1)
    opened = cv2.morphologyEx(
        small, cv2.MORPH_OPEN, np.ones((window, window), np.uint8), borderType=cv2.BORDER_REPLICATE
    )
    opened = cv2.GaussianBlur(opened, (0, 0), window / 6, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(opened, (width, height), interpolation=cv2.INTER_LINEAR)


def _peak(contrast: np.ndarray) -> float:
    """Contrast of the strongest strokes; a lone hot pixel does not count."""
    calm = cv2.blur(contrast, (3, 3)) if min(contrast.shape) >= 64 else contrast
    flat = np.sort(calm.reshape(-1))
    strongest = flat[-max(4, round(0.02 * flat.size)) :]
    strong = strongest[strongest > 0.5 * strongest[-1]]
    return float(np.median(strong)) if strong.size else 0.0


def _without_specks(mask: np.ndarray) -> np.ndarray:
    """Keep what can be a stroke: drop specks, and what runs along the picture's edge when there is anything else."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 1:
        return np.zeros_like(mask)
    height, width = mask.shape
    left, top, wide, high, area = stats[1:].T
    long = np.maximum(wide, high)
    at_edge = (left == 0) | (top == 0) | (left + wide == width) | (top + high == height)
    frame = at_edge & ((wide > 0.6 * width) | (high > 0.85 * height))
    keep = ~frame if (~frame & (area > 8)).any() else np.ones(count - 1, bool)
    largest, longest = area[keep].max(), long[keep].max()
    keep &= (area >= max(3, 0.02 * largest)) & (long >= 0.08 * longest)
    if (keep & ~at_edge & (long >= 0.5 * longest)).any():
        keep &= ~(at_edge & (long < 0.25 * longest))
    return np.concatenate([[False], keep])[labels]
