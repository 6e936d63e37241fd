"""Charts of networks compared with each other, and of two stacks that learn side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from cnndemo.architectures.comparing import Cited
from cnndemo.architectures.stacks import PLAIN, RESIDUAL, Look
from cnndemo.figures import styled
from cnndemo.palette import ACCENT, INPUT, OUTPUT

COLORS = {PLAIN: ACCENT, RESIDUAL: INPUT}
DASHES = {PLAIN: "solid", RESIDUAL: "dash"}
DATA = {"ImageNet": (INPUT, "circle"), "CIFAR-10": (OUTPUT, "diamond")}


def comparison(
    costs: Mapping[str, float], cited: Mapping[str, Cited], titles: Mapping[str, str], label: str, chosen: str = "",
    height: int = 380,
) -> go.Figure:  # fmt: skip
    """Published accuracy over a cost, logarithmic: up and left is better. One network is ringed."""
    figure = go.Figure()
    for data, (color, symbol) in DATA.items():
        names = [name for name in costs if name in cited and cited[name].data == data]
        if not names:
            continue
        figure.add_scatter(
            x=[costs[name] for name in names], y=[cited[name].accuracy for name in names], name=data,
            mode="markers+text", textfont_size=11,
            text=[titles[name] for name in names], textposition=[_beside(name, names, costs, cited) for name in names],
            marker={
                "size": 15, "color": color, "symbol": symbol,
                "line": {"color": ACCENT, "width": [4 if name == chosen else 0 for name in names]},
            },
            customdata=[[titles[name], cited[name].source] for name in names],
            hovertemplate="%{customdata[0]}: %{y:.1%} right<br>%{x:,.4g} " + label
            + "<br>%{customdata[1]}<extra></extra>",
            cliponaxis=False,
        )  # fmt: skip
    values = np.log10([value for name, value in costs.items() if name in cited and value > 0] or [1])
    figure.update_xaxes(type="log", dtick=1, title_text=label, range=[values.min() - 0.35, values.max() + 0.35])
    figure.update_yaxes(tickformat=".0%", title_text="right at the first guess")
    return styled(figure, height)


def _beside(name: str, names: Sequence[str], costs: Mapping[str, float], cited: Mapping[str, Cited]) -> str:
    """Where a title stands: above, or, among neighbours of about the same accuracy, by turns above and below."""
    alike = [other for other in names if abs(cited[other].accuracy - cited[name].accuracy) < 0.05]
    place = sorted(alike, key=lambda other: costs[other]).index(name)
    if len(alike) <= 2:
        return "top center"
    return "bottom center" if place % 2 == 0 else "top left" if place < len(alike) / 2 else "top right"


def race_losses(looks: Sequence[Look], height: int = 280) -> go.Figure:
    """The loss of both stacks over the updates; a dotted line where guessing is."""
    figure = go.Figure()
    for name, color in COLORS.items():
        figure.add_scatter(
            x=[look.update for look in looks], y=[min(look.losses[name], 1e6) for look in looks], name=name,
            mode="lines",
            line={"color": color, "width": 3, "dash": DASHES[name]},
            hovertemplate=name + ", update %{x}: loss %{y:.3g}<extra></extra>",
        )  # fmt: skip
    figure.add_hline(y=float(np.log(10)), line={"dash": "dot", "width": 1}, annotation_text="guessing")
    figure.update_xaxes(title_text="updates")
    figure.update_yaxes(title_text="loss", rangemode="tozero")
    return styled(figure, height)


def race_norms(look: Look, height: int = 280) -> go.Figure:
    """The length of the gradient of each layer's kernel in both stacks, logarithmic."""
    figure = go.Figure()
    for name, color in COLORS.items():
        norms = look.norms[name].astype(float)
        shown = np.where(np.isfinite(norms) & (norms > 0), norms, np.nan)
        figure.add_scatter(
            x=np.arange(1, len(norms) + 1), y=shown, name=name, mode="lines+markers",
            line={"color": color, "width": 3, "dash": DASHES[name]},
            hovertemplate=name + ", layer %{x}: %{y:.3g}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="layer, from the input")
    figure.update_yaxes(type="log", exponentformat="power", title_text="length of the gradient")
    return styled(figure, height)
