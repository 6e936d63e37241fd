"""Charts of the convolution page: the slide (figure 1.1), and a picture as a landscape (figure 1.3)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import plotly.graph_objects as go

from cnndemo import convolution
from cnndemo.figures import styled
from cnndemo.figures.plain import Plain
from cnndemo.palette import ACCENT, INPUT, KERNEL, OUTPUT

SHOWN = (-4.0, 5.0)
FILL = "rgba(0, 158, 115, 0.35)"
GRID = "#808080"  # 3.9 to 1 on white, 4.7 to 1 on the dark theme's ground
FRAME_MILLISECONDS = 60


def _shown(t: np.ndarray, *curves: np.ndarray, every: int = 3) -> list[list[float]]:
    """The part that is shown, every third sample, rounded: enough for the eye, light for the browser."""
    keep = np.flatnonzero((t >= SHOWN[0] - 1e-9) & (t <= SHOWN[1] + 1e-9))[::every]
    return [np.round(values[keep], 3).tolist() for values in (t, *curves)]


def slide(f: convolution.Curve, g: convolution.Curve, at: float, flip: bool, frames: int = 46) -> go.Figure:
    """Above: f, the moved g and their product, filled. Below: the result, with the point reached. Plays by itself."""
    t, result = convolution.convolve_curves(f, g, flip)
    now = convolution.overlap(f, g, at, flip)
    tau, still, moved, product = _shown(now["tau"], now["f"], now["moved"], now["product"])
    places, heights = _shown(t, result)
    moved_name = "g, flipped and moved to t" if flip else "g, moved to t"
    upper, lower = {"type": "scatter", "mode": "lines"}, {"type": "scatter", "xaxis": "x2", "yaxis": "y2"}
    data = [
        upper | {"x": tau, "y": still, "name": "f", "line": {"color": INPUT, "width": 2}},
        upper | {"x": tau, "y": moved, "name": moved_name, "line": {"color": KERNEL, "width": 2}},
        upper | {"x": tau, "y": product, "name": "product, area filled", "fill": "tozeroy", "fillcolor": FILL,
                 "line": {"color": OUTPUT, "width": 1}},
        lower | {"x": places, "y": heights, "name": "f * g" if flip else "f ⋆ g", "mode": "lines",
                 "line": {"color": OUTPUT, "width": 2}},
        lower | {"x": [at], "y": [now["area"]], "name": "the area at t", "mode": "markers",
                 "marker": {"color": ACCENT, "size": 12},
                 "hovertemplate": "t = %{x:.2f}<br>area %{y:.4f}<extra></extra>"},
    ]  # fmt: skip
    tallest = max(float(now["f"].max()), float(g(now["tau"]).max()), 0.1)
    fixed = {"fixedrange": True}
    layout = {
        "height": 430,
        "xaxis": {"range": SHOWN, "title": {"text": "τ"}, "anchor": "y", **fixed},
        "yaxis": {"range": [0, tallest * 1.08], "domain": [0.54, 1], "anchor": "x", **fixed},
        "xaxis2": {"range": SHOWN, "title": {"text": "t"}, "anchor": "y2", **fixed},
        "yaxis2": {"range": [0, max(*heights, 0.1) * 1.12], "domain": [0, 0.38], "anchor": "x2", **fixed},
        "updatemenus": [_player()],
        "legend": {"y": 1.03},
        "margin": {"l": 8, "r": 8, "t": 30, "b": 64},
    }
    return Plain(data, layout, _frames(f, g, flip, frames))


@lru_cache(maxsize=32)
def _frames(f: convolution.Curve, g: convolution.Curve, flip: bool, count: int) -> tuple[dict, ...]:
    """What changes while t runs over the shown range: the moved g, the product, the point."""
    frames = []
    for at in np.linspace(SHOWN[0], SHOWN[1], count):
        now = convolution.overlap(f, g, float(at), flip, step=0.02)
        tau, moved, product = _shown(now["tau"], now["moved"], now["product"])
        data = [{"x": tau, "y": moved}, {"x": tau, "y": product}, {"x": [float(at)], "y": [now["area"]]}]
        frames.append({"data": data, "traces": [1, 2, 4]})
    return tuple(frames)


def _player() -> dict:
    """Play and pause, run by the browser alone."""
    play = {"frame": {"duration": FRAME_MILLISECONDS, "redraw": False}, "transition": {"duration": 0}}
    stop = {"frame": {"duration": 0, "redraw": False}, "mode": "immediate"}
    return {
        "type": "buttons",
        "direction": "right",
        "x": 0,
        "y": -0.09,
        "xanchor": "left",
        "yanchor": "top",
        "pad": {"t": 0, "r": 4},
        "showactive": False,
        "bgcolor": "rgba(128,128,128,0.12)",
        "buttons": [
            {"label": "▶ Play", "method": "animate", "args": [None, play | {"fromcurrent": False}]},
            {"label": "❚❚ Pause", "method": "animate", "args": [[None], stop]},
        ],
    }


def landscape(heights: np.ndarray, line: tuple[np.ndarray, np.ndarray, np.ndarray], height: int = 440) -> go.Figure:
    """A picture as a surface that one can turn, with a line across it.

    heights: (h, w) brightness. line: x, y in cells of ``heights``, and brightness.
    """
    figure = go.Figure(
        go.Surface(
            z=heights.astype(np.float32),
            colorscale="Gray",
            showscale=False,
            cmin=0,
            cmax=255,
            contours={"z": {"highlight": False}},
            lighting={"ambient": 0.75, "diffuse": 0.5, "specular": 0.05},
            hovertemplate="x %{x}, y %{y}<br>brightness %{z:.0f}<extra></extra>",
        )
    )
    figure.add_scatter3d(
        x=line[0], y=line[1], z=line[2] + 3, mode="lines", line={"color": ACCENT, "width": 6}, hoverinfo="skip"
    )
    # No colour for words: so they take the theme's, which can be read on light and on dark ground.
    axis = {"showbackground": False, "gridcolor": GRID, "showline": True, "linecolor": GRID, "linewidth": 2}
    figure.update_layout(
        scene={
            "xaxis": {"title": {"text": "x"}, **axis},
            "yaxis": {"title": {"text": "y"}, "autorange": "reversed", **axis},
            "zaxis": {"title": {"text": "brightness"}, "range": [0, 260], **axis},
            "aspectratio": {"x": 1, "y": heights.shape[0] / heights.shape[1], "z": 0.45},
            "camera": {"eye": {"x": 0.3, "y": 1.4, "z": 1.25}, "center": {"x": 0, "y": 0, "z": -0.15}},
            "dragmode": "orbit",
        },
        showlegend=False,
        uirevision="turned",
    )
    styled(figure, height)
    figure.update_layout(margin={"l": 0, "r": 0, "t": 0, "b": 0})
    return figure


def profile(along: np.ndarray, values: np.ndarray, height: int = 190) -> go.Figure:
    """Brightness along the line."""
    figure = go.Figure(
        go.Scatter(
            x=along, y=values, line={"color": ACCENT, "width": 2}, fill="tozeroy", fillcolor="rgba(213,94,0,0.12)",
            hovertemplate="pixel %{x:.0f}: brightness %{y:.0f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title_text="pixels along the line", fixedrange=True)
    figure.update_yaxes(title_text="brightness", range=[0, 260], fixedrange=True)
    return styled(figure, height)
