"""From gradients to edges (after book 3.3.2): direction, magnitude, thinning, and Canny's two thresholds.

The steps follow OpenCV's `Canny` exactly (Canny 1986), so that the last picture equals its result.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_TAN_22 = 13573  # tan(22.5°) · 2¹⁵, the fixed-point number with which OpenCV tells the four directions apart


@dataclass(frozen=True)
class Edges:
    """The steps from a grey picture to its edges; all (height, width).

    Attributes:
        dx, dy: int32, Sobel's derivatives: positive where it grows brighter to the right, downwards.
        magnitude: float64, √(dx² + dy²).
        direction: float64, degrees in −180 to 180 of steepest *increase*; 0 is right, 90 is down.
        thin: float64, the magnitude where it is the largest across the edge, else 0.
        strong, weak: bool, thin magnitudes above the high threshold, and between both.
        edges: bool, strong ones and the weak ones connected to them.
    """

    dx: np.ndarray
    dy: np.ndarray
    magnitude: np.ndarray
    direction: np.ndarray
    thin: np.ndarray
    strong: np.ndarray
    weak: np.ndarray
    edges: np.ndarray

    @property
    def strongest(self) -> tuple[float, float]:
        """Row and column of the largest magnitude, as shares of height and width."""
        row, column = np.unravel_index(self.magnitude.argmax(), self.magnitude.shape)
        return row / self.magnitude.shape[0], column / self.magnitude.shape[1]

    def pictures(self) -> dict[str, np.ndarray]:
        """Caption -> the step as a uint8 picture (height, width)."""
        scale = 255 / max(float(self.magnitude.max(initial=0.0)), 1e-9)
        return {
            "Magnitude": (self.magnitude * scale).astype(np.uint8),
            "Thinned: the largest across each edge": (self.thin * scale).astype(np.uint8),
            "Strong (white) and weak (grey)": np.where(self.strong, 255, np.where(self.weak, 110, 0)).astype(np.uint8),
            "Strong, and weak ones that touch them": (255 * self.edges).astype(np.uint8),
        }


def find(gray: np.ndarray, low: float, high: float) -> Edges:
    """All steps for a grey picture.

    Args:
        gray: uint8 (height, width).
        low, high: thresholds on the magnitude; swapped when in the wrong order.
    """
    low, high = min(low, high), max(low, high)
    dx = cv2.Sobel(gray, cv2.CV_16S, 1, 0, ksize=3, borderType=cv2.BORDER_REPLICATE).astype(np.int32)
    dy = cv2.Sobel(gray, cv2.CV_16S, 0, 1, ksize=3, borderType=cv2.BORDER_REPLICATE).astype(np.int32)
    squared = dx * dx + dy * dy
    ridge = _thin(squared, dx, dy)
    strong = ridge & (squared > high * high)
    weak = ridge & (squared > low * low) & ~strong
    magnitude = np.sqrt(squared)
    return Edges(
        dx=dx,
        dy=dy,
        magnitude=magnitude,
        direction=np.degrees(np.arctan2(dy, dx)),
        thin=np.where(ridge, magnitude, 0.0),
        strong=strong,
        weak=weak,
        edges=_connect(strong, weak),
    )


def _thin(squared: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Non-maximum suppression: bool, whether a pixel is the largest of the three across its edge."""
    padded = np.pad(squared, 1)
    height, width = squared.shape

    def neighbour(down: int, right: int) -> np.ndarray:
        return padded[1 + down : 1 + down + height, 1 + right : 1 + right + width]

    x, y = np.abs(dx), np.abs(dy) << 15
    flat = y < x * _TAN_22
    steep = ~flat & (y > x * _TAN_22 + (x << 16))
    rising = (dx ^ dy) < 0  # the gradient points to the upper right or the lower left
    along = (squared > neighbour(0, -1)) & (squared >= neighbour(0, 1))
    up = (squared > neighbour(-1, 0)) & (squared >= neighbour(1, 0))
    falling_diagonal = (squared > neighbour(-1, -1)) & (squared > neighbour(1, 1))
    rising_diagonal = (squared > neighbour(-1, 1)) & (squared > neighbour(1, -1))
    diagonal = np.where(rising, rising_diagonal, falling_diagonal)
    return np.where(flat, along, np.where(steep, up, diagonal))


def _connect(strong: np.ndarray, weak: np.ndarray) -> np.ndarray:
    """Keep the groups of touching pixels (8 neighbours) that hold at least one strong one."""
    _, groups = cv2.connectedComponents((strong | weak).astype(np.uint8), connectivity=8)
    kept = np.zeros(groups.max() + 1, dtype=bool)
    kept[np.unique(groups[strong])] = True
    kept[0] = False
    return kept[groups]


def hue_wheel(direction: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
    """Direction as hue, magnitude as brightness: uint8 (height, width, 3). Red is right, green-yellow is down."""
    top = float(magnitude.max(initial=0.0)) or 1.0
    hue = np.mod(direction, 360) / 2
    hsv = np.dstack([hue, np.full_like(hue, 255), 255 * np.sqrt(magnitude / top)])
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)


def wheel(side: int = 96) -> np.ndarray:
    """The legend of `hue_wheel`: uint8 (side, side, 4), transparent outside the disc."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    radius = np.hypot(x, y)
    color = hue_wheel(np.degrees(np.arctan2(y, x)), np.minimum(radius, side / 2))
    return np.dstack([color, np.where(radius <= side / 2, 255, 0).astype(np.uint8)])


def arrows(edges: Edges, spacing: int, least: float = 0.15) -> np.ndarray:
    """The strongest gradient of each tile: float64 (n, 4) of row, column, dx, dy; without tiles weaker than `least`."""
    height, width = edges.magnitude.shape
    top = float(edges.magnitude.max(initial=0.0))
    found = []
    for row in range(0, height, spacing):
        for column in range(0, width, spacing):
            tile = edges.magnitude[row : row + spacing, column : column + spacing]
            r, c = np.unravel_index(int(tile.argmax()), tile.shape)
            if top > 0 and tile[r, c] >= least * top:
                r, c = r + row, c + column
                found.append((r, c, edges.dx[r, c], edges.dy[r, c]))
    return np.array(found, dtype=np.float64).reshape(-1, 4)
