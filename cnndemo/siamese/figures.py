"""Charts and drawings of the Siamese networks page. Anchor blue, positive green, negative orange-red."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from cnndemo.figures import styled
from cnndemo.palette import ACCENT, INPUT, OKABE_ITO, OUTPUT, QUIET
from cnndemo.siamese.losses import Triplet

ANCHOR, POSITIVE, NEGATIVE = INPUT, OUTPUT, ACCENT
# Ten classes need ten colours: Okabe and Ito's without black, and three darker ones. The digit itself is written too.
CLASSES = (*OKABE_ITO[:6], "#B8A000", "#7F7F7F", "#8C564B", "#17789C")
Shapes = list[dict[str, Any]]


def distances(
    same: np.ndarray, different: np.ndarray, threshold: float, mark: float, height: int = 210, unit: str = "distance"
) -> go.Figure:
    """Histograms of the distances of known pairs, the threshold, and the visitor's own pair."""
    top = float(max(same.max(), different.max(), mark)) * 1.02
    edges = np.linspace(0, top, 71)
    figure = go.Figure()
    for values, name, color in ((same, "same digit", POSITIVE), (different, "different digits", NEGATIVE)):
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=np.histogram(values, edges)[0],
            name=name,
            marker_color=color,
            opacity=0.65,
            hovertemplate=f"{name}<br>{unit} %{{x:.3f}}<br>%{{y}} pairs<extra></extra>",
        )
    figure.add_vline(threshold, line={"color": QUIET, "width": 2, "dash": "dash"})
    figure.add_vline(mark, line={"color": ANCHOR, "width": 4})
    words = {"yref": "paper", "showarrow": False}
    figure.add_annotation(x=mark, y=1.0, text="your pair", yanchor="bottom", **words)
    figure.add_annotation(x=threshold, y=0.86, text="threshold", xanchor="left", xshift=4, **words)
    figure.update_xaxes(title_text=unit, range=[0, top])
    figure.update_yaxes(title_text="pairs", type="log", dtick=1)
    figure.update_layout(barmode="overlay", bargap=0, legend={"y": 1.08})
    return styled(figure, height)


def embeddings(a: np.ndarray, b: np.ndarray, height: int = 210) -> go.Figure:
    """Two embeddings, coordinate by coordinate, and the squares of their differences: three rows of a heat map."""
    values = np.stack([a, b, (a - b) ** 2])
    figure = go.Figure(
        go.Heatmap(
            z=values,
            y=["A", "B", "(A − B)²"],
            colorscale="Viridis",
            zmin=0,
            colorbar={"thickness": 10, "outlinewidth": 0},
            hovertemplate="coordinate %{x}<br>%{y} = %{z:.4f}<extra></extra>",
            ygap=6,
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text="coordinate of the embedding", showgrid=False)
    return styled(figure, height)


def contrastive(
    distance: np.ndarray, same: np.ndarray, different: np.ndarray, margin: float, mark: float, height: int = 320
) -> go.Figure:
    """Contrastive loss over the distance for both kinds of pair, with the visitor's pair on each curve."""
    figure = go.Figure()
    for values, name, color in ((same, "same: pull", POSITIVE), (different, "different: push", NEGATIVE)):
        figure.add_scatter(x=distance, y=values, name=name, line={"color": color, "width": 3})
        figure.add_scatter(
            x=[mark],
            y=[np.interp(mark, distance, values)],
            showlegend=False,
            marker={"size": 12, "color": color},
            hovertemplate=f"{name}<br>distance %{{x:.3f}}<br>loss %{{y:.3f}}<extra></extra>",
        )
    figure.add_vline(margin, line={"color": QUIET, "dash": "dash"})
    figure.add_annotation(x=margin, y=1, yref="paper", text="margin", showarrow=False, xanchor="left", xshift=4)
    figure.update_xaxes(title_text="distance")
    figure.update_yaxes(title_text="loss of the pair", rangemode="tozero")
    return styled(figure, height)


def triplet_shapes(points: dict, state: Triplet, margin: float, paths: np.ndarray) -> Shapes:
    """What lies behind the three points: the regions for the negative, distances, gradient steps, and the descent."""
    anchor, positive, negative = (points[name] for name in "APN")
    near, far = np.sqrt(state.to_positive), np.sqrt(state.to_positive + margin)
    centre = {"kind": "circle", "x": anchor[0], "y": anchor[1]}
    shapes: Shapes = [
        {"kind": "circle", "x": 0, "y": 0, "r": 99, "fill": POSITIVE, "opacity": 0.10},
        centre | {"r": far, "fill": "#F0E442", "opacity": 0.45, "color": QUIET},
        centre | {"r": near, "fill": NEGATIVE, "opacity": 0.35, "color": QUIET},
    ]
    for name, start, end in (("d₁", anchor, positive), ("d₂", positive, negative), ("d₃", anchor, negative)):
        shapes += [_line(start, end, "currentColor", dash="6 4", width=1.5), _word(name, start, end)]
    for path, color in zip(paths.transpose(1, 0, 2), (ANCHOR, POSITIVE, NEGATIVE), strict=True):
        inside = path[: int(np.argmax(np.abs(path).max(axis=1) > 9)) or len(path)]
        if len(inside) > 1:
            shapes.append({"kind": "line", "points": inside.tolist(), "color": color, "width": 3, "arrow": True})
    colors = (ANCHOR, POSITIVE, NEGATIVE)
    for point, gradient, color in zip((anchor, positive, negative), state.gradients, colors, strict=True):
        shapes.append(_line(point, point - 0.25 * gradient, color, width=5, arrow=True))
    return shapes


def distance_shapes(points: dict) -> Shapes:
    """The straight way and the way round the blocks, and all points as far from p₁ by either distance (figure 5.6)."""
    start, end = points["1"], points["2"]
    corner = np.array([end[0], start[1]])
    l2, l1 = float(np.hypot(*(end - start))), float(np.abs(end - start).sum())
    diamond = start + l1 * np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]])
    return [
        {"kind": "circle", "x": start[0], "y": start[1], "r": l2, "fill": INPUT, "opacity": 0.07, "color": INPUT},
        {"kind": "line", "points": diamond.tolist(), "color": ACCENT, "width": 2},
        _line(start, end, INPUT, width=4),
        {"kind": "line", "points": [start.tolist(), corner.tolist(), end.tolist()], "color": ACCENT, "width": 4},
    ]


def unit_circles(height: int = 300) -> go.Figure:
    """All points at distance 1 from the origin by L1, L2 and the largest coordinate."""
    turn = np.linspace(0, 2 * np.pi, 181)
    circle = np.stack([np.cos(turn), np.sin(turn)])
    figure = go.Figure()
    for name, points, color in (
        ("L1 = 1", circle / np.abs(circle).sum(axis=0), ACCENT),
        ("L2 = 1", circle, INPUT),
    ):
        figure.add_scatter(x=points[0], y=points[1], name=name, line={"color": color, "width": 3})
    figure.update_xaxes(range=[-1.2, 1.2], constrain="domain", title_text="first coordinate")
    figure.update_yaxes(scaleanchor="x", title_text="second")
    return styled(figure, height)


def _line(start: np.ndarray, end: np.ndarray, color: str, **more) -> dict[str, Any]:
    return {"kind": "line", "points": [list(map(float, start)), list(map(float, end))], "color": color, **more}


def _word(text: str, start: np.ndarray, end: np.ndarray) -> dict[str, Any]:
    """A word beside the middle of a line, on its left as one walks."""
    x, y = end - start
    middle = (start + end) / 2 + 0.2 * np.array([-y, x]) / max(float(np.hypot(x, y)), 1e-9)
    return {"kind": "text", "x": float(middle[0]), "y": float(middle[1]), "text": text}


def descent(losses: np.ndarray, paths: np.ndarray, height: int = 260) -> go.Figure:
    """Loss and both distances of a triplet, step by step of gradient descent."""
    to_positive = np.linalg.norm(paths[:, 0] - paths[:, 1], axis=1)
    to_negative = np.linalg.norm(paths[:, 0] - paths[:, 2], axis=1)
    figure = go.Figure()
    for values, name, color, width in (
        (losses, "loss", ANCHOR, 4),
        (to_positive, "d₁ to the positive", POSITIVE, 2),
        (to_negative, "d₃ to the negative", NEGATIVE, 2),
    ):
        figure.add_scatter(y=values, name=name, line={"color": color, "width": width})
    figure.update_xaxes(title_text="step of gradient descent")
    return styled(figure, height)


def collapse(scale: np.ndarray, curves: dict[str, np.ndarray], height: int = 280) -> go.Figure:
    """Mean triplet loss when all embeddings are multiplied by one number."""
    figure = go.Figure()
    for (name, values), color in zip(curves.items(), (NEGATIVE, ANCHOR), strict=False):
        figure.add_scatter(x=scale, y=values, name=name, line={"color": color, "width": 3})
        best = int(np.argmin(values))
        figure.add_scatter(
            x=[scale[best]], y=[values[best]], marker={"size": 12, "color": color}, showlegend=False, hoverinfo="skip"
        )
    figure.update_xaxes(title_text="all embeddings multiplied by")
    figure.update_yaxes(title_text="mean loss", rangemode="tozero")
    return styled(figure, height)


def space(
    points: np.ndarray,
    labels: np.ndarray,
    picked: list[int],
    own: np.ndarray | None = None,
    title: str | None = None,
    height: int = 250,
) -> go.Figure:
    """A map of embeddings, each written as its digit; picked points are ringed, the visitor's digit is a star.

    Args:
        points: (n, 2).
        labels: (n,) the digits.
        picked: rows of `points` to ring.
        own: (2,) where the visitor's own digit falls.
    """
    figure = go.Figure(
        go.Scatter(
            x=points[:, 0],
            y=points[:, 1],
            mode="markers+text",
            text=[str(label) for label in labels],
            textfont={"color": [CLASSES[label] for label in labels], "size": 12},
            marker={"size": 14, "color": "rgba(0,0,0,0)"},
            hovertemplate="%{text}: click to compare<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}, "textfont": {"color": None}},
            showlegend=False,
        )
    )
    if picked:
        figure.add_scatter(
            x=points[picked, 0],
            y=points[picked, 1],
            mode="markers",
            marker={"size": 22, "color": "rgba(0,0,0,0)", "line": {"color": ACCENT, "width": 3}},
            hoverinfo="skip",
            showlegend=False,
        )
    if own is not None:
        figure.add_scatter(
            x=[own[0]],
            y=[own[1]],
            mode="markers",
            marker={"size": 18, "symbol": "star", "color": ACCENT, "line": {"color": "white", "width": 1.5}},
            hovertemplate="your digit<extra></extra>",
            showlegend=False,
        )
    figure.update_xaxes(showticklabels=False)
    figure.update_yaxes(showticklabels=False)
    figure.update_layout(clickmode="event+select", uirevision="space")
    return styled(figure, height, title)


def few_shot(shots: list[int], curves: dict[str, list[float]], at: int, height: int = 300) -> go.Figure:
    """Accuracy on the new class over the number of examples, for two networks and for raw pixels."""
    figure = go.Figure()
    for (name, values), color in zip(curves.items(), (ANCHOR, OUTPUT, QUIET), strict=True):
        figure.add_scatter(x=shots, y=values, name=name, mode="lines+markers", line={"color": color, "width": 3})
    figure.add_vline(at, line={"color": ACCENT, "dash": "dash"})
    figure.update_xaxes(title_text="examples of each class", tickvals=shots)
    figure.update_yaxes(title_text="named rightly", tickformat=".0%", range=[0, 1])
    return styled(figure, height)


def tower(parameters: int, triplet: bool = False) -> str:
    """Two or three pictures through one base network, in Graphviz' language (figures 5.3, 5.4 and 5.8).

    Args:
        parameters: of the base network.
        triplet: anchor, positive and negative instead of two pictures.
    """
    ways = {"anchor": ANCHOR, "positive": POSITIVE, "negative": NEGATIVE} if triplet else {"A": INPUT, "B": ACCENT}
    kind = "" if triplet else "picture "
    last = "triplet loss" if triplet else "Euclidean distance\\n0 parameters"
    lines = [
        f'{name} [label="{kind}{name}\\n28 × 28 × 1"]; out_{name} [label="embedding\\n128"];'
        f'{name} -> base [color="{color}"]; base -> out_{name} [color="{color}"]; out_{name} -> last;'
        for name, color in ways.items()
    ]
    return f"""
    digraph {{
      rankdir=LR; bgcolor="transparent"; nodesep=0.15; ranksep=0.25;
      node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=12, margin="0.04,0.04", color="#808080"];
      node [fillcolor="#E8EEF4", width=0.4]; edge [color="#808080"];
      base [label="base network\\none set of weights\\n{parameters:,} parameters", fillcolor="#FBE3B0"];
      last [label="{last}", fillcolor="#CDE9DD"];
      {" ".join(lines)}
    }}
    """


def montage(maps: np.ndarray, columns: int, gap: int = 1) -> np.ndarray:
    """Feature maps side by side as one grey picture.

    Args:
        maps: (height, width, channels), zero or more.
        columns: maps a row.
        gap: pixels between them.

    Returns:
        uint8 (rows · (height + gap), columns · (width + gap)), each map on the scale of the largest value.
    """
    height, width, channels = maps.shape
    rows = -(-channels // columns)
    sheet = np.full((rows * (height + gap), columns * (width + gap)), 255, np.uint8)
    grey = np.round(255 * maps / max(float(maps.max()), 1e-9)).astype(np.uint8)
    for channel in range(channels):
        top, left = channel // columns * (height + gap), channel % columns * (width + gap)
        sheet[top : top + height, left : left + width] = grey[:, :, channel]
    return sheet[: sheet.shape[0] - gap, : sheet.shape[1] - gap]
