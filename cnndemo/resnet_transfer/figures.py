"""The charts of the transfer page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from cnndemo.figures import bars, styled
from cnndemo.figures.confusion import confusion as confusion
from cnndemo.figures.confusion import short
from cnndemo.palette import ACCENT, INPUT, OKABE_ITO, OUTPUT


def answers(pairs: Sequence[tuple[str, float]], explained: str | None = None, title: str | None = None) -> go.Figure:
    """Bars of (label, probability) pairs, the most likely first; the explained class stands out."""
    labels = [short(label) for label, _ in pairs]
    chosen = next((i for i, (label, _) in enumerate(pairs) if label == explained), None)
    figure = bars(labels, [value for _, value in pairs], highlight=chosen, title=title)
    figure.update_traces(customdata=[label for label, _ in pairs])
    # "y": the whole row hears the pointer, because the bar of an unlikely class is thinner than a pixel.
    figure.update_layout(clickmode="event+select", hovermode="y")
    return figure


def experiment(rows: Sequence[dict]) -> go.Figure:
    """Accuracy with its 95 % interval for each way of feeding and training, from the card's `experiments`."""
    names = [f"{row['input']}, {row['trained']}" for row in rows]
    values = [row["accuracy"] for row in rows]
    colors = [
        ACCENT if row["input"].startswith("padded") else OUTPUT if row["trained"].startswith("head") else INPUT
        for row in rows
    ]
    figure = bars(names, values, title="Test accuracy")
    figure.update_traces(
        marker_color=colors,
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [row["interval"][1] - row["accuracy"] for row in rows],
            "arrayminus": [row["accuracy"] - row["interval"][0] for row in rows],
            "thickness": 1,
            "color": "#808080",
        },
        textposition="inside",
        insidetextanchor="start",
        textfont_color="#ffffff",
    )
    return figure


def plane(
    points: np.ndarray, labels: np.ndarray, classes: Sequence[str], names: Sequence[str], test: np.ndarray | None = None
) -> go.Figure:
    """The pictures' features projected to two axes, one colour and symbol a class; a star is the test picture."""
    symbols = ("circle", "square", "diamond", "cross", "triangle-up", "x", "pentagon", "hexagon")
    figure = go.Figure()
    for index, name in enumerate(classes):
        rows = labels == index
        figure.add_scatter(
            x=points[rows, 0],
            y=points[rows, 1],
            mode="markers",
            name=short(name),
            marker={"color": OKABE_ITO[index % len(OKABE_ITO)], "symbol": symbols[index % len(symbols)], "size": 10},
            text=[names[row] for row in np.flatnonzero(rows)],
            hovertemplate="%{text}<extra>" + short(name) + "</extra>",
        )
    if test is not None:
        figure.add_scatter(
            x=test[:, 0],
            y=test[:, 1],
            mode="markers",
            name="test picture",
            marker={"symbol": "star", "size": 18, "color": ACCENT, "line": {"width": 1, "color": "#ffffff"}},
            hoverinfo="name",
        )
    figure.update_xaxes(title_text="first principal axis", showticklabels=False)
    figure.update_yaxes(title_text="second", showticklabels=False)
    return styled(figure, 380)
