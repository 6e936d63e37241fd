"""Pooling: window, winners and the gradient's way back (figures 2.17 and 2.18)."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import layer_lab
from cnndemo.figures.grids import Outline, cells
from cnndemo.grids import read_out
from cnndemo.palette import ACCENT, INPUT, KERNEL, OUTPUT
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import guard
from cnndemo.ui.grids import clicked, edit_grid, hold_within
from cnndemo.ui.keras import agreement
from cnndemo.ui.panels import chart
from cnndemo.ui.session import state


@st.fragment
def pooling_view() -> None:
    """Input, output and gradient of a pooling layer, with one window framed."""
    left, right = st.columns([2, 3], gap="large")
    with left, guard():
        kind = one_of(st.segmented_control, "Kind", ["max", "average"], "max", "pk")
        n = st.slider("Input size", 3, 12, 4, **state.linked("pn"))
        columns = st.columns(2)
        size = columns[0].slider("Window", 1, 4, 2, **state.linked("ps"))
        stride = columns[1].slider("Step (stride)", 1, 4, 2, **state.linked("pt"))
        padding = one_of(st.segmented_control, "Padding of the pool", ["valid", "same"], "valid", "pp")
        with st.expander("Type your own numbers", icon=":material/edit:"):
            preset = np.random.default_rng(11).permutation(144).reshape(12, 12)[:n, :n] % 30
            x = edit_grid("pool", preset.astype(float), "Input", "The input")
        _pooled(right, x, kind, size, stride, padding)


def _pooled(right, x: np.ndarray, kind: str, size: int, stride: int, padding: str) -> None:
    shape = layer_lab.geometry(x.shape, (size, size), stride, 1, padding)
    pool = {"max": layer_lab.max_pool, "average": layer_lab.average_pool}[kind]
    result = pool(x, size, stride, padding)
    back = layer_lab.pool_gradient(x, np.ones_like(result), size, stride, padding, kind)
    hold_within("pr", shape.output[0] - 1)
    hold_within("pc", shape.output[1] - 1)
    with right:
        columns = st.columns(2)
        row = int(columns[0].number_input("Output row", 0, shape.output[0] - 1, 0, **state.linked("pr")))
        column = int(columns[1].number_input("Output column", 0, shape.output[1] - 1, 0, **state.linked("pc")))
        (top, _), (left, _) = shape.pads
        padded = layer_lab.pad(x, shape.pads, padding, -np.inf)
        rows, across = shape.rows.reads(row), shape.columns.reads(column)
        window = padded[np.ix_(rows, across)]
        winners = [(int(i) + top, int(j) + left) for i, j in np.argwhere(back > 0)] if kind == "max" else []
        outlines = [
            Outline(winners, KERNEL, 2),
            Outline([(int(i), int(j)) for i in rows for j in across]),
        ]
        grids = st.columns(3)
        with grids[0]:
            title = "Input" if padded.shape == x.shape else "Padded input"
            inner = (top, left, *x.shape)
            chart(
                cells(padded, title, INPUT, outlines, ~shape.used, inner),
                f"{title} of the pool: {read_out(padded)}",
                "pool_input",
            )
        with grids[1]:
            framed = [Outline([(row, column)], ACCENT)]
            chart(
                cells(result, "Output", OUTPUT, framed), f"Output of the pool: {read_out(result)}", "pool_output",
                on_select=clicked("pool_output", "pr", "pc"),
            )  # fmt: skip
        with grids[2]:
            chart(
                cells(back, "Gradient back", KERNEL),
                f"The gradient that each input gets: {read_out(back)}",
                "pool_back",
            )
        numbers = [layer_lab.number_text(v) for v in window[np.isfinite(window)]]
        word = "max" if kind == "max" else "mean"
        st.markdown(f"`{word}({', '.join(numbers)}) = {layer_lab.number_text(result[row, column])}`")
        st.caption(
            "If every output sends back a gradient of 1, a max pool hands all of it to the cell that won (orange "
            "frames) and nothing to the others; an average pool shares it. Windows that overlap add up."
        )
        for note in shape.notes():
            st.caption(f":material/info: {note}")
        layer = "MaxPooling2D" if kind == "max" else "AveragePooling2D"
        st.code(f'keras.layers.{layer}({size}, strides={stride}, padding="{padding}")', "python", wrap_lines=True)
        agreement(
            lambda theirs: (
                f"NumPy and `keras.layers.{layer}`: the largest difference is "
                f"{layer_lab.largest_difference(theirs, result):.1e}."
            ),
            "cnndemo.layer_lab.agreement:keras_pool", x, size, stride, padding, kind,
        )  # fmt: skip
