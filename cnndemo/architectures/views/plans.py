"""A planned network: its graph that folds, its layers with their arithmetic, and questions about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from cnndemo import architectures
from cnndemo.architectures import figures as charts
from cnndemo.architectures import folding
from cnndemo.architectures.counting import Layer
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import stage
from cnndemo.ui.panels import chart, table
from cnndemo.ui.pictures import pick_image, show
from cnndemo.ui.session import state

TITLES = {network.title: name for name, network in architectures.NETWORKS.items()}
LEVELS = {folding.STAGES: "Stages", folding.BLOCKS: "Blocks", folding.LAYERS: "Layers"}


def words_of(number: int) -> str:
    """1234567 -> "1.23 million"."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return f"{number:,}"


@st.fragment
def network_graph(layers: Sequence[Layer], title: str, name: str) -> None:
    """A network as boxes that fold: by level, by a click, or from a list. `name` is a part of the settings' keys."""
    start = folding.LAYERS if len(layers) <= folding.SMALL else folding.STAGES
    level = one_of(st.segmented_control, "Show", LEVELS, start, f"level_{name}")
    slot, clicks = f"turned_{name}", state.get(f"clicks_{name}", 0)
    names = folding.foldable(layers)
    turned = [part for part in state.get(slot) or () if part in names]
    if slot in state and turned != list(state[slot] or ()):
        state[slot] = turned  # it was another network's
    shown = folding.boxes(layers, level, turned)
    largest = max(layers, key=lambda layer: layer.side)
    alt = (
        f"{title} as {len(shown)} boxes from input to output, {sum(box.folded for box in shown)} of them folded; maps "
        f"from {largest.shape} to {layers[-1].shape}"
    )
    key = f"graph_{name}_{clicks}"  # a fresh chart after each click: a second one on the same box would say nothing
    clicked = _clicked(key, name, shown)
    with stage(second=name not in architectures.NETWORKS):
        chart(charts.graph(layers, shown), alt, key, on_select=clicked, selection_mode="points", zooms=True)
    st.caption(
        "As tall as the maps are wide, as thick as there are many (their roots). "
        + ("Click a hatched box to unfold it, and a box inside to fold it again. " if names else "Point at a box. ")
        + (f"{len(shown)} boxes: drag to see the others." if len(shown) > charts.MANY else "")
    )
    if len(layers) > folding.SMALL and names:
        st.multiselect(
            "Fold or unfold", names, placeholder="Fold or unfold one", label_visibility="collapsed", **state.kept(slot)
        )


def _clicked(key: str, name: str, shown: Sequence[folding.Box]) -> Callable[[], None]:
    """Callback: the box that was clicked is unfolded, or the one that it is a part of is folded again."""

    def turn() -> None:
        points = state[key]["selection"]["points"] if key in state else []
        data = next((point["customdata"] for point in points if point.get("customdata")), None)
        box = next((box for box in shown if data and box.name == data[0]), None)
        wanted = box and (box.name if box.folded else box.parent)
        if wanted:
            state[f"turned_{name}"] = sorted(set(state.get(f"turned_{name}") or ()) ^ {wanted})
        state[f"clicks_{name}"] = state.get(f"clicks_{name}", 0) + 1

    return turn


@st.fragment
def layer_table(plan: architectures.Plan, name: str) -> None:
    """All layers in a table, one of them with its arithmetic and what its middle unit sees of the picture."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        picked = table(
            [
                {
                    "layer": layer.name,
                    "output": layer.shape,
                    "parameters": layer.parameters,
                    "multiply-adds": layer.multiply_adds,
                    "sees, pixels": layer.sees,
                }
                for layer in plan.layers
            ],
            height=430, selection_mode="single-row", on_select="rerun", key=f"layers_{name}",
        )  # fmt: skip
        rows = picked.selection.rows if picked else []
        st.caption("Choose a row to see its arithmetic, and on the right what one of its units sees.")
    convolutions = [index for index, layer in enumerate(plan.layers) if layer.kind == "convolution"]
    index = rows[0] if rows and rows[0] < len(plan.layers) else convolutions[min(2, len(convolutions) - 1)]
    layer = plan.layers[index]
    with left:
        if layer.parameters:
            st.markdown(f"**{layer.name}**: {layer.arithmetic} = **{layer.parameters:,}** parameters.")
            st.caption(
                "Kernel height · kernel width · maps that come in · maps that go out, one bias each; with batch "
                "normalization four numbers more for each map."
                if layer.kind == "convolution"
                else "Values that come in · units, and a bias for each unit."
            )
        else:
            st.markdown(f"**{layer.name}** has no weights: nothing to learn.")
        if code := plan.keras_code():
            with st.expander("The same in Keras"):
                st.code(code, language="python", wrap_lines=True)
    with right:
        picture = pick_image()
        side = plan.input_side
        seen = min(1.0, layer.sees / side)
        show(
            architectures.field_of(picture.image, layer, side),
            f"A unit in the middle of **{layer.name}** sees {min(layer.sees, side)} of {side} pixels each way, "
            f"{100 * seen * seen:.2g} % of the picture"
            + (f"; its window of {layer.sees} reaches over the edge." if layer.sees > side else "."),
            alt=f"The middle of {picture.alt}; a bright square is what one unit sees",
        )


def most_of(plan: architectures.Plan) -> str:
    """Which layers hold most parameters and do most work."""
    heavy, busy = plan.heaviest, plan.busiest
    return (
        f"Most parameters: **{heavy.name}**, {heavy.parameters / plan.parameters:.0%}. "
        f"Most work: **{busy.name}**, {busy.multiply_adds / plan.multiply_adds:.0%}."
    )
