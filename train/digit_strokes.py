"""Ink for training and measuring: digits from MNIST, from skeletons and from fonts, and all that is no digit.

Everything here is float32 ink in [0, 1], cropped to what is drawn; `digit_scenes` lays it on paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Lines = list[np.ndarray]
"""Polylines, each float (n, 2) of x, y in the unit square."""

SKELETONS: dict[int, tuple[str, ...]] = {
    0: (
        "50,10 28,22 22,50 28,78 50,90 72,78 78,50 72,22 50,10",
        "55,10 36,20 30,50 36,80 50,90 64,80 70,50 64,20 48,8",
        "62,14 40,10 25,35 24,65 42,90 65,82 78,50 70,20 50,10",
    ),
    1: (
        "50,10 50,90",
        "57,10 45,90",
        "64,10 40,90",
    ),
    2: (
        "25,28 40,12 62,14 70,32 25,88 78,88",
        "26,25 45,10 70,20 68,42 40,70 22,90 50,86 80,90",
        "28,20 50,10 72,25 60,55 35,85 24,82 34,74 55,86 80,84",
    ),
    3: (
        "25,15 70,15 45,45 72,62 60,86 25,84",
        "26,20 50,10 70,25 60,43 42,48 66,55 74,72 52,90 24,80",
    ),
    4: (
        "58,10 20,60 82,60 / 60,30 60,92",
        "28,10 25,52 75,52 / 68,10 66,92",
        "62,92 62,10 20,64 84,64",
    ),
    5: (
        "75,12 30,12 28,45 60,42 74,65 58,88 25,84",
        "34,12 30,45 55,40 74,60 62,86 26,86 / 34,12 76,10",
    ),
    6: (
        "65,10 38,40 28,70 50,90 72,72 52,54 31,66",
        "60,10 36,30 27,65 40,90 62,88 72,70 58,54 36,60 28,72",
    ),
    7: (
        "20,12 80,12 42,90",
        "22,16 50,13 78,12 60,45 48,90",
        "20,12 80,12 42,90 / 36,50 74,48",
        "22,24 22,12 80,12 44,90",
    ),
    8: (
        "50,48 30,30 50,10 70,30 50,48 26,70 50,90 74,70 50,48",
        "70,20 50,10 30,22 36,40 64,56 72,74 50,90 28,76 36,56 64,38 72,20",
    ),
    9: (
        "68,36 48,50 30,32 48,12 68,30 62,90",
        "70,25 52,10 32,22 34,44 54,50 70,30 68,60 50,90",
        "70,20 50,10 30,25 40,46 60,44 70,20 68,90",
    ),
}
"""Several ways to write each digit: points x,y in percent of a square, strokes parted by a slash.

The European 1 is made by `european_one`.
"""

LETTERS = "ACDEFGHJKLMNPQRTUVWXYaefhkmnrtuvwxy"
"""O, o, I, l, S, s, Z, z, B, b, g, q and their like are left out: alone on paper they are the digits 0 1 5 2 8 6 9."""
SYMBOLS = tuple(
    ["plus", "minus", "equals", "slash", "times", "divided", "asterisk", "hash", "arrow", "check", "bracket", "tilde"]
)
_STYLES = ["Sans", "Sans-Bold", "SansMono", "Serif", "Serif-Italic", "Sans-ExtraLight", "SansCondensed-Oblique"]
FACES = (*(f"DejaVu{style}.ttf" for style in _STYLES), "arial.ttf", "times.ttf")
"""Fonts that are used where the system has them, beside Pillow's own and OpenCV's."""
HERSHEY = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)


def cropped(ink: np.ndarray) -> np.ndarray:
    """The smallest rectangle around the ink."""
    rows, columns = np.nonzero(ink.max(axis=1) > 0.1)[0], np.nonzero(ink.max(axis=0) > 0.1)[0]
    if not rows.size:
        return ink
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def draw(lines: Sequence, size: float, pen: float) -> np.ndarray:
    """Polylines of the unit square as ink, `size` pixels a unit and the pen's width in pixels."""
    every = np.concatenate([np.asarray(line, float) for line in lines])
    low, margin = every.min(axis=0), pen / 2 + 3
    width, height = np.ceil((every.max(axis=0) - low) * size + 2 * margin).astype(int)
    ink = np.zeros((height, width), np.uint8)
    for line in lines:
        points = ((np.asarray(line, float) - low) * size + margin) * 16
        cv2.polylines(ink, [points.round().astype(np.int32)], False, 255, max(1, round(pen)), cv2.LINE_AA, 4)
    return cropped(ink.astype(np.float32) / 255)


def shaken(lines: Sequence, generator: np.random.Generator, amount: float = 0.025, smooth: float = 0.6) -> Lines:
    """The same strokes by another hand: points moved, corners rounded, slanted, stretched."""
    slant, wide = generator.uniform(-0.22, 0.22), generator.uniform(0.75, 1.2)
    turn = generator.uniform(-0.12, 0.12)
    rounded = generator.random() < smooth
    result = []
    for line in lines:
        points = np.asarray(line, float) + generator.normal(0, amount, (len(line), 2))
        if rounded and len(points) > 2:
            for _ in range(2):  # Chaikin's corner cutting
                inner = np.stack([0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]], 1)
                points = np.concatenate([points[:1], inner.reshape(-1, 2), points[-1:]])
        x, y = points[:, 0] - 0.5, points[:, 1] - 0.5
        x = wide * (x - slant * y)
        result.append(np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], 1) + 0.5)
    return result


def european_one(generator: np.random.Generator) -> Lines:
    """A 1 with a flag, from steep to shallow, now and then with a foot."""
    angle, length = np.radians(generator.uniform(22, 65)), generator.uniform(0.22, 0.5)
    top = np.array([0.6, 0.1])
    tip = top + length * np.array([-np.cos(angle), np.sin(angle)])
    lines = [np.array([tip, top, [0.6 + generator.uniform(-0.1, 0.04), 0.9]])]
    if generator.random() < 0.25:
        lines.append(np.array([[0.4, 0.9], [0.8, 0.9]]))
    return lines


def skeleton(digit: int, generator: np.random.Generator, size: float, pen: float, amount: float = 0.025) -> np.ndarray:
    """A digit drawn from its skeleton; two of five ones are European."""
    if digit == 1 and generator.random() < 0.4:
        return draw(shaken(european_one(generator), generator, 0.012, 0.3), size, pen)
    variant = int(generator.integers(len(SKELETONS[digit])))
    return draw(shaken(strokes(digit, variant), generator, amount), size, pen)


def strokes(digit: int, variant: int = 0) -> Lines:
    """One of the ways to write a digit of `SKELETONS`."""
    lines = SKELETONS[digit][variant].split("/")
    return [np.array([point.split(",") for point in line.split()], float) / 100 for line in lines]


@cache
def font(face: str, size: int):
    """A font of the system, or None where it has none of that name; "" is Pillow's own."""
    try:
        return ImageFont.truetype(face, size) if face else ImageFont.load_default(size)
    except OSError:
        return None


def typed(text: str, generator: np.random.Generator, size: float) -> np.ndarray:
    """Text in a font by chance, about `size` pixels high, slightly turned."""
    faces = [face for face in ("", *FACES) if font(face, 96) is not None]
    choice = generator.integers(len(faces) + len(HERSHEY))
    if choice < len(faces):
        picture = Image.new("L", (110 * len(text) + 60, 170))
        ImageDraw.Draw(picture).text((30, 20), text, 255, font(faces[choice], 96))
        ink = np.asarray(picture, np.float32) / 255
    else:
        ink = np.zeros((170, 110 * len(text) + 60), np.uint8)
        face = HERSHEY[choice - len(faces)] | (cv2.FONT_ITALIC if generator.random() < 0.3 else 0)
        cv2.putText(ink, text, (30, 120), face, 3.2, 255, int(generator.integers(2, 14)), cv2.LINE_AA)
        ink = ink.astype(np.float32) / 255
    return turned(cropped(ink), generator, size)


def turned(ink: np.ndarray, generator: np.random.Generator, size: float, degrees: float = 8.0) -> np.ndarray:
    """Ink scaled to `size` pixels on its long side and turned a little."""
    scale = size / max(ink.shape)
    side = int(1.5 * size) + 8
    matrix = cv2.getRotationMatrix2D((ink.shape[1] / 2, ink.shape[0] / 2), generator.uniform(-degrees, degrees), scale)
    matrix[:, 2] += np.array([side, side]) / 2 - np.array(ink.shape[::-1]) / 2
    small = cv2.GaussianBlur(ink, (0, 0), 0.4 / scale) if scale < 0.7 else ink
    return cropped(cv2.warpAffine(small, matrix, (side, side), flags=cv2.INTER_LINEAR))


def mnist_ink(
    digit: np.ndarray, generator: np.random.Generator, size: float, stroke: float | None = None
) -> np.ndarray:
    """A digit of MNIST, uint8 (28, 28), with crisp edges, turned a little, with a wider or finer pen."""
    from cnndemo.digit_classifier.scenes import write

    stroke = generator.uniform(-0.035, 0.06) if stroke is None else stroke
    return write(digit, size, stroke, generator, 10.0)


# --- what is no digit ---


def symbol(name: str, generator: np.random.Generator, size: float, pen: float) -> np.ndarray:
    """One of `SYMBOLS`, drawn."""
    wide, tilt = generator.uniform(0.3, 0.5), generator.normal(0, 0.03)
    low, high = 0.5 - wide, 0.5 + wide
    bar = [(low, 0.5 + tilt), (high, 0.5 - tilt)]
    shape = {
        "plus": lambda: [bar, [(0.5 + tilt, 0.5 - wide), (0.5 - tilt, 0.5 + wide)]],
        "minus": lambda: [bar],
        "equals": lambda: [[(x, y + step) for x, y in bar] for step in (-gap, gap)],
        "slash": lambda: slash(generator),
        "times": lambda: [[(low, low), (high, high)], [(low, high), (high, low)]],
        "divided": lambda: [bar, [(0.5, 0.2), (0.5, 0.21)], [(0.5, 0.79), (0.5, 0.8)]],
        "asterisk": lambda: [[(low, 0.5), (high, 0.5)], [(0.36, 0.2), (0.64, 0.8)], [(0.64, 0.2), (0.36, 0.8)]],
        "hash": lambda: [[(x, 0.1), (x - 0.05, 0.9)] for x in (0.35, 0.7)] + [[(0.1, x), (0.9, x)] for x in (0.3, 0.6)],
        "arrow": lambda: [bar, [(high - 0.2, 0.3), (high, 0.5), (high - 0.2, 0.7)]],
        "check": lambda: [[(0.1, 0.55), (0.35, 0.85), (0.9, 0.1)]],
        "bracket": lambda: [[(0.65, 0.05), (0.4, 0.05), (0.4, 0.95), (0.65, 0.95)]],
        "tilde": lambda: [[(0.1, 0.6), (0.3, 0.45), (0.5, 0.52), (0.7, 0.6), (0.9, 0.45)]],
    }  # fmt: skip
    gap = generator.uniform(0.08, 0.2)
    lines = shape[name]()
    if name not in ("slash", "minus", "plus", "equals"):
        return draw(shaken(lines, generator, 0.015, 0.2), size, pen)
    if generator.random() < 0.5:  # by hand, not with a ruler
        lines = [np.asarray(line) + generator.normal(0, 0.015, (len(line), 2)) for line in lines]
    return draw(lines, size, pen)


def slash(generator: np.random.Generator) -> list:
    """A straight line that leans more than nearly all of MNIST's ones: by 35 to 52 degrees."""
    angle = np.radians(generator.uniform(35, 52))
    half = 0.45 * np.array([np.sin(angle), -np.cos(angle)])
    if generator.random() < 0.3:
        half[0] *= -1
    return [[tuple(0.5 - half), tuple(0.5 + half)]]


def scribble(generator: np.random.Generator, size: float, pen: float) -> np.ndarray:
    """A line without aim, or a zigzag."""
    count = int(generator.integers(14, 30))
    if generator.random() < 0.4:
        x = np.linspace(0.05, 0.95, count) + generator.normal(0, 0.03, count)
        y = (
            0.5
            + generator.uniform(0.15, 0.4) * np.where(np.arange(count) % 2, 1, -1)
            + generator.normal(0, 0.05, count)
        )
        points = np.stack([x, y], 1)
        if generator.random() < 0.5:
            points = points[:, ::-1]
    else:
        points = 0.5 + np.cumsum(generator.normal(0, 0.25, (count, 2)), axis=0)
        points = (points - points.min(axis=0)) / np.maximum(np.ptp(points, axis=0), 1e-6)
    return draw(shaken([points], generator, 0.01), size, pen)


def frame(generator: np.random.Generator, size: float, pen: float) -> np.ndarray:
    """A box, with corners that meet or not, a part of a box, or a piece of squared paper."""
    wide, kind = generator.uniform(0.35, 1.0), generator.random()
    wide, high = (wide, 1.0) if generator.random() < 0.5 else (1.0, wide)
    if kind < 0.5:
        corners = np.array([(0, 0), (wide, 0), (wide, high), (0, high), (0, 0)]) + generator.normal(0, 0.01, (5, 2))
        over = generator.uniform(0, 0.06)
        lines = [[a - over * (b - a), b + over * (b - a)] for a, b in zip(corners[:-1], corners[1:], strict=True)]
    elif kind < 0.65:
        lines = (
            [[(0, high), (0, 0), (wide, 0), (wide, high)]]
            if generator.random() < 0.5
            else [[(0, 0), (0, high), (wide, high)]]
        )
    else:
        columns, rows = (np.sort(generator.uniform(0, 1, generator.integers(1, 4))) for _ in range(2))
        lines = [[(x * wide, 0), (x * wide, high)] for x in columns] + [[(0, y * high), (wide, y * high)] for y in rows]
    return draw(lines, size, pen)


def blob(generator: np.random.Generator, size: float) -> np.ndarray:
    """A smear, a finger, a dot: filled, with a soft outline."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radius = 0.36 + sum(generator.normal(0, 0.06 / k) * np.cos(k * angles + generator.uniform(0, 6)) for k in (1, 2, 3))
    wide = generator.uniform(0.3, 1.0)
    points = np.stack([0.5 + wide * radius * np.cos(angles), 0.5 + radius * np.sin(angles)], 1)
    ink = np.zeros((int(size), int(size)), np.uint8)
    cv2.fillPoly(ink, [(points * size).round().astype(np.int32)], 255, cv2.LINE_AA)
    if generator.random() < 0.5:  # cut off by the edge of the picture
        ink = ink[: int(size * generator.uniform(0.3, 0.8)), int(size * generator.uniform(0.0, 0.5)) :]
    return turned(cropped(ink.astype(np.float32) / 255), generator, size, 90)


def stain(generator: np.random.Generator, size: float) -> np.ndarray:
    """A piece of grain, of a shadow's edge or of a smear: one stroke of noise that was smoothed, mostly in one way."""
    wide = generator.uniform(1, 12, 2)
    noise = cv2.GaussianBlur(generator.normal(0, 1, (96, 96)), (0, 0), wide[0], sigmaY=wide[1])
    if generator.random() < 0.4:  # an arc, thinner towards its ends
        far, angle = generator.uniform(60, 400), generator.uniform(0, 2 * np.pi)
        y, x = np.mgrid[:96, :96] - 48.0
        along = x * np.cos(angle) + y * np.sin(angle)
        across = x * np.sin(angle) - y * np.cos(angle) - along**2 / far
        noise = noise / noise.std() * 0.3 - np.abs(across) / generator.uniform(2, 6) - (along / 40) ** 2
    mask = (noise > np.quantile(noise, generator.uniform(0.75, 0.97))).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    mask = (labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())).astype(np.float32)
    return cropped(cv2.resize(cropped(mask), None, fx=size / 96, fy=size / 96, interpolation=cv2.INTER_LINEAR))


def pair(first: np.ndarray, second: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Two digits that touch, side by side, now and then one above the other or one over the other."""
    if generator.random() < 0.15:
        return pair_below(first, second, generator)
    return beside(first, second, int(generator.uniform(-0.1, 0.02) * first.shape[0]))


def beside(first: np.ndarray, second: np.ndarray, nearer: int = -1) -> np.ndarray:
    """Two digits side by side, as far apart as they just touch, and `nearer` pixels (negative) nearer."""
    height = max(first.shape[0], second.shape[0])
    first, second = (np.pad(ink, ((height - ink.shape[0], 0), (0, 0))) for ink in (first, second))
    # In each row, how far the left one reaches and where the right one begins.
    reach = np.where((first > 0.5).any(1), first.shape[1] - 1 - (first[:, ::-1] > 0.5).argmax(1), -(10**6))
    begins = np.where((second > 0.5).any(1), (second > 0.5).argmax(1), 10**6)
    reach = np.maximum(reach, np.maximum(np.roll(reach, 1), np.roll(reach, -1)))
    start = int(np.clip((reach - begins).max() + 1 + nearer, 1, first.shape[1] + 3))
    both = np.zeros((height, max(first.shape[1], start + second.shape[1])), np.float32)
    both[:, : first.shape[1]] = first
    both[:, start : start + second.shape[1]] = np.maximum(both[:, start : start + second.shape[1]], second)
    return cropped(both)


def pair_below(first: np.ndarray, second: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Two digits one above the other."""
    width = max(first.shape[1], second.shape[1])
    first, second = (np.pad(ink, ((0, 0), (0, width - ink.shape[1]))) for ink in (first, second))
    gap = int(generator.integers(0, 6))
    return cropped(np.concatenate([first, np.zeros((gap, width), np.float32), second]))


def part(ink: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """What is left of a digit that was cut: a half, or a piece."""
    share = generator.uniform(0.25, 0.6)
    height, width = ink.shape
    side = generator.integers(4)
    if side == 0:
        ink = ink[: int(share * height)]
    elif side == 1:
        ink = ink[int((1 - share) * height) :]
    elif side == 2:
        ink = ink[:, : max(2, int(share * width))]
    else:
        ink = ink[:, min(width - 2, int((1 - share) * width)) :]
    return cropped(ink)
