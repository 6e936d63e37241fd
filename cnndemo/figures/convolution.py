"""Charts of the convolution page: the slide (figure 1.1), and a picture as a landscape (figure 1.3)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnndemo import convolution
from cnndemo.figures import ACCENT, INPUT, KERNEL, OUTPUT, QUIET, styled

SHOWN = (-4.0, 5.0)
FILL = "rgba(0, 158, 115, 0.35)"
FRAME_MILLISECONDS = 60


def _thin(t: np.ndarray, *curves: np.ndarray, every: int = 3) -> tuple[np.ndarray, ...]:
    """The part that is shown, every third sample, in float32: enough for the eye, light for the browser."""
    keep = np.flatnonzero((t >= SHOWN[0]) & (t <= SHOWN[1]))[::every]
    return tuple(values[keep].astype(np.float32) for values in (t, *curves))


def slide(f: convolution.Curve, g: convolution.Curve, at: float, flip: bool, frames: int = 46) -> go.Figure:
    """Above: f, the moved g and their product, filled. Below: the result, with the point reached. Plays by itself."""
    t, result = convolution.convolve_curves(f, g, flip)
    now = convolution.overlap(f, g, at, flip)
    tau, still, moved, product = _thin(now["tau"], now["f"], now["moved"], now["product"])
    places, heights = _thin(t, result)
    figure = Film(_frames(f, g, flip, frames))
    make_subplots(rows=2, cols=1, vertical_spacing=0.16, row_heights=[0.55, 0.45], figure=figure)
    moved_name = "g, flipped and moved to t" if flip else "g, moved to t"
    figure.add_scatter(x=tau, y=still, name="f", line={"color": INPUT, "width": 2}, row=1, col=1)
    figure.add_scatter(x=tau, y=moved, name=moved_name, line={"color": KERNEL, "width": 2}, row=1, col=1)
    figure.add_scatter(
        x=tau, y=product, name="product, area filled", fill="tozeroy", fillcolor=FILL, row=1, col=1,
        line={"color": OUTPUT, "width": 1},
    )  # fmt: skip
    result_name = "f * g" if flip else "f ⋆ g"
    figure.add_scatter(x=places, y=heights, name=result_name, line={"color": OUTPUT, "width": 2}, row=2, col=1)
    figure.add_scatter(
        x=[at], y=[now["area"]], name="the area at t", mode="markers", row=2, col=1,
        marker={"color": ACCENT, "size": 12}, hovertemplate="t = %{x:.2f}<br>area %{y:.4f}<extra></extra>",
    )  # fmt: skip
    tallest = max(float(still.max()), float(g(now["tau"]).max()), 0.1)
    figure.update_yaxes(range=[0, tallest * 1.08], row=1, col=1)
    figure.update_yaxes(range=[0, max(float(heights.max()), 0.1) * 1.12], row=2, col=1)
    figure.update_xaxes(range=SHOWN, fixedrange=True)
    figure.update_xaxes(title_text="τ", row=1, col=1)
    figure.update_xaxes(title_text="t", row=2, col=1)
    figure.update_yaxes(fixedrange=True)
    styled(figure, 540)
    figure.update_layout(updatemenus=[_player()], legend={"y": 1.03}, margin={"t": 30, "b": 64})
    return figure


class Film(go.Figure):
    """A figure with frames given as plain dictionaries: Plotly's own check of each frame takes ten times as long."""

    def __init__(self, film: tuple[dict, ...]) -> None:
        super().__init__()
        self.__dict__["_film"] = film

    def to_dict(self) -> dict:
        return super().to_dict() | {"frames": list(self.__dict__["_film"])}


@lru_cache(maxsize=32)
def _frames(f: convolution.Curve, g: convolution.Curve, flip: bool, count: int) -> tuple[dict, ...]:
    """What changes while t runs over the shown range: the moved g, the product, the point."""
    frames = []
    for at in np.linspace(SHOWN[0], SHOWN[1], count):
        now = convolution.overlap(f, g, float(at), flip, step=0.02)
        tau, moved, product = _thin(now["tau"], now["moved"], now["product"])
        x = tau.round(2).tolist()
        data = [
            {"x": x, "y": np.round(moved, 4).tolist()},
            {"x": x, "y": np.round(product, 4).tolist()},
            {"x": [float(at)], "y": [now["area"]]},
        ]
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
    figure.update_layout(
        scene={
            "xaxis": {"title": "x", "showbackground": False, "color": QUIET},
            "yaxis": {"title": "y", "autorange": "reversed", "showbackground": False, "color": QUIET},
            "zaxis": {"title": "brightness", "range": [0, 260], "showbackground": False, "color": QUIET},
            "aspectratio": {"x": 1, "y": heights.shape[0] / heights.shape[1], "z": 0.45},
            "camera": {"eye": {"x": 0.25, "y": 1.1, "z": 1.0}, "center": {"x": 0, "y": 0, "z": -0.15}},
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
