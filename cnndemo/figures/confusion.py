"""The confusion matrix, with cells to click."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from cnndemo.figures import styled


def confusion(matrix: np.ndarray, classes: Sequence[str], cell: int = 56) -> go.Figure:
    """True class (row) against the answer (column), counts in the cells; a click on a cell selects its pictures.

    Args:
        matrix: (classes, classes) counts.
        cell: height of a cell, pixels.
    """
    names = [short(name, 14) for name in classes]
    side = len(classes)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    trace = go.Heatmap(
        z=share,
        x=list(range(side)),
        y=list(range(side)),
        colorscale="Viridis",
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=2,
        ygap=2,
        text=matrix,
        texttemplate="%{text}",
        hoverinfo="skip",
    )
    figure = go.Figure(trace)
    # A scatter on top, because a heat map sends no selection to the server. Only one of the two may answer the
    # pointer: where the heat map did, a click never reached the scatter.
    columns, rows = np.meshgrid(range(side), range(side))
    figure.add_scatter(
        x=columns.ravel(),
        y=rows.ravel(),
        mode="markers",
        marker={"size": cell - 12, "symbol": "square", "color": "rgba(255,255,255,0.01)"},
        selected={"marker": {"opacity": 0.35, "color": "#ffffff"}},
        unselected={"marker": {"opacity": 0.01}},
        text=matrix.ravel(),
        hovertemplate="%{text} pictures<extra></extra>",
        showlegend=False,
    )
    ticks = {"tickmode": "array", "tickvals": list(range(side)), "ticktext": names, "showgrid": False}
    figure.update_xaxes(title_text="answer", constrain="domain", **ticks)
    figure.update_yaxes(title_text="truth", autorange="reversed", scaleanchor="x", constrain="domain", **ticks)
    figure.update_layout(clickmode="event+select")
    return styled(figure, 140 + cell * side)


def short(label: str, limit: int = 24) -> str:
    """A class's name, cut to `limit` letters."""
    return label if len(label) <= limit else label[: limit - 1] + "…"
