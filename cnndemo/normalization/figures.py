"""Charts of the normalization page: bowls with their descents, loss curves, channel histograms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnndemo.figures import styled
from cnndemo.normalization.descent import Problem
from cnndemo.palette import ACCENT, INPUT, OKABE_ITO, OUTPUT, QUIET

LEVELS = (0.02, 0.08, 0.2, 0.4, 0.7, 1.0, 1.5, 2.2)
FRAMES = 40


def _ring(problem: Problem, level: float) -> np.ndarray:
    """The contour line of an excess loss, (2, points): an ellipse about the best weights."""
    curvatures, axes = np.linalg.eigh(problem.hessian)
    turn = np.linspace(0, 2 * np.pi, 121)
    radii = np.sqrt(2 * level / np.maximum(curvatures, 1e-300))
    return problem.best[:, None] + axes @ (radii[:, None] * np.stack([np.cos(turn), np.sin(turn)]))


def window(problem: Problem, start: np.ndarray, same_scale: bool) -> np.ndarray:
    """Axis limits, (2, 2), that hold the contour line through the start."""
    reach = 1.12 * np.sqrt(2 * float(problem.excess(start)) * np.diag(np.linalg.inv(problem.hessian)))
    reach = np.maximum(reach, 1e-12)
    if same_scale:
        reach = np.full(2, reach.max())
    return np.stack([problem.best - reach, problem.best + reach], axis=1)


def bowls(
    problems: Sequence[Problem],
    paths: Sequence[np.ndarray],
    titles: Sequence[str],
    same_scale: bool = True,
    height: int = 340,
) -> go.Figure:
    """Contour lines of the loss over the two weights, one bowl beside the other, with their descents (figure 3.1).

    One play button moves both.

    Args:
        paths: float (steps + 1, 2), the weights; each is drawn up to where it leaves the picture for good.
        titles: one for each bowl.
    """  # fmt: skip
    figure = make_subplots(1, len(problems), subplot_titles=list(titles), horizontal_spacing=0.09)
    shown, moving = [], []
    for column, (problem, path) in enumerate(zip(problems, paths, strict=True), start=1):
        moving.append(len(figure.data) + len(LEVELS))
        shown.append(_within(problem, path, window(problem, path[0], same_scale)))
        _bowl(figure, column, problem, shown[-1], window(problem, path[0], same_scale), same_scale)
    longest = max(map(len, shown))
    stops = np.unique(np.linspace(1, longest, min(FRAMES, longest)).round().astype(int))
    figure.frames = [
        go.Frame(data=[{"type": "scatter", "x": w[:n, 0], "y": w[:n, 1]} for w in shown], traces=moving, name=str(n))
        for n in stops
    ]
    speed = {"frame": {"duration": 60, "redraw": False}, "fromcurrent": False, "transition": {"duration": 0}}
    play = {
        "type": "buttons", "x": 0.5, "xanchor": "center", "y": -0.16, "yanchor": "top", "showactive": False,
        "bgcolor": "rgba(128,128,128,.15)", "borderwidth": 0,
        "buttons": [{"label": "▶ play", "method": "animate", "args": [None, speed]}],
    }  # fmt: skip
    styled(figure, height)
    figure.update_annotations(font_size=13)
    figure.update_layout(updatemenus=[play], margin={"t": 40, "b": 56})
    return figure


def _within(problem: Problem, path: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """The path up to where it leaves the picture for good, and one step more, to show where it flies to."""
    span = np.ptp(limits, axis=1)
    with np.errstate(invalid="ignore"):
        outside = ~np.all(np.abs(path - problem.best) < 10 * span, axis=1)
    last = int(np.argmax(outside)) if outside.any() else len(path)
    shown = path[: max(last, 1)]
    if outside.any() and last < len(path) and np.isfinite(path[last]).all():
        away = path[last] - shown[-1]
        shown = np.vstack([shown, shown[-1] + away * min(1.0, 10 * span.max() / max(np.abs(away).max(), 1e-300))])
    return shown


def _bowl(
    figure: go.Figure, column: int, problem: Problem, shown: np.ndarray, limits: np.ndarray, same_scale: bool
) -> None:
    """Contour lines, the descent and the lowest place, into one column."""
    place = {"row": 1, "col": column}
    start_loss = float(problem.excess(shown[0]))
    for level in LEVELS:
        x, y = _ring(problem, level * start_loss)
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"color": INPUT, "width": 1}, opacity=0.35 + 0.3 * (level <= 1),
            hovertemplate=f"{level:.0%} of the loss at the start<extra></extra>", showlegend=False, **place,
        )  # fmt: skip
    figure.add_scatter(
        x=shown[:, 0], y=shown[:, 1], mode="lines+markers", name="descent",
        line={"color": ACCENT, "width": 2}, marker={"size": 5}, customdata=np.arange(len(shown)), showlegend=False,
        hovertemplate="step %{customdata}<br>w₁ %{x:.4g}<br>w₂ %{y:.4g}<extra></extra>", **place,
    )  # fmt: skip
    figure.add_scatter(
        x=[problem.best[0]], y=[problem.best[1]], mode="markers", showlegend=False,
        marker={"symbol": "cross", "size": 11, "color": OUTPUT}, hovertemplate="lowest loss<extra></extra>", **place,
    )  # fmt: skip
    figure.update_xaxes(range=limits[0], title_text="w₁", constrain="domain", nticks=5, fixedrange=True, **place)
    square = {"scaleanchor": "x" if column == 1 else f"x{column}"} if same_scale else {}
    figure.update_yaxes(
        range=limits[1], title_text="w₂" if column == 1 else None, constrain="domain", nticks=5, fixedrange=True,
        **square, **place,
    )  # fmt: skip


def losses(curves: dict[str, np.ndarray], tolerance: float, height: int = 240) -> go.Figure:
    """Excess loss over the steps, as a share of the start's, on a logarithmic axis; one line a name."""
    figure = go.Figure()
    for (name, values), color in zip(curves.items(), (INPUT, OUTPUT), strict=True):
        share = values / values[0] if values[0] > 0 else values
        share = np.where(np.isfinite(share) & (share < 1e12), np.maximum(share, 1e-12), np.nan)
        figure.add_scatter(
            x=np.arange(len(share)), y=share, name=name, line_color=color,
            hovertemplate="step %{x}: %{y:.3g}<extra></extra>",
        )  # fmt: skip
    figure.add_hline(y=tolerance, line={"color": QUIET, "dash": "dot"})
    figure.update_xaxes(title_text="step")
    figure.update_yaxes(type="log", title_text="loss above the lowest", exponentformat="power", nticks=6)
    return styled(figure, height)


def histograms(centres: np.ndarray, shares: np.ndarray, title: str, height: int = 220) -> go.Figure:
    """How often each value occurs in red, green and blue; centres and shares (3, bins)."""
    figure = go.Figure()
    colors = (OKABE_ITO[3], OKABE_ITO[2], OKABE_ITO[0])
    for name, x, y, color in zip(("red", "green", "blue"), centres, shares, colors, strict=True):
        shown = np.flatnonzero(y)
        x, y = x[shown[0] : shown[-1] + 1], y[shown[0] : shown[-1] + 1]
        figure.add_scatter(
            x=x, y=y, name=name, mode="lines", line={"color": color, "shape": "hvh"},
            hovertemplate=f"{name} %{{x:.3g}}: %{{y:.2%}}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(visible=False)
    styled(figure, height, title)
    figure.update_layout(legend={"x": 1, "xanchor": "right"})
    return figure
