"""Nonsense with confidence, and how far a network's certainty can be trusted."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import calibration, digit_classifier, ui
from cnndemo.fool_it import figures as charts
from cnndemo.fool_it import nonsense, reliability
from cnndemo.fool_it.nonsense import Nonsense
from cnndemo.ui.frame import section
from cnndemo.ui.session import state

NETWORKS = {
    "digit_classifier": "Digits",
    "robust_digits": "Digits, trained with attacks",
    "not_a_digit": "Digits, or none",
    "resnet20": "Ten kinds of things",
    "cifar10_transfer": "The same ten, by transfer",
    "pet_breeds": "Breeds of pets",
    "efficientnet_lite0": "1,000 things",
}
UNMEASURED = "efficientnet_lite0"  # on pictures of ImageNet, which may not be passed on
TEMPERATURES = reliability.TEMPERATURES
WIDE = 132  # pixels of a picture


@st.cache_data(max_entries=8, show_spinner=False)
def pictures(name: str, turn: int) -> list[Nonsense]:
    return nonsense.shown(name, turn)


@st.cache_resource(max_entries=256, show_spinner=False)
def refused_there(picture: np.ndarray) -> bool:
    return nonsense.refused(picture)


@st.fragment
def certainty() -> None:
    """Two sections that share the network and the temperature."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = ui.one_of(st.segmented_control, "Network", NETWORKS, "digit_classifier", "network")
        turn = st.number_input("Other nonsense", 1, 99, 1, **state.linked("nonsense"), width=150)
        temperature = st.select_slider("Temperature", TEMPERATURES, 1.0, **state.linked("temperature"), width=260)
    known = None
    with ui.guard():
        known = None if name == UNMEASURED else reliability.certainty(name)
    with ui.guard():
        found = pictures(name, turn - 1)
        if name in nonsense.DIGITAL:
            found = found + _own(name)
        _none_of_these(name, found, temperature, known)
    section("How much is its percentage worth?")
    if known is not None:
        _reliability(name, temperature, known)
    elif name == UNMEASURED:
        st.caption(
            "ImageNet's test pictures may not be passed on, so there is nothing here to measure this network on: no "
            "diagram, and no threshold above. The breeds of pets and the ten kinds by transfer are read from the same "
            "network's features, and those heads are measured."
        )


def _signed(value: float, digits: int) -> str:
    """A number with a minus sign that is as wide as a plus."""
    return f"{value:.{digits}f}".replace("-", "−")


def _own(name: str) -> list[Nonsense]:
    """What the visitor draws, if he does."""
    with st.expander("Draw nonsense of your own", icon=":material/draw:"):
        drawing = ui.pad("nonsense_pad", 200, 200, alt="Draw anything but a digit here", pen=14)
    if drawing.empty:
        return []
    with ui.guard():  # a dot may be too small to be ink
        field = digit_classifier.classify(drawing.image()).input
        return nonsense.asked(name, {"your drawing": np.rint(field * 255).astype(np.uint8)})
    return []


def _none_of_these(name: str, found: list[Nonsense], temperature: float, known: reliability.Certainty | None) -> None:
    """Each picture, what the softmax says of it, and whether an answer “none of these” would catch it."""
    labels, cost = nonsense.labels(name), 5
    if known is not None:
        cost = st.slider("Real pictures that “none of these” may cost, %", 0, 30, 5, **state.linked("cost"), width=420)
    caught = 0
    with st.container(horizontal=True):
        for each in found:
            probabilities = calibration.softened(each.scores, temperature)
            best, energy = int(probabilities.argmax()), float(reliability.energy(each.scores))
            words = f"**{labels[best]}**, {probabilities[best]:.0%} sure  \nenergy {_signed(energy, 1)}"
            if known is not None:
                refused = energy > known.threshold(cost / 100) or labels[best] in nonsense.NOTHING
                caught += refused
                words += f"  \n:{'green' if refused else 'red'}-badge[{'none of these' if refused else 'believed'}]"
            with st.container(width=WIDE):
                ui.show(each.picture, each.name, f"{each.name}, read as {labels[best]}", width=WIDE, target=WIDE)
                st.markdown(words)
    if known is None:
        return
    threshold = _signed(known.threshold(cost / 100), 2)
    st.markdown(
        f"Refuse what has an energy above **{threshold}**, and {caught} of {len(found)} are caught; of "
        f"{known.samples:,} real test pictures {cost} % are lost with them."
    )
    least = known.least(cost / 100)
    others = sum(calibration.softened(each.scores).max() < least for each in found)
    st.caption(
        f"The highest probability as a threshold, at the same cost ({least:.1%}), catches {others}. The energy is "
        "−log Σ exp(scores), low for pictures like those of the training; the softmax keeps only how scores differ. "
        "Neither catches all: loud noise drives the scores up, too."
    )
    if name == nonsense.JUDGE:
        st.markdown(
            "This is the second network of [the digit page](digit_classifier). It has learned two answers more, “no "
            "digit” and “several digits”; here they count as “none of these”, too. They catch what is like the "
            "nonsense of its training, such as letters. Noise and photographs it has never met: on that page they do "
            "not come before it, for ink is looked for first."
        )
    elif name in nonsense.DIGITAL:
        refused = sum(refused_there(each.picture) for each in found)
        st.markdown(
            "[The digit page](digit_classifier) looks for ink first, and asks a second network that has learned an "
            f"answer “no digit” from pictures of nonsense. It refuses **{refused} of {len(found)}**."
        )


def _reliability(name: str, temperature: float, known: reliability.Certainty) -> None:
    """The diagram at the chosen temperature."""
    now, usual = known.diagrams[temperature], known.diagrams[1.0]
    left, right = st.columns([3, 2], gap="large")
    with left:
        alt = "; ".join(
            f"{confidence:.0%} sure, {accuracy:.0%} right ({count})"
            for count, confidence, accuracy in zip(now.count, now.confidence, now.accuracy, strict=True)
            if count
        )
        title = f"{NETWORKS[name]}, temperature {temperature:g}"
        ui.chart(charts.reliability(now, title), alt, key="reliability")
    with right:
        with st.container(horizontal=True):
            st.metric("Off by, on average", f"{now.error:.1%}", width="content")
            st.metric("at temperature 1", f"{usual.error:.1%}", width="content")
        doubtful = int(now.count[:-1].sum())
        st.markdown(
            f"Of {known.samples:,} test pictures, put into bins by how sure the network was; bars on the dotted line "
            f"mean that its percentage can be believed. A temperature of **{known.best:g}** fits best. It divides the "
            "scores before the softmax: no answer changes, only how sure it is."
        )
        st.caption(f"{doubtful:,} answers are less than 90 % sure; bins with few answers say little. From the card.")
