"""Charts of the augmentation page: class balance and labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from cnndemo.augmentation.data_sets import Balance
from cnndemo.figures import number_grid, styled
from cnndemo.palette import INPUT, KERNEL, OUTPUT, QUIET


def balance(rows: Sequence[Balance], height: int | None = None) -> go.Figure:
    """What an epoch shows of each class: originals, variants of them, and what is left out."""
    names = [row.name for row in rows]
    figure = go.Figure()
    parts = (
        ("originals", [row.used for row in rows], INPUT),
        ("augmented copies", [row.shown - row.used for row in rows], KERNEL),
        ("not used", [row.originals - row.used for row in rows], QUIET),
    )
    for name, values, color in parts:
        if any(values):
            figure.add_bar(
                y=names, x=values, name=name, orientation="h", marker_color=color,
                hovertemplate=f"%{{y}}: %{{x:,}} {name}<extra></extra>",
            )  # fmt: skip
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title_text="pictures in an epoch", exponentformat="none", tickformat=",")
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    return styled(figure, height or 130 + 36 * len(rows))


def labels(one_hot: np.ndarray) -> go.Figure:
    """One-hot labels of a batch, (n, classes), one row a picture, as the book prints them."""
    figure = number_grid(one_hot, height=40 + 24 * max(len(one_hot), 3), colorscale=[[0, "#eef2f5"], [1, OUTPUT]])
    figure.update_traces(zmin=0, zmax=1)
    return figure
