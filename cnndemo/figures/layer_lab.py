"""Charts of the layer lab: grids of cells that can be picked, curves of activations, a network with dropout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from cnndemo.figures import ACCENT, INPUT, KERNEL, OKABE_ITO, OUTPUT, QUIET, SIGNED, signed_range, styled
from cnndemo.figures.plain import Plain
from cnndemo.layer_lab.grids import number_text

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
    """
    rows, columns = values.shape
    finite = np.where(np.isfinite(values), values, np.nan)
    signed = bool(np.nanmin(finite, initial=0) < 0)
    low, high = signed_range(values) if signed else (0.0, float(np.nanmax(finite, initial=1e-9)))
    scale = SIGNED if signed else ((0.0, "#F3F5F7"), (1.0, PALE.get(hue, "#9CC7E2")))
    words = None
    if max(rows, columns) <= READABLE:
        words = [["−∞" if v == -np.inf else number_text(round(float(v), 2)) for v in line] for line in values]
    if hover is None:
        hover = np.empty(values.shape, dtype=object)
        for i, j in np.ndindex(values.shape):
            hover[i, j] = f"row {i}, column {j}: {number_text(values[i, j])}"
    quiet = {"hoverinfo": "skip", "showscale": False}
    grid = {"type": "heatmap", "zmin": low, "zmax": high, "colorscale": scale, "xgap": 1, "ygap": 1, **quiet}
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


def activations(x: np.ndarray, curves: dict[str, np.ndarray], chosen: str, slope: np.ndarray) -> go.Figure:
    """All activations, the chosen one bold with its derivative dashed."""
    figure = go.Figure()
    for (name, values), color in zip(curves.items(), OKABE_ITO, strict=False):
        bold = name == chosen
        figure.add_scatter(
            x=x, y=values, name=name, opacity=1.0 if bold else 0.35, line={"color": color, "width": 4 if bold else 1.5},
            hovertemplate=f"{name}(%{{x:.2f}}) = %{{y:.4f}}<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=x, y=slope, name=f"derivative of {chosen}", line={"color": OKABE_ITO[5], "width": 2, "dash": "dash"},
        hovertemplate="slope at %{x:.2f}: %{y:.4f}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(range=[-2.2, 3.2], fixedrange=True)
    figure.update_xaxes(fixedrange=True, title_text="x")
    return styled(figure, 380)


def network(sizes: Sequence[int], kept: Sequence[np.ndarray], title: str, height: int = 300) -> go.Figure:
    """Layers of units, each joined to all of the next; units that are dropped are empty and lose their lines."""
    spots = [np.linspace(-1, 1, size) * size / max(sizes) for size in sizes]
    on, off = ([], []), ([], [])
    for layer in range(len(sizes) - 1):
        for i, a in enumerate(spots[layer]):
            for j, b in enumerate(spots[layer + 1]):
                lines = on if kept[layer][i] and kept[layer + 1][j] else off
                lines[0].extend([layer, layer + 1, None])
                lines[1].extend([a, b, None])
    figure = go.Figure()
    figure.add_scatter(x=off[0], y=off[1], mode="lines", line={"color": "rgba(128,128,128,.13)"}, hoverinfo="skip")
    figure.add_scatter(x=on[0], y=on[1], mode="lines", line={"color": "rgba(0,114,178,.55)"}, hoverinfo="skip")
    colors = [INPUT] + [KERNEL] * (len(sizes) - 2) + [OUTPUT]
    for layer, (places, alive) in enumerate(zip(spots, kept, strict=True)):
        figure.add_scatter(
            x=[layer] * len(places), y=places, mode="markers",
            text=["kept" if keep else "dropped" for keep in alive],
            hovertemplate=f"layer {layer + 1}: %{{text}}<extra></extra>",
            marker={
                "size": 22, "color": [colors[layer] if keep else "rgba(128,128,128,.15)" for keep in alive],
                "symbol": ["circle" if keep else "circle-x-open" for keep in alive],
                "line": {"color": [colors[layer] if keep else "rgba(128,128,128,.8)" for keep in alive], "width": 2},
            },
        )  # fmt: skip
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True)
    return styled(figure, height, title).update_layout(showlegend=False)


def dropout_average(outputs: np.ndarray, average: np.ndarray, full: float, spread: float) -> go.Figure:
    """Single masked passes as dots, their running mean as a line, and the output without dropout."""
    passes = np.arange(1, len(outputs) + 1)
    band = 2 * spread / np.sqrt(passes)
    figure = go.Figure()
    figure.add_scatter(x=passes, y=full + band, line={"width": 0}, hoverinfo="skip", showlegend=False)
    figure.add_scatter(
        x=passes, y=full - band, line={"width": 0}, fill="tonexty", fillcolor="rgba(0,158,115,.15)", hoverinfo="skip",
        name="where 95 of 100 means lie",
    )  # fmt: skip
    figure.add_scatter(
        x=passes, y=outputs, mode="markers", name="one masked pass", marker={"color": QUIET, "size": 4},
        hovertemplate="pass %{x}: %{y:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(x=passes, y=average, name="mean so far", line={"color": ACCENT, "width": 3})
    figure.add_scatter(
        x=[1, len(passes)], y=[full, full], name="no dropout", line={"color": OUTPUT, "dash": "dash"}, mode="lines"
    )
    figure.update_xaxes(type="log", title_text="passes", fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    return styled(figure, 320)


def paths(counts: np.ndarray) -> go.Figure:
    """How many paths lead from each input pixel to one output pixel, as bars around its middle."""
    places = np.arange(len(counts)) - (len(counts) - 1) / 2
    figure = go.Figure(
        go.Bar(x=places, y=counts, marker_color=INPUT, hovertemplate="pixel %{x}: %{y:.3f}<extra></extra>")
    )
    figure.update_xaxes(title_text="input pixels from the middle of the field", fixedrange=True)
    figure.update_yaxes(title_text="paths, largest = 1", fixedrange=True)
    return styled(figure, 260)


def signed_picture(values: np.ndarray) -> np.ndarray:
    """(h, w) signed numbers as uint8 RGB: blue below zero, white at zero, red above."""
    low, high = signed_range(values)
    stops = np.array([stop for stop, _ in SIGNED])
    colors = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for _, color in SIGNED])
    at = (values - low) / (high - low)
    return np.stack([np.interp(at, stops, colors[:, i]) for i in range(3)], axis=-1).round().astype(np.uint8)
