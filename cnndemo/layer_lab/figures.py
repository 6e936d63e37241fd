"""Charts of the layer lab: curves of activations, a network with dropout, paths to the receptive field."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from cnndemo.figures import styled
from cnndemo.palette import ACCENT, INPUT, KERNEL, OKABE_ITO, OUTPUT, QUIET


def activations(x: np.ndarray, curves: dict[str, np.ndarray], chosen: str, slope: np.ndarray) -> go.Figure:
    """All activations, the chosen one bold with its derivative dashed."""
    figure = go.Figure()
    for (name, values), color in zip(curves.items(), OKABE_ITO, strict=False):
        bold = name == chosen
        figure.add_scatter(
            x=x, y=values, name=name, opacity=1.0 if bold else 0.35, line={"color": color, "width": 4 if bold else 1.5},
            hovertemplate=f"{name}(%{{x:.2f}}) = %{{y:.4f}}<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=x, y=slope, name=f"derivative of {chosen}", line={"color": OKABE_ITO[5], "width": 2, "dash": "dash"},
        hovertemplate="slope at %{x:.2f}: %{y:.4f}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(range=[-2.2, 3.2], fixedrange=True)
    figure.update_xaxes(fixedrange=True, title_text="x")
    return styled(figure, 380)


def network(sizes: Sequence[int], kept: Sequence[np.ndarray], title: str, height: int = 300) -> go.Figure:
    """Layers of units, each joined to all of the next; units that are dropped are empty and lose their lines."""
    spots = [np.linspace(-1, 1, size) * size / max(sizes) for size in sizes]
    on, off = ([], []), ([], [])
    for layer in range(len(sizes) - 1):
        for i, a in enumerate(spots[layer]):
            for j, b in enumerate(spots[layer + 1]):
                lines = on if kept[layer][i] and kept[layer + 1][j] else off
                lines[0].extend([layer, layer + 1, None])
                lines[1].extend([a, b, None])
    figure = go.Figure()
    figure.add_scatter(x=off[0], y=off[1], mode="lines", line={"color": "rgba(128,128,128,.13)"}, hoverinfo="skip")
    figure.add_scatter(x=on[0], y=on[1], mode="lines", line={"color": "rgba(0,114,178,.55)"}, hoverinfo="skip")
    colors = [INPUT] + [KERNEL] * (len(sizes) - 2) + [OUTPUT]
    for layer, (places, alive) in enumerate(zip(spots, kept, strict=True)):
        figure.add_scatter(
            x=[layer] * len(places), y=places, mode="markers",
            text=["kept" if keep else "dropped" for keep in alive],
            hovertemplate=f"layer {layer + 1}: %{{text}}<extra></extra>",
            marker={
                "size": 22, "color": [colors[layer] if keep else "rgba(128,128,128,.15)" for keep in alive],
                "symbol": ["circle" if keep else "circle-x-open" for keep in alive],
                "line": {"color": [colors[layer] if keep else "rgba(128,128,128,.8)" for keep in alive], "width": 2},
            },
        )  # fmt: skip
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True)
    return styled(figure, height, title).update_layout(showlegend=False)


def dropout_average(outputs: np.ndarray, average: np.ndarray, full: float, spread: float) -> go.Figure:
    """Single masked passes as dots, their running mean as a line, and the output without dropout."""
    passes = np.arange(1, len(outputs) + 1)
    band = 2 * spread / np.sqrt(passes)
    figure = go.Figure()
    figure.add_scatter(x=passes, y=full + band, line={"width": 0}, hoverinfo="skip", showlegend=False)
    figure.add_scatter(
        x=passes, y=full - band, line={"width": 0}, fill="tonexty", fillcolor="rgba(0,158,115,.15)", hoverinfo="skip",
        name="where 95 of 100 means lie",
    )  # fmt: skip
    figure.add_scatter(
        x=passes, y=outputs, mode="markers", name="one masked pass", marker={"color": QUIET, "size": 4},
        hovertemplate="pass %{x}: %{y:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(x=passes, y=average, name="mean so far", line={"color": ACCENT, "width": 3})
    figure.add_scatter(
        x=[1, len(passes)], y=[full, full], name="no dropout", line={"color": OUTPUT, "dash": "dash"}, mode="lines"
    )
    figure.update_xaxes(type="log", title_text="passes", fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    return styled(figure, 320)


def paths(counts: np.ndarray) -> go.Figure:
    """How many paths lead from each input pixel to one output pixel, as bars around its middle."""
    places = np.arange(len(counts)) - (len(counts) - 1) / 2
    figure = go.Figure(
        go.Bar(x=places, y=counts, marker_color=INPUT, hovertemplate="pixel %{x}: %{y:.3f}<extra></extra>")
    )
    figure.update_xaxes(title_text="input pixels from the middle of the field", fixedrange=True)
    figure.update_yaxes(title_text="paths, largest = 1", fixedrange=True)
    return styled(figure, 260)
