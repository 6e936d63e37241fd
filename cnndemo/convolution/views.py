"""The widgets of the convolution page: one curve, by formula or by hand."""

from __future__ import annotations

import streamlit as st

from cnndemo import convolution
from cnndemo.ui.pad import pad
from cnndemo.ui.session import state

RESULT = """
import plotly.graph_objects as go

curves = {"f": f(t), "g": g(t), "the result": values}
go.Figure([go.Scatter(x=t, y=heights, name=name) for name, heights in curves.items()])
"""
"""What the notebook shows in the end."""
KINDS = {"normal": "Normal", "box": "Box", "triangle": "Triangle", "exponential": "Exponential", "drawn": "Draw it"}
BOOK = {"f": "normal", "fm": 0.0, "fw": 0.3, "g": "normal", "gm": 1.0, "gw": 0.3, "t": 0.6, "op": "flip"}


LOPSIDED = {"f": "box", "fm": 0.0, "fw": 0.5, "g": "exponential", "gm": 0.0, "gw": 0.8}  # here the flip shows


def presets() -> None:
    """Two pairs of curves to start from."""
    button = {"on_click": state.update, "key": state.key("put_back"), "icon": ":material/restart_alt:"}
    st.button("The book's two normals", args=(BOOK,), **button)
    button |= {"key": state.key("lopsided"), "icon": ":material/call_split:"}
    st.button("A lopsided pair", args=(LOPSIDED,), **button)


def pick_curve(name: str) -> convolution.Curve:
    """The widgets of one curve."""
    kind = st.selectbox(
        f"Curve {name}", list(KINDS), **state.linked(name), format_func=KINDS.get,
        index=list(KINDS).index(BOOK[name]),
    )  # fmt: skip
    if kind == "drawn":
        st.caption("Draw one line from left (−2) to right (2); the top is height 2.")
        drawing = pad(f"drawn_{name}", 150, 300, f"Draw the curve {name}", pen=4)
        if drawing.empty:
            st.caption("Until you draw, a roof stands in.")
            return convolution.Curve("drawn", points=((-1.0, 0.0), (-0.5, 1.2), (0.8, 0.3), (1.0, 0.0)))
        return convolution.curve_from_drawing(drawing.ink() > 0.5, -2, 2, 2)
    mean_label = "start" if kind == "exponential" else "mean"
    columns = st.columns(2)
    mean = columns[0].slider(f"{mean_label} of {name}", -2.0, 2.0, BOOK[f"{name}m"], 0.1, **state.linked(f"{name}m"))
    width = columns[1].slider(f"width of {name}", 0.1, 1.0, BOOK[f"{name}w"], 0.05, **state.linked(f"{name}w"))
    return convolution.Curve(kind, mean, width)
