"""What a narrower digit network would lose: maps switched off, and the shipped digits read again."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from cnndemo import activation_maps, weights
from cnndemo.activation_maps import figures as charts
from cnndemo.activation_maps.maps import COUNTS, TWINS
from cnndemo.activation_maps.views.digits import Shown
from cnndemo.chain import Reader
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import guard, try_it
from cnndemo.ui.panels import chart
from cnndemo.ui.session import state

PRESETS = {"spare": "Spare maps", "first": "Spare maps of layer 1", "second": "Layer 2", "own": "My choice"}


@st.cache_resource(max_entries=4, show_spinner=False)
def redundancy(_network: Reader, key: str) -> dict[str, activation_maps.Redundancy]:
    return activation_maps.alike(_network)


@st.cache_resource(max_entries=256, show_spinner="Reading the shipped digits again …")
def accuracy(_network: Reader, key: str, off: dict[str, tuple[int, ...]], count: int) -> tuple[float, np.ndarray]:
    return activation_maps.accuracy(off, count, _network)


def pick_off(alike: dict[str, activation_maps.Redundancy]) -> dict[str, tuple[int, ...]]:
    """Which maps the visitor switches off: layer -> channels."""
    threshold = st.slider("Twins correlate above", 0.6, 0.99, TWINS, 0.01, **state.linked("twins"))
    spare = {layer: tuple(found.spare(threshold)) for layer, found in alike.items()}
    for layer, found in alike.items():
        twins = len(found.twins(threshold))
        st.markdown(f"- `{layer}`: {len(found.dead)} dead maps, {twins} pairs of twins, {len(spare[layer])} to spare")
    preset = st.radio("Switch off", list(PRESETS), format_func=PRESETS.get, **state.linked("off"))
    every = {layer: tuple(range(len(found.correlation))) for layer, found in alike.items()}
    if preset == "own":
        return {layer: tuple(st.multiselect(layer, every[layer], **state.linked(f"off_{layer}"))) for layer in alike}
    first, second = list(alike)[0], list(alike)[-1]
    return {"spare": spare, "first": {first: spare[first]}, "second": {second: every[second]}}[preset]


@st.fragment
@guard()  # a fragment's errors do not reach its caller
def narrower(network: Reader, digits: dict[str, Shown]) -> None:
    """Switch maps off and see what is lost."""
    alike, read = redundancy(network, network.key), partial(accuracy, network, network.key)
    left, right = try_it()
    with left:
        off = pick_off(alike)
        count = one_of(st.segmented_control, "Shipped digits to read", COUNTS, COUNTS[0], "count")
        with st.expander("How alike the maps are, over all places of many digits"):
            for layer, found in alike.items():
                said = f"How alike each two of the {len(found.correlation)} maps of {layer} are, as correlations"
                chart(charts.correlations(found.correlation, layer), said, key=f"alike_{layer}")
    with right:
        (before, each_before), (after, each_after) = (read(which, count) for which in ({}, off))
        by_chance = activation_maps.random_off(off, {layer: len(found.correlation) for layer, found in alike.items()})
        with st.container(horizontal=True):
            st.metric("All maps", f"{before:.1%}", width="content")
            st.metric(f"Without these {sum(map(len, off.values()))}", f"{after:.1%}", width="content")
            st.metric("Without as many at random", f"{read(by_chance, count)[0]:.1%}", width="content")
        chart(charts.by_digit(each_before, each_after), f"for each digit; overall {before:.1%} and {after:.1%}")
        for shown in digits.values():
            batch = shown.field[None, :, :, None]
            was, now = (activation_maps.silenced(batch, which, network)[0] for which in ({}, off))
            st.markdown(f"- {shown.name}: {was.argmax()} ({was.max():.1%}) → **{now.argmax()}** ({now.max():.1%})")
        st.caption("The part of the shipped digits that is read right; the network was not trained on them.")


def trained_anew(model: str) -> None:
    """What networks with fewer filters reach, from the card."""
    if study := weights.card(model).get("study"):
        st.markdown(f"Trained anew, each network alike for {study['epochs']} epochs, it learns to do without:")
        st.dataframe(activation_maps.study_table(study["networks"]), hide_index=True)
