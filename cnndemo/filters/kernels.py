"""What a small kernel finds in a picture (book 3.3): derivatives, Sobel, Laplacian, blur, and edges.

Kernels are laid on the picture as the book does it, without flipping: the response is the sum of the products. Pictures
are grey, 0 (black) to 255 (white); responses keep that unit and may be negative.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from cnndemo import images
from cnndemo.errors import VisitorError
from cnndemo.palette import SIGNED_TABLE, ZERO

BORDERS: dict[str, int] = {
    "reflect": cv2.BORDER_REFLECT_101,
    "repeat": cv2.BORDER_REPLICATE,
    "zeros": cv2.BORDER_CONSTANT,
    "wrap": cv2.BORDER_WRAP,
    "valid": cv2.BORDER_CONSTANT,
}
"""Beyond the border: c b|a b c|b a, a a|a b c|c c, 0 0|a b c|0 0, b c|a b c|a b, or nothing, and the output shrinks."""

SIZES = (3, 5, 7)


@dataclass(frozen=True)
class Preset:
    """A named kernel: its numbers and what it finds, one sentence."""

    title: str
    values: np.ndarray
    finds: str


def gaussian(size: int, sigma: float | None = None) -> np.ndarray:
    """A bell of `size` × `size`, summing to one; sigma in pixels, default size / 5."""
    offsets = np.arange(size) - size // 2
    bell = np.exp(-0.5 * (offsets / (sigma or size / 5)) ** 2)
    kernel = np.outer(bell, bell)
    return kernel / kernel.sum()


def _kernel(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, dtype=np.float64)


PRESETS: dict[str, Preset] = {
    "x_derivative": Preset(
        "x derivative",
        _kernel((-1, 0, 1), (-1, 0, 1), (-1, 0, 1)),
        "Vertical edges: right minus left. Positive where it grows brighter to the right.",
    ),
    "y_derivative": Preset(
        "y derivative",
        _kernel((-1, -1, -1), (0, 0, 0), (1, 1, 1)),
        "Horizontal edges: below minus above. Positive where it grows brighter downwards.",
    ),
    "sobel_x": Preset(
        "Sobel x",
        _kernel((1, 0, -1), (2, 0, -2), (1, 0, -1)),
        "Vertical edges, the middle row counts double. The book's sign: left minus right.",
    ),
    "sobel_y": Preset(
        "Sobel y",
        _kernel((1, 2, 1), (0, 0, 0), (-1, -2, -1)),
        "Horizontal edges, the middle column counts double. The book's sign: above minus below.",
    ),
    "sobel_misprint": Preset(
        "Sobel x as printed",
        _kernel((1, 0, -1), (2, 0, -2), (1, 0, 1)),
        "The book's misprint: the last row ends in 1 instead of −1, so the kernel sums to 2 and brightens flat areas.",
    ),
    "scharr_x": Preset(
        "Scharr x",
        _kernel((-3, 0, 3), (-10, 0, 10), (-3, 0, 3)),
        "Vertical edges; its weights make the direction of slanted edges more exact than Sobel's.",
    ),
    "scharr_y": Preset(
        "Scharr y",
        _kernel((-3, -10, -3), (0, 0, 0), (3, 10, 3)),
        "Horizontal edges, with Scharr's weights.",
    ),
    "laplacian": Preset(
        "Laplacian",
        _kernel((0, 1, 0), (1, -4, 1), (0, 1, 0)),
        "Edges of every direction: each turns from positive to negative on its way across.",
    ),
    "laplacian_8": Preset(
        "Laplacian, 8 neighbours",
        _kernel((1, 1, 1), (1, -8, 1), (1, 1, 1)),
        "Edges of every direction, diagonals included.",
    ),
    "gaussian": Preset("Gaussian blur", gaussian(5, 1.0), "Smooths; near pixels count more than far ones."),
    "box": Preset("Box blur", np.full((5, 5), 1 / 25), "Smooths; each pixel becomes the mean of 25."),
    "sharpen": Preset("Sharpen", _kernel((0, -1, 0), (-1, 5, -1), (0, -1, 0)), "The picture minus its Laplacian."),
    "emboss": Preset(
        "Emboss",
        _kernel((-2, -1, 0), (-1, 1, 1), (0, 1, 2)),
        "A relief lit from the lower right: a diagonal derivative added to the picture.",
    ),
    "motion": Preset("Motion blur", np.eye(7) / 7, "Smears along the diagonal, as a shaken camera does."),
    "identity": Preset("Identity", _kernel((0, 0, 0), (0, 1, 0), (0, 0, 0)), "Changes nothing."),
}


def resized(kernel: np.ndarray, size: int) -> np.ndarray:
    """A kernel in a larger or smaller grid about the same centre: zeros around it, or its rim cut off."""
    reach, half = size // 2, kernel.shape[0] // 2
    if reach >= half:
        return np.pad(kernel, reach - half)
    return kernel[half - reach : half + reach + 1, half - reach : half + reach + 1]


def check(kernel: np.ndarray) -> np.ndarray:
    """A kernel that can be used: float64, square, odd side, finite.

    Raises:
        VisitorError: empty cells, not a number, infinite, beyond ±1,000,000, or the wrong shape.
    """
    try:
        kernel = np.asarray(kernel, dtype=np.float64)
    except (TypeError, ValueError):
        raise VisitorError("Every cell of the kernel needs a number.") from None
    if kernel.ndim != 2 or kernel.shape[0] != kernel.shape[1] or kernel.shape[0] % 2 == 0:
        raise VisitorError("The kernel must be square with an odd side: 3 × 3, 5 × 5 or 7 × 7.")
    if np.isnan(kernel).any():
        raise VisitorError("A cell of the kernel is empty or not a number. Please fill it in.")
    if not np.isfinite(kernel).all() or np.abs(kernel).max() > 1e6:
        raise VisitorError("A number in the kernel is too large. Please keep each within ±1,000,000.")
    return kernel


def apply(image: np.ndarray, kernel: np.ndarray, border: str = "reflect") -> np.ndarray:
    """Slide a kernel over a picture: at each pixel, the sum of kernel times neighbourhood.

    Args:
        image: (height, width) or (height, width, channels); any number type. Channels are filtered one by one.
        kernel: (k, k), k odd; not flipped.
        border: a key of `BORDERS`.

    Returns:
        float32 for uint8 pictures, else float64; the image's shape, with border "valid" smaller by k − 1.

    Raises:
        VisitorError: unusable kernel, unknown border, or a picture too small for "valid".
    """
    kernel = check(kernel)
    if border not in BORDERS:
        raise VisitorError(f"The border must be one of: {', '.join(BORDERS)}.")
    reach = kernel.shape[0] // 2
    height, width = image.shape[:2]
    if border == "valid" and min(height, width) <= 2 * reach:
        side = kernel.shape[0]
        raise VisitorError(
            f"The picture is {width} × {height} pixels, too small for a {side} × {side} kernel without border."
        )
    values = np.ascontiguousarray(image)
    if values.dtype != np.uint8:
        values = values.astype(np.float64)
    depth = cv2.CV_32F if values.dtype == np.uint8 else cv2.CV_64F
    if border == "wrap":  # filter2D itself cannot wrap
        values = cv2.copyMakeBorder(values, reach, reach, reach, reach, cv2.BORDER_WRAP)
    beyond = cv2.BORDER_CONSTANT if border == "wrap" else BORDERS[border]
    response = cv2.filter2D(values, depth, kernel, borderType=beyond)
    if border in ("wrap", "valid") and reach:
        response = response[reach:-reach, reach:-reach]
    return response


def sobel(image: np.ndarray, border: str = "reflect") -> tuple[np.ndarray, np.ndarray]:
    """The gradient by Sobel: (right minus left, below minus above), float64 (height, width) each.

    The signs are those of a derivative, opposite to the book's Sobel kernels: positive where it grows brighter.
    """
    dx = -apply(image, PRESETS["sobel_x"].values, border)
    dy = -apply(image, PRESETS["sobel_y"].values, border)
    return dx, dy


@dataclass(frozen=True)
class Brightness:
    """What a kernel does to flat areas: its sum, the picture's mean before and after, and that in words."""

    total: float
    before: float
    after: float
    words: str

    @property
    def harmless(self) -> bool:
        """Whether flat areas vanish or stay, as one expects."""
        return min(abs(self.total), abs(self.total - 1)) < 1e-9


def brightness(image: np.ndarray, response: np.ndarray, kernel: np.ndarray) -> Brightness:
    """A flat area of grey g becomes g times the kernel's sum."""
    total = float(np.sum(kernel))
    if not np.any(kernel):
        words = "All cells are zero, so the response is zero everywhere."
    elif math.isclose(total, 0, abs_tol=1e-9):
        words = "The kernel sums to 0: flat areas become 0, only changes are left."
    elif math.isclose(total, 1, abs_tol=1e-9):
        words = "The kernel sums to 1: flat areas keep their brightness."
    else:
        words = f"The kernel sums to {total:.4g}, neither 0 nor 1: a flat grey of 100 becomes {100 * total:.4g}."
    return Brightness(total, float(np.mean(image)), float(np.mean(response)), words)


@dataclass(frozen=True)
class Separation:
    """Whether a kernel is a column times a row, and what that saves.

    Attributes:
        rank: 1 when separable; column, row: (k,) each, their outer product is the kernel (empty otherwise).
        whole, parts: multiplications a pixel with the kernel at once, and column after row.
    """

    rank: int
    column: np.ndarray
    row: np.ndarray
    whole: int
    parts: int

    def words(self, pixels: int) -> str:
        """What that means for a picture of so many pixels; Markdown."""
        if self.rank == 0:
            return "**All zero.** Nothing to multiply."
        if self.rank > 1:
            return (
                f"**Not separable.** This kernel has rank {self.rank}: no column times a row gives it, so all "
                f"{self.whole} multiplications a pixel are needed."
            )
        column, row = (", ".join(f"{value:.3g}" for value in part) for part in (self.column, self.row))
        return (
            f"**Separable.** This kernel is the column ({column}) times the row ({row}). One after the other they need "
            f"{self.parts} instead of {self.whole} multiplications a pixel, for this picture "
            f"{self.parts * pixels / 1e6:.1f} instead of {self.whole * pixels / 1e6:.1f} million."
        )


def separate(kernel: np.ndarray) -> Separation:
    """Find column and row of a rank-1 kernel by singular values."""
    kernel = check(kernel)
    side = kernel.shape[0]
    left, strengths, right = np.linalg.svd(kernel)
    rank = int(np.sum(strengths > 1e-9 * max(strengths[0], 1e-300))) if strengths[0] > 0 else 0
    if rank != 1:
        return Separation(rank, np.array([]), np.array([]), side * side, side * side)
    best_row, best_column = np.abs(kernel).sum(axis=1).argmax(), np.abs(kernel).sum(axis=0).argmax()
    if np.array_equal(kernel, np.rint(kernel)):  # whole numbers have whole factors
        row = kernel[best_row] / np.gcd.reduce(kernel[best_row].astype(np.int64))
        column = kernel[:, best_column] / row[best_column]
    elif abs(kernel.sum()) > 1e-9:
        column, row = kernel.sum(axis=1), kernel.sum(axis=0) / kernel.sum()
    else:
        column, row = left[:, 0] * strengths[0], right[0]
    return Separation(1, column + 0.0, row + 0.0, side * side, 2 * side)  # + 0.0 turns −0 into 0


def view(response: np.ndarray, how: str) -> np.ndarray:
    """A response as a picture that can be shown.

    Args:
        response: (height, width).
        how: `signed` (blue below zero, white, red above), `absolute` (0 black, the largest white) or `clipped`
            (0 to 255 kept, the rest cut off).

    Returns:
        uint8 (height, width), with `signed` (height, width, 3).
    """
    if how == "clipped":
        return cv2.convertScaleAbs(np.maximum(response, 0))
    low, high, *_ = cv2.minMaxLoc(response)
    top = max(abs(low), abs(high)) or 1.0
    if how == "absolute":
        return cv2.convertScaleAbs(response, alpha=255 / top)
    if how == "signed":
        return cv2.applyColorMap(cv2.convertScaleAbs(response, alpha=ZERO / top, beta=ZERO), SIGNED_TABLE[:, None])
    raise ValueError(f"how must be 'signed', 'absolute' or 'clipped', got {how!r}.")


def stack_as_channels(image: np.ndarray, border: str = "reflect") -> np.ndarray:
    """The book's five channels: red, green, blue, x derivative and y derivative of the brightness.

    Args:
        image: uint8 (height, width, 3).

    Returns:
        float32 (height, width, 5); colours in 0–1, derivatives in the same unit (−3 to 3).
    """
    gray = images.to_gray(image)
    dx = apply(gray, PRESETS["x_derivative"].values, border)
    dy = apply(gray, PRESETS["y_derivative"].values, border)
    return (np.dstack([image, dx, dy]) / 255).astype(np.float32)


def npy(array: np.ndarray) -> bytes:
    """An array as the bytes of a .npy file, for `numpy.load`."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def neighbourhood(image: np.ndarray, row: int, column: int, size: int, border: str = "reflect") -> np.ndarray:
    """The pixels under the kernel at one position: float64 (size, size), border filled as `apply` fills it."""
    reach = size // 2
    mode = BORDERS["zeros" if border == "valid" else border]
    padded = cv2.copyMakeBorder(np.ascontiguousarray(image, np.float64), reach, reach, reach, reach, mode)
    return padded[row : row + size, column : column + size]


def arithmetic(values: np.ndarray, kernel: np.ndarray) -> str:
    """The sum of one position in words: the products that are not zero, and their sum."""
    terms = [f"{k:.4g} · {v:.0f}" for k, v in zip(kernel.ravel(), values.ravel(), strict=True) if k]
    text = " + ".join(terms).replace("+ -", "− ").replace("-", "−") or "0"
    return f"{text} = {float((values * kernel).sum()):.4g}".replace("-", "−")


# --- the default picture: a printed grid, photographed badly --------------------------------------------------------

_PUZZLE = (
    "53..7....", "6..195...", ".98....6.", "8...6...3", "4..8.3..1", "7...2...6", ".6....28.", "...419..5", "....8..79",
)  # fmt: skip


@lru_cache(maxsize=1)
def sudoku() -> np.ndarray:
    """A sudoku-like grid on paper, in perspective, under uneven light; drawn here: uint8 (480, 480, 3), read-only."""
    cell, edge = 60, 40
    side = 9 * cell + 2 * edge
    paper = np.full((side, side), 235.0)
    for line in range(10):
        at, thick = edge + line * cell, 5 if line % 3 == 0 else 2
        cv2.line(paper, (at, edge), (at, side - edge), 30, thick, cv2.LINE_AA)
        cv2.line(paper, (edge, at), (side - edge, at), 30, thick, cv2.LINE_AA)
    for row, digits in enumerate(_PUZZLE):
        for column, digit in enumerate(digits):
            if digit != ".":
                at = (edge + column * cell + 16, edge + row * cell + 46)
                cv2.putText(paper, digit, at, cv2.FONT_HERSHEY_SIMPLEX, 1.45, 45, 3, cv2.LINE_AA)
    corners = np.float32([[0, 0], [side, 0], [side, side], [0, side]])
    seen = np.float32([[62, 38], [432, 70], [462, 448], [14, 412]])
    view = cv2.warpPerspective(
        paper, cv2.getPerspectiveTransform(corners, seen), (480, 480), flags=cv2.INTER_AREA, borderValue=88
    )
    y, x = np.mgrid[:480, :480] / 480
    light = 0.45 + 0.6 * np.exp(-((x - 0.3) ** 2 + (y - 0.25) ** 2) / 0.35)
    noise = np.random.default_rng(0).normal(scale=2.0, size=view.shape)
    gray = np.clip(cv2.GaussianBlur(view * light, (3, 3), 0.6) + noise, 0, 255).astype(np.uint8)
    picture = np.repeat(gray[..., None], 3, axis=2)
    picture.flags.writeable = False
    return picture


def thumbnail() -> np.ndarray:
    """The cat and its Sobel response in x, signed, for the front page: uint8 (180, 320, 3)."""
    image = images.sample("cat")[30:270, 40:253]
    dx, _ = sobel(images.to_gray(image))
    halves = [
        cv2.resize(part, (160, 180), interpolation=cv2.INTER_AREA)
        for part in (image, view(np.clip(dx, -160, 160), "signed"))
    ]
    return np.hstack(halves)
