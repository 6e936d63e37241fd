"""Pattern matching step by step: one position written out, boxes to cut, and three ways to the same numbers (1.3)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.pattern_matching.matching import Match, Method, checked, correlate, resize


@dataclass(frozen=True)
class Step:
    """One position of the slide, written out.

    Args:
        patch, kernel: what is multiplied; with the zero-mean methods both without their means.
        products: `patch * kernel`, element by element.
        total: the sum of the products.
        divisor: 1, or with `"normalised"` the product of the lengths of patch and kernel.
    """

    patch: np.ndarray
    kernel: np.ndarray
    products: np.ndarray
    total: float
    divisor: float = 1.0

    @property
    def score(self) -> float:
        return self.total / self.divisor if self.divisor else 0.0


def step(image: np.ndarray, pattern: np.ndarray, row: int, column: int, method: Method = "plain") -> Step:
    """The arithmetic of one position: patch, pattern, products, sum; its score is the response there.

    Args:
        image: (H, W).
        pattern: (h, w).
        row, column: upper left corner of the patch, from 0.
        method: one of `METHODS`.

    Raises:
        VisitorError: as `correlate`, or a position where the pattern hangs over the edge.
    """
    image, pattern = checked(image, pattern)
    height, width = pattern.shape
    if not (0 <= row <= image.shape[0] - height and 0 <= column <= image.shape[1] - width):
        raise VisitorError("At this position the pattern hangs over the edge of the image.")
    patch, kernel = image[row : row + height, column : column + width].astype(np.float64), pattern.astype(np.float64)
    if method != "plain":
        patch, kernel = patch - patch.mean(), kernel - kernel.mean()
    divisor = float(np.linalg.norm(patch) * np.linalg.norm(kernel)) if method == "normalised" else 1.0
    products = patch * kernel
    return Step(patch, kernel, products, float(products.sum()), divisor)


def written_out(step: Step, most: int = 64) -> str:
    """The sum of a step as one line: `255 × 1 + 185 × 0 + … = 399`; of many products only how many count."""
    if step.products.size <= most:
        pairs = zip(step.patch.ravel(), step.kernel.ravel(), strict=True)
        line = " + ".join(f"{x:.4g} × {_signed(y)}" for x, y in pairs)
    else:
        counting = int(np.count_nonzero(np.abs(step.products) > 1e-9))
        line = f"sum of {step.products.size:,} products, {counting:,} of them not zero"
    line += f" = {step.total:.6g}"
    return line if step.divisor == 1.0 else f"({line}) / {step.divisor:.6g} = {step.score:.4f}"


def _signed(value: float) -> str:
    return f"({value:.4g})" if value < 0 else f"{value:.4g}"


def crop(
    image: np.ndarray, rows: tuple[float, float], columns: tuple[float, float]
) -> tuple[np.ndarray, tuple[float, float]]:
    """A box cut out of an image, and the row and column of its middle in pixels.

    Args:
        image: (H, W).
        rows, columns: from and to, in percent of height and width.

    Raises:
        VisitorError: the box is thinner than 2 pixels.
    """
    edges = []
    for (start, stop), length in zip((rows, columns), image.shape, strict=True):
        first, last = sorted((round(start / 100 * length), round(stop / 100 * length)))
        edges.append((max(first, 0), min(last, length)))
    (top, bottom), (left, right) = edges
    if bottom - top < 2 or right - left < 2:
        raise VisitorError("The box is too thin to be a pattern. Please draw one of at least 2 × 2 pixels.")
    return image[top:bottom, left:right], ((top + bottom - 1) / 2, (left + right - 1) / 2)


def alter(image: np.ndarray, scale: float = 1.0, brightness: float = 1.0) -> np.ndarray:
    """The same picture, larger or smaller, darker or brighter: uint8 (H, W) in, uint8 out."""
    altered = resize(image, scale)
    return np.clip(np.round(altered * np.float32(brightness)), 0, 255).astype(np.uint8)


def beside(image: np.ndarray, window: np.ndarray, match: Match, share: float) -> tuple[int, int]:
    """Row and column a share of the window away from a match: to the upper left, or to the right where that is full."""
    row = max(0, match.row - round(share * window.shape[0] / 2))
    column = match.column - round(share * window.shape[1])
    if column < 0:
        column = min(image.shape[1] - window.shape[1], match.column + round(share * window.shape[1]))
    return row, column


def to_csv(scores: np.ndarray) -> str:
    """A response map as comma-separated rows."""
    return "\n".join(",".join(f"{score:.7g}" for score in row) for row in scores)


def dot_product(X: Sequence[Sequence[float]], Y: Sequence[Sequence[float]]) -> float:
    """Listing 1.1 of the book, with the two lines that it lacks: where `n` and `m` come from."""
    n = len(X)
    m = len(X[0])
    result = 0

    for i in range(n):
        for j in range(m):
            result += X[i][j] * Y[i][j]

    return result


def correlate_loops(image: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """`correlate` by listing 1.1 at every position: four loops in Python, for small inputs."""
    image, pattern = checked(image, pattern)
    (height, width), kernel = pattern.shape, pattern.tolist()
    rows, columns = image.shape[0] - height + 1, image.shape[1] - width + 1
    return np.array(
        [
            [dot_product(image[r : r + height, c : c + width].tolist(), kernel) for c in range(columns)]
            for r in range(rows)
        ],
        np.float32,
    )


def correlate_numpy(image: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """`correlate` in NumPy: a view of all patches at once, and one sum of products."""
    image, pattern = checked(image, pattern)
    patches = np.lib.stride_tricks.sliding_window_view(image.astype(np.float64), pattern.shape)
    return np.tensordot(patches, pattern.astype(np.float64), axes=2).astype(np.float32)


@dataclass(frozen=True)
class Way:
    """One way to the same numbers: milliseconds it took, and its largest difference from the double loop."""

    name: str
    milliseconds: float
    difference: float

    @property
    def row(self) -> dict[str, str]:
        return {
            "way": self.name,
            "time": f"{self.milliseconds:.3g} ms",
            "largest difference from the loops": f"{self.difference:.2g}",
        }


def three_ways(image: np.ndarray, pattern: np.ndarray, products: int = 200_000) -> tuple[list[Way], tuple[int, int]]:
    """Time the loops of listing 1.1, NumPy and OpenCV on the same small input and compare their results.

    Args:
        image: (H, W).
        pattern: (h, w).
        products: both are shrunk alike until the loops need at most about so many multiplications.

    Returns:
        The three ways, and the height and width of the image that they worked on.
    """
    image, pattern = checked(image, pattern)
    while correlate_cost(image, pattern) > products:
        image, pattern = resize(image, 0.85), resize(pattern, 0.85)
    ways, reference = [], None
    for name, function in (
        ("Double loop of listing 1.1", correlate_loops),
        ("NumPy, all patches at once", correlate_numpy),
        ("OpenCV", correlate),
    ):
        start = time.perf_counter()
        result = function(image, pattern)
        milliseconds = (time.perf_counter() - start) * 1000
        reference = result if reference is None else reference
        ways.append(Way(name, milliseconds, float(np.abs(result.astype(np.float64) - reference).max())))
    return ways, image.shape


def correlate_cost(image: np.ndarray, pattern: np.ndarray) -> int:
    """How many multiplications the direct sum needs."""
    rows, columns = image.shape[0] - pattern.shape[0] + 1, image.shape[1] - pattern.shape[1] + 1
    return max(rows, 0) * max(columns, 0) * pattern.size
