"""The shipped pictures nearest to the visitor's, layer by layer."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import digit_classifier
from cnndemo.activation_maps import drawing, library, nearest
from cnndemo.activation_maps.networks import Network
from cnndemo.ui.pictures import Picture, show
from cnndemo.ui.session import state

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
    layers = nearest.depths(network)
    for word, views in found.items():
        layer = f" ({network.layer(layers[word]).title})" if word in layers else ""
        titles = "; ".join(library.title(near.view) for near in views)
        st.markdown(f"**Nearest {_WHAT[word]}**{layer}")
        with st.container(width=620):
            row = drawing.tiles([library.view(near.view, network.size) for near in views], len(views), 100)
            show(row, titles, f"the nearest {word}: {titles}")
    st.caption(
        f"Of {library.count()} views of the {library.count() // len(library.PLACES)} shipped photographs, by Euclidean "
        "distance; the picture itself is left out. A shift of your picture changes the first row and hardly the last."
    )


def near_digit(name: str, field: np.ndarray) -> None:
    """The nearest shipped digits, a row for each depth; field float32 (28, 28) in [0, 1]."""
    with st.spinner("Looking at 5,000 digits …"):
        found = digit_classifier.nearest(field)
        right = {space: digit_classifier.agreement(space) for space in found}
    st.markdown(f"**Nearest to {name}**")
    for space, near in found.items():
        labels = " ".join(map(str, near.labels))
        with st.container(width=440):
            show(
                drawing.tiles(list(near.digits), len(near.digits), 56),
                f"{_DIGITS[space]}: **{labels}**. Of all, {right[space]:.1%} have one of their own kind nearest.",
                f"the nearest digits {_DIGITS[space]}: {labels}",
            )
