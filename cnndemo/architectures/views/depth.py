"""Depth: products of many weights, gradients with and without skips, two stacks that learn, and dense blocks."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import architectures
from cnndemo.architectures import comparing_figures, stacks
from cnndemo.architectures import figures as charts
from cnndemo.architectures.gradients import WIDTH
from cnndemo.architectures.views.plans import words_of
from cnndemo.jobs import Job
from cnndemo.ui.choices import main_button, one_of
from cnndemo.ui.panels import chart, table
from cnndemo.ui.session import state
from cnndemo.ui.watch import in_line, watch

ACTIVATIONS = ["relu", "tanh", "sigmoid"]
FLOATS = ("float16", "float32", "float64")


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
        _floats(weight, layers)
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


def _floats(weight: float, layers: int) -> None:
    """The same product in floats of 16, 32 and 64 bits, and from where on it is a tenth wrong or more."""
    rows, truth = [], architectures.chain(weight, layers)
    for dtype in FLOATS:
        values = architectures.chain(weight, layers, dtype).astype(float)
        wrong = np.flatnonzero(~(np.abs(values / truth - 1) < 0.1))
        rows.append(
            {
                "numbers": dtype,
                "product": "infinite" if np.isinf(values[-1]) else f"{values[-1]:.3g}",
                "wrong from": f"layer {wrong[0] + 1}" if len(wrong) else "never",
            }
        )
    table(rows)


RACE = "race_run"  # the visitor's run, in this session's memory


@st.fragment
def race() -> None:
    """A plain and a residual stack learn the same digits; gradients of all layers while they do."""
    job: Job[stacks.Run] | None = state.get(RACE)
    running = job is not None and job.running
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.caption(
            f"Two stacks of equal 3 × 3 layers get the same batches of {stacks.BATCH} real digits. One of them adds "
            "what went into every two layers to what comes out."
        )
        depth = st.slider("Layers in each stack", 4, stacks.MOST_DEPTH, 30, 2, **state.linked("r_depth"))
        updates = st.slider("Updates", 20, stacks.MOST_UPDATES, 150, 10, **state.linked("r_updates"))
        rate = float(
            one_of(st.segmented_control, "Learning rate (Adam)", ["0.0003", "0.001", "0.003"], "0.001", "r_rate")
        )
        normalized = st.toggle("Batch normalization in both", True, **state.linked("r_bn"))
        with st.container(horizontal=True):
            main_button(
                "Train both", icon=":material/play_arrow:", key=state.key("r_go"), disabled=running,
                on_click=_begin, args=(stacks.Race(depth, normalized, rate, updates),),
            )  # fmt: skip
            if running:
                st.button("Stop", icon=":material/stop:", key=state.key("r_stop"), on_click=job.stop)
    with right:
        if job is None:
            st.info("Press **Train both**: it takes about half a minute and can be stopped.", icon=":material/info:")
        elif job.error:
            st.warning(str(job.error), icon=":material/info:")
        watch(job, _race_so_far)


def _begin(race: stacks.Race) -> None:
    """Callback: start a race."""
    state[RACE] = Job(lambda waiting: stacks.run(race, waiting))


def _race_so_far() -> None:
    """The bar while they learn, both curves, and the gradients at a chosen look."""
    job: Job[stacks.Run] | None = state.get(RACE)
    run = job.latest if job else None
    looks = list(run.looks) if run else []
    if job and job.running:
        done = looks[-1].update / run.race.updates if looks else 0.0
        words = (
            f"Update {looks[-1].update} of {run.race.updates}" if looks else in_line(job, "Keras builds both stacks …")
        )
        st.progress(min(1.0, done), words)
    if not looks:
        return
    alt = "; ".join(f"{name}: loss {loss:.2g}" for name, loss in looks[-1].losses.items())
    chart(
        comparing_figures.race_losses(looks), f"Loss of both stacks after {looks[-1].update} updates: {alt}", "r_loss"
    )
    look = looks[-1]
    if len(looks) > 1 and not job.running:
        at = st.select_slider(
            "Gradients after update",
            [each.update for each in looks],
            looks[0].update,
            **state.kept(f"r_at_{looks[-1].update}"),
        )
        look = next((each for each in looks if each.update == at), look)
    firsts = "; ".join(f"{name}: {sizes[0]:.2g}" for name, sizes in look.norms.items())
    chart(
        comparing_figures.race_norms(look),
        f"Length of each layer's gradient after update {look.update}. First layer: {firsts}", "r_norms",
    )  # fmt: skip
    right = ", ".join(f"{name} **{share:.0%}**" for name, share in looks[-1].accuracies.items())
    st.markdown(f"Of {stacks.HELD} digits that neither has seen, after {looks[-1].update} updates: {right} right.")
    if len(looks) > 1 and not job.running:
        st.caption(_lesson(looks))


def _lesson(looks: list[stacks.Look]) -> str:
    """What the race shows, in a sentence that fits its figures."""
    plain, skips = (looks[-1].accuracies[name] for name in (stacks.PLAIN, stacks.RESIDUAL))
    if looks[0].losses[stacks.RESIDUAL] > 10:
        return (
            "Each block adds to what it was given, so without normalization the values grow from block to block: the "
            f"first loss of the residual stack was {looks[0].losses[stacks.RESIDUAL]:.3g}, where guessing has "
            f"{np.log(10):.2g}. Put batch normalization on."
        )
    if skips > plain + 0.1:
        ends = looks[0].norms[stacks.PLAIN]
        return (
            "The skips win: they pass the gradient on as it is. In the plain stack it changed by a factor of "
            f"{max(ends[0], ends[-1]) / max(min(ends[0], ends[-1]), 1e-30):,.0f} between the last layer and the first."
        )
    return "No great difference: the stack is shallow, or there were too few updates. Try more of both."


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
