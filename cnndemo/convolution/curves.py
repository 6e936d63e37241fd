"""Convolution of two curves, and an image as a function (book 1.1 and 1.2).

Everything here is plain NumPy: curves are sampled on one even grid, their product is summed over it,
and the sum is the integral of the book's definition

    (f * g)(t) = ∫ f(τ) g(t − τ) dτ

A "convolution" layer leaves out the flip and computes the cross-correlation ∫ f(τ) g(τ − t) dτ instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cnndemo.errors import VisitorError

KINDS = ("normal", "box", "triangle", "exponential", "drawn")
REACH = 10.0
STEP = 0.01


@dataclass(frozen=True)
class Curve:
    """A curve of unit area (except ``drawn``), described by where it is and how wide.

    kind: one of ``KINDS``.
    mean: the centre of a normal, box or triangle; where an exponential starts.
    width: standard deviation of a normal, half the base of a box or a triangle, decay length of an exponential.
    points: for ``drawn`` only, pairs (τ, height), joined by straight lines and zero outside.
    """

    kind: str = "normal"
    mean: float = 0.0
    width: float = 0.3
    points: tuple[tuple[float, float], ...] = field(default=())

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise VisitorError(f"There is no curve “{self.kind}”. Choose one of: {', '.join(KINDS)}.")
        if not (np.isfinite(self.mean) and np.isfinite(self.width)):
            raise VisitorError("Mean and width must be finite numbers.")
        if self.width <= 0:
            raise VisitorError(f"The width must be above zero; it is {self.width:g}.")
        if self.kind == "drawn":
            check_points(self.points)

    def __call__(self, at: np.ndarray) -> np.ndarray:
        """Heights at the places ``at`` (any shape, float), same shape."""
        shifted = (np.asarray(at, dtype=float) - self.mean) / self.width
        if self.kind == "normal":
            return np.exp(-0.5 * shifted**2) / (self.width * np.sqrt(2 * np.pi))
        if self.kind == "box":
            # Half height on the two edges: then the sum over an even grid is the area, not a step too much.
            distance = np.abs(shifted)
            edge = np.isclose(distance, 1.0, atol=1e-9)
            return np.where(edge, 0.5, (distance < 1.0).astype(float)) / (2 * self.width)
        if self.kind == "triangle":
            return np.clip(1 - np.abs(shifted), 0, None) / self.width
        if self.kind == "exponential":
            start = np.where(np.isclose(shifted, 0.0, atol=1e-9), 0.5, (shifted > 0).astype(float))
            return start * np.exp(-np.clip(shifted, 0, None)) / self.width
        places, heights = np.array(self.points, dtype=float).T
        return np.interp(at, places, heights, left=0.0, right=0.0)


BOOK_F = Curve("normal", 0.0, 0.3)
BOOK_G = Curve("normal", 1.0, 0.3)


def check_points(points) -> np.ndarray:
    """(n, 2) float array of points ordered by place; refuses fewer than two, text, NaN and infinities."""
    try:
        array = np.array([tuple(point) for point in points], dtype=float)
    except (TypeError, ValueError):
        raise VisitorError("Each point needs two numbers: its place and its height.") from None
    if array.ndim != 2 or len(array) < 2 or array.shape[1] != 2:
        raise VisitorError("A drawn curve needs at least two points. Draw a line from left to right.")
    if not np.isfinite(array).all():
        raise VisitorError("Each point needs two finite numbers; one is empty or infinite.")
    array = array[np.argsort(array[:, 0], kind="stable")]
    if array[0, 0] == array[-1, 0]:
        raise VisitorError("All points lie above the same place. Draw a line from left to right.")
    return array


def curve_from_drawing(alpha: np.ndarray, left: float, right: float, top: float, points: int = 60) -> Curve:
    """The curve that somebody drew freehand.

    alpha: (height, width), above zero where there is ink. The bottom row is height 0, the top row ``top``,
    the columns run from ``left`` to ``right``. Where a column has several inked rows, their mean counts.
    """
    ink = np.asarray(alpha) > 0
    columns = np.flatnonzero(ink.any(axis=0))
    if len(columns) < 2:
        raise VisitorError("Nothing is drawn yet. Draw a line from left to right.")
    height, width = ink.shape
    rows = np.arange(height)[:, None]
    level = (ink[:, columns] * rows).sum(axis=0) / ink[:, columns].sum(axis=0)
    places = left + (columns + 0.5) / width * (right - left)
    heights = np.clip((height - 1 - level) / max(height - 1, 1) * top, 0, None)
    if not heights.any():
        raise VisitorError("The line lies on the floor. Draw it higher.")
    keep = np.unique(np.linspace(0, len(columns) - 1, min(points, len(columns))).round().astype(int))
    return Curve("drawn", points=tuple(zip(places[keep].tolist(), heights[keep].tolist(), strict=True)))


def grid(reach: float = REACH, step: float = STEP) -> np.ndarray:
    """The even grid from −reach to reach on which curves are sampled."""
    count = int(round(reach / step))
    return np.arange(-count, count + 1) * step


def convolve_curves(f: Curve, g: Curve, flip: bool = True, step: float = STEP) -> tuple[np.ndarray, np.ndarray]:
    """(t, values) of f * g (``flip``) or of the cross-correlation of f with g (no flip), on the grid.

    The integral is the Riemann sum on the grid times its step: for smooth curves that vanish at both ends this is
    exact to many digits.
    """
    t = grid(2 * REACH, step)
    tau = grid(REACH, step)
    summed = np.convolve(f(tau), g(tau) if flip else g(tau)[::-1])
    return t, summed * step


def overlap(f: Curve, g: Curve, t: float, flip: bool = True, step: float = STEP) -> dict[str, np.ndarray | float]:
    """One position of the slide: τ, f(τ), the moved g, their product, and its area (the result at t)."""
    if not np.isfinite(t):
        raise VisitorError("The shift t must be a finite number.")
    tau = grid(REACH, step)
    moved = g(t - tau) if flip else g(tau - t)
    product = f(tau) * moved
    return {"tau": tau, "f": f(tau), "moved": moved, "product": product, "area": float(product.sum() * step)}


def moments(t: np.ndarray, values: np.ndarray) -> dict[str, float]:
    """Area, mean and standard deviation of a sampled curve, as if it were a density."""
    step = float(t[1] - t[0])
    area = float(values.sum() * step)
    if abs(area) < 1e-12:
        return {"area": area, "mean": float("nan"), "deviation": float("nan")}
    mean = float((t * values).sum() * step / area)
    variance = float(((t - mean) ** 2 * values).sum() * step / area)
    return {"area": area, "mean": mean, "deviation": float(np.sqrt(max(variance, 0.0)))}


def describe(curve: Curve) -> dict[str, float]:
    """Area, mean and deviation of a curve, as ``moments`` of its samples."""
    tau = grid()
    return moments(tau, curve(tau))


def closed_form(f: Curve, g: Curve, t: np.ndarray, flip: bool = True) -> np.ndarray | None:
    """The exact result where one is known, else None.

    Two normals give the normal with the means added (without flip: subtracted) and the variances added; two boxes
    give a trapezoid.
    """
    mean = f.mean + g.mean if flip else f.mean - g.mean
    if f.kind == g.kind == "normal":
        return Curve("normal", mean, float(np.hypot(f.width, g.width)))(t)
    if f.kind == g.kind == "box":
        wide, narrow = max(f.width, g.width), min(f.width, g.width)
        top = 1 / (2 * wide)
        slope = (wide + narrow - np.abs(np.asarray(t) - mean)) / (2 * narrow)
        return top * np.clip(slope, 0, 1)
    return None


def surface(gray: np.ndarray, longest: int = 72) -> np.ndarray:
    """A grey picture as heights z = I(x, y): (h, w) uint8 down to at most ``longest`` a side, float64 0–255.

    Each cell is the mean of the pixels below it, so the surface keeps the brightness of the picture.
    """
    import cv2

    gray = np.asarray(gray)
    if gray.ndim != 2 or min(gray.shape) < 1:
        raise VisitorError("The surface needs a grey picture with at least one pixel.")
    scale = min(1.0, longest / max(gray.shape))
    size = (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale)))
    return cv2.resize(gray.astype(np.float64), size, interpolation=cv2.INTER_AREA)


def profile(gray: np.ndarray, start: tuple[float, float], end: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """(distance in pixels, brightness) along a straight line through a (h, w) picture.

    start, end: (x, y) in fractions of width and height, 0–1; a value between pixels is interpolated.
    """
    gray = np.asarray(gray, dtype=float)
    height, width = gray.shape
    fractions = np.array([start, end], dtype=float)
    if not np.isfinite(fractions).all() or fractions.min() < 0 or fractions.max() > 1:
        raise VisitorError("A line must start and end inside the picture: choose places between 0 and 1.")
    (x0, y0), (x1, y1) = fractions * [width - 1, height - 1]
    length = float(np.hypot(x1 - x0, y1 - y0))
    if length == 0:
        raise VisitorError("The line starts where it ends. Move one of its ends.")
    count = max(2, int(np.ceil(length)) + 1)
    along = np.linspace(0, 1, count)
    x, y = x0 + along * (x1 - x0), y0 + along * (y1 - y0)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = x - left, y - top
    upper = gray[top, left] * (1 - across) + gray[top, right] * across
    lower = gray[bottom, left] * (1 - across) + gray[bottom, right] * across
    return along * length, upper * (1 - down) + lower * down


def draw_line(image: np.ndarray, start: tuple[float, float], end: tuple[float, float]) -> np.ndarray:
    """A copy of ``image`` (h, w, 3) uint8 with an orange line; start and end as in ``profile``."""
    import cv2

    marked = np.ascontiguousarray(image).copy()
    height, width = marked.shape[:2]
    (x0, y0), (x1, y1) = [(round(x * (width - 1)), round(y * (height - 1))) for x, y in (start, end)]
    thickness = max(1, round(max(height, width) / 160))
    cv2.line(marked, (x0, y0), (x1, y1), (213, 94, 0), thickness, cv2.LINE_AA)
    return marked


def thumbnail() -> np.ndarray:
    """The page in one picture for the front page: two curves and their convolution, (180, 320, 3) uint8."""
    import cv2

    canvas = np.full((180, 320, 3), 255, np.uint8)
    t, result = convolve_curves(BOOK_F, BOOK_G)
    shown = (t >= -1.2) & (t <= 2.4)
    x = np.linspace(12, 308, int(shown.sum()))
    for values, colour in ((BOOK_F(t), (0, 114, 178)), (BOOK_G(t), (230, 159, 0)), (result, (0, 158, 115))):
        points = np.stack([x, 165 - values[shown] * 108], axis=1).round().astype(np.int32)
        cv2.polylines(canvas, [points], False, colour, 3, cv2.LINE_AA)
    return canvas


def cartoon_dog(size: int = 240) -> np.ndarray:
    """A drawn puppy with flat areas, like the book's figure 1.2: (size, size, 3) uint8 RGB, made by the computer."""
    import cv2

    scale = size / 240

    def at(x: float, y: float) -> tuple[int, int]:
        return round(x * scale), round(y * scale)

    def blob(centre, axes, colour, angle=0) -> None:
        cv2.ellipse(picture, at(*centre), at(*axes), angle, 0, 360, colour, -1, cv2.LINE_AA)

    picture = np.full((size, size, 3), (214, 236, 250), np.uint8)
    brown, light, dark, black, white = (196, 140, 84), (240, 214, 176), (120, 72, 36), (24, 20, 18), (255, 255, 255)
    blob((120, 236), (74, 58), brown)
    blob((120, 232), (40, 44), light)
    blob((120, 112), (74, 70), brown)
    blob((48, 108), (22, 56), dark, 14)
    blob((192, 108), (22, 56), dark, -14)
    blob((120, 146), (44, 34), light)
    for x in (92, 148):
        blob((x, 98), (15, 18), white)
        blob((x, 101), (9, 11), black)
        blob((x - 3, 97), (3, 3), white)
    blob((120, 130), (14, 10), black)
    blob((120, 166), (11, 14), (226, 110, 120))
    cv2.line(picture, at(120, 138), at(120, 156), black, max(1, round(3 * scale)), cv2.LINE_AA)
    return picture
