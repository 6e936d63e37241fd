"""Charts of the digit classifier's page: flattening and dense layers."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from cnndemo.figures import bars, styled
from cnndemo.palette import ACCENT, INPUT, KERNEL, OUTPUT, QUIET


def probabilities(values: np.ndarray, digit: int) -> go.Figure:
    """A bar for each digit, 0 on top; the read one stands out. values: (10,)."""
    figure = bars([str(n) for n in range(10)], values, digit, height=250)
    figure.update_yaxes(tickfont_size=14)
    return figure


def dense(contribution: np.ndarray, bias: float, digit: int, strongest: int = 14) -> go.Figure:
    """Figure 2.13 with its numbers: the strongest of the 128 units on the left, the digit's unit on the right.

    Args:
        contribution: activation times weight of each unit, (128,); blue lines speak for the digit, orange against it.
        bias: the digit's bias.
        digit: the digit in question.
        strongest: how many units are drawn with their line; the rest is summed up in one.
    """
    chosen = np.sort(np.argsort(-np.abs(contribution))[:strongest])
    rest = float(contribution.sum() - contribution[chosen].sum())
    names = [f"unit {i}" for i in chosen] + ["the rest", "bias"]
    values = np.array([*contribution[chosen], rest, bias])
    heights = np.linspace(1, 0, len(values))
    widest = max(float(np.abs(values).max()), 1e-9)
    figure = go.Figure()
    for name, value, height in zip(names, values, heights, strict=True):
        color = INPUT if value >= 0 else ACCENT
        figure.add_scatter(
            x=[0, 1],
            y=[height, 0.5],
            mode="lines",
            line={"color": color, "width": 0.4 + 7 * abs(value) / widest},
            opacity=0.65,
            hovertemplate=f"{name}: {value:+.3f}<extra></extra>",
            showlegend=False,
        )
    figure.add_scatter(
        x=[0] * len(values),
        y=heights,
        mode="markers+text",
        marker={"size": 13, "color": [QUIET if name in ("the rest", "bias") else KERNEL for name in names]},
        text=[f"{name}  {value:+.2f}" for name, value in zip(names, values, strict=True)],
        textposition="middle left",
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(
        x=[1],
        y=[0.5],
        mode="markers+text",
        marker={"size": 34, "color": OUTPUT},
        text=[f"<b>{digit}</b>"],
        textfont={"color": "white", "size": 16},
        textposition="middle center",
        hovertemplate=f"sum {values.sum():+.3f}<extra></extra>",
        showlegend=False,
    )
    figure.add_annotation(x=1, y=0.38, text=f"sum {values.sum():+.2f}", showarrow=False)
    figure.update_xaxes(visible=False, range=[-0.55, 1.15])
    figure.update_yaxes(visible=False)
    return styled(figure, 440)
