"""Which network, layer and filter: what a permalink of a filter holds."""

from __future__ import annotations

import streamlit as st

from cnndemo.activation_maps.maps import LAYERS
from cnndemo.activation_maps.networks import NETWORKS, Network
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import plain
from cnndemo.ui.session import state

DIGITS = "digits"
FIRST = {
    DIGITS: LAYERS[0],
    "efficientnet_lite0": "stage3",
    "resnet20": "stage1_block3_activation",
    "pet_segmentation": "encoder2_convolution1",
}
"""The layer that is shown first."""


def pick_network() -> Network | None:
    """The network on the page; None for the book's, which reads digits."""
    titles = {DIGITS: "Digits, the book's network"} | {name: network.title for name, network in NETWORKS.items()}

    def start() -> None:  # the layers of another network have other names
        state["layer"], state["filter"] = FIRST[state.get("network") or DIGITS], 0

    name = one_of(st.segmented_control, "Network", titles, DIGITS, "network", wrap=True, on_change=start)
    return NETWORKS.get(name)


def pick_layer(titles: dict[str, str], first: str) -> str:
    """The layer whose maps are shown: name of one of `titles`."""
    asked = st.query_params.get(state.key("layer"))
    if state.get("layer") not in (None, *titles):
        state["layer"] = first
    chosen = st.selectbox(
        "Layer", list(titles), list(titles).index(first), format_func=titles.get, **state.linked("layer"), width=230
    )
    if asked not in (None, *titles, *titles.values()):
        st.caption(f":material/info: There is no layer “{plain(asked, 24)}” in this network.")
    return chosen or first


def pick_filter(layer: str, count: int) -> int:
    """The filter of the layer that is enlarged; one that a link asks for and that is not there is said."""
    asked = st.query_params.get(state.key("filter"), "0")
    if "filter" in state and not 0 <= (state["filter"] or 0) < count:
        state["filter"] = 0
    chosen = st.number_input("Filter", 0, count - 1, 0, **state.linked("filter"), width=130)
    if not (asked.isdecimal() and int(asked) < count) and chosen is not None and str(chosen) != asked:
        st.caption(f":material/info: There is no filter “{plain(asked, 12)}” in {layer}: it has 0 to {count - 1}.")
    return chosen or 0
