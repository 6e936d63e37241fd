"""Plotly figures: the shared look and the charts that several pages use; a topic's own charts are in `figures.<stem>`.

The colours are those of `palette`. Backgrounds stay transparent, so that the same figure fits the light and the dark
theme.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas  # noqa: F401  before the first figure: Plotly looks into a pandas that another thread has half imported
import plotly.graph_objects as go
import plotly.io

from cnndemo.palette import ACCENT, INPUT, KERNEL, MAGNITUDE, OKABE_ITO, OUTPUT, QUIET, SIGNED

TEMPLATE = go.layout.Template(
    layout={
        "margin": {"l": 8, "r": 8, "t": 28, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": OKABE_ITO,
        "title": {"font": {"size": 14}, "x": 0, "xanchor": "left"},
        "hoverlabel": {"font": {"family": "monospace"}},
        "xaxis": {"zeroline": False, "gridcolor": "rgba(128,128,128,0.18)", "automargin": True},
        "yaxis": {"zeroline": False, "gridcolor": "rgba(128,128,128,0.18)", "automargin": True},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "dragmode": False,
    }
)

plotly.io.templates.default = None  # `styled` brings ours; Plotly's own would be copied into each figure before


def styled(figure: go.Figure, height: int | None = None, title: str | None = None) -> go.Figure:
    """Put the gallery's template on a figure."""
    figure.update_layout(template=TEMPLATE, height=height)
    if title:
        figure.update_layout(title_text=title)
    return figure


def signed_range(values: np.ndarray) -> tuple[float, float]:
    """A colour range centred on zero that holds all finite values."""
    finite = np.abs(values[np.isfinite(values)])
    top = float(finite.max()) if finite.size else 1.0
    return (-top, top) if top > 0 else (-1.0, 1.0)


def heatmap(
    values: np.ndarray,
    signed: bool = False,
    title: str | None = None,
    height: int = 320,
    colorscale=None,
    limits: tuple[float, float] | None = None,
    labels: tuple[str, str] = ("column", "row"),
    hover: str = "value",
    showscale: bool = True,
    text: np.ndarray | None = None,
) -> go.Figure:
    """A matrix as coloured squares, origin top left, pixels square.

    Args:
        values: (rows, columns).
        signed: blue–white–red centred on zero instead of viridis.
        limits: colour range; default the values' own.
        labels: names of the x and y axis in the hover text.
        hover: name of the value in the hover text.
        text: strings (rows, columns) written into the cells.
    """
    low, high = limits or (signed_range(values) if signed else (None, None))
    trace = go.Heatmap(
        z=values,
        zmin=low,
        zmax=high,
        colorscale=colorscale or (SIGNED if signed else MAGNITUDE),
        showscale=showscale,
        colorbar={"thickness": 10, "outlinewidth": 0, "len": 0.9},
        hovertemplate=f"{labels[1]} %{{y}}, {labels[0]} %{{x}}<br>{hover} %{{z:.4g}}<extra></extra>",
        text=text,
        texttemplate="%{text}" if text is not None else None,
    )
    figure = go.Figure(trace)
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain")
    return styled(figure, height, title)


def number_grid(
    values: np.ndarray,
    title: str | None = None,
    height: int | None = None,
    colorscale=None,
    limits: tuple[float, float] | None = None,
    signed: bool = False,
    digits: int = 3,
    outline: tuple[float, float, float, float] | None = None,
    outline_color: str = KERNEL,
) -> go.Figure:
    """A small matrix with its numbers written in the cells.

    Args:
        values: (rows, columns), at most about 16 × 16 to stay readable.
        digits: significant digits.
        outline: top row, left column, height, width of a frame drawn around cells.
        outline_color: colour of that frame.
    """
    words = np.vectorize(lambda value: f"{value:.{digits}g}", otypes=[object])(values)
    rows = values.shape[0]
    figure = heatmap(
        values, signed, title, height or 60 + 34 * max(rows, 3), colorscale, limits, showscale=False, text=words
    )
    figure.update_traces(xgap=1, ygap=1, textfont_size=13)
    if outline:
        top, left, tall, wide = outline
        figure.add_shape(
            type="rect",
            x0=left - 0.5,
            x1=left + wide - 0.5,
            y0=top - 0.5,
            y1=top + tall - 0.5,
            line={"color": outline_color, "width": 3},
        )
    return figure


def bars(
    labels: Sequence[str],
    values: Sequence[float],
    highlight: int | None = None,
    percent: bool = True,
    height: int | None = None,
    title: str | None = None,
    color: str = QUIET,
    highlight_color: str = OUTPUT,
) -> go.Figure:
    """Horizontal bars in the given order, the first on top, each with its value written beside it.

    Args:
        labels, values: one bar each; values in 0–1 when `percent`.
        highlight: index of the bar that stands out.
    """
    colors = [highlight_color if i == highlight else color for i in range(len(values))]
    words = [f"{value:.1%}" if percent else f"{value:.4g}" for value in values]
    trace = go.Bar(
        x=list(values),
        y=[str(label) for label in labels],
        orientation="h",
        marker_color=colors,
        text=words,
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    figure = styled(go.Figure(trace), height or 40 + 26 * len(values), title)
    top = 1.0 if percent else max(max(values, default=1.0), 1e-9)
    figure.update_xaxes(visible=False, range=[min(0.0, min(values, default=0.0)), top * 1.22])
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    return figure


def picture(image: np.ndarray, height: int = 360, title: str | None = None) -> go.Figure:
    """A picture one can hover, click and draw on: uint8 grey or RGB, origin top left."""
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    figure = go.Figure(go.Image(z=image, hovertemplate="row %{y}, column %{x}<br>%{z}<extra></extra>"))
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, constrain="domain")
    return styled(figure, height, title)


def history(rows: Sequence[dict[str, float]], height: int = 240) -> go.Figure:
    """Loss of training and validation over the epochs (figure 2.19); one dict an epoch, as CSVLogger writes it."""
    figure = go.Figure()
    epochs = [index + 1 for index in range(len(rows))]
    for key, name, color in (("loss", "training loss", INPUT), ("val_loss", "validation loss", ACCENT)):
        if any(key in row for row in rows):
            figure.add_scatter(x=epochs, y=[row.get(key) for row in rows], name=name, mode="lines", line_color=color)
    figure.update_xaxes(title_text="epoch")
    return styled(figure, height)
