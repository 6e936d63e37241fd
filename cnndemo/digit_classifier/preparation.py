"""From any drawing or photo to what the digit classifier was trained on: 28×28, bright ink on black, centred.

MNIST's digits were scaled to fit a 20×20 box, then placed in a 28×28 field by their centre of mass (LeCun et al. 1998).
A drawing must go the same way, or the network sees something that it has never seen. Training, evaluation and the page
all use this module. Coordinates are pixels of the image that was given; boxes are (top, left, height, width).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cnndemo.digit_classifier.ink import Ink, NoInk, find_ink
from cnndemo.images import to_gray

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


def as_bytes(picture: np.ndarray) -> np.ndarray:
    """Values in [0, 1] as uint8."""
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)


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


def shrink(image: np.ndarray) -> np.ndarray:
    """The image with at most `WORKING_SIDE` pixels on its long side, uint8 as it came."""
    scale = WORKING_SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def as_input(strength: np.ndarray) -> np.ndarray:
    """The ink of one digit, cropped to it, as the networks see it: the steps from the stroke on, none left out."""
    return place(fit_box(normalize_stroke(strength)[0]))


def prepare(
    image: np.ndarray,
    steps: frozenset[str] | set[str] = frozenset(STEPS),
    ink: Ink | None = None,
    box: Box | None = None,
    own: np.ndarray | None = None,
) -> tuple[np.ndarray, tuple[Step, ...]]:
    """Bring one digit into the form of MNIST.

    Args:
        image: uint8 (height, width) or (height, width, 3).
        steps: which of `STEPS` to do; what is left out shows why it is there.
        ink: the ink of the whole image if it is known already.
        box: where the digit is; default all the ink.
        own: this digit's ink in the box without its neighbours', float32 in [0, 1]; default all ink in the box.

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
        found.append(Step(name, picture if picture.dtype == np.uint8 else as_bytes(picture), note))

    if ink is None:
        image = shrink(image)
        ink = find_ink(image)  # a blank picture is refused even when the step is off
    shown = ink.picture if "ink" in steps else to_gray(image)
    record("ink", shown, f"{'dark ink on a light' if ink.dark else 'light ink on a dark'} background")
    strength = ink.strength if "ink" in steps else shown.astype(np.float32) / 255.0
    if "crop" in steps:
        try:
            top, left, height, width = box or bounding_box(strength)
        except NoInk:
            top, left, height, width = 0, 0, *strength.shape
        strength = strength[top : top + height, left : left + width]
        if own is not None and "ink" in steps:
            strength = own
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
