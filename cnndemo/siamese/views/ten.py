"""How the page opens: a drawing against ten examples, and why that is no classifier."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import images, siamese, weights
from cnndemo.siamese.views.pair import embeddings
from cnndemo.ui.digits import pick_digit
from cnndemo.ui.frame import guard, stage
from cnndemo.ui.pictures import show
from cnndemo.ui.session import state

NETWORK = "siamese"
STANDS_IN = (4, 0)  # digit and number of the MNIST example that is compared until there is a drawing


@st.fragment
def against_ten() -> None:
    """One drawing, ten examples, ten distances."""
    left, right = st.columns([2, 3], gap="medium")
    digit = None
    with left, guard():
        picture = pick_digit("mine", ("draw", "mnist", "drawn", "own", "upload"), "draw", STANDS_IN)
        digit = images.digit(*STANDS_IN) if picture is None else siamese.read_digit(picture.image)
    with right, guard():
        if digit is None:
            return
        result = stage()
        with st.container(horizontal=True, vertical_alignment="bottom"):
            draw = int(st.number_input("Ten others", 1, 999, 1, **state.linked("ten"), width=120))
            without = st.toggle("Take the nearest away", **state.linked("away"))
        with result:
            _distances(digit, picture is None, draw, without)
        st.markdown(
            "**This is no classifier.** It knows one thing: how far two pictures lie apart. Take an example away, and "
            "its class is gone; lay a letter beside them, and it is an eleventh. Nothing is trained for that."
        )


def _distances(digit: np.ndarray, stands_in: bool, draw: int, without: bool) -> None:
    """The examples with their distances, the nearest marked, and what that says."""
    x, y = images.digits()
    generator = np.random.default_rng(draw)
    chosen = np.array([generator.choice(np.flatnonzero(y == label)) for label in range(10)])
    own = siamese.embedder(NETWORK)(siamese.prepare(digit[None]))[0]
    apart = siamese.distances(own[None], embeddings(NETWORK)[chosen])
    order = np.argsort(apart)
    shown = [label for label in range(10) if not (without and label == order[0])]
    nearest = int(order[1 if without else 0])
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        show(digit, None if stands_in else "Yours", "the digit as the network sees it, 28 by 28 pixels", width=96)
        with st.container():
            stand_in = "Until you draw, an MNIST digit. " if stands_in else ""
            st.markdown(
                stand_in + _verdict(nearest, float(apart[nearest]), weights.card(NETWORK)["threshold"], len(shown))
            )
    with st.container(horizontal=True, gap="small"):
        for label in shown:
            words = f":green[**{apart[label]:.2f}**]" if label == nearest else f"{apart[label]:.2f}"
            with st.container(width=58, gap="xsmall"):
                show(x[chosen[label]], None, f"example: a handwritten {label}, {apart[label]:.2f} away", width=56)
                st.markdown(words)


def _verdict(nearest: int, apart: float, threshold: float, count: int) -> str:
    if apart <= threshold:
        return (
            f"Nearest is the **{nearest}**, {apart:.2f} away. That is within the threshold of {threshold:.2f}: "
            "**the same**."
        )
    return (
        f"Nearest is the {nearest}, {apart:.2f} away. That is beyond the threshold of {threshold:.2f}: "
        f"**none of the {count}**. A classifier would have had to name one."
    )
