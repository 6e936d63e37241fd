"""Charts of the architectures page: a network as a graph, what its layers cost, gradients, blocks in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from cnndemo.architectures import Block, Layer, connections
from cnndemo.architectures.folding import Box, arrows
from cnndemo.architectures.gradients import limits
from cnndemo.figures import styled
from cnndemo.palette import ACCENT, INPUT, KERNEL, OKABE_ITO, OUTPUT, QUIET

KINDS = {
    "convolution": KERNEL, "pooling": OKABE_ITO[4], "merge": OKABE_ITO[5], "dense": OUTPUT, "other": "#8A8F98",
}  # fmt: skip
MANY = 40  # boxes that are shown at once; the others by dragging


def graph(layers: Sequence[Layer], shown: Sequence[Box], height: int = 340) -> go.Figure:
    """A network from left to right: boxes as tall as their maps are wide, as thick as there are many (their roots).

    An arc leads from a box to one that reads it farther on. What is folded is hatched. A click tells the name of a box,
    the first of `customdata`.
    """
    wide = np.array([max(1.2, np.sqrt(box.layer.channels) / 3) * (1.6 if box.folded else 1) for box in shown])
    gap = max(1.0, 0.5 * float(wide.mean()))
    middle = np.cumsum(wide + gap) - wide / 2
    tall = np.sqrt([max(1, box.layer.side) for box in shown])
    figure = go.Figure()
    _arcs(figure, arrows(layers, shown), middle, wide, tall)
    for kind, color in KINDS.items():
        rows = [index for index, box in enumerate(shown) if box.layer.kind == kind]
        if not rows:
            continue
        figure.add_bar(
            x=middle[rows], width=wide[rows], y=tall[rows], base=-tall[rows] / 2, name=kind,
            marker={
                "color": color, "line": {"width": 0},
                "pattern": {
                    "shape": ["/" if shown[i].folded else "" for i in rows], "fillmode": "replace", "solidity": 0.3,
                    "size": 7, "bgcolor": color, "fgcolor": "rgba(255,255,255,0.7)",
                },
            },
            customdata=[_about(shown[index]) for index in rows],
            hovertemplate="<b>%{customdata[0]}</b>%{customdata[1]}<br>%{customdata[2]}<br>%{customdata[3]} parameters"
            "<br>%{customdata[4]} multiply-adds<br>sees %{customdata[5]} pixels<extra></extra>",
        )  # fmt: skip
    figure.update_layout(
        barmode="overlay", dragmode="pan" if len(shown) > MANY else False,
        legend={"y": -0.02, "yanchor": "top"},  # the buttons to zoom stand above
    )  # fmt: skip
    first = middle[0] - wide[0] if len(shown) else 0
    last = middle[min(len(shown), MANY) - 1] + wide[min(len(shown), MANY) - 1] if len(shown) else 1
    figure.update_xaxes(visible=False, range=[first, last])
    figure.update_yaxes(visible=False, fixedrange=True)
    return styled(figure, height)


def _about(box: Box) -> list[str]:
    """What the pointer tells of a box."""
    inside = f": {box.count} layers" if box.folded else ""
    layer = box.layer
    return [
        box.name,
        inside,
        layer.shape,
        f"{box.parameters:,}",
        f"{box.multiply_adds:,}",
        f"{layer.sees:,}",
        box.parent,
    ]


def _arcs(
    figure: go.Figure, pairs: Sequence[tuple[int, int]], middle: np.ndarray, wide: np.ndarray, tall: np.ndarray
) -> None:
    """Lines from box to box, and an arc over the boxes for each pair that does not follow one another."""
    ends = [each for left, right in pairwise(zip(middle, wide, strict=True)) for each in (
        left[0] + left[1] / 2, right[0] - right[1] / 2, None)]  # fmt: skip
    figure.add_scatter(
        x=ends, y=[None if end is None else 0 for end in ends], mode="lines", line={"color": QUIET, "width": 2},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    turn, x, y = np.linspace(0, np.pi, 20), [], []
    for start, to in pairs:
        if start < 0 or to == start + 1:
            continue
        left, right = middle[start], middle[to]
        foot = tall[start : to + 1].max() / 2
        rise = min(3 + (right - left) / 12, float(tall.max()) / 2)
        x += [left, *((left + right) / 2 - (right - left) / 2 * np.cos(turn)), right, None]
        y += [tall[start] / 2, *(foot + rise * np.sin(turn)), tall[to] / 2, None]
    if x:
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"color": INPUT, "width": 2}, name="goes round", hoverinfo="skip", opacity=0.8,
        )  # fmt: skip


def costs(layers: Sequence[Layer], height: int = 260) -> go.Figure:
    """Each layer's share of all parameters, upwards, and of all multiply-adds, downwards."""
    paying = [layer for layer in layers if layer.parameters]
    figure = go.Figure()
    for attribute, name, color, sign in (
        ("parameters", "parameters", OUTPUT, 1),
        ("multiply_adds", "multiply-adds", KERNEL, -1),
    ):
        values = np.array([getattr(layer, attribute) for layer in paying], float)
        shares = values / values.sum()
        figure.add_bar(
            x=list(range(len(paying))), y=sign * shares, name=name, marker_color=color,
            customdata=[
                [layer.name, f"{value:,.0f}", f"{share:.1%}"]
                for layer, value, share in zip(paying, values, shares, strict=True)
            ],
            hovertemplate="%{customdata[0]}<br>%{customdata[1]} " + name + ", %{customdata[2]}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(barmode="relative")
    figure.update_xaxes(visible=False)
    top = max(abs(value) for trace in figure.data for value in trace.y)
    ticks = np.linspace(-top, top, 5)
    figure.update_yaxes(tickvals=ticks, ticktext=[f"{abs(tick):.0%}" for tick in ticks])
    return styled(figure, height)


def product(values: np.ndarray, height: int = 300) -> go.Figure:
    """w, w², …, wⁿ on a logarithmic axis, and the smallest and largest numbers that floats of 16 and 32 bits hold."""
    figure = go.Figure()
    layers = np.arange(1, len(values) + 1)
    figure.add_scatter(
        x=layers, y=values, mode="lines", line={"color": ACCENT, "width": 3}, name="product",
        hovertemplate="after %{x} layers: %{y:.4g}<extra></extra>", showlegend=False,
    )  # fmt: skip
    exponents = np.log10([values.min(), values.max()])
    low, high = min(-6.0, exponents[0] - 2), max(6.0, exponents[1] + 2)
    for dtype, color in zip(("float16", "float32", "float64"), (INPUT, OUTPUT, OKABE_ITO[5]), strict=True):
        for limit, words in zip(limits(dtype), ("smallest in", "largest in"), strict=True):
            if low < np.log10(limit) < high:
                figure.add_hline(y=limit, line={"color": color, "dash": "dot"})
                # On a logarithmic axis a text stands at the exponent.
                figure.add_annotation(
                    x=1, xref="x domain", xanchor="right", y=np.log10(limit), text=f"{words} {dtype}", showarrow=False,
                    yshift=9,
                )  # fmt: skip
    figure.update_xaxes(title_text="layers")
    figure.update_yaxes(type="log", exponentformat="power", range=[low, high])
    return styled(figure, height)


def gradients(curves: Mapping[str, np.ndarray], height: int = 320) -> go.Figure:
    """The size of the gradient before each layer, one line a network, logarithmic; 1 where it comes in, at the end."""
    figure = go.Figure()
    for (name, sizes), color, dash in zip(curves.items(), (ACCENT, INPUT), ("solid", "dash"), strict=False):
        with np.errstate(divide="ignore"):
            shown = np.where(sizes > 0, sizes, np.nan)
        figure.add_scatter(
            x=np.arange(len(sizes)), y=shown, name=name, mode="lines", line={"color": color, "width": 3, "dash": dash},
            hovertemplate=name + ", before layer %{x}: %{y:.3g}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="layers from the input")
    figure.update_yaxes(type="log", exponentformat="power", title_text="gradient, 1 at the end")
    return styled(figure, height)


def _box(figure: go.Figure, x: float, y: float, words: str, color: str, half: float = 0.42) -> None:
    figure.add_shape(
        type="rect", x0=x - half, x1=x + half, y0=y - 0.2, y1=y + 0.2, line={"color": color, "width": 2},
        fillcolor="rgba(128,128,128,0.12)",
    )  # fmt: skip
    figure.add_annotation(x=x, y=y, text=words, showarrow=False)


def _arrow(figure: go.Figure, start, end, color: str, words: str = "", lift: float = 0.0, width: float = 2) -> None:
    """An arrow between two points, with words beside its middle."""
    figure.add_annotation(
        x=end[0], y=end[1], ax=start[0], ay=start[1], xref="x", yref="y", axref="x", ayref="y", text="",
        showarrow=True, arrowhead=2, arrowwidth=width, arrowcolor=color,
    )  # fmt: skip
    if words:
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + lift)
        figure.add_annotation(x=middle[0], y=middle[1], text=words, showarrow=False, font_size=13)


def residual(block: Block, x: float, first: float, second: float, backward: bool, height: int = 230) -> go.Figure:
    """The residual block with its numbers (figure 4.2), or the two ways of its gradient (figure 4.3)."""
    figure = go.Figure()
    _box(figure, 0, 0, f"x = {x:.3g}", INPUT)
    _box(figure, 1.5, 0, f"ReLU({first:.3g} x)", KERNEL, 0.5)
    _box(figure, 3, 0, f"{second:.3g} h", KERNEL)
    _box(figure, 4.5, 0, f"y = {block.output:.3g}", OUTPUT)
    way = [(0, 0.2), (0, 0.95), (4.5, 0.95), (4.5, 0.2)]
    color = ACCENT if backward else INPUT
    if backward:
        _arrow(figure, (4.08, 0), (3.42, 0), color, "× 1", 0.13)
        _arrow(figure, (2.58, 0), (2.0, 0), color, f"× {second:.3g}", 0.13)
        slope = 0.0 if second == 0 else block.through_branch / second
        _arrow(figure, (1.0, 0), (0.42, 0), color, f"× {slope:.3g}", 0.13)
        words = f"through the layers: {block.through_branch:.3g}"
        figure.add_annotation(x=2.25, y=-0.42, text=words, showarrow=False, font_size=14)
        way = way[::-1]
    else:
        _arrow(figure, (0.42, 0), (1.0, 0), color)
        _arrow(figure, (2.0, 0), (2.58, 0), color, f"h = {block.hidden:.3g}", 0.13)
        _arrow(figure, (3.42, 0), (4.08, 0), color, f"F(x) = {block.branch:.3g}", -0.33)
    if block.through_skip:
        for start, end in zip(way, way[1:-1], strict=False):
            figure.add_shape(
                type="line", x0=start[0], y0=start[1], x1=end[0], y1=end[1], line={"color": color, "width": 3}
            )
        words = f"through the skip: {block.through_skip:.3g}" if backward else f"skip: + {x:.3g}"
        _arrow(figure, way[-2], way[-1], color, width=3)
        figure.add_annotation(x=2.25, y=1.08, text=words, showarrow=False, font_size=14)
    figure.update_xaxes(visible=False, range=[-0.6, 5.1], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.65, 1.25], fixedrange=True)
    return styled(figure, height)


def dense_arcs(layers: int, inputs: int, growth: int, height: int = 300) -> go.Figure:
    """A dense block: an arc from the input and from each layer to every later one (figures 4.6, 4.7)."""
    figure = go.Figure()
    turn = np.linspace(0, np.pi, 24)
    for start, to in connections(layers):
        middle, half = (start + to) / 2, (to - start) / 2
        color = INPUT if start == 0 else OKABE_ITO[4]
        figure.add_scatter(
            x=middle - half * np.cos(turn), y=0.6 * half * np.sin(turn), mode="lines", showlegend=False,
            line={"color": color, "width": 2}, opacity=0.7, hoverinfo="skip",
        )  # fmt: skip
    maps = [inputs] + [growth] * layers
    reads = [0] + [inputs + number * growth for number in range(layers)]
    names = ["input"] + [f"layer {number}" for number in range(1, layers + 1)]
    figure.add_scatter(
        x=list(range(layers + 1)), y=[0] * (layers + 1), mode="markers+text", showlegend=False,
        marker={"size": 26, "color": [INPUT] + [KERNEL] * layers}, text=[f"+{count}" for count in maps],
        textposition="bottom center", customdata=list(zip(names, reads, maps, strict=True)),
        hovertemplate="%{customdata[0]}: reads %{customdata[1]} maps, adds %{customdata[2]}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(visible=False, range=[-0.5, layers + 0.5], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.5, 0.3 * layers + 0.3], fixedrange=True)
    return styled(figure, height)


def channels(layers: Sequence[Layer], height: int = 260) -> go.Figure:
    """Maps after each concatenation and transition of a DenseNet: they pile up in a block and are halved after it."""
    kept = [layer for layer in layers if layer.name.endswith("append") or layer.name.startswith("transition")]
    figure = go.Figure()
    for start, name, color in (("block", "in a dense block", KERNEL), ("transition", "transition", INPUT)):
        rows = [index for index, layer in enumerate(kept) if layer.name.startswith(start)]
        figure.add_bar(
            x=rows, y=[kept[index].channels for index in rows], name=name, marker_color=color,
            customdata=[[kept[index].name, kept[index].shape] for index in rows],
            hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(bargap=0.15)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(title_text="maps")
    return styled(figure, height)
