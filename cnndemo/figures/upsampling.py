"""Charts of the upsampling page."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from cnndemo.figures import ACCENT, OUTPUT, QUIET, heatmap, styled


def large(
    values: np.ndarray, title: str, limits: tuple[float, float], block: tuple[int, int] | None = None
) -> go.Figure:
    """An enlarged grid in grey levels of one range for all methods; ``block``: a cell to frame."""
    figure = heatmap(values, False, title, 230, "Gray", limits, showscale=False)
    if block is not None:
        row, column = block
        line = {"color": ACCENT, "width": 3}
        figure.add_shape(type="rect", x0=column - 0.5, x1=column + 0.5, y0=row - 0.5, y1=row + 0.5, line=line)
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    return figure


def counts(values: np.ndarray, title: str) -> go.Figure:
    """How much lands on each output cell, in viridis, the numbers in the hover text."""
    figure = heatmap(
        values, False, title, 250, hover="sum", limits=(0, float(max(values.max(), 1e-9))), showscale=False
    )
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    return figure


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
