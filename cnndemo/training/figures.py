"""Charts of the training page: loss and accuracy over the epochs, what callbacks do, loss against accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from cnndemo.figures import ACCENT, INPUT, KERNEL, OUTPUT, QUIET, styled

TOP = 10.0  # losses above are drawn at the edge


def curve(rows: Sequence[dict[str, float]], name: str, epochs: int, height: int = 250) -> go.Figure:
    """Loss (figure 2.19) or accuracy (figure 2.20) of training and validation, with a mark at the best epoch.

    Args:
        rows: one dict an epoch.
        name: "loss" or "accuracy".
        epochs: how many there will be, for the axis.
    """
    figure = go.Figure()
    number = list(range(1, len(rows) + 1))
    for key, title, color in ((name, "training", INPUT), (f"val_{name}", "validation", ACCENT)):
        values = [min(row[key], TOP) if key in row else None for row in rows]
        figure.add_scatter(
            x=number, y=values, name=title, mode="lines+markers" if len(rows) < 40 else "lines", line_color=color,
            customdata=[row.get(key) for row in rows],
            hovertemplate=f"epoch %{{x}}, {title}: %{{customdata:.4g}}<extra></extra>",
        )  # fmt: skip
    held = [row.get("val_loss", np.inf) for row in rows]
    if held:
        best = int(np.argmin(held))
        value = min(rows[best].get(f"val_{name}", np.nan), TOP)
        figure.add_scatter(
            x=[best + 1], y=[value], mode="markers", showlegend=False,
            marker={"size": 14, "symbol": "circle-open", "color": OUTPUT, "line": {"width": 3}},
            hovertemplate="the lowest validation loss<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="epoch", range=[0.5, max(epochs, 2) + 0.5])
    figure.update_yaxes(title_text=name, rangemode="tozero" if name == "loss" else "normal")
    return styled(figure, height)


def rates(values: Sequence[float], height: int = 170) -> go.Figure:
    """The learning rate of each epoch, as steps on a logarithmic axis."""
    figure = go.Figure()
    figure.add_scatter(
        x=list(range(1, len(values) + 1)), y=list(values), mode="lines+markers", line={"color": KERNEL, "shape": "hv"},
        hovertemplate="epoch %{x}: %{y:.3g}<extra></extra>", showlegend=False,
    )  # fmt: skip
    figure.update_xaxes(title_text="epoch", range=[0.5, max(len(values), 2) + 0.5])
    exponents = np.log10([min(values, default=1e-3), max(values, default=1e-3)])
    figure.update_yaxes(
        type="log", exponentformat="power", title_text="rate", range=[exponents[0] - 0.5, exponents[1] + 0.5], dtick=1
    )
    return styled(figure, height)


def proxy(probability: float, height: int = 260) -> go.Figure:
    """Loss and accuracy of one digit over the probability that the network gives its class."""
    x = np.linspace(0.01, 1, 199)
    figure = go.Figure()
    figure.add_scatter(x=x, y=-np.log(x), mode="lines", name="loss, −ln p", line={"color": ACCENT, "width": 3})
    figure.add_scatter(
        x=[0, 0.5, 0.5, 1], y=[0, 0, 1, 1], mode="lines", name="accuracy, two classes",
        line={"color": INPUT, "width": 3, "dash": "dash"},
    )  # fmt: skip
    figure.add_scatter(
        x=[probability], y=[-np.log(probability)], mode="markers", showlegend=False,
        marker={"size": 14, "color": ACCENT}, hovertemplate="loss %{y:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=0.5, line={"color": QUIET, "dash": "dot"})
    figure.update_xaxes(title_text="probability of the right class")
    return styled(figure, height)
