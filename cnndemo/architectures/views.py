"""The architectures page's parts: the layer table with its arithmetic, skip connections, dense connections."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import architectures
from cnndemo.architectures import figures as charts
from cnndemo.architectures.gradients import WIDTH
from cnndemo.ui.choices import one_of
from cnndemo.ui.panels import Question, chart, table
from cnndemo.ui.pictures import pick_image, show
from cnndemo.ui.session import state

TITLES = {network.title: name for name, network in architectures.NETWORKS.items()}
ACTIVATIONS = ["relu", "tanh", "sigmoid"]


def words_of(number: int) -> str:
    """1234567 -> "1.23 million"."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return f"{number:,}"


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
                st.code(code, language="python")
    with right:
        picture = pick_image()
        side = plan.input_side
        seen = min(1.0, layer.sees / side)
        show(
            architectures.field_of(picture.image, layer, side),
            f"A unit in the middle of **{layer.name}** sees {min(layer.sees, side)} of {side} pixels each way, "
            f"{seen * seen:.0%} of the picture"
            + (f"; its window of {layer.sees} reaches over the edge." if layer.sees > side else "."),
            alt=f"The middle of {picture.alt}; a bright square is what one unit sees",
        )


@st.fragment
def skip_connections() -> None:
    """Three playgrounds: the book's product, real gradients, and the block in numbers."""
    st.markdown(
        "**The book's thought**: a network of one number a layer only multiplies. What is left after many layers?"
    )
    left, right = st.columns([2, 3], gap="large")
    with left:
        weight = st.slider("Weight of every layer", 0.5, 1.6, 0.8, 0.01, **state.linked("w"))
        layers = st.slider("Layers", 2, 150, 100, **state.linked("n"))
        values = architectures.chain(weight, layers)
        st.metric(f"{weight:g} to the power of {layers}", f"{values[-1]:.4g}")
        st.caption(
            "The book takes 1.5 and 0.8. Only next to 1 does anything survive, and no one can keep all weights there."
        )
    with right:
        alt = f"The product over {layers} layers, logarithmic; it ends at {values[-1]:.3g}"
        chart(charts.product(values), alt, key="product")

    st.markdown(f"**Real layers**: {WIDTH} units each, random weights, the gradient sent back from the end.")
    left, right = st.columns([2, 3], gap="large")
    with left:
        depth = st.slider("Depth", 4, 120, 60, **state.linked("depth"))
        gain = st.slider("Spread of the weights, 1 is what theory advises", 0.5, 1.5, 1.0, 0.05, **state.linked("gain"))
        bend = one_of(st.segmented_control, "Activation", ACTIVATIONS, "sigmoid", "act")
        skip = st.slider("A skip over every … layers", 1, 5, 2, **state.linked("skip"))
        normalized = st.toggle("Batch normalization", False, **state.linked("bn"))
    curves = {
        "without skips": architectures.gradient_sizes(depth, gain, 0, normalized, bend),
        f"a skip over every {skip} layers": architectures.gradient_sizes(depth, gain, skip, normalized, bend),
    }
    with right:
        ends = {title: sizes[0] for title, sizes in curves.items()}
        alt = "The gradient before each layer: " + "; ".join(f"{title}: {end:.2g}" for title, end in ends.items())
        chart(charts.gradients(curves), alt, key="gradients")
        st.markdown("At the first layer: " + "; ".join(f"{title}, **{end:.2g}**" for title, end in ends.items()) + ".")
        st.caption(verdict(ends, normalized))

    st.markdown(
        "**The block in numbers**: y = F(x) + x. The gradient comes back on both ways, and on one of them unchanged."
    )
    left, right = st.columns([2, 3], gap="large")
    with left:
        x = st.slider("x", -2.0, 2.0, 1.0, 0.1, **state.linked("x"))
        first = st.slider("First weight", -2.0, 2.0, 0.5, 0.1, **state.linked("w1"))
        second = st.slider("Second weight", -2.0, 2.0, 0.3, 0.1, **state.linked("w2"))
        on = st.toggle("Skip connection", True, **state.linked("on"))
    block = architectures.residual_block(x, first, second, on)
    with right:
        alt = f"Forward: F(x) = {block.branch:.3g}, y = {block.output:.3g}"
        chart(charts.residual(block, x, first, second, False), alt, key="forward")
        alt = f"Backward: {block.through_branch:.3g} through the layers, {block.through_skip:.3g} through the skip"
        chart(charts.residual(block, x, first, second, True), alt, key="backward")
        st.markdown(
            f"dy/dx = {block.through_branch:.3g} + {block.through_skip:.3g} = **{block.gradient:.3g}**. "
            + ("" if on else "Without the skip only the first part is left. ")
            + ("The ReLU is off, so the layers pass nothing back." if block.through_branch == 0 else "")
        )


def verdict(ends: dict[str, float], normalized: bool) -> str:
    """What the two gradients at the first layer mean."""
    plain, skipped = ends.values()
    if plain < 1e-3 and 1e-3 <= skipped <= 1e3:
        return "Without skips the first layers hear next to nothing and cannot learn. Skips carry the gradient to them."
    if skipped > 1e3 and not normalized:
        return "Every block adds to its input, so values and gradients grow. Batch normalization keeps them small."
    if plain > 1e3 and normalized:
        return "Normalization alone lets gradients grow with depth (Yang et al. 2019). With skips they stay in bounds."
    if max(abs(np.log10(max(end, 1e-300))) for end in ends.values()) <= 3:
        return "Both arrive in a good size. Change spread, depth or activation: without skips it is more delicate."
    return "Gradients this small or large do not train: steps are nothing, or fly away."


@st.fragment
def dense_connections() -> None:
    """A dense block with its arcs and its price, and a whole DenseNet."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        layers = st.slider("Layers in the block", 2, 12, 5, **state.linked("dn"))
        growth = st.slider("Maps that each layer adds (growth rate)", 4, 48, 32, 4, **state.linked("growth"))
        inputs = st.slider("Maps that come in", 16, 256, 64, 16, **state.linked("din"))
        rows = architectures.dense_block(layers, inputs, growth)
        ours, plain = sum(row["weights"] for row in rows), architectures.plain_block_parameters(layers, inputs, growth)
        count = len(architectures.connections(layers))
        st.markdown(
            f"**{count} connections**: {layers} · {layers + 1} / 2. The book counts those among the layers alone: "
            f"{layers * (layers - 1) // 2}."
        )
        st.markdown(
            f"The block ends with {inputs + layers * growth} maps and has **{words_of(ours)}** weights. Ordinary "
            f"layers of that width would have {words_of(plain)}, {plain / ours:.1f} times as many: here each layer "
            f"writes only {growth} maps and reads the rest."
        )
    with right:
        alt = f"A dense block of {layers} layers with {count} arcs: each layer reads the input and all layers before it"
        chart(charts.dense_arcs(layers, inputs, growth), alt, key="arcs")
    st.markdown(
        "**DenseNet-121**: four such blocks. Between them, transitions halve the number of maps and their sides."
    )
    plan = architectures.plan("densenet121")
    chart(
        charts.channels(plan.layers),
        "Maps after each layer: they grow in each block and are halved after it",
        key="maps",
    )
    resnet = architectures.plan("resnet50")
    st.caption(
        f"{words_of(plan.parameters)} parameters in {plan.depth} layers, against {words_of(resnet.parameters)} in the "
        f"{resnet.depth} of ResNet-50. Many connections, few weights."
    )


def most_of(plan: architectures.Plan) -> str:
    """Which layers hold most parameters and do most work."""
    heavy, busy = plan.heaviest, plan.busiest
    return (
        f"Most parameters: **{heavy.name}**, {heavy.parameters / plan.parameters:.0%}. "
        f"Most work: **{busy.name}**, {busy.multiply_adds / plan.multiply_adds:.0%}."
    )


def questions(plan: architectures.Plan, name: str) -> list[Question]:
    """What doubling all filters costs, and where the parameters are."""
    factor = round(architectures.plan(name, width=2).parameters / architectures.plan(name).parameters, 1)
    heavy = plan.heaviest
    first = sorted(plan.layers, key=lambda layer: -layer.parameters)[:3]
    return [
        Question(
            f"All filters and units of {architectures.NETWORKS[name].title} as published are doubled. How many times "
            "as many parameters has it then?",
            [f"× {number:g}" for number in sorted({2.0, factor, 8.0})],
            f"× {factor:g}",
            "A layer's weights are its inputs times its outputs: double both, and there are four times as many. "
            "First and last layer, with one side fixed, only double.",
        ),
        Question(
            "Which layer has most of the parameters?",
            [layer.name for layer in reversed(first)],
            heavy.name,
            f"{heavy.arithmetic} = {heavy.parameters:,}.",
        ),
    ]
