"""Charts of the activation maps' page: sheets of maps that one can click, kernels, and what is lost without a map."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from cnndemo import images
from cnndemo.figures import heatmap, signed_range, styled
from cnndemo.palette import ACCENT, OUTPUT, QUIET, SIGNED

GAP = 2  # pixels between the pictures of a sheet, as cnndemo.activation_maps.sheet lays them


def clickable(
    picture: np.ndarray, channels: Sequence[int], columns: int, chosen: int | None = None, pixels: int = 46
) -> go.Figure:
    """A sheet of maps whose cells can be clicked; `customdata` of a point is the channel.

    Args:
        picture: uint8 (rows * cell, columns * cell, 3), from `cnndemo.activation_maps.sheet`.
        channels: which channel is in which cell.
        columns: cells a row.
        chosen: channel that is framed.
        pixels: height of a row on the page.
    """
    cell = picture.shape[1] / columns
    centers = [((i % columns + 0.5) * cell, (i // columns + 0.5) * cell) for i in range(len(channels))]
    address = "data:image/png;base64," + base64.b64encode(images.png(picture)).decode()  # a tenth of its numbers' size
    figure = go.Figure(go.Image(source=address, hoverinfo="skip"))
    figure.add_scatter(
        x=[x for x, _ in centers],
        y=[y for _, y in centers],
        mode="markers",
        marker={"size": 30, "symbol": "square", "color": "rgba(0,0,0,0.01)"},
        selected={"marker": {"opacity": 0.01}},
        unselected={"marker": {"opacity": 0.01}},
        customdata=[int(channel) for channel in channels],
        hovertemplate="map %{customdata}<extra></extra>",
        showlegend=False,
    )
    if chosen in list(channels):
        x, y = centers[list(channels).index(chosen)]
        half = cell / 2
        figure.add_shape(
            type="rect", x0=x - half, x1=x + half, y0=y - half, y1=y + half, line={"color": ACCENT, "width": 3}
        )
    figure.update_xaxes(visible=False, constrain="domain", range=[0, picture.shape[1]])
    figure.update_yaxes(visible=False, constrain="domain", range=[picture.shape[0], 0], scaleanchor="x")
    rows = -(-len(channels) // columns)
    figure = styled(figure, round(pixels * rows + 16))
    return figure.update_layout(margin={"l": 0, "r": 0, "t": 8, "b": 8}, clickmode="event+select")


def kernel_sheet(kernels: np.ndarray, columns: int, names: Sequence[str], title: str | None = None) -> go.Figure:
    """Figure 7.1: raw kernels side by side, blue negative, red positive, one colour scale for all.

    Args:
        kernels: float32 (3, 3, n).
        columns: kernels a row.
        names: n words for the hover text.
    """
    size, count = kernels.shape[0], kernels.shape[-1]
    rows, pitch = -(-count // columns), size + 1
    grid = np.full((rows * pitch - 1, columns * pitch - 1), np.nan)
    words = np.full(grid.shape, "", dtype=object)
    for index in range(count):
        top, left = index // columns * pitch, index % columns * pitch
        grid[top : top + size, left : left + size] = kernels[..., index]
        words[top : top + size, left : left + size] = names[index]
    low, high = signed_range(kernels)
    trace = go.Heatmap(
        z=grid,
        zmin=low,
        zmax=high,
        colorscale=SIGNED,
        text=words,
        hovertemplate="%{text}: %{z:.3f}<extra></extra>",
        hoverongaps=False,
        colorbar={"thickness": 10, "outlinewidth": 0, "len": 0.9},
    )
    figure = go.Figure(trace)
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain")
    return styled(figure, 60 + 54 * rows, title)


def correlations(matrix: np.ndarray, title: str) -> go.Figure:
    """How alike the maps of a layer are: (channels, channels), -1 to 1."""
    return heatmap(matrix, True, title, 360, limits=(-1, 1), labels=("map", "map"), hover="correlation")


def by_digit(before: np.ndarray, after: np.ndarray) -> go.Figure:
    """Accuracy for each digit, with all maps and with some off; both (10,)."""
    figure = go.Figure()
    for name, values, color in (("all maps", before, QUIET), ("some off", after, OUTPUT)):
        figure.add_bar(
            x=[str(digit) for digit in range(10)],
            y=values,
            name=name,
            marker_color=color,
            hovertemplate="digit %{x}: %{y:.1%}<extra>" + name + "</extra>",
        )
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    figure.update_xaxes(type="category", title_text="digit")
    return styled(figure, 280)


def picture_sheet(pictures: np.ndarray, columns: int, cell: int = 112) -> np.ndarray:
    """Pictures on one sheet, as `clickable` wants it: uint8 (n, size, size, 3) -> (rows * cell, columns * cell, 3)."""
    factor = max(1, (cell - GAP) // pictures.shape[1])
    rows, side = -(-len(pictures) // columns), pictures.shape[1] * factor + GAP
    result = np.full((rows * side, columns * side, 3), 128, np.uint8)
    for place, picture in enumerate(pictures):
        top, left = place // columns * side + 1, place % columns * side + 1
        result[top : top + side - GAP, left : left + side - GAP] = images.enlarge(picture, factor)
    return result


def change(words: Sequence[str], before: np.ndarray, after: np.ndarray, changed: bool) -> go.Figure:
    """What a network answers, and if maps are off, what it answers then; both (answers,) in 0-1."""
    figure = go.Figure()
    for name, values, color in (("all maps", before, QUIET if changed else OUTPUT), ("some off", after, OUTPUT))[
        : 1 + changed
    ]:
        figure.add_bar(
            y=list(words),
            x=values,
            name=name,
            orientation="h",
            marker_color=color,
            text=[f"{value:.1%}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.1%}<extra>" + name + "</extra>",
        )
    figure.update_xaxes(visible=False, range=[0, 1.2])
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    return styled(figure, 60 + (46 if changed else 30) * len(words)).update_layout(showlegend=changed)
