"""Pictures and charts of the pattern matching page."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import plotly.graph_objects as go

from cnndemo.figures import number_grid
from cnndemo.palette import ACCENT, KERNEL
from cnndemo.pattern_matching.matching import Match
from cnndemo.pattern_matching.pictures import rgb


def laid_over(image: np.ndarray, pattern: np.ndarray, row: int, column: int, margin: int) -> np.ndarray:
    """The pattern in its colour laid over the image at a position, cut out with a margin (figures 1.9 to 1.11).

    Args:
        image: uint8 (H, W).
        pattern: (h, w); the larger its value, the more of its colour.
        row, column: upper left corner of the window.
        margin: pixels of image shown on each side.

    Returns:
        uint8 (h + 2 margin, w + 2 margin, 3); black beyond the edge.
    """
    height, width = pattern.shape
    canvas = np.repeat(np.pad(image, margin)[..., None], 3, axis=2).astype(np.float32)
    canvas = canvas[row : row + height + 2 * margin, column : column + width + 2 * margin]
    low, high = float(pattern.min()), float(pattern.max())
    weight = 0.65 * ((pattern - low) / (high - low) if high > low else np.ones_like(pattern, np.float32))[..., None]
    window = canvas[margin : margin + height, margin : margin + width]
    window[:] = window * (1 - weight) + np.array(rgb(KERNEL), np.float32) * weight
    result = canvas.astype(np.uint8)
    cv2.rectangle(result, (margin, margin), (margin + width - 1, margin + height - 1), rgb(KERNEL), 1)
    return result


def gray_picture(values: np.ndarray) -> np.ndarray:
    """Any numbers as a grey picture, the lowest black and the highest white: uint8, same shape."""
    low, high = float(np.min(values)), float(np.max(values))
    return np.round((np.asarray(values, np.float64) - low) / ((high - low) or 1.0) * 255).astype(np.uint8)


def pooled(scores: np.ndarray, cells: int) -> tuple[np.ndarray, int]:
    """A smaller map that keeps the brightest value of each block, and the side of the blocks in pixels."""
    block = -(-max(scores.shape) // cells)
    if block == 1:
        return scores, 1
    rows, columns = (-(-length // block) for length in scores.shape)
    padded = np.full((rows * block, columns * block), -np.inf, np.float32)
    padded[: scores.shape[0], : scores.shape[1]] = scores
    return padded.reshape(rows, block, columns, block).max(axis=(1, 3)), block


def response_map(scores: np.ndarray, matches: Sequence[Match], picked: tuple[int, int]) -> go.Figure:
    """A small response with its numbers, its brightest places circled; a click on a cell picks it (figure 1.6).

    Args:
        scores: float32 (rows, columns), at most about 12 × 12.
        matches: those found at scale 1, best first.
        picked: row and column of the position looked at below.
    """
    figure = number_grid(scores, height=30 + 40 * scores.shape[0], digits=6)
    handles = np.mgrid[0 : scores.shape[0], 0 : scores.shape[1]].reshape(2, -1)
    figure.add_scatter(
        x=handles[1],
        y=handles[0],
        mode="markers",
        marker={"size": 12, "opacity": 0},
        unselected={"marker": {"opacity": 0}},
        selected={"marker": {"opacity": 0}},
        customdata=scores[handles[0], handles[1]],
        hovertemplate="row %{y}, column %{x}<br>score %{customdata:.5g}<extra></extra>",
    )
    _rings(figure, [(match.row, match.column) for match in matches[1:]], KERNEL, 30, "other matches")
    _rings(figure, [(match.row, match.column) for match in matches[:1]], ACCENT, 36, "best match")
    _rings(figure, [picked], "#FFFFFF", 34, "position shown below", "square-open")
    figure.update_layout(showlegend=False, margin={"t": 8, "b": 8})
    return figure


def overlay(pattern: np.ndarray) -> np.ndarray:
    """The pattern in its colour, to be laid over a scene: uint8 (h, w, 4), opaque where it is largest."""
    colour = np.broadcast_to(np.array(rgb(KERNEL), np.uint8), (*pattern.shape, 3))
    return np.dstack([colour, (0.7 * gray_picture(pattern)).astype(np.uint8)])


def response_picture(share: np.ndarray) -> np.ndarray:
    """Scores from 0 to 1 in viridis: uint8 (rows, columns, 3)."""
    return cv2.applyColorMap(np.rint(share * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)[..., ::-1]


def _rings(figure: go.Figure, places: list, color: str, size: int, name: str, symbol: str = "circle-open") -> None:
    figure.add_scatter(
        x=[column for _, column in places],
        y=[row for row, _ in places],
        mode="markers",
        marker={"symbol": symbol, "size": size, "color": color, "line": {"width": 3}},
        unselected={"marker": {"opacity": 1}},
        name=name,
        hovertemplate=f"{name}<br>row %{{y}}, column %{{x}}<extra></extra>",
    )
