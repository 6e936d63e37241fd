"""What callbacks would do along a validation loss, and why one descends the loss and not the accuracy."""

from __future__ import annotations

import math

import streamlit as st

from cnndemo import training, weights
from cnndemo.training import figures as charts
from cnndemo.training.views import running
from cnndemo.ui.panels import chart
from cnndemo.ui.session import state
from cnndemo.ui.settling import settle


def history() -> tuple[list[dict[str, float]], str]:
    """The curves that callbacks can be tried on, and whose they are."""
    run = running.shown()
    if run and len(run.history) > 1:
        return run.history, run.name.replace("Run", "your run")
    return weights.history("digit_classifier"), "the shipped network's training"


@st.fragment
def callbacks() -> None:
    """What the callbacks of listings 2.4 and 2.5 would do along a validation loss, without training again."""
    rows, whose = history()
    losses = [row["val_loss"] for row in rows if "val_loss" in row]
    if not losses:
        return
    st.caption(f"On the validation loss of {whose}, {len(losses)} epochs.")
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown("**ReduceLROnPlateau**, listing 2.5")
        factor = st.slider("Factor", 0.1, 0.9, 0.2, 0.1, **state.linked("factor"))
        patience = st.slider("Patience, epochs", 1, 10, 2, **state.linked("patience"))
        least = st.select_slider("Lowest rate", ["1e-06", "1e-05", "1e-04"], "1e-06", **state.linked("least"))
    with right:
        steps = training.plateau(losses, 1e-3, factor, patience, float(least))
        chart(charts.rates(steps, 230), f"The rate falls from {steps[0]:.1g} to {steps[-1]:.1g}", key="plateau")
        falls = sum(b < a for a, b in zip(steps, steps[1:], strict=False))
        st.caption(f"Lowered {falls} times. What the loss would then have done, only a new run can tell.")
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown("**ModelCheckpoint**, listing 2.4, and **EarlyStopping**")
        only = st.toggle("Save the best only", **state.linked("best"))
        wait = st.slider("Stop after epochs without progress", 1, 20, 5, **state.linked("wait"))
    with right:
        end = training.early_stop(losses, wait)
        files = training.checkpoints(losses[:end], only)
        listed = files if len(files) <= 6 else [*files[:3], f"… {len(files) - 5} more …", *files[-2:]]
        st.code("\n".join(listed), None, wrap_lines=True)
        st.caption(
            f"{len(files)} files in {end} of {len(losses)} epochs"
            + ("." if end == len(losses) else f"; EarlyStopping would have saved {len(losses) - end} epochs.")
        )
    settle("callbacks", factor)


@st.fragment
def loss_and_accuracy() -> None:
    """Why one descends the loss and not the accuracy (listing 2.3)."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            "Accuracy counts: right or wrong. Nudge a weight, and it stays where it is, until it jumps; a flat line "
            "has no slope to follow. **Cross-entropy**, −ln p of the right class, moves with every nudge, and "
            "punishes those who are wrong and sure of it."
        )
        probability = st.slider("Probability of the right class", 0.01, 0.99, 0.6, 0.01, **state.linked("p"))
        st.metric("Cross-entropy", f"{-math.log(probability):.3f}", width="content")
        st.caption(f"Its slope here is {-1 / probability:.2f}; that of the accuracy is 0.")
    with right:
        alt = f"Loss falls smoothly with the probability, accuracy jumps at one half; at {probability:g} the loss is "
        chart(charts.proxy(probability), alt + f"{-math.log(probability):.3f}", key="proxy")
    settle("proxy", probability)
