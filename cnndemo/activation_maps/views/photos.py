"""A photograph in a network: the row of layers, the maps of one, one map over the picture, and filters switched off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnndemo.activation_maps import drawing, switches
from cnndemo.activation_maps import figures as charts
from cnndemo.activation_maps.networks import NETWORKS, Layer, Network, look, shapes
from cnndemo.activation_maps.views.choosing import FIRST, pick_filter, pick_layer
from cnndemo.activation_maps.views.components import card, data_url, magnifier, strip
from cnndemo.activation_maps.views.running import live_photo
from cnndemo.activation_maps.views.wishes import Own, quiz, wish
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import guard, section
from cnndemo.ui.panels import chart
from cnndemo.ui.pictures import Picture
from cnndemo.ui.session import state
from cnndemo.ui.settling import settle

COLUMNS, MOST = 8, 320
SILENT = {
    "none": "None",
    "this": "This one",
    "strongest": "The 8 strongest",
    "others": "All others",
    "own": "My choice",
}


@dataclass(frozen=True)
class Overview:
    """A picture in all layers of a network, small.

    Attributes:
        fitted: what the network saw, uint8 (size, size, 3).
        picture: its address.
        cards: for the row of layers.
        answer: float32 (classes,).
    """

    fitted: np.ndarray
    picture: str
    cards: list[dict]
    answer: np.ndarray


@st.cache_data(max_entries=12, show_spinner=False)
def overview(name: str, image: np.ndarray) -> Overview:
    """One look at all layers; 0.3 MB are kept of each."""
    network = NETWORKS[name]
    seen = look(network, image, tuple(layer.name for layer in network.layers))
    cards = []
    for layer in network.layers:
        maps = seen.maps[layer.name]
        strongest = drawing.map_sheet(maps, drawing.strength(maps)[:1], 1, layer.signed)[1:-1, 1:-1]
        cards.append(card(network, layer, data_url(strongest)))
    return Overview(seen.fitted, data_url(seen.fitted), cards, seen.answer)


@st.cache_data(max_entries=4, show_spinner=False)
def maps_of(name: str, image: np.ndarray, layer: str) -> np.ndarray:
    """The maps of a layer; at most 4 MB each."""
    return look(NETWORKS[name], image, (layer,)).maps[layer]


@st.fragment
def explore(network: Network, picture: Picture, running: bool = False) -> None:
    """All that depends on layer and filter; with a running camera, its maps instead of the picture's."""
    seen = overview(network.name, picture.image)
    row = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        titles = {layer.name: layer.title for layer in network.layers}
        layer = network.layer(pick_layer(titles, FIRST[network.name]))
        count = shapes(network.name)[layer.name][-1]
        channel = pick_filter(layer.title, count)
        if not running:
            few = one_of(st.segmented_control, "Maps", {True: "64 strongest", False: "All"}, True, "few")
    with row:
        strip(network, seen.picture, seen.cards, layer.name)
    maps = maps_of(network.name, picture.image, layer.name)
    if running:
        live_photo(network, layer, channel, picture.image)
    else:
        _still(network, layer, channel, picture, seen, maps, 64 if few else MOST)
    section("What a filter wants")
    with guard():
        wish(network.name, layer.name, layer.title, channel, own(network, layer, seen.fitted, maps[..., channel]))
        quiz(network.name, layer.name, layer.title, maps)
    settle("maps", (network.name, layer.name, channel))


def _still(
    network: Network, layer: Layer, channel: int, picture: Picture, seen: Overview, maps: np.ndarray, most: int
) -> None:
    """The maps of a layer as a grid, one of them over the picture, and filters switched off."""
    left, right = st.columns([5, 6], gap="large")
    with left:
        _grid(network, layer, maps, channel, most)
    with right:
        peak = float(maps[..., channel].max())
        st.markdown(f"**Filter {channel} of {layer.title}**: its map over the picture, peak {peak:.3g}")
        words = f"map {channel} of {layer.title} for {picture.alt}"
        magnifier(network, layer, seen.picture, maps[..., channel], f"{network.title}: {words}")
    with guard():
        _switch_off(network, layer, maps, channel, seen)


def _grid(network: Network, layer: Layer, maps: np.ndarray, channel: int, most: int) -> None:
    """The maps of a layer, the strongest first; a click chooses the filter."""
    ranked = drawing.strength(maps)
    shown = ranked[:most].tolist()
    if channel not in shown:
        shown = [*shown[: most - 1], channel]
    key = f"maps_{network.name}_{layer.name}"

    def pick() -> None:
        points = state[key].selection.points
        if points:
            chosen = points[0]["customdata"]
            state["filter"] = int(chosen[0] if isinstance(chosen, list) else chosen)

    sheet = drawing.map_sheet(maps, shown, COLUMNS, layer.signed, 48)
    colors = "red excited, blue the opposite" if layer.signed else "dark no answer, yellow the strongest"
    rest = f", {len(shown)} of them" if len(shown) < maps.shape[-1] else ""
    st.markdown(f"**{layer.title}**: {maps.shape[-1]} maps of {maps.shape[0]} × {maps.shape[1]}{rest}")
    chart(
        charts.clickable(sheet, shown, COLUMNS, channel),
        f"{len(shown)} maps of {layer.title}, the strongest is {ranked[0]}",
        key=key,
        on_select=pick,
        selection_mode="points",
    )
    st.caption(f"Sorted by their peak: {colors}. Click one.")


def own(network: Network, layer: Layer, fitted: np.ndarray, values: np.ndarray) -> Own:
    """The piece of the visitor's picture that excites a filter most; values (height, width)."""
    row, column = (int(place) for place in np.unravel_index(int(values.argmax()), values.shape))
    top, left, height, width = layer.looks_at(row, column, network.size)
    return Own(fitted[top : top + height, left : left + width], float(values.max()))


def _switch_off(network: Network, layer: Layer, maps: np.ndarray, channel: int, seen: Overview) -> None:
    """Maps of the layer set to zero, and what becomes of the answer at once."""
    left, right = st.columns([5, 6], gap="large")
    ranked = drawing.strength(maps).tolist()
    with left:
        st.markdown(f"**Switch filters of {layer.title} off**")
        how = one_of(st.segmented_control, "Silent", SILENT, "none", "silent", wrap=True)
        chosen = {
            "none": [],
            "this": [channel],
            "strongest": ranked[:8],
            "others": [each for each in ranked if each != channel],
        }.get(how)
        if chosen is None:
            chosen = st.multiselect("Filters", range(len(ranked)), **state.kept(f"off_{network.name}_{layer.name}"))
    off = {layer.name: tuple(chosen)} if chosen else {}
    after = switches.silenced(network, seen.fitted, off) if off else seen.answer
    names = network.classes()
    top = list(dict.fromkeys([*np.argsort(-seen.answer)[:4], *np.argsort(-after)[:3]]))
    words = [names[place] for place in top]
    with right:
        said = f"{names[int(seen.answer.argmax())]} before, {names[int(after.argmax())]} after {len(chosen)} are off"
        chart(charts.change(words, seen.answer[top], after[top], bool(off)), f"the answer: {said}", key="answer")
