"""Charts of the face verification page."""

from __future__ import annotations

import cv2
import numpy as np
import plotly.graph_objects as go
from PIL import ImageColor
from plotly.subplots import make_subplots

from cnndemo.face_detection import turned
from cnndemo.face_verification import Face
from cnndemo.face_verification.alignment import crop, mean_face
from cnndemo.face_verification.rates import STEP, Rates
from cnndemo.figures import styled
from cnndemo.palette import ACCENT, INPUT, KERNEL, OUTPUT, QUIET


def ruler(rates: Rates, threshold: float, here: float | None = None, height: int = 320) -> go.Figure:
    """The distances measured on pairs of one person and of two, the threshold, and the visitor's pair among them.

    Args:
        rates: counted distances.
        threshold: below it a pair is accepted.
        here: distance of the visitor's pair.
    """
    wide = 2  # bins of the card shown as one
    middles = rates.edges.reshape(-1, wide).mean(axis=1) + STEP / 2
    figure = go.Figure()
    for name, counts, color in (
        ("one person", rates.same, OUTPUT),
        ("two people", rates.different, ACCENT),
    ):
        figure.add_bar(
            x=middles,
            y=counts.reshape(-1, wide).sum(axis=1),
            name=name,
            marker_color=color,
            opacity=0.65,
            width=wide * STEP,
            hovertemplate=f"%{{y}} pairs of {name}<br>at %{{x:.2f}}<extra></extra>",
        )
    figure.add_vline(threshold, line={"color": QUIET, "width": 2, "dash": "dash"})
    figure.add_annotation(
        x=threshold, y=1, yref="paper", text=f"threshold {threshold:.2f}", showarrow=False, xanchor="left", xshift=4
    )
    if here is not None:
        figure.add_vline(here, line={"color": INPUT, "width": 3})
        figure.add_annotation(
            x=here, y=1, yref="paper", yanchor="bottom", text=f"<b>this pair {here:.2f}</b>", showarrow=False
        )
    last = np.flatnonzero((rates.same + rates.different)[:-1]).max(initial=0) * STEP  # the last bin: no face found
    figure.update_xaxes(title_text="distance", range=[0, max(1.15, last + 0.05, (here or 0) + 0.1)])
    figure.update_yaxes(title_text="pairs")
    figure.update_layout(barmode="overlay", bargap=0, legend={"y": 1.08})
    return styled(figure, height)


def roc(rates: Rates, threshold: float, naive: Rates | None = None, height: int = 320) -> go.Figure:
    """Friends admitted against strangers admitted, for every threshold; the current one marked."""
    figure = go.Figure()
    for name, measured, color in (("aligned", rates, OUTPUT), ("detector's box alone", naive, KERNEL)):
        if measured is None:
            continue
        thresholds, false_accept, true_accept = measured.curve()
        figure.add_scatter(
            x=false_accept,
            y=true_accept,
            name=name,
            mode="lines",
            line_color=color,
            customdata=thresholds,
            hovertemplate="threshold %{customdata:.2f}<br>strangers %{x:.2%}, friends %{y:.2%}<extra></extra>",
        )
    figure.add_scatter(
        x=[rates.false_accept(threshold)],
        y=[1 - rates.false_reject(threshold)],
        mode="markers",
        name=f"threshold {threshold:.2f}",
        marker={"color": INPUT, "size": 12, "symbol": "diamond"},
        hovertemplate="strangers %{x:.2%}, friends %{y:.2%}<extra></extra>",
    )
    figure.update_xaxes(title_text="strangers let in", tickformat=".0%", range=[-0.01, 0.5])
    figure.update_yaxes(title_text="friends let in", tickformat=".0%", range=[0.5, 1.01])
    return styled(figure, height)


def embeddings(first: np.ndarray, second: np.ndarray, height: int = 340) -> go.Figure:
    """Two embeddings number by number, and below what each difference adds to the squared distance.

    Args:
        first, second: float (128,).
    """
    figure = make_subplots(2, 1, shared_xaxes=True, row_heights=[0.65, 0.35], vertical_spacing=0.06)
    for name, values, color in (("first", first, INPUT), ("second", second, KERNEL)):
        line = {"color": color, "width": 1.5}
        figure.add_scatter(y=values, name=name, mode="lines", line=line, hovertemplate="%{y:.3f}", row=1, col=1)
    figure.add_bar(
        y=(first - second) ** 2, name="squared difference", marker_color=ACCENT, hovertemplate="%{y:.4f}", row=2, col=1
    )
    figure.update_xaxes(title_text="which of the 128 numbers", row=2, col=1)
    figure.update_layout(hovermode="x unified")
    return styled(figure, height)


def marked(image: np.ndarray, face: Face, side: int = 300) -> np.ndarray:
    """The face with its 68 landmarks, cut out of the picture, upright; uint8 (side, side, 3)."""
    image = turned(image, face.turn)
    middle, reach = face.landmarks.mean(axis=0), 1.3 * np.ptp(face.landmarks, axis=0).max()
    left, top = middle - reach / 2
    drawn = crop(image, left, top, reach, side).round().astype(np.uint8)
    return dotted(drawn, (face.landmarks - (left, top)) * side / reach, ACCENT)


def fitted(face: Face, scale: int = 2) -> np.ndarray:
    """The aligned face with the mean face's points on it; uint8 (300, 300, 3)."""
    large = cv2.resize(face.chip, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    return dotted(large, mean_face() * scale, INPUT)


def dotted(image: np.ndarray, points: np.ndarray, color: str) -> np.ndarray:
    """Draw points (n, 2) on a picture, in place; returns it."""
    rgb = ImageColor.getrgb(color)
    for x, y in points:
        cv2.circle(image, (round(x), round(y)), 3, (255, 255, 255), -1, cv2.LINE_AA)
        cv2.circle(image, (round(x), round(y)), 2, rgb, -1, cv2.LINE_AA)
    return image
