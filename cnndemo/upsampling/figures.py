"""Charts of the upsampling page."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from cnndemo.figures import styled
from cnndemo.figures.plain import Plain
from cnndemo.palette import ACCENT, GRAY, MAGNITUDE, OUTPUT, QUIET


def _grid(values: np.ndarray, title: str, height: int, scale: str, limits: tuple[float, float], shapes=()) -> Plain:
    trace = {
        "type": "heatmap", "z": np.round(values, 5).tolist(), "zmin": limits[0], "zmax": limits[1], "colorscale": scale,
        "showscale": False, "hovertemplate": "row %{y}, column %{x}<br>%{z:.4g}<extra></extra>",
    }  # fmt: skip
    hidden = {"visible": False, "constrain": "domain", "fixedrange": True}
    layout = {
        "height": height,
        "title": {"text": title},
        "xaxis": hidden,
        "yaxis": hidden | {"autorange": "reversed", "scaleanchor": "x"},
        "shapes": list(shapes),
        "margin": {"l": 2, "r": 2, "t": 30, "b": 4},
    }
    return Plain([trace], layout)


def large(
    values: np.ndarray, title: str, limits: tuple[float, float], block: tuple[int, int] | None = None
) -> go.Figure:
    """An enlarged grid in grey levels of one range for all methods; ``block``: a cell to frame."""
    shapes = []
    if block is not None:
        row, column = block
        line = {"color": ACCENT, "width": 3}
        rect = {"type": "rect", "x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5, "line": line}
        shapes.append(rect)
    return _grid(values, title, 230, GRAY, limits, shapes)


def counts(values: np.ndarray, title: str) -> go.Figure:
    """How much lands on each output cell, in viridis, the numbers in the hover text."""
    return _grid(values, title, 250, MAGNITUDE, (0, float(max(values.max(), 1e-9))))


def learning(losses: list[float], floor: float, fixed: dict[str, float]) -> go.Figure:
    """Mean squared error over the steps, the best that any such kernel can do, and the fixed methods."""
    figure = go.Figure()
    steps = list(range(1, len(losses) + 1))
    figure.add_scatter(x=steps, y=losses, name="learned so far", line={"color": ACCENT, "width": 3})
    levels = {"best possible kernel": (floor, OUTPUT), **{name: (value, QUIET) for name, value in fixed.items()}}
    for name, (level, color) in levels.items():
        figure.add_scatter(
            x=[1, max(len(losses), 2)], y=[level, level], name=name, mode="lines",
            line={"color": color, "dash": "dash" if color == OUTPUT else "dot"},
        )  # fmt: skip
    figure.update_xaxes(title_text="step", fixedrange=True)
    figure.update_yaxes(title_text="mean squared error", type="log", fixedrange=True)
    return styled(figure, 300)
