"""The charts of the page: answers, accuracy under attack, reliability, and how an evolution goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from cnndemo.calibration import BINS, Diagram
from cnndemo.figures import bars, styled
from cnndemo.palette import ACCENT, INPUT, KERNEL, OUTPUT, QUIET


def answers(pairs: Sequence[tuple[str, float]], title: str, right: str | None = None) -> go.Figure:
    """Bars of (label, probability); the highest stands out: green where it is the label `right`, else red."""
    labels = [label if len(label) <= 22 else label[:21] + "…" for label, _ in pairs]
    values = [value for _, value in pairs]
    first = max(range(len(values)), key=values.__getitem__)
    color = ACCENT if right is not None and pairs[first][0] != right else OUTPUT
    figure = bars(labels, values, highlight=first, title=title, highlight_color=color)
    return figure.update_xaxes(range=[0, 2.1])  # three stand side by side, and each bar has its number beside it


def under_attack(study: dict[str, Any], epsilon: int) -> go.Figure:
    """Accuracy on attacked digits over ε, one line a network, from the study of a card; ε of the page is marked."""
    figure = go.Figure()
    looks = zip((OUTPUT, INPUT, ACCENT), ("circle", "square", "diamond"), strict=True)
    for row, (color, symbol) in zip(study["networks"], looks, strict=False):
        figure.add_scatter(
            x=study["epsilons"], y=row["accuracy"], name=row["name"], mode="lines+markers", line_color=color,
            marker={"symbol": symbol, "size": 8}, hovertemplate="ε = %{x}: %{y:.1%}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(epsilon, line={"color": QUIET, "dash": "dot"})
    figure.update_xaxes(title_text="largest change of a pixel, grey levels")
    figure.update_yaxes(title_text="read right", range=[-0.02, 1.02], tickformat=".0%")
    return styled(figure, 320)


def reliability(found: Diagram, title: str) -> go.Figure:
    """How often the network is right, for answers that are alike sure; on the diagonal it says what is true."""
    middles = [(place + 0.5) / BINS for place in range(BINS)]
    filled = [place for place in range(BINS) if found.count[place]]
    figure = go.Figure()
    figure.add_bar(
        x=[middles[place] for place in filled],
        y=[found.accuracy[place] for place in filled],
        width=0.9 / BINS,
        marker_color=INPUT,
        customdata=[(found.count[place], found.confidence[place]) for place in filled],
        hovertemplate="%{customdata[0]:,} answers, %{customdata[1]:.1%} sure<br>right: %{y:.1%}<extra></extra>",
        name="right",
    )
    figure.add_scatter(
        x=[found.confidence[place] for place in filled],
        y=[found.confidence[place] for place in filled],
        mode="markers",
        marker={"color": KERNEL, "size": 9, "symbol": "diamond", "line": {"color": "#000000", "width": 1}},
        hoverinfo="skip",
        name="what it says",
    )
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": QUIET, "dash": "dot"}, hoverinfo="skip",
                       showlegend=False)  # fmt: skip
    figure.update_xaxes(title_text="how sure it is", range=[0, 1.02], tickformat=".0%")
    figure.update_yaxes(title_text="how often it is right", range=[0, 1.02], tickformat=".0%")
    return styled(figure, 360, title).update_layout(margin_t=72, title_y=0.98, title_yanchor="top")


def course(values: Sequence[float], rounds: int, words: str) -> go.Figure:
    """The probability that an evolution pushes up or down, after each round."""
    figure = go.Figure(
        go.Scatter(
            x=list(range(1, len(values) + 1)),
            y=list(values),
            mode="lines+markers",
            line_color=ACCENT,
            hovertemplate="round %{x}: %{y:.1%}<extra></extra>",
        )  # fmt: skip
    )
    figure.update_xaxes(title_text="round", range=[0.5, max(rounds, 2) + 0.5])
    figure.update_yaxes(range=[-0.02, 1.02], tickformat=".0%")
    return styled(figure, 200, words)
