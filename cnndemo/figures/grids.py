"""Grids of cells that can be hovered and picked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from cnndemo.figures import signed_range
from cnndemo.figures.plain import Plain
from cnndemo.grids import number_text
from cnndemo.palette import ACCENT, INPUT, KERNEL, OUTPUT, QUIET, SIGNED

READABLE = 14  # cells a side up to which numbers are written into them
PALE = {INPUT: "#9CC7E2", KERNEL: "#F5D28A", OUTPUT: "#93D5C0", ACCENT: "#EFB48C"}


@dataclass(frozen=True)
class Outline:
    """Cells (row, column) to be framed in one colour."""

    cells: Iterable[tuple[int, int]]
    color: str = ACCENT
    width: int = 3


def _frames(cells: Iterable[tuple[int, int]]) -> tuple[list, list]:
    """One path around each cell, for a single line trace."""
    x, y = [], []
    for row, column in cells:
        x += [column - 0.5, column + 0.5, column + 0.5, column - 0.5, column - 0.5, None]
        y += [row - 0.5, row - 0.5, row + 0.5, row + 0.5, row - 0.5, None]
    return x, y


def _line(x: list, y: list, color: str, width: int, dash: str = "solid") -> dict:
    line = {"color": color, "width": width, "dash": dash}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": line, "hoverinfo": "skip"}


def cells(
    values: np.ndarray,
    title: str,
    hue: str,
    outlines: Sequence[Outline] = (),
    shaded: np.ndarray | None = None,
    inner: tuple[int, int, int, int] | None = None,
    hover: np.ndarray | None = None,
    height: int | None = None,
    square: bool = True,
    scale: tuple[str, tuple[float, float]] | None = None,
) -> go.Figure:
    """A grid of numbers whose cells can be hovered and clicked.

    Args:
        values: (rows, columns); infinities are drawn empty.
        hue: INPUT, KERNEL or OUTPUT, the colour of large values; signed values get blue to red instead.
        outlines: cells to frame.
        shaded: (rows, columns) bool, cells to grey out.
        inner: top, left, height, width of the part that is not padding, framed thinly.
        hover: strings (rows, columns); default row, column and value.
        square: cells as high as wide; otherwise they fill the width.
        scale: another colour scale and its range, where the grid is one of several that show the same values.
    """
    rows, columns = values.shape
    finite = np.where(np.isfinite(values), values, np.nan)
    signed = bool(np.nanmin(finite, initial=0) < 0)
    low, high = signed_range(values) if signed else (0.0, float(np.nanmax(finite, initial=1e-9)))
    colors = SIGNED if signed else ((0.0, "#F3F5F7"), (1.0, PALE.get(hue, "#9CC7E2")))
    if scale is not None:
        colors, (low, high) = scale
    words = None
    if max(rows, columns) <= READABLE:
        words = [["−∞" if v == -np.inf else number_text(round(float(v), 2)) for v in line] for line in values]
    if hover is None:
        hover = np.empty(values.shape, dtype=object)
        for i, j in np.ndindex(values.shape):
            hover[i, j] = f"row {i}, column {j}: {number_text(values[i, j])}"
    quiet = {"hoverinfo": "skip", "showscale": False}
    grid = {"type": "heatmap", "zmin": low, "zmax": high, "colorscale": colors, "xgap": 1, "ygap": 1, **quiet}
    grid |= {"z": [[None if np.isnan(v) else float(v) for v in line] for line in finite]}
    if words:
        grid |= {"text": words, "texttemplate": "%{text}", "textfont": {"size": 13 if columns <= 9 else 10}}
    data = [grid]
    if shaded is not None and shaded.any():
        z = [[1 if cell else None for cell in line] for line in shaded]
        colors = ((0, "#777"), (1, "#777"))
        data.append({"type": "heatmap", "z": z, "zmin": 0, "zmax": 1, "colorscale": colors, "opacity": 0.6, **quiet})
    if inner:
        top, left, tall, wide = inner
        x, y = [left - 0.5, left + wide - 0.5], [top - 0.5, top + tall - 0.5]
        path = {"x": [x[0], x[1], x[1], x[0], x[0]], "y": [y[0], y[0], y[1], y[1], y[0]]}
        data.append(_line(**path, color=QUIET, width=2, dash="dot"))
    for outline in outlines:
        x, y = _frames(outline.cells)
        data.append(_line(x, y, outline.color, outline.width))
    across, down = np.meshgrid(np.arange(columns), np.arange(rows))
    unseen = {"marker": {"opacity": 0}}
    data.append(
        {
            "type": "scatter", "mode": "markers", "x": across.ravel().tolist(), "y": down.ravel().tolist(),
            "text": hover.ravel().tolist(), "hovertemplate": "%{text}<extra></extra>",
            "marker": {"color": "rgba(0,0,0,0)", "size": 22, "symbol": "square"},
            "selected": unseen, "unselected": unseen,
        }
    )  # fmt: skip
    yaxis = {"visible": False, "range": [rows - 0.3, -0.7], "fixedrange": True}
    if square:
        yaxis |= {"scaleanchor": "x", "constrain": "domain", "constraintoward": "top"}
    return Plain(
        data,
        {
            "xaxis": {"visible": False, "range": [-0.7, columns - 0.3], "constrain": "domain", "fixedrange": True},
            "yaxis": yaxis,
            "height": height or 70 + min(34 * max(rows, 3), 300),
            "title": {"text": f'<span style="color:{hue}">■</span> {title}'},
            "showlegend": False,
            "clickmode": "event+select",
            "margin": {"l": 2, "r": 2, "t": 34, "b": 4},
        },
    )
