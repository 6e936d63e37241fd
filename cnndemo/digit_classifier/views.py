"""The widgets of the digit classifier page: the preparation steps, and what was read."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import streamlit as st

from cnndemo.digit_classifier.preparation import STEPS
from cnndemo.digit_classifier.reading import Reading, boxed
from cnndemo.ui.pictures import Picture, show


def pick_steps(key: str = "steps") -> frozenset[str]:
    """The switches of the preparation steps (see `preparation`); kept in the link."""
    chosen = st.pills(
        "What the network saw: switch a step off and see the answer change",
        list(STEPS),
        selection_mode="multi",
        default=list(STEPS),
        key=key,
        bind="query-params",
        format_func=STEPS.get,
    )
    return frozenset(chosen)


def show_steps(reading: Reading, steps: Collection[str]) -> None:
    """Each preparation step of a reading as a picture; those that are switched off stay, as they left the picture."""
    with st.container(horizontal=True, gap="xsmall"):
        for step in reading.steps:
            title = STEPS[step.name]
            with st.container(width=84):
                caption = f"**{title}**: {step.note}" if step.name in steps else f":gray[{title}: off]"
                show(step.picture, caption, f"after the step {title}: {step.note}", target=112)


def show_number(picture: Picture, readings: Sequence[Reading], label: str = "The network reads") -> int:
    """What was read, in large type; several digits are boxed in the picture.

    Args:
        picture: what was read from.
        readings: at least one.
        label: the line above.

    Returns:
        Index of the reading that the visitor wants to look at.
    """
    text = "".join(str(reading.digit) for reading in readings)
    least = min(reading.confidence for reading in readings)
    sure = f"{least:.1%} sure" + (" at the least sure digit" if len(readings) > 1 else "")
    st.metric(label, text, sure, delta_color="off", delta_arrow="off")
    if len(readings) == 1:
        return 0
    places = range(len(readings))
    chosen = st.segmented_control(
        "Look at",
        places,
        default=0,
        required=True,
        wrap=True,
        format_func=lambda place: str(readings[place].digit) if place < len(readings) else "",
        key=f"look_at_{len(readings)}",
        label_visibility="collapsed",
    )
    chosen = chosen or 0
    show(boxed(picture.image, readings, chosen), alt=f"{picture.name} with a box around each digit: {text}")
    return chosen
