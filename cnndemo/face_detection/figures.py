"""Charts of the face detection page."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import plotly.graph_objects as go

from cnndemo.face_detection.conditions import Trial
from cnndemo.face_detection.haar import Response
from cnndemo.figures import heatmap, styled
from cnndemo.palette import ACCENT, INPUT, KERNEL, OUTPUT, QUIET


def feature(image: np.ndarray, response: Response) -> np.ndarray:
    """The picture with a Haar feature laid on it: light cells white, dark cells black, half transparent."""
    drawn = image.astype(np.float32)
    for term in response.terms:
        cell = drawn[term.top : term.top + term.height, term.left : term.left + term.width]
        cell[:] = 0.45 * cell + 0.55 * (255 if term.weight > 0 else 0)
    drawn = drawn.round().astype(np.uint8)
    first, last = response.terms[0], response.terms[-1]
    corner, opposite = (first.left, first.top), (last.left + last.width, last.top + last.height)
    orange = tuple(int(KERNEL[start : start + 2], 16) for start in (1, 3, 5))
    return cv2.rectangle(drawn, corner, opposite, orange, max(1, max(image.shape[:2]) // 250))


def look_ups(response: Response) -> list[dict[str, int]]:
    """The four look-ups of each cell and what they give, a row a cell."""
    return [
        {
            "cell": index + 1,
            "pixels": term.height * term.width,
            **dict(zip("ABCD", term.corners, strict=True)),
            "D − B − C + A": term.total,
            "weight": term.weight,
            "weighted": term.weight * term.total,
        }
        for index, term in enumerate(response.terms)
    ]


def positions(values: np.ndarray, place: tuple[int, int, int, int], height: int = 250) -> go.Figure:
    """The feature's contrast at every position, and where it lies now.

    Args:
        values: (rows, columns), by the position of the feature's upper left corner.
        place: top, left, height, width of the feature.
    """
    top, left, tall, wide = place
    step = max(1, max(values.shape) // 120)  # a coarser grid is as clear and loads faster
    figure = heatmap(values[::step, ::step], signed=True, height=height, hover="light minus dark", showscale=False)
    figure.update_traces(x0=wide / 2, dx=step, y0=tall / 2, dy=step)
    figure.add_scatter(
        x=[left + wide / 2],
        y=[top + tall / 2],
        mode="markers",
        marker={"symbol": "circle-open", "size": 14, "color": KERNEL, "line": {"width": 3}},
        hoverinfo="skip",
        showlegend=False,
    )
    return figure


def told(trials: Sequence[Trial]) -> str:
    """Which condition who masters, in words."""
    names = [[trial.condition for trial in trials if trial.overlaps[who]] for who in (0, 1)]
    return f"The cascade finds the face: {', '.join(names[0])}. The network: {', '.join(names[1]) or 'never'}."


def assumptions(
    chance: dict[str, np.ndarray], faces: dict[str, dict[str, float]], here: str | None = None, height: int = 420
) -> go.Figure:
    """Both assumptions about faces at once: a dot a square.

    Args:
        chance: assumption -> values in random squares without faces.
        faces: name of a picture -> assumption -> value in its face.
        here: the picture to point out.
    """
    first, second = chance
    figure = go.Figure()
    figure.add_scatter(
        x=chance[first],
        y=chance[second],
        mode="markers",
        name="squares without a face",
        marker={"color": QUIET, "size": 5},
        hovertemplate="%{x:.2f}, %{y:.2f}<extra>no face</extra>",
    )
    others = [name for name in faces if name != here]
    for title, names, color, size in (("faces", others, OUTPUT, 11), ("this face", [here], ACCENT, 15)):
        shown = [name for name in names if name in faces]
        figure.add_scatter(
            x=[faces[name][first] for name in shown],
            y=[faces[name][second] for name in shown],
            mode="markers",
            name=title,
            text=shown,
            marker={"color": color, "size": size, "symbol": "diamond", "line": {"color": "white", "width": 1}},
            hovertemplate="%{text}: %{x:.2f}, %{y:.2f}<extra>face</extra>",
        )
    figure.add_hline(0, line={"color": QUIET, "width": 1})
    figure.add_vline(0, line={"color": QUIET, "width": 1})
    figure.update_xaxes(title_text=first.lower())
    figure.update_yaxes(title_text=second.lower())
    return styled(figure, height)


def conditions(rows: list[tuple[str, float, float]], height: int | None = None) -> go.Figure:
    """How well each detector's best box agrees with the face, in each condition.

    Args:
        rows: condition, overlap of the cascade's box, overlap of the network's box, 0 to 1.
    """
    names = [row[0] for row in rows]
    figure = go.Figure()
    for name, color, column in (("cascade", KERNEL, 1), ("network", INPUT, 2)):
        figure.add_bar(
            x=[row[column] for row in rows],
            y=names,
            name=name,
            orientation="h",
            marker_color=color,
            text=["" if row[column] else "not found" for row in rows],
            textposition="outside",
            hovertemplate=f"%{{y}}, {name}: %{{x:.2f}}<extra></extra>",
        )
    figure.update_xaxes(range=[0, 1.05], title_text="overlap with the face")
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(bargap=0.25)
    return styled(figure, height or 60 + 44 * len(rows))
