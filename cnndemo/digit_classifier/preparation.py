"""From any drawing or photo to what the digit classifier was trained on: 28×28, bright ink on black, centred.

MNIST's digits were scaled to fit a 20×20 box, then placed in a 28×28 field by their centre of mass (LeCun et al. 1998).
A drawing must go the same way, or the network sees something that it has never seen. Training, evaluation and the page
all use this module. Coordinates are pixels of the image that was given; boxes are (top, left, height, width).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.images import shrink, to_gray

FIELD = 28
BOX = 20
MIDDLE = 14.0  # row and column of MNIST's centres of mass
WORKING_SIDE = 800
"""Photos are shrunk to this long side before the ink is looked for."""

STEPS: dict[str, str] = {
    "ink": "Ink",
    "crop": "Crop",
    "stroke": "Stroke",
    "scale": "Scale",
    "center": "Centre",
}
"""The switchable steps in their order, with their titles."""

THIN, THICK = 1.5, 4.0
"""Stroke widths, in pixels of the 20×20 box, outside of which a stroke is thickened or thinned."""

Box = tuple[int, int, int, int]


class NoInk(VisitorError):
    """Nothing that looks like ink was found; there is nothing to predict."""


@dataclass(frozen=True)
class Step:
    """A preparation step as it happened.

    Attributes:
        name: key of `STEPS`.
        picture: what the step made, uint8 (height, width), bright ink on black (as it came if the first step is off).
        note: what was decided, in words.
    """

    name: str
    picture: np.ndarray
    note: str


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
    noise = _noise(gray)
    if noise > 1.5:
        blur = float(np.clip(noise / 6.0, 0.7, 2.0)) * max(1.0, min(height, width) / 300)
        gray = cv2.GaussianBlur(gray, (0, 0), blur)
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


def bounding_box(strength: np.ndarray) -> Box:
    """The smallest box (top, left, height, width) around all that is more than a quarter ink.

    Raises:
        NoInk: there is none.
    """
    rows, columns = np.nonzero((strength > 0.25).any(axis=1))[0], np.nonzero((strength > 0.25).any(axis=0))[0]
    if not rows.size:
        raise NoInk("There is nothing to read yet: draw a digit.")
    return int(rows[0]), int(columns[0]), int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def stroke_width(strength: np.ndarray) -> float:
    """Typical width of the strokes in pixels, from the mean distance of ink to the middle of the nearest bare pixel."""
    mask = np.pad((strength > 0.5).astype(np.uint8), 1)
    if not mask.any():
        return 1.0
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 5)[mask > 0]
    return max(1.0, 4.0 * float(distance.mean()) - 2.0)


def normalize_stroke(strength: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Bring very thin and very thick strokes to a width that MNIST knows.

    Args:
        strength: float32 (height, width) in [0, 1], cropped to the digit.

    Returns:
        The changed ink (with a margin where it grew), and the stroke's width before and after, in pixels of the
        20×20 box.
    """
    unit = max(strength.shape) / BOX
    before = stroke_width(strength) / unit
    if THIN <= before <= THICK:
        return strength, before, before
    wanted = THIN + 0.6 if before < THIN else THICK - 0.4
    radius = round(abs(wanted - before) * unit / 2)
    if radius < 1:
        return strength, before, before
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    if before < THIN:
        changed = cv2.dilate(np.pad(strength, radius + 1), disk)
    else:
        changed = cv2.erode(strength, disk, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        if changed.max() < 0.5:
            return strength, before, before
    return changed, before, stroke_width(changed) / unit


def fit_box(strength: np.ndarray, side: int = BOX) -> np.ndarray:
    """Scale to fit a square of `side` pixels, keeping the proportions; float32 in, float32 (≤side, ≤side) out."""
    height, width = strength.shape
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC if scale > 1 else cv2.INTER_NEAREST
    small = np.clip(cv2.resize(strength, size, interpolation=method), 0.0, 1.0)
    top = float(small.max())
    return small / top if 0 < top < 1 else small


def place(small: np.ndarray, by_mass: bool = True) -> np.ndarray:
    """Put a small picture into the 28×28 field, by its centre of mass or by the middle of its box."""
    height, width = small.shape
    row, column = (FIELD - height) // 2, (FIELD - width) // 2
    total = float(small.sum())
    if by_mass and total > 0:
        row = round(MIDDLE - float(small.sum(axis=1) @ np.arange(height)) / total)
        column = round(MIDDLE - float(small.sum(axis=0) @ np.arange(width)) / total)
    row, column = int(np.clip(row, 0, FIELD - height)), int(np.clip(column, 0, FIELD - width))
    field = np.zeros((FIELD, FIELD), np.float32)
    field[row : row + height, column : column + width] = small
    return field


def prepare(
    image: np.ndarray,
    steps: frozenset[str] | set[str] = frozenset(STEPS),
    ink: Ink | None = None,
    box: Box | None = None,
) -> tuple[np.ndarray, tuple[Step, ...]]:
    """Bring one digit into the form of MNIST.

    Args:
        image: uint8 (height, width) or (height, width, 3).
        steps: which of `STEPS` to do; what is left out shows why it is there.
        ink: the ink if it is known already (then `image` is not looked at).
        box: where the digit is; default all the ink.

    Returns:
        The network's input, float32 (28, 28) in [0, 1], and the steps that led to it, the ones switched off included.

    Raises:
        NoInk: the image is blank.
        ValueError: `steps` has an unknown name.
    """
    unknown = set(steps) - set(STEPS)
    if unknown:
        raise ValueError(f"Steps {sorted(unknown)} are not among {list(STEPS)}.")
    found: list[Step] = []

    def record(name: str, picture: np.ndarray, note: str) -> None:
        note = note if name in steps else "switched off"
        found.append(Step(name, np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8), note))

    if ink is None:
        image = shrink(image, WORKING_SIDE)
        ink = find_ink(image)  # a blank picture is refused even when the step is off
    strength = ink.strength if "ink" in steps else to_gray(image).astype(np.float32) / 255.0
    record("ink", strength, f"{'dark ink on a light' if ink.dark else 'light ink on a dark'} background")
    if "crop" in steps:
        try:
            top, left, height, width = box or bounding_box(strength)
        except NoInk:
            top, left, height, width = 0, 0, *strength.shape
        strength = strength[top : top + height, left : left + width]
    record("crop", strength, f"{strength.shape[1]} × {strength.shape[0]} pixels")
    width_before = width_after = 0.0
    if "stroke" in steps:
        strength, width_before, width_after = normalize_stroke(strength)
    changed = width_before != width_after
    record(
        "stroke", strength, f"{width_before:.1f} → {width_after:.1f} px" if changed else f"{width_before:.1f} px: kept"
    )
    if "scale" in steps:
        small = fit_box(strength)
    else:
        small = cv2.resize(strength, (FIELD, FIELD), interpolation=cv2.INTER_AREA)
    record("scale", small, f"{small.shape[1]} × {small.shape[0]} pixels")
    field = place(small, by_mass="center" in steps)
    record("center", field, "by its centre of mass")
    return field, tuple(found)
