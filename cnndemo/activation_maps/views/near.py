"""The shipped pictures nearest to the visitor's, layer by layer."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import digit_classifier
from cnndemo.activation_maps import drawing, library, nearest
from cnndemo.activation_maps.networks import Network
from cnndemo.digit_classifier import Neighbours
from cnndemo.ui.pictures import Picture, show
from cnndemo.ui.session import state

MISREAD = (6, 44)
"""Digit and example of a shipped digit that the network misreads."""
_WHAT = {
    "pixels": "in pixels: as bright in the same places",
    "early": "early: the same edges and colours in the same places",
    "middle": "in the middle: the same textures, about there",
    "last": "in the last layer: the same things, wherever they are",
}
_DIGITS = {
    "pixels": "in pixels",
    "conv2d_1": "early, in `conv2d_1`",
    "conv2d_2": "in the middle, in `conv2d_2`",
    "dense_1": "in the last layer before the answer, `dense_1`",
}


def near_photo(network: Network, picture: Picture) -> None:
    """The nearest views of the shipped photographs, a row for each depth."""
    if not st.toggle("Look for them", **state.linked("near")):
        st.caption("Takes a second the first time: every shipped picture goes through the network once.")
        return
    fitted = network.fit(picture.image)
    with st.spinner("Looking at the shipped pictures …"):
        found = nearest.nearest(network, fitted, picture.name if picture.source == "sample" else None)
    layers, measured = nearest.depths(network), nearest.measured(network)
    for word, views in found.items():
        layer = f" ({network.layer(layers[word]).title})" if word in layers else ""
        titles = "; ".join(library.title(near.view) for near in views)
        st.markdown(f"**Nearest {_WHAT[word]}**{layer}")
        with st.container(width=620):
            row = drawing.tiles([library.view(near.view, network.size) for near in views], len(views), 100)
            show(row, titles, f"the nearest {word}: {titles}")
        breed, species = (measured.shares[word, alike] for alike in ("breed", "species"))
        st.caption(
            f"Measured on {measured.pets} pets: **{breed:.1%}** have one of their own breed nearest, {species:.1%} a "
            "cat if they are a cat, a dog if they are a dog."
        )
    st.caption(
        f"Of {library.count()} views of the {library.count() // len(library.PLACES)} shipped photographs, by Euclidean "
        "distance; the picture itself is left out. A shift of your picture changes the first row and hardly the last."
    )
    st.caption(
        f"The pets are photographs of {measured.breeds} breeds, as many of each, so chance finds one breed in "
        f"{measured.breeds}; they are only measured with and do not ship. {measured.source}. {measured.licence}. "
        f"Measured by `{measured.command}`."
        + (" This network learned from some of these pictures, but no breeds." if measured.seen else "")
    )


def near_digit(name: str, field: np.ndarray) -> None:
    """How the shipped network reads a digit, and the nearest shipped ones, a row for each depth.

    Args:
        name: in words.
        field: what the network sees, float32 (28, 28) in [0, 1].
    """
    with st.spinner("Looking at 5,000 digits …"):
        found = digit_classifier.nearest(field)
        right = {space: digit_classifier.agreement(space) for space in found}
    probabilities = digit_classifier.shipped()(field[None, :, :, None])[0]
    read, known = int(probabilities.argmax()), digit_classifier.label_of(field)
    st.markdown(f"**Nearest to {name}**")
    expected = found["dense_1"].majority if known is None else known
    tell = st.markdown if read == expected else st.warning
    tell(explained(read, float(probabilities[read]), known, found["dense_1"]))
    for space, near in found.items():
        labels = " ".join(map(str, near.labels))
        with st.container(width=440):
            show(
                drawing.tiles(list(near.digits), len(near.digits), 56),
                f"{_DIGITS[space]}: **{labels}**, {near.count(read)} of {len(near.labels)} a {read}. Of all digits, "
                f"{right[space]:.1%} have one of their own kind nearest.",
                f"the nearest digits {_DIGITS[space]}: {labels}",
            )


def explained(read: int, sure: float, known: int | None, last: Neighbours) -> str:
    """Why a digit is read as it is, by its neighbours.

    Args:
        read: the digit that the network answers.
        sure: its probability, 0 to 1.
        known: what the digit is, None if nobody said.
        last: the nearest digits in the last layer before the answer.
    """
    alike, count, most = last.count(read), len(last.labels), last.majority
    words = f"The network reads a **{read}**, {sure:.1%} sure"
    if known is None:
        words += f". In the last layer {alike} of its {count} neighbours are a {read}."
        if most != read:
            return f"{words} Most are a {most}: there the digit lies between the two, so do not trust the answer."
        return f"{words} If you wrote another digit, this is why: the network finds it among the {read}s."
    if known == read:
        close = f" Most are a {most}: it was close." if most != read else ""
        return f"{words}, and it is one. In the last layer {alike} of its {count} neighbours are, too.{close}"
    words += f", but it is a **{known}**: misread. In the last layer {alike} of its {count} neighbours are a {read}"
    if most == read:
        return f"{words}, its wrong class: the layers took it for one of them, so the answer had to be wrong."
    return f"{words}, its wrong class; most are a {most}, so what erred is the last step, from there to the answer."
