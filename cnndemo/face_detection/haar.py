"""Haar-like features: sums of light rectangles minus dark ones, each with four look-ups (book 5.1.1).

After Viola and Jones, "Rapid object detection using a boosted cascade of simple features", 2001.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnndemo import beforehand, images
from cnndemo.errors import VisitorError
from cnndemo.face_detection.detectors import SEARCH_SIDE, Box, first_face

PEOPLE = ("astronaut", "obama_1", "obama_2", "obama_3", "biden_1")
THINGS = ("cat", "coffee", "rocket", "motorcycle")
KINDS: dict[str, tuple[tuple[int, ...], ...]] = {
    "dark above light": ((-1,), (1,)),
    "dark beside light": ((-1, 1),),
    "light line, upright": ((-1, 2, -1),),
    "light line, lying": ((-1,), (2,), (-1,)),
    "chessboard": ((1, -1), (-1, 1)),
    "light centre": ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),
}
"""Name -> weights of the equal cells that the rectangle is cut into; the weights of each kind add up to zero."""


@dataclass(frozen=True)
class Term:
    """One cell of a feature: where it lies, its four look-ups in the integral image, and its sum of pixels."""

    top: int
    left: int
    height: int
    width: int
    weight: int
    corners: tuple[int, int, int, int]
    total: int


@dataclass(frozen=True)
class Response:
    """What a feature says at one place.

    Attributes:
        terms: the cells.
        value: weighted sum of the cells' pixels.
        contrast: mean grey of the light cells minus mean grey of the dark ones, −255 to 255.
    """

    terms: tuple[Term, ...]
    value: int
    contrast: float


def integral(gray: np.ndarray) -> np.ndarray:
    """The integral image: entry (r, c) is the sum of all pixels above row r and left of column c.

    Args:
        gray: uint8 (height, width).

    Returns:
        int64 (height + 1, width + 1); the first row and column are zero.
    """
    table = np.zeros((gray.shape[0] + 1, gray.shape[1] + 1), np.int64)
    table[1:, 1:] = gray.astype(np.int64).cumsum(axis=0).cumsum(axis=1)
    return table


def snap(kind: str, top: float, left: float, height: float, width: float, shape: tuple[int, int]) -> tuple[int, ...]:
    """Round a drawn rectangle so that it lies in the image and its cells are equal.

    Args:
        kind: a name in `KINDS`.
        top, left, height, width: the rectangle in pixels, as drawn.
        shape: height and width of the image.

    Returns:
        Top, left, height, width as integers.

    Raises:
        VisitorError: unknown kind, or the image is smaller than the smallest feature of this kind.
    """
    if kind not in KINDS:
        raise VisitorError(f"There is no feature “{kind}”; there are {', '.join(KINDS)}.")
    rows, columns = len(KINDS[kind]), len(KINDS[kind][0])
    if shape[0] < rows or shape[1] < columns:
        raise VisitorError("This picture is too small for a feature. Please choose a larger one.")
    tall = min(max(1, round(height / rows)), shape[0] // rows) * rows
    wide = min(max(1, round(width / columns)), shape[1] // columns) * columns
    return min(max(0, round(top)), shape[0] - tall), min(max(0, round(left)), shape[1] - wide), tall, wide


def respond(table: np.ndarray, kind: str, top: int, left: int, height: int, width: int) -> Response:
    """Evaluate one feature with four look-ups a cell, however large it is.

    Args:
        table: the integral image.
        kind: a name in `KINDS`.
        top, left, height, width: the rectangle, as `snap` gives it.
    """
    weights = KINDS[kind]
    tall, wide = height // len(weights), width // len(weights[0])
    terms = []
    for row, line in enumerate(weights):
        for column, weight in enumerate(line):
            y, x = top + row * tall, left + column * wide
            corners = tuple(int(table[r, c]) for r in (y, y + tall) for c in (x, x + wide))
            a, b, c, d = corners
            terms.append(Term(y, x, tall, wide, weight, corners, d - b - c + a))
    value = sum(term.weight * term.total for term in terms)
    light = sum(term.weight for term in terms if term.weight > 0)
    return Response(tuple(terms), value, value / (light * tall * wide))


def slide(table: np.ndarray, kind: str, height: int, width: int) -> np.ndarray:
    """The contrast of a feature at every position, as a convolution would give it, from shifted integral images.

    Returns:
        float64 (rows, columns), entry (r, c) for the rectangle with its corner at row r, column c.
    """
    weights = np.array(KINDS[kind])
    tall, wide = height // weights.shape[0], width // weights.shape[1]
    cells = table[tall:, wide:] - table[:-tall, wide:] - table[tall:, :-wide] + table[:-tall, :-wide]
    rows, columns = table.shape[0] - height, table.shape[1] - width
    total = np.zeros((rows, columns))
    for (row, column), weight in np.ndenumerate(weights):
        total += weight * cells[row * tall : row * tall + rows, column * wide : column * wide + columns]
    return total / (weights[weights > 0].sum() * tall * wide)


@dataclass(frozen=True)
class Assumption:
    """What the book says about faces, as a feature: its kind, and its place in the detector's square (0 to 1)."""

    kind: str
    top: float
    left: float
    height: float
    width: float


ASSUMPTIONS: dict[str, Assumption] = {
    "The eyes are darker than the cheeks": Assumption("dark above light", 0.28, 0.15, 0.36, 0.7),
    "The bridge of the nose is lighter than the eyes": Assumption("light line, upright", 0.3, 0.2, 0.15, 0.6),
}


def place(assumption: Assumption, box: Box, shape: tuple[int, int]) -> tuple[int, ...]:
    """Where an assumption's rectangle lies in a face's square: top, left, height, width in pixels."""
    return snap(
        assumption.kind,
        box.top + assumption.top * box.height,
        box.left + assumption.left * box.width,
        assumption.height * box.height,
        assumption.width * box.width,
        shape,
    )


def strength(table: np.ndarray, gray: np.ndarray, assumption: Assumption, box: Box) -> float:
    """An assumption's contrast in a square, in standard deviations of the square's grey levels."""
    top, left = max(0, int(box.top)), max(0, int(box.left))
    square = gray[top : top + max(1, int(box.height)), left : left + max(1, int(box.width))]
    response = respond(table, assumption.kind, *place(assumption, box, gray.shape))
    return float(response.contrast / max(float(square.std()), 1.0))


def strengths(image: np.ndarray, box: Box) -> dict[str, float]:
    """Both assumptions in one face of a picture: name -> contrast in standard deviations."""
    gray = images.to_gray(image)
    table = integral(gray)
    return {name: strength(table, gray, assumption, box) for name, assumption in ASSUMPTIONS.items()}


def strengths_of_samples(names: tuple[str, ...] = PEOPLE) -> dict[str, dict[str, float]]:
    """Both assumptions in the faces of sample pictures: caption -> name of the assumption -> contrast."""

    def compute() -> beforehand.Arrays:
        found = {}
        for name in names:
            image = images.shrink(images.sample(name), SEARCH_SIDE)
            if face := first_face(image):
                found[name] = np.array(list(strengths(image, face).values()))
        return found

    measured = beforehand.known(f"both assumptions in the faces of {names}", (), compute)
    return {images.SAMPLES[name].caption: dict(zip(ASSUMPTIONS, each, strict=True)) for name, each in measured.items()}


def strength_at_random(names: tuple[str, ...] = THINGS, patches: int = 200, seed: int = 0) -> dict[str, np.ndarray]:
    """The same contrasts in squares at random places of sample pictures without people.

    Args:
        names: samples of `cnndemo.images`.
        patches: squares a picture.
        seed: of the places.

    Returns:
        Name of the assumption -> float64 (pictures · patches,).
    """

    def compute() -> beforehand.Arrays:
        generator = np.random.default_rng(seed)
        found: dict[str, list[float]] = {name: [] for name in ASSUMPTIONS}
        for name in names:
            gray = images.to_gray(images.sample(name))
            table = integral(gray)
            for _ in range(patches):
                side = int(generator.integers(40, min(gray.shape) // 2))
                top, left = (int(generator.integers(0, length - side)) for length in gray.shape)
                for assumption, about in ASSUMPTIONS.items():
                    found[assumption].append(strength(table, gray, about, Box(left, top, side, side)))
        return {name: np.array(values) for name, values in found.items()}

    return beforehand.known(f"both assumptions in {patches} squares of {names} from {seed}", (), compute)
