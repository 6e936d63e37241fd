"""Figures of the pet segmentation page: the probe, the U, the curve of Jaccard against Dice, training and worth."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import cv2
import numpy as np
import plotly.graph_objects as go

from cnndemo import images, pet_segmentation
from cnndemo.figures import styled
from cnndemo.palette import ACCENT, INPUT, KERNEL, MAGNITUDE, OUTPUT, QUIET
from cnndemo.pet_segmentation import metrics

GAP = 0.12


def _source(image: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(images.png(image)).decode()


def probe(image: np.ndarray, probabilities: np.ndarray, height: int = 420) -> go.Figure:
    """A picture that tells, under the cursor, the probabilities of pet, surroundings and border.

    Args:
        image: uint8 RGB (height, width, 3).
        probabilities: uint8 (height, width, 3), 0 to 255.
    """
    percent = np.rint(probabilities.astype(np.float32) / 2.55).astype(np.uint8)
    words = "pet %{customdata[0]} %<br>surroundings %{customdata[1]} %<br>border %{customdata[2]} %"
    trace = go.Image(source=_source(image), customdata=percent, hovertemplate=f"{words}<extra></extra>")
    return _bare(go.Figure(trace), height)


def share_map(values: np.ndarray, name: str, height: int = 420, low: float = 0.0) -> go.Figure:
    """A value from `low` to 1 of each pixel in viridis, with the value under the cursor: float (height, width)."""
    trace = go.Heatmap(
        z=np.round(values, 3).astype(np.float32),
        zmin=low,
        zmax=1,
        colorscale=MAGNITUDE,
        colorbar={"thickness": 10, "outlinewidth": 0, "tickformat": ".0%"},
        hovertemplate=f"{name} %{{z:.1%}}<extra></extra>",
    )
    figure = _bare(go.Figure(trace), height)
    figure.update_yaxes(autorange="reversed", scaleanchor="x")
    return figure


def _bare(figure: go.Figure, height: int) -> go.Figure:
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, constrain="domain")
    figure = styled(figure, height)
    return figure.update_layout(margin={"l": 0, "r": 0, "t": 4, "b": 4})


@dataclass(frozen=True)
class Level:
    """A level of the U: what to show of it, where it stands, and whether its skip connection carries anything.

    Args:
        layer: name of the layer.
        picture: uint8 strip of channels, or an RGB picture.
        shape: height, width and channels of the feature map.
        row: 0 on top; the deeper, the smaller the map.
        right: whether it is on the way up.
        skip: True or False for a skip that is on or off, None where none leaves.
    """

    layer: str
    picture: np.ndarray
    shape: tuple[int, int, int]
    row: int
    right: bool = False
    skip: bool | None = None


def levels(
    maps: dict[str, np.ndarray],
    module: ModuleType,
    box: tuple[int, int, int, int],
    size: int,
    image: np.ndarray,
    off: Sequence[str],
) -> list[Level]:
    """What `u_shape` shows of a picture.

    Args:
        maps: layer name -> feature map (1, height, width, channels).
        module: the network's module in `cnndemo.models`, for the names of its levels and skips.
        box, size: where the picture lies in the square input, and the side of that square.
        image: uint8 RGB, shown on top of the way down where no map has the full size.
        off: layers whose skip is cut.
    """
    found, turn = [], module.LEVELS.index(module.BOTTOM)
    for index, layer in enumerate(module.LEVELS):
        feature_map = maps[layer][0]
        row = round(np.log2(size / feature_map.shape[0]))
        skip = layer not in off if layer in module.SKIPS else None
        picture = pet_segmentation.strip(feature_map, box, size)
        found.append(Level(layer, picture, feature_map.shape, row, index > turn, skip))
    if min(level.row for level in found if not level.right) > 0:
        found.insert(0, Level("picture", image, image.shape, 0))
    return found


def u_shape(levels: Sequence[Level], row_height: int = 112) -> go.Figure:
    """The U as feature maps (figure 6.6): down on the left, up on the right, skip connections across."""
    figure, rows = go.Figure(), max(level.row for level in levels) + 1
    figure.add_scatter(x=[0, 10], y=[0, -rows], mode="markers", marker_opacity=0, hoverinfo="skip", showlegend=False)
    pictures, words, lines = [], [], []  # added together: Plotly takes milliseconds for each that is added alone
    for level in levels:
        left, top = (5.9 if level.right else 0.0), -level.row - GAP
        pictures.append(
            dict(source=_source(_viridis(level.picture)), xref="x", yref="y", x=left, y=top, sizex=4.1,
                 sizey=1 - 2.6 * GAP, sizing="contain", xanchor="left", yanchor="top")
        )  # fmt: skip
        height, width, channels = level.shape
        text = f"{height} × {width}, {channels} channels" if level.layer != "picture" else "the picture"
        words.append(dict(x=left, y=top + 0.02, text=text, xanchor="left"))
        if level.skip is not None:
            middle = top - 0.3
            color, dash = (ACCENT, "solid") if level.skip else (QUIET, "dot")
            line = {"color": color, "width": 3, "dash": dash}
            lines.append(dict(type="line", x0=4.15, x1=5.75, y0=middle, y1=middle, line=line))
            words.append(dict(x=4.95, y=middle, text="skip →" if level.skip else "skip is off"))
    plain = {"showarrow": False, "yanchor": "bottom", "font": {"size": 11}}
    figure.update_layout(images=pictures, shapes=lines, annotations=[plain | each for each in words])
    figure.update_xaxes(visible=False, range=[-0.1, 10.1])
    figure.update_yaxes(visible=False, range=[-rows, 0.06])
    return styled(figure, rows * row_height).update_layout(margin={"l": 0, "r": 0, "t": 4, "b": 0})


def _viridis(picture: np.ndarray) -> np.ndarray:
    """Grey strips become viridis, at least 96 pixels high, without smoothing; RGB stays as it is."""
    if picture.ndim == 2:
        picture = cv2.cvtColor(cv2.applyColorMap(picture, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
    return images.enlarge(picture, max(1, -(-96 // picture.shape[0])))


def dice_over_jaccard(value: float, height: int = 260) -> go.Figure:
    """The curve D = 2J / (1 + J), the diagonal D = J, and the point where the two sets stand."""
    jaccard = np.linspace(0, 1, 101)
    dice = metrics.dice_from_jaccard(value)
    figure = go.Figure()
    figure.add_scatter(x=jaccard, y=metrics.dice_from_jaccard(jaccard), name="D = 2J / (1 + J)", line_color=OUTPUT)
    line = {"color": QUIET, "dash": "dot"}
    figure.add_scatter(x=[0, 1], y=[0, 1], name="D = J", line=line, mode="lines", hoverinfo="skip")
    figure.add_scatter(
        x=[value], y=[dice], name="your sets", mode="markers", marker={"color": ACCENT, "size": 13},
        hovertemplate="J = %{x:.3f}<br>D = %{y:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[0.88], y=[0.85], name="the book's figures", mode="markers",
        marker={"color": KERNEL, "size": 11, "symbol": "x"}, hovertemplate="J = 0.88<br>D = 0.85<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title_text="Jaccard", range=[-0.02, 1.03])
    figure.update_yaxes(title_text="Dice", range=[-0.02, 1.05])
    return styled(figure, height)


def training(histories: dict[str, Sequence[dict[str, float]]], height: int = 300) -> go.Figure:
    """Mean Jaccard on the validation split after each epoch, one line a network."""
    figure = go.Figure()
    for (name, rows), color in zip(histories.items(), (OUTPUT, INPUT), strict=False):
        scores, sizes = [row.get("val_mean_jaccard") for row in rows], [f"{row.get('size', 0):.0f}" for row in rows]
        figure.add_scatter(
            x=list(range(1, len(rows) + 1)), y=scores, name=name, mode="lines", line_color=color, customdata=sizes,
            hovertemplate="%{y:.3f} after epoch %{x}, at %{customdata} px<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="epoch")
    figure.update_yaxes(title_text="mean Jaccard, validation")
    return styled(figure, height)


def worth(runs: dict[str, dict[str, float]], height: int = 420) -> go.Figure:
    """Mean Jaccard on training and validation pictures, a pair of bars for each augmentation left out."""
    figure = go.Figure()
    for split, color in (("validation", OUTPUT), ("training", QUIET)):
        scores = [run[split] for run in runs.values()]
        figure.add_bar(
            x=scores, y=list(runs), orientation="h", name=split, marker_color=color,
            text=[f"{score:.3f}" for score in scores], textposition="outside", cliponaxis=False,
            textfont_size=11, hovertemplate=f"{split} %{{x:.3f}}<extra>without %{{y}}</extra>",
        )  # fmt: skip
    figure.update_yaxes(autorange="reversed", title_text="left out")
    # Beside the bars: inside the half-transparent grey ones they cannot be read on a dark page.
    room = 1.2 * max(max(run["validation"], run["training"]) for run in runs.values())
    figure.update_xaxes(title_text="mean Jaccard", range=[0, room])
    return styled(figure, height).update_layout(barmode="group", bargap=0.25)


def spread(scores: dict[str, Sequence[float]], height: int = 220) -> go.Figure:
    """Each test picture's Jaccard as a point, one row a network."""
    figure = go.Figure()
    for (name, values), color in zip(scores.items(), (OUTPUT, INPUT), strict=False):
        figure.add_box(
            x=list(values), name=name, boxpoints="all", pointpos=0, jitter=0.6, marker={"color": color, "size": 4},
            hovertemplate="%{x:.3f}<extra></extra>", showlegend=False,
        )  # fmt: skip
    figure.update_xaxes(title_text="Jaccard of pet, one point a test picture", range=[-0.02, 1.02])
    return styled(figure, height)
