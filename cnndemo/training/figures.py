"""Charts of the training page: loss by batch and epoch, what callbacks do, calibration, runs compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from cnndemo.calibration import Diagram
from cnndemo.figures import bars, signed_range, styled
from cnndemo.palette import ACCENT, INPUT, KERNEL, OKABE_ITO, OUTPUT, QUIET, SIGNED
from cnndemo.training.run import Run

TOP = 10.0  # losses above are drawn at the edge
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "solid")


def losses(run: Run, height: int = 260) -> go.Figure:
    """Loss of each batch, and of training and validation after each epoch (figure 2.19), with a mark at the best."""
    figure = go.Figure()
    if run.losses and run.batches:
        places = (np.arange(len(run.losses)) + 0.5) * run.stride / run.batches
        figure.add_scatter(
            x=places, y=np.minimum(run.losses, TOP), name="each batch", mode="lines", line={"color": QUIET, "width": 1},
            hovertemplate="epoch %{x:.2f}: %{y:.4g}<extra></extra>",
        )  # fmt: skip
    _epochs(figure, run, "loss")
    values = [row["loss"] for row in run.history] + [row["val_loss"] for row in run.history] + run.losses[-1:]
    top = max(values, default=2.5)
    figure.update_yaxes(title_text="loss", range=[0, min(max(1.15 * top, 0.1), TOP * 1.02)])
    return styled(figure, height)


def accuracies(run: Run, height: int = 230) -> go.Figure:
    """Accuracy of training and validation after each epoch (figure 2.20)."""
    figure = go.Figure()
    _epochs(figure, run, "accuracy")
    figure.update_yaxes(title_text="accuracy", tickformat=".0%")
    return styled(figure, height)


def _epochs(figure: go.Figure, run: Run, name: str) -> None:
    rows = run.history
    number = list(range(1, len(rows) + 1))
    for key, title, color in ((name, "training", INPUT), (f"val_{name}", "validation", ACCENT)):
        figure.add_scatter(
            x=number, y=[min(row[key], TOP) for row in rows], name=title, mode="lines+markers", line_color=color,
            customdata=[row[key] for row in rows],
            hovertemplate=f"epoch %{{x}}, {title}: %{{customdata:.4g}}<extra></extra>",
        )  # fmt: skip
    if rows:
        best = int(np.argmin([row["val_loss"] for row in rows]))
        figure.add_scatter(
            x=[best + 1], y=[min(rows[best][f"val_{name}"], TOP)], mode="markers", name="kept",
            marker={"size": 14, "symbol": "circle-open", "color": OUTPUT, "line": {"width": 3}},
            hovertemplate="the lowest validation loss<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="epoch", range=[0, max(run.settings.epochs, 2) + 0.3])


def rates(values: Sequence[float], height: int = 230) -> go.Figure:
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


def overlay(runs: Sequence[Run], name: str, height: int = 320) -> go.Figure:
    """One curve a run, each with a colour and a dash of its own; `name` such as "val_loss"."""
    figure = go.Figure()
    for place, run in enumerate(runs):
        values = [row[name] for row in run.history]
        figure.add_scatter(
            x=list(range(1, len(values) + 1)), y=[min(value, TOP) for value in values], name=run.name,
            mode="lines+markers", line={"color": OKABE_ITO[place], "dash": DASHES[place], "width": 2.5},
            hovertemplate=f"{run.name}, epoch %{{x}}: %{{y:.4g}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="epoch")
    figure.update_yaxes(title_text=name.replace("val_", "validation ").replace("_", " "))
    return styled(figure, height)


def reliability(before: Diagram, after: Diagram, height: int = 330) -> go.Figure:
    """How often answers are right over how sure they are; on the diagonal, percentages mean what they say."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": QUIET, "dash": "dot"}, hoverinfo="skip", showlegend=False
    )
    for bins, name, color, symbol in (
        (before, "as trained", ACCENT, "circle"),
        (after, "with temperature", OUTPUT, "diamond"),
    ):
        there = bins.count > 0
        figure.add_scatter(
            x=bins.confidence[there], y=bins.accuracy[there], mode="lines+markers", name=name,
            customdata=bins.count[there],
            marker={"size": 6 + 14 * np.sqrt(bins.count[there] / bins.count.sum()), "symbol": symbol},
            line={"color": color, "width": 1.5},
            hovertemplate=f"{name}: %{{customdata}} answers, %{{x:.0%}} sure, %{{y:.0%}} right<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="how sure it is", range=[0, 1.03], tickformat=".0%")
    figure.update_yaxes(title_text="how often it is right", range=[0, 1.06], tickformat=".0%")
    return styled(figure, height)


def one_kernel(before: np.ndarray, slope: np.ndarray, after: np.ndarray, rate: float, height: int = 190) -> go.Figure:
    """A kernel, less rate × its gradient, is the kernel after the step; nine numbers each, (3, 3)."""
    figure = go.Figure()
    words = np.vectorize(lambda value: f"{value:+.2f}", otypes=[object])
    _, top = signed_range(np.stack([before, after]))
    _, steep = signed_range(slope)
    for place, (values, limit, title) in enumerate(
        ((before, top, "before"), (slope, steep, "gradient"), (after, top, "after"))
    ):
        at = (0, 5, 9)[place]
        figure.add_heatmap(
            z=values, x=[at, at + 1, at + 2], y=[0, 1, 2], zmin=-limit, zmax=limit, colorscale=SIGNED, showscale=False,
            text=words(values), texttemplate="%{text}", textfont_size=11, xgap=1, ygap=1,
            hovertemplate=f"{title}: %{{z:.5f}}<extra></extra>",
        )  # fmt: skip
        figure.add_annotation(x=at + 1, y=-0.85, text=title, showarrow=False)
    for at, text in ((3.5, f"− {rate:g} ×"), (8, "=")):
        figure.add_annotation(x=at, y=1, text=f"<b>{text}</b>", showarrow=False, font_size=14)
    figure.update_xaxes(visible=False, range=[-0.6, 11.6])
    figure.update_yaxes(visible=False, range=[2.6, -1.2])
    figure = styled(figure, height)
    figure.update_layout(margin={"t": 4, "b": 4})
    return figure


def right_class(before: np.ndarray, after: np.ndarray, labels: Sequence[int], height: int = 190) -> go.Figure:
    """The probability of each digit's right class, before the step and after it; (n,) each."""
    figure = go.Figure()
    x = list(range(len(labels)))
    for values, name, color in ((before, "before", QUIET), (after, "after the step", OUTPUT)):
        figure.add_bar(x=x, y=values, name=name, marker_color=color, hovertemplate=f"{name}: %{{y:.1%}}<extra></extra>")
    figure.update_xaxes(tickvals=x, ticktext=[str(label) for label in labels], showgrid=False)
    figure.update_yaxes(range=[0, 1], tickformat=".0%", title_text="its right class")
    figure.update_layout(barmode="group", bargap=0.25)
    return styled(figure, height)


def epoch_so_far(values: Sequence[float], batches: int, height: int = 150) -> go.Figure:
    """The loss of each batch of an epoch up to now."""
    figure = go.Figure()
    colors = [QUIET] * (len(values) - 1) + [ACCENT]
    figure.add_bar(
        x=list(range(1, len(values) + 1)), y=list(values), marker_color=colors,
        hovertemplate="batch %{x}: loss %{y:.3f}<extra></extra>", showlegend=False,
    )  # fmt: skip
    figure.update_xaxes(title_text="batch", range=[0.4, batches + 0.6], showgrid=False)
    figure.update_yaxes(title_text="loss", range=[0, max(2.6, 1.05 * max(values))])
    return styled(figure, height)


def answer(probabilities: np.ndarray, label: int, height: int = 190) -> go.Figure:
    """What the network says to one digit; the right class stands out. (10,)"""
    return bars([str(digit) for digit in range(10)], probabilities, label, height=height)
