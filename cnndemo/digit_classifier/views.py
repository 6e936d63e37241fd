"""The widgets of the digit classifier page: the preparation steps, and what was read."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import streamlit as st

from cnndemo.digit_classifier import figures as charts
from cnndemo.digit_classifier.ink import Ink
from cnndemo.digit_classifier.neighbours import nearest
from cnndemo.digit_classifier.preparation import STEPS, Box
from cnndemo.digit_classifier.reading import NoDigit, Reading, Readings, boxed, contributions
from cnndemo.errors import VisitorError
from cnndemo.figures import number_grid
from cnndemo.palette import INPUT, OUTPUT
from cnndemo.ui.boxes import pick_box
from cnndemo.ui.choices import one_of
from cnndemo.ui.grids import hold_within
from cnndemo.ui.panels import chart
from cnndemo.ui.pictures import Picture, show
from cnndemo.ui.session import state

TO_BLUE, TO_GREEN = ([[0, "#FFFFFF"], [1, color]] for color in (INPUT, OUTPUT))


RESULT = """
import plotly.graph_objects as go
from PIL import Image

display(Image.fromarray(digit_classifier.boxed(photo, readings)).resize((320, 320 * len(photo) // photo.shape[1])))
display(Image.fromarray((255 * readings[0].input).astype(np.uint8)).resize((224, 224), Image.Resampling.NEAREST))
go.Figure(go.Bar(x=readings[0].probabilities, y=[str(digit) for digit in range(10)], orientation="h"))
"""
"""What the notebook shows in the end."""


def pick_steps(key: str = "steps") -> frozenset[str]:
    """The switches of the preparation steps (see `preparation`); kept in the link."""
    chosen = st.pills(
        "What the network saw: switch a step off and see the answer change",
        list(STEPS),
        selection_mode="multi",
        default=list(STEPS),
        **state.linked(key),
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


def pick_part(picture: Picture) -> Box | None:
    """A switch, and behind it a box to drag on the picture; (top, left, height, width) in its pixels, None when off."""
    if min(picture.image.shape[:2]) < 60:  # one of MNIST's digits
        return None
    if not st.toggle("Read a part only: drag a box around it", **state.linked("part")):
        return None
    (first, last), (start, stop) = pick_box(picture.image, (10.0, 90.0), (10.0, 90.0), "part_")
    height, width = (side / 100 for side in picture.image.shape[:2])
    tall, wide = round((last - first) * height), round((stop - start) * width)
    if min(tall, wide) < 8:
        raise VisitorError("This box is too small: a digit needs at least 8 × 8 pixels. Drag a larger one.")
    return round(first * height), round(start * width), tall, wide


def show_number(readings: Readings, label: str = "The network reads") -> int:
    """What was read, in large type.

    Args:
        readings: at least one.
        label: the line above.

    Returns:
        Index of the reading that the visitor wants to look at.
    """
    text = "".join(str(reading.digit) for reading in readings)
    least = min(reading.confidence for reading in readings)
    sure = f"{least:.1%} sure" + (" at the least sure digit" if len(readings) > 1 else "")
    st.metric(label, text, sure, delta_color="off", delta_arrow="off")
    chosen = 0
    if len(readings) > 1:
        places = range(len(readings))
        chosen = st.segmented_control(
            "Look at",
            places,
            default=0,
            required=True,
            wrap=True,
            format_func=lambda place: str(readings[place].digit) if place < len(readings) else "",
            **state.kept(f"look_at_{len(readings)}"),
            label_visibility="collapsed",
        )
    return chosen or 0


def show_probabilities(reading: Reading) -> None:
    """A bar for each digit."""
    chart(
        charts.probabilities(reading.probabilities, reading.digit),
        f"probabilities of the ten digits; the highest is {reading.digit} with {reading.confidence:.1%}",
        key="probabilities",
    )


def explain(picture: Picture, readings: Readings, chosen: int) -> None:
    """In a photo, and where there is more than one digit, a box around each; what the second network has to say.

    It stands below the answer: under a pen nothing may move.
    """
    reading = readings[chosen]
    if len(readings) > 1 or readings.others or readings.unsure or picture.source in ("upload", "camera"):
        text = "".join(str(each.digit) for each in readings)
        show(boxed(picture.image, readings, chosen), alt=f"{picture.name} with a box around each digit: {text}")
    if readings.others:
        count = len(readings.others)
        st.caption(
            f"Boxed in grey: {count} {'thing' if count == 1 else 'things'} that the second network takes for no digit."
        )
    if reading.corrected:
        alone = int(np.argmax(reading.probabilities))
        st.caption(
            f"The book's network alone says {alone} ({reading.probabilities[alone]:.1%}). The second has seen more "
            f"hands than MNIST's, and both together say {reading.digit}."
        )
    if readings.unsure:
        st.caption(":material/help: Not sure of everything here. Does the box fit? Else read a part only.")
        show_ink(readings.ink)


def show_ink(ink: Ink) -> None:
    """What was taken for ink."""
    show(ink.picture, "What it took for ink", "the ink that was found, bright on black", width=280)


def show_no_digit(error: NoDigit) -> None:
    """The answer “not a digit”, in large type."""
    least = min((other.certainty for other in error.others), default=0.0)
    st.metric("The network reads", "no digit", f"{least:.1%} sure", delta_color="off", delta_arrow="off")


def explain_no_digit(picture: Picture, error: NoDigit, alone: Reading | None) -> None:
    """What was looked at, and what the book's network would have said.

    Args:
        picture: what was read from.
        error: what was found instead of digits.
        alone: the book's network's answer to all the ink, if there is one.
    """
    show(boxed(picture.image, Readings([], error.others, error.ink)), alt=f"{picture.name}, what is no digit boxed")
    if alone is not None:
        st.caption(
            f"The book's network has ten answers and no eleventh: it alone would say {alone.digit} "
            f"({alone.confidence:.1%}). A second, small network says that this is none of the ten."
        )
    show_ink(error.ink)


def show_neighbours(reading: Reading) -> None:
    """The shipped digits that the last layer takes for most alike: whose kind they are explains a doubtful reading."""
    with st.spinner("Looking at 5,000 digits of MNIST …"):
        near = nearest(reading.input, ("dense_1",))["dense_1"]
    labels, most = near.labels.tolist(), near.majority
    wrong = f" Most of them are a {most}: perhaps this is one, too." if most != reading.digit else ""
    with st.container(width=440):
        show(
            np.hstack([np.pad(digit, 2) for digit in near.digits]),
            f"Not sure. The nearest of MNIST's digits in the last layer: **{' '.join(map(str, labels))}**; "
            f"{near.count(reading.digit)} of {len(labels)} are a {reading.digit}.{wrong}",
            f"the {len(labels)} nearest digits of MNIST: {', '.join(map(str, labels))}",
            target=440,
        )


@st.fragment
def flatten(maps: np.ndarray, flat: np.ndarray) -> None:
    """Figure 2.11 on real numbers: maps (h, w, channels), flat (h * w * channels,)."""
    st.markdown("**Flatten** lays the maps out as one row: channel by channel, column by column, row by row.")
    height, width, channels = maps.shape
    for name, most in (("row", height - 3), ("column", width - 3), ("channel", channels - 1)):
        hold_within(name, most)  # a network of the visitor's may have smaller maps
    row = st.slider("Top row of the window", 0, height - 3, min(10, height - 3), **state.linked("row"))
    column = st.slider("Its left column", 0, width - 3, min(10, width - 3), **state.linked("column"))
    channel = st.slider("Channel", 0, channels - 1, 0, **state.linked("channel"))
    window = maps[row : row + 3, column : column + 3, channel]
    places = [((row + r) * width + column + c) * channels + channel for r in range(3) for c in range(3)]
    grid = number_grid(window, "Nine values of a feature map", colorscale=TO_BLUE)
    chart(grid, f"three rows: {np.round(window, 2).tolist()}", key="window")
    line = number_grid(flat[places][None], "The same nine in the flattened row", 110, colorscale=TO_GREEN)
    chart(line, f"one row: {np.round(flat[places], 2).tolist()}", key="nine")
    st.caption(
        f"The first stands at ({row} × {width} + {column}) × {channels} + {channel} = {places[0]:,} of {flat.size:,}."
    )


@st.fragment
def dense(units: np.ndarray, digit: int, arrays: tuple[np.ndarray, ...] | None = None) -> None:
    """Figure 2.13 on real numbers: units (n,), and kernel and bias of the layer after them."""
    st.markdown("**Dense**: every unit speaks to every digit, each time with another weight.")
    asked = one_of(st.pills, "Which units speak for the digit …", range(10), digit, f"asked_{digit}")
    values, bias = contributions(units, asked, arrays)
    total = values.sum() + bias
    chart(
        charts.dense(values, bias, asked), f"the strongest units for and against {asked}; sum {total:.2f}", key="dense"
    )
    st.caption("Blue lines speak for the digit, orange ones against it. Softmax turns the ten sums into probabilities.")
