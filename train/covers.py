"""Masks, scarves and glasses painted on photographs of faces, from their landmarks; for training and for measuring.

Each style is a function of a picture, its 68 landmarks and a generator; the picture comes back painted, a new array.
Points are dlib's: 0–16 jaw, 27–35 nose, 36–47 eyes, 48–67 mouth.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Style = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def mask(image: np.ndarray, points: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A mask over nose, mouth and chin, of any cloth."""
    start = int(generator.integers(1, 4))
    top = points[27:31].mean(axis=0) if generator.random() < 0.3 else points[int(generator.integers(28, 31))]
    outline = np.vstack([points[start : 17 - start], top[None]])
    return painted(image, [outline + _shift(points, generator)], cloth(image, points, generator), generator)


def scarf(image: np.ndarray, points: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A scarf, a hand's width wide, across the mouth and down over the neck."""
    eyes = width(points)
    high = points[33] if generator.random() < 0.6 else points[30]
    down, along = _axes(points)
    left, right = points[2] - 0.2 * eyes * along, points[14] + 0.2 * eyes * along
    reach = down * eyes * generator.uniform(1.0, 1.8)
    outline = np.vstack([left, high, right, right + reach, left + reach])
    return painted(image, [outline + _shift(points, generator)], cloth(image, points, generator), generator)


def patch(image: np.ndarray, points: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Something flat held before the mouth: a book, a cup, a hand's back."""
    eyes, middle = width(points), points[48:68].mean(axis=0)
    radius = (eyes * generator.uniform(0.45, 0.9), eyes * generator.uniform(0.35, 0.7))
    outline = ellipse(middle, radius, generator.uniform(0, 180), 4 if generator.random() < 0.4 else 24)
    return painted(image, [outline + _shift(points, generator)], cloth(image, points, generator), generator)


def glasses(image: np.ndarray, points: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Dark glasses: round, square or with a slope, with a bridge and temples, black, brown or tinted."""
    eyes, (down, along) = width(points), _axes(points)
    angle = float(np.degrees(np.arctan2(along[1], along[0])))
    size = eyes * generator.uniform(0.22, 0.34), eyes * generator.uniform(0.17, 0.28)
    corners = int(generator.choice([4, 6, 8, 24, 24]))
    lenses = [
        ellipse(points[k : k + 6].mean(axis=0) + 0.05 * eyes * down, size, angle, corners, turn=corners == 4)
        for k in (36, 42)
    ]
    shade = generator.integers(0, 60, 3) if generator.random() < 0.75 else generator.integers(0, 150, 3)
    painted_lenses = painted(image, lenses, _shaded(image, shade, generator), generator, solid=0.85)
    thick = max(1, round(eyes * generator.uniform(0.02, 0.08)))
    frame = [int(value) for value in shade // 2]
    for a, b in ((lenses[0], points[27]), (lenses[1], points[27]), (lenses[0], points[0]), (lenses[1], points[16])):
        near = a[np.argmin(((a - b) ** 2).sum(axis=1))]
        cv2.line(painted_lenses, _whole(near), _whole(b), frame, thick, cv2.LINE_AA)
    return painted_lenses


def bar(image: np.ndarray, points: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A bar across both eyes: a visor, ski glasses, a censor's stripe."""
    eyes, (down, along) = width(points), _axes(points)
    middle = points[36:48].mean(axis=0)
    half, high = eyes * generator.uniform(0.6, 0.85) * along, eyes * generator.uniform(0.16, 0.32) * down
    outline = np.vstack([middle - half - high, middle + half - high, middle + half + high, middle - half + high])
    return painted(image, [outline], cloth(image, points, generator), generator)


def spectacles(image: np.ndarray, points: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Clear glasses, rims only: they hide nothing."""
    result, eyes = image.copy(), width(points)
    angle = float(np.degrees(np.arctan2(*_axes(points)[1][::-1])))
    color = [int(value) for value in generator.integers(0, 140, 3)]
    thick = max(1, round(eyes * generator.uniform(0.02, 0.07)))
    size = eyes * generator.uniform(0.22, 0.32), eyes * generator.uniform(0.18, 0.27)
    for k in (36, 42):
        rim = ellipse(points[k : k + 6].mean(axis=0), size, angle, int(generator.choice([4, 8, 24])), turn=True)
        cv2.polylines(result, [rim.astype(np.int32)], True, color, thick, cv2.LINE_AA)
    return result


MOUTH: tuple[Style, ...] = (mask, mask, scarf, patch)
EYES: tuple[Style, ...] = (glasses, glasses, bar)


def surgical(image: np.ndarray, points: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A pale blue mask of one colour, the same on everybody; for measuring."""
    outline = np.vstack([points[2:15], points[29:30]]).astype(np.int32)
    return cv2.fillPoly(image.copy(), [outline], (170, 205, 225), cv2.LINE_AA)


def black_glasses(image: np.ndarray, points: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Two black ellipses, the same on everybody; for measuring."""
    result, reach = image.copy(), float(np.hypot(*(points[45] - points[36])))
    for k in (36, 42):
        axes = (int(reach * 0.3), int(reach * 0.24))
        cv2.ellipse(result, _whole(points[k : k + 6].mean(axis=0)), axes, 0, 0, 360, (15, 15, 15), -1, cv2.LINE_AA)
    return result


def cloth(image: np.ndarray, points: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """What a cover is made of, as large as the picture: plain, striped, woven, or a stretch of the face's own skin."""
    height, wide = image.shape[:2]
    if generator.random() < 0.12:  # skin: a hand; or what the colour of the cheek would be
        color = np.median(image[_inside(image, points[1:16])], axis=0)
    else:
        color = generator.integers(0, 256, 3)
    base = _shaded(image, color, generator).astype(np.float32)
    kind = generator.random()
    if kind < 0.25:
        rows, columns = np.mgrid[:height, :wide]
        a = generator.uniform(0, np.pi)
        wave = np.sin((rows * np.sin(a) + columns * np.cos(a)) * generator.uniform(0.1, 0.9))
        base += wave[..., None] * generator.uniform(-60, 60, 3)
    elif kind < 0.45:
        grain = generator.normal(0, generator.uniform(5, 40), (max(1, height // 4), max(1, wide // 4), 1))
        base += cv2.resize(grain.astype(np.float32), (wide, height), interpolation=cv2.INTER_CUBIC)[..., None]
    return np.clip(base, 0, 255).astype(np.uint8)


def painted(
    image: np.ndarray,
    outlines: list[np.ndarray],
    filling: np.ndarray,
    generator: np.random.Generator,
    solid: float = 0.93,
) -> np.ndarray:
    """A picture with polygons filled; at least `solid` of the filling covers, with a soft edge of about a pixel."""
    alpha = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(alpha, [np.round(outline).astype(np.int32) for outline in outlines], 255, cv2.LINE_AA)
    alpha = cv2.GaussianBlur(alpha, (0, 0), generator.uniform(0.3, 1.5)).astype(np.float32)[..., None] / 255
    alpha *= generator.uniform(solid, 1.0)
    return np.clip(image * (1 - alpha) + filling * alpha, 0, 255).astype(np.uint8)


def ellipse(
    middle: np.ndarray, radius: tuple[float, float], angle: float, corners: int = 24, turn: bool = False
) -> np.ndarray:
    """An ellipse, or with few corners a polygon, (corners, 2); `turn` lets a square stand on its side."""
    steps = np.arange(corners) * 2 * np.pi / corners + (np.pi / corners if turn else 0)
    x, y = np.cos(steps) * radius[0], np.sin(steps) * radius[1]
    a = np.radians(angle)
    return middle + np.stack([x * np.cos(a) - y * np.sin(a), x * np.sin(a) + y * np.cos(a)], axis=1)


def width(points: np.ndarray) -> float:
    """Distance of the outer corners of the eyes, in pixels."""
    return float(np.hypot(*(points[45] - points[36])))


def _axes(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors down the face and along its eyes."""
    along = (points[45] - points[36]) / max(width(points), 1e-6)
    return np.array([-along[1], along[0]]), along


def _shift(points: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return generator.normal(0, 0.03, 2) * width(points)


def _whole(point: np.ndarray) -> tuple[int, int]:
    return int(round(float(point[0]))), int(round(float(point[1])))


def _inside(image: np.ndarray, outline: np.ndarray) -> np.ndarray:
    area = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(area, [np.round(outline).astype(np.int32)], 1)
    return area.astype(bool) if area.any() else np.ones(image.shape[:2], bool)


def _shaded(image: np.ndarray, color: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """One colour under a light that falls off to one side."""
    height, wide = image.shape[:2]
    rows, columns = np.mgrid[:height, :wide]
    across, down = generator.uniform(-0.4, 0.4, 2)
    light = 1 + across * (columns / wide - 0.5) + down * (rows / height - 0.5)
    return np.clip(light[..., None] * np.asarray(color, np.float32), 0, 255).astype(np.uint8)
