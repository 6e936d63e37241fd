"""Scenes of shapes to search (figure 1.4 of the book), drawn from a seed, and who wins in them.

Because the scene is drawn here, it is known where each shape lies, so a search can be judged: did the wanted shape win?
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.pattern_matching.matching import Match, Method, resize, response

HEIGHT, WIDTH = 420, 600
ROWS, COLUMNS = 2, 3
SUBPIXEL = 4  # bits of sub-pixel precision for OpenCV's drawing

Style = Literal["outline", "filled"]

_TURNS = {"triangle": 3, "square": 4, "pentagon": 5, "hexagon": 6}
SHAPES: tuple[str, ...] = ("circle", *_TURNS, "star")


@dataclass(frozen=True)
class Shape:
    """One shape of a scene: its name, its centre in pixels, its diameter and its grey value."""

    name: str
    row: float
    column: float
    size: float
    brightness: int


@dataclass(frozen=True)
class Scene:
    """A picture of shapes, uint8 (HEIGHT, WIDTH), and what was drawn where."""

    image: np.ndarray
    shapes: tuple[Shape, ...]

    def center(self, name: str) -> tuple[float, float]:
        """Row and column of the middle of a shape."""
        return next((shape.row, shape.column) for shape in self.shapes if shape.name == name)

    def at(self, center: tuple[float, float]) -> str:
        """The name of the shape whose box holds this row and column, or "the background"."""
        for shape in self.shapes:
            if max(abs(center[0] - shape.row), abs(center[1] - shape.column)) <= shape.size / 2:
                return shape.name
        return "the background"


def outline_points(name: str, size: float, angle: float = 0.0) -> np.ndarray:
    """Corners of a shape around the origin.

    Args:
        name: one of `SHAPES`; a circle has 72 corners.
        size: diameter of the circle through the outer corners, in pixels.
        angle: degrees, clockwise.

    Returns:
        float64 (corners, 2), x and y.
    """
    if name not in SHAPES:
        raise VisitorError(f"There is no shape “{name}”. Please choose one of {', '.join(SHAPES)}.")
    corners = 72 if name == "circle" else 10 if name == "star" else _TURNS[name]
    turn = np.pi / 4 if name == "square" else 0.0
    angles = np.arange(corners) * 2 * np.pi / corners - np.pi / 2 + turn + np.radians(angle)
    radii = np.full(corners, size / 2)
    if name == "star":
        radii[1::2] *= 0.42
    return np.stack([np.cos(angles) * radii, np.sin(angles) * radii], axis=1)


def draw(
    canvas: np.ndarray, name: str, center: tuple[float, float], size: float, angle: float, style: Style, value: int
) -> None:
    """Draw a shape into a uint8 (H, W) canvas with soft edges; outlines are a ninth of the size wide."""
    width = max(2, round(size / 9))
    points = outline_points(name, size - width if style == "outline" else size, angle) + center
    fixed = np.round(points * 2**SUBPIXEL).astype(np.int32)
    if style == "filled":
        cv2.fillPoly(canvas, [fixed], value, cv2.LINE_AA, SUBPIXEL)
    else:
        cv2.polylines(canvas, [fixed], True, value, width, cv2.LINE_AA, SUBPIXEL)


def shape_pattern(name: str, size: int, style: Style = "outline") -> np.ndarray:
    """The pattern of figure 1.5: a shape of ones on zeros, upright.

    Args:
        name: one of `SHAPES`.
        size: height and width in pixels, at least 5.
        style: an outline or a filled shape.

    Returns:
        float32 (size, size) of zeros and ones.
    """
    if size < 5:
        raise VisitorError("A shape needs at least 5 pixels. Please choose a larger size.")
    canvas = np.zeros((size, size), np.uint8)
    middle = (size - 1) / 2
    draw(canvas, name, (middle, middle), size, 0.0, style, 255)
    return (canvas > 127).astype(np.float32)


def make_scene(
    size: int = 90,
    growth: float = 1.0,
    angle: float = 0.0,
    style: Style = "outline",
    seed: int = 4,
    uneven: bool = False,
) -> Scene:
    """One shape of each kind on black, each in its own cell of a loose grid.

    Args:
        size: diameter of the shapes before they grow, in pixels.
        growth: the factor by which all shapes have grown (figure 1.12 of the book).
        angle: degrees by which all shapes are rotated.
        style: outlines or filled shapes.
        seed: which arrangement; the same seed gives the same scene, at every growth and angle.
        uneven: each shape has its own grey value instead of white.
    """
    cell_height, cell_width = HEIGHT / ROWS, WIDTH / COLUMNS
    diameter = size * growth
    if not 5 <= diameter <= min(cell_height, cell_width):
        limit = int(min(cell_height, cell_width))
        raise VisitorError(
            f"Shapes of {diameter:.0f} pixels do not fit; please keep size × growth between 5 and {limit}."
        )
    random = np.random.default_rng(seed)
    order = random.permutation(len(SHAPES))
    jitter = random.uniform(-0.5, 0.5, (len(SHAPES), 2))
    values = random.permutation(np.linspace(90, 255, len(SHAPES)).astype(int)) if uneven else [255] * len(SHAPES)
    image = np.zeros((HEIGHT, WIDTH), np.uint8)
    shapes = []
    for place, (which, (dy, dx), value) in enumerate(zip(order, jitter, values, strict=True)):
        row = (place // COLUMNS + 0.5) * cell_height + dy * (cell_height - diameter)
        column = (place % COLUMNS + 0.5) * cell_width + dx * (cell_width - diameter)
        draw(image, SHAPES[which], (column, row), diameter, angle, style, int(value))
        shapes.append(Shape(SHAPES[which], row, column, diameter, int(value)))
    return Scene(image, tuple(shapes))


@dataclass(frozen=True)
class Outcome:
    """How one way of searching did: the best match at each shape, and how long the search took."""

    approach: str
    matches: dict[str, Match]
    wanted: str
    milliseconds: float

    @property
    def scores(self) -> dict[str, float]:
        return {name: match.score for name, match in self.matches.items()}

    @property
    def winner(self) -> str:
        return max(self.matches, key=lambda name: self.matches[name].score)

    @property
    def rival(self) -> str:
        """The best of the other shapes."""
        return max((name for name in self.matches if name != self.wanted), key=lambda name: self.matches[name].score)

    @property
    def right(self) -> bool:
        return self.winner == self.wanted

    @property
    def row(self) -> dict[str, str | bool]:
        """A row of the table that compares the ways."""
        return {
            "way": self.approach,
            "winner": self.winner,
            f"score of the {self.wanted}": f"{self.scores[self.wanted]:.3g}",
            "best other": f"{self.rival}, {self.scores[self.rival]:.3g}",
            "right": self.right,
            "time": f"{self.milliseconds:.0f} ms",
        }


def shape_matches(
    scene: Scene, pattern: np.ndarray, method: Method = "plain", scales: Sequence[float] = (1.0,)
) -> dict[str, Match]:
    """The best match of the pattern at each shape of the scene.

    A position belongs to the shape in whose box the middle of the window lies. Plain and zero-mean scores are given per
    pixel of the pattern, so that sizes can be compared. Shapes that no window reaches are left out.
    """
    best: dict[str, Match] = {}
    for scale in scales:
        scaled = resize(pattern, scale)
        if scaled.shape[0] > scene.image.shape[0] or scaled.shape[1] > scene.image.shape[1]:
            continue
        scores = response(scene.image, scaled, method)
        if method != "normalised":
            scores = scores / scaled.size
        for shape in scene.shapes:
            rows, columns = _around(scores.shape, shape, scaled.shape)
            near = scores[rows, columns]
            if near.size and (shape.name not in best or near.max() > best[shape.name].score):
                row, column = (int(i) for i in np.unravel_index(near.argmax(), near.shape))
                place = (rows.start + row, columns.start + column)
                best[shape.name] = Match(*place, scale, float(near[row, column]), *scaled.shape)
    return best


def _around(scores: tuple[int, int], shape: Shape, window: tuple[int, int]) -> list[slice]:
    """Rows and columns of a response map at which the middle of the window lies in a shape's box."""
    slices = []
    for center, side, length in zip((shape.row, shape.column), window, scores, strict=True):
        corner, reach = center - (side - 1) / 2, shape.size / 2
        slices.append(slice(max(0, round(corner - reach)), min(length, max(0, round(corner + reach) + 1))))
    return slices


SCALES: tuple[float, ...] = tuple(round(0.6 * 1.045**power, 3) for power in range(28))  # 0.6 to 1.97


def contest(scene: Scene, pattern: np.ndarray, wanted: str) -> list[Outcome]:
    """Four ways to search the same scene for the same pattern: the book's, and three that forgive more."""
    approaches: tuple[tuple[str, Method, Sequence[float]], ...] = (
        ("Plain, as in the book", "plain", (1.0,)),
        ("Zero-mean", "zero-mean", (1.0,)),
        ("Normalised", "normalised", (1.0,)),
        (f"Normalised, {len(SCALES)} sizes", "normalised", SCALES),
    )
    outcomes = []
    for name, method, scales in approaches:
        start = time.perf_counter()
        matches = shape_matches(scene, pattern, method, scales)
        outcomes.append(Outcome(name, matches, wanted, (time.perf_counter() - start) * 1000))
    return outcomes
