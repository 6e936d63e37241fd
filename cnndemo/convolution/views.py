"""The widgets of the convolution page: one curve, by formula or by hand."""

from __future__ import annotations

import streamlit as st

from cnndemo import convolution
from cnndemo.ui.canvas import canvas

KINDS = {"normal": "Normal", "box": "Box", "triangle": "Triangle", "exponential": "Exponential", "drawn": "Draw it"}
DEFAULTS = {"f": "normal", "fm": 0.0, "fw": 0.3, "g": "normal", "gm": 1.0, "gw": 0.3, "t": 0.6, "op": "flip"}


def put_back() -> None:
    """The book's two normals, for a button."""
    st.session_state.update(DEFAULTS)


def lopsided() -> None:
    """A pair on which the flip shows, for a button."""
    st.session_state.update({"f": "box", "fm": 0.0, "fw": 0.5, "g": "exponential", "gm": 0.0, "gw": 0.8})


def pick_curve(name: str) -> convolution.Curve:
    """The widgets of one curve."""
    kind = st.selectbox(
        f"Curve {name}", list(KINDS), key=name, bind="query-params", format_func=KINDS.get,
        index=list(KINDS).index(DEFAULTS[name]),
    )  # fmt: skip
    if kind == "drawn":
        st.caption("Draw one line from left (−2) to right (2); the top is height 2.")
        drawing = canvas(f"canvas_{name}", height=150, width=300, stroke_width=4)
        if drawing.image is None or not drawing.objects:
            st.caption("Until you draw, a roof stands in.")
            return convolution.Curve("drawn", points=((-1.0, 0.0), (-0.5, 1.2), (0.8, 0.3), (1.0, 0.0)))
        return convolution.curve_from_drawing(convolution.ink(drawing.image), -2, 2, 2)
    mean_label = "start" if kind == "exponential" else "mean"
    columns = st.columns(2)
    mean = columns[0].slider(
        f"{mean_label} of {name}", -2.0, 2.0, DEFAULTS[f"{name}m"], 0.1, key=f"{name}m", bind="query-params"
    )
    width = columns[1].slider(
        f"width of {name}", 0.1, 1.0, DEFAULTS[f"{name}w"], 0.05, key=f"{name}w", bind="query-params"
    )
    return convolution.Curve(kind, mean, width)
