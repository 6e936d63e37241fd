"""Charts of the filters page: the loupe, and gradients as arrows on a picture."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from cnndemo import filters
from cnndemo.figures import heatmap, picture, styled
from cnndemo.palette import ACCENT, GRAY, KERNEL

REACH = 7  # pixels that the loupe shows on each side of its centre


def loupe(gray: np.ndarray, kernel: np.ndarray, row: int, column: int, border: str, height: int = 340) -> go.Figure:
    """A small part of a picture, pixel by pixel; hover one for its arithmetic, the frame is the kernel's place.

    Args:
        gray: uint8 (height, width); row, column: centre of the loupe and of the frame.
    """
    top, left = max(0, row - REACH), max(0, column - REACH)
    part = gray[top : row + REACH + 1, left : column + REACH + 1]
    size = kernel.shape[0]
    around = filters.neighbourhood(gray, row, column, 2 * REACH + size, border)
    words = [
        [
            filters.arithmetic(around[r : r + size, c : c + size], kernel).replace(" + ", "<br>+ ", 24)
            for c in range(left - column + REACH, left - column + REACH + part.shape[1])
        ]
        for r in range(top - row + REACH, top - row + REACH + part.shape[0])
    ]
    figure = heatmap(part, colorscale=GRAY, limits=(0, 255), height=height, showscale=False)
    figure.update_traces(
        customdata=words, xgap=1, ygap=1, x0=left, y0=top, dx=1, dy=1,
        hovertemplate="row %{y}, column %{x}, grey %{z}<br>%{customdata}<extra></extra>",
    )  # fmt: skip
    reach = size / 2
    figure.add_shape(
        type="rect", x0=column - reach, x1=column + reach, y0=row - reach, y1=row + reach,
        line={"color": KERNEL, "width": 3},
    )  # fmt: skip
    return figure


def gradient_arrows(image: np.ndarray, arrows: np.ndarray, height: int = 380) -> go.Figure:
    """Arrows towards brighter pixels on a faded picture (figure 3.3).

    Args:
        image: uint8 (height, width, 3).
        arrows: (n, 4) row, column, dx, dy, from `edges.arrows`.
    """
    faded = (image // 3 + 150).astype(np.uint8)
    figure = picture(faded, height)
    strength = np.hypot(arrows[:, 2], arrows[:, 3])
    top = max(float(strength.max(initial=0.0)), 1e-9)
    length = max(image.shape[:2]) / 22 * np.sqrt(strength / top) / np.maximum(strength, 1e-9)
    tip_x, tip_y = arrows[:, 1] + length * arrows[:, 2], arrows[:, 0] + length * arrows[:, 3]
    gap = np.full(len(arrows), np.nan)
    figure.add_scatter(
        x=np.stack([arrows[:, 1], tip_x, gap], axis=1).ravel(), y=np.stack([arrows[:, 0], tip_y, gap], axis=1).ravel(),
        mode="lines", line={"color": ACCENT, "width": 2}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    # Plotly's arrow heads point up and turn clockwise; in pictures y grows downwards.
    figure.add_scatter(
        x=tip_x, y=tip_y, mode="markers", showlegend=False,
        marker={
            "symbol": "triangle-up", "color": ACCENT, "size": 8, "line": {"width": 0},
            "angle": np.degrees(np.arctan2(arrows[:, 2], -arrows[:, 3])),
        },
        customdata=np.stack([strength, np.degrees(np.arctan2(arrows[:, 3], arrows[:, 2]))], axis=1),
        hovertemplate="magnitude %{customdata[0]:.0f}, direction %{customdata[1]:.0f}°<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(range=[-0.5, image.shape[1] - 0.5])
    figure.update_yaxes(range=[image.shape[0] - 0.5, -0.5])
    return styled(figure, height)
