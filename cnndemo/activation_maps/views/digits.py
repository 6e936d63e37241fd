"""Feature maps to click on, and the enlargement of the one that was clicked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnndemo.activation_maps.views.choosing import pick_filter, pick_layer
from cnndemo.activation_maps.views.wishes import Own
from cnndemo.chain import Reader
from cnndemo.ui.digits import pick_digit
from cnndemo.ui.frame import guard
from cnndemo.ui.panels import chart
from cnndemo.ui.pictures import Picture, show
from cnndemo.ui.session import state

COLUMNS = 8


@dataclass(frozen=True)
class Shown:
    """A digit and its feature maps.

    Attributes:
        name: in words.
        field: what the network sees, float32 (28, 28) in [0, 1].
        maps: layer -> float32 (height, width, channels).
        picture: as the visitor chose it.
    """

    name: str
    field: np.ndarray
    maps: dict[str, np.ndarray]
    picture: Picture


def pick_mapped_digit(network: Reader, key: str, digit: int) -> Shown | None:
    """Let the visitor choose a digit and run the network on it; of several the first, None without ink."""
    from cnndemo import activation_maps, digit_classifier

    picture = pick_digit(key, ("mnist", "draw", "drawn", "upload", "camera"), "mnist", (digit, 0))
    if picture is None:
        st.caption(f"Nothing is there yet. Until then a {digit} of MNIST stands in.")
        stand_in = digit_classifier.sample(digit, 0)[..., None].repeat(3, axis=2)
        made_by = f"np.repeat(images.digit({digit}, 0)[..., None], 3, axis=2)"
        picture = Picture(stand_in, f"a {digit} of MNIST", "sample", made_by)
    with guard():
        if picture.source == "sample":  # MNIST's own digits need no preparation
            field = picture.image[..., 0].astype(np.float32) / 255.0
        else:
            field = digit_classifier.read_number(picture.image, network.predictor())[0].input
        maps = activation_maps.feature_maps(network.predictor(network.named("Conv2D")), field)
        show(np.round(field * 255).astype(np.uint8), picture.name, width=140)
        return Shown(picture.name, field, maps, picture)
    return None


def clickable_maps(shown: Shown, key: str, layer: str, over: bool, sort: str) -> None:
    """The maps of a layer on one sheet; a click enlarges one (see `enlarge`)."""
    from cnndemo import activation_maps
    from cnndemo.activation_maps import figures as charts

    maps, layers = shown.maps[layer], list(shown.maps)
    channels = activation_maps.order(maps, sort)
    picture = activation_maps.sheet(maps, channels, COLUMNS, shown.field if over else None)

    def pick() -> None:
        points = state[f"sheet_{key}_{layer}"].selection.points
        if points:
            chosen = points[0]["customdata"]
            chosen = chosen[0] if isinstance(chosen, list) else chosen
            state["layer"], state["filter"] = layer, int(chosen)

    st.markdown(f"**{layer}**: {maps.shape[2]} maps of {maps.shape[0]} × {maps.shape[1]}")
    chart(
        charts.clickable(
            picture, channels, COLUMNS, state.get("filter", 0) if state.get("layer", layers[0]) == layer else None
        ),
        f"{maps.shape[2]} feature maps of {layer} for {shown.name}",
        key=f"sheet_{key}_{layer}",
        on_select=pick,
        selection_mode="points",
    )


def enlarge(network: Reader, digits: dict[str, Shown]) -> tuple[str, int] | None:
    """One map, chosen by click or by number, with its kernel and its statistics for each digit; layer and number."""
    from cnndemo import activation_maps
    from cnndemo.activation_maps import figures as charts
    from cnndemo.figures import heatmap, number_grid

    if not digits:
        return None
    layers = network.named("Conv2D")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layer = pick_layer({name: name for name in layers}, layers[0])
        count = next(iter(digits.values())).maps[layer].shape[-1]
        channel = pick_filter(layer, count)
    kernel = network.arrays(layer)[0][..., channel]
    columns = st.columns(len(digits) + 1)
    with columns[0]:
        if kernel.shape[2] == 1:
            grid = number_grid(kernel[..., 0], f"Kernel {channel}", 300, signed=True)
        else:
            names = [f"reads map {i} of the layer before" for i in range(kernel.shape[2])]
            grid = charts.kernel_sheet(kernel, COLUMNS, names, title=f"Kernel {channel}")
        chart(grid, f"kernel {channel} of {layer}, {kernel.shape}", key="kernel")
        size = " × ".join(map(str, kernel.shape))
        st.caption(f"{kernel.size} weights: {size}, one for each place and channel that it reads.")
    for column, (key, shown) in zip(columns[1:], digits.items(), strict=True):
        maps = shown.maps[layer]
        figures = {word: float(values[channel]) for word, values in activation_maps.statistics(maps).items()}
        with column:
            grid = heatmap(maps[..., channel], title=f"Map {channel}: {shown.name}", height=300, hover="activation")
            chart(grid, f"map {channel} of {layer} for {shown.name}", key=f"large_{key}")
            st.caption(f"mean {figures['mean']:.3g} · peak {figures['peak']:.3g} · above zero {figures['active']:.0%}")
    return layer, channel


def own_patch(shown: Shown, layer: str, channel: int) -> Own:
    """The piece of a digit that excites a filter most."""
    from cnndemo.activation_maps import wanted

    values = shown.maps[layer][..., channel]
    row, column = (int(place) for place in np.unravel_index(int(values.argmax()), values.shape))
    top, left, height, width = wanted.looks_at(wanted.steps(wanted.DIGITS, layer), row, column, 28)
    field = np.round(shown.field * 255).astype(np.uint8)
    return Own(field[top : top + height, left : left + width], float(values.max()))
