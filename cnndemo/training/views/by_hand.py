"""One batch by hand: digits → loss → gradient → weights moved → loss again, in numbers and pictures."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo.figures import heatmap
from cnndemo.training import by_hand as hand
from cnndemo.training import figures as charts
from cnndemo.ui.choices import one_of
from cnndemo.ui.panels import chart
from cnndemo.ui.pictures import show
from cnndemo.ui.session import state

STAGES = {"digits": "1 Digits", "loss": "2 Loss", "gradient": "3 Gradient", "move": "4 Move", "again": "5 Loss again"}
STAGE, BATCH, SIZE = "h_stage", "h_batch", "h_size"


@st.fragment
def by_hand() -> None:
    """The stepper: a batch, what is done with it in five stages, and the epoch so far."""
    stage = one_of(
        st.segmented_control, "One batch, step by step", STAGES, "digits", STAGE, wrap=True,
    )  # fmt: skip
    size, rate, number = _told()
    seen, step = hand.epoch(size, rate, number)
    {"digits": _digits, "loss": _loss, "gradient": _gradient, "move": _move, "again": _again}[stage](step, rate)
    last = number + 1 >= hand.batches(size)
    with st.container(horizontal=True, vertical_alignment="center"):
        order = list(STAGES)
        place = order.index(stage)
        if place + 1 < len(order):
            st.button(
                f"Next: {STAGES[order[place + 1]][2:].lower()}", type="secondary", icon=":material/arrow_forward:",
                key=state.key("h_next"), on_click=_go, args=(order[place + 1], number),
            )  # fmt: skip
        st.button(
            "Next batch", icon=":material/skip_next:", key=state.key("h_next_batch"), disabled=last,
            on_click=_go, args=("loss", number + 1),
        )  # fmt: skip
        st.button(
            "Whole epoch", icon=":material/fast_forward:", key=state.key("h_epoch"), disabled=last,
            on_click=_go, args=("again", hand.batches(size) - 1),
        )  # fmt: skip
        st.button(
            "From the start", icon=":material/replay:", key=state.key("h_start"), disabled=not number, type="tertiary",
            on_click=_go, args=("digits", 0),
        )  # fmt: skip
    chart(
        charts.epoch_so_far(seen, hand.batches(size)),
        f"loss of {len(seen)} of {hand.batches(size)} batches, the first {seen[0]:.2f}, the last {seen[-1]:.2f}",
        key="h_losses",
    )
    words = f"Batch {number + 1} of {hand.batches(size)}. "
    st.caption(
        words + ("That was an epoch: every digit has moved the weights once. " if last else "")
        + f"**An epoch** is one pass over all digits, here {hand.DIGITS}. Below, Keras does the same with thousands."
    )  # fmt: skip


def _told() -> tuple[int, float, int]:
    """Batch size, rate and number of the batch."""
    with st.popover("Batch and rate", icon=":material/tune:", type="tertiary"):
        size = one_of(st.segmented_control, "Digits of a batch", hand.SIZES, 16, SIZE)
        rate = st.select_slider("Learning rate", [0.01, 0.03, 0.1, 0.3, 1.0], 0.1, **state.linked("h_rate"))
        most = hand.batches(size)
        if state.get(BATCH, 1) > most:
            state[BATCH] = most
        number = st.number_input("Batch", 1, most, 1, **state.linked(BATCH))
    return size, float(rate), int(number) - 1


def _go(stage: str, number: int) -> None:
    """Callback: to a stage of a batch."""
    state[STAGE], state[BATCH] = stage, number + 1


def _strip(digits: np.ndarray, most: int = 8) -> np.ndarray:
    """The first digits side by side, with a gap; uint8."""
    return np.hstack([np.pad(digit, 2) for digit in digits[:most]])


def _digits(step: hand.Step, rate: float) -> None:
    count = len(step.labels)
    labels = ", ".join(map(str, step.labels[:8]))
    show(_strip(step.digits), f"The first 8 of {count} digits of this batch: {labels}", f"digits {labels}", target=480)
    st.markdown(
        f"A **batch**: {count} digits with their labels. The network here is the book's in small: "
        f"{hand.KERNELS} kernels of 3 × 3, then a dense layer. At first its weights are random."
    )


def _loss(step: hand.Step, rate: float) -> None:
    answers, label = step.first.probabilities, int(step.labels[0])
    left, right = st.columns([1, 3], vertical_alignment="center")
    with left:
        show(step.digits[0], f"a {label}", width=110)
    with right:
        chart(
            charts.answer(answers[0], label),
            f"the network gives the right answer {label} {answers[0, label]:.1%}, most goes to {answers[0].argmax()}",
            key="h_answer",
        )
    each = ", ".join(f"{loss:.2f}" for loss in step.first.losses[:4])
    st.markdown(
        f"The network gives the right answer **{answers[0, label]:.1%}**. Its loss is −ln {answers[0, label]:.3f} = "
        f"**{step.first.losses[0]:.2f}**. The loss of the batch is the mean over all its digits, "
        f"({each}, …) → **{step.first.loss:.3f}**."
    )


def _gradient(step: hand.Step, rate: float) -> None:
    slope = step.gradient.dense.reshape(26, 26, hand.KERNELS, hand.CLASSES)
    label = int(step.labels[0])
    _kernel(step, rate)
    left, right = st.columns([2, 1], vertical_alignment="center")
    with right:
        chart(
            heatmap(slope[..., 0, label], signed=True, height=150, hover="slope", showscale=False),
            f"slope of the 26 × 26 weights that join map 1 to the digit {label}: blue ones will grow, red ones shrink",
            key="h_slope",
        )
    left.markdown(
        "The **gradient** says for each weight how much the loss would grow if the weight grew: nine numbers of the "
        f"first kernel, and here the slopes of the 676 weights that join its map to the digit {label}. "
        "It is worked out backwards, from the answer to the kernels: *backpropagation*."
    )


def _move(step: hand.Step, rate: float) -> None:
    _kernel(step, rate)
    old, slope, new = (float(each.kernels[1, 1, 0]) for each in (step.before, step.gradient, step.after))
    count = sum(array.size for array in vars(step.before).values())
    st.markdown(
        f"Every weight takes a small step **against** its slope. The one in the middle: {old:+.4f} − {rate:g} × "
        f"({slope:+.4f}) = **{new:+.4f}**. All {count:,} weights do so at once: this is one *update*."
    )


def _kernel(step: hand.Step, rate: float) -> None:
    parts = [each.kernels[..., 0] for each in (step.before, step.gradient, step.after)]
    chart(
        charts.one_kernel(*parts, rate),
        f"the first kernel {np.round(parts[0], 3).tolist()} less {rate:g} times its gradient "
        f"{np.round(parts[1], 3).tolist()} is {np.round(parts[2], 3).tolist()}",
        key="h_kernel",
    )


def _again(step: hand.Step, rate: float) -> None:
    rows = np.arange(len(step.labels))[:8]
    before, after = (answer.probabilities[rows, step.labels[:8]] for answer in (step.first, step.again))
    chart(
        charts.right_class(before, after, step.labels[:8]),
        f"probability of the right class of eight digits, on average {before.mean():.1%} before and {after.mean():.1%} "
        "after the step",
        key="h_before_after",
    )
    better = step.again.loss < step.first.loss
    st.markdown(
        f"The same digits again: the loss was {step.first.loss:.3f} and is **{step.again.loss:.3f}**. "
        + ("The step went downhill." if better else "The step was too long: it went past the valley. Try a lower rate.")
        + " The next batch finds the weights where this one has left them."
    )
