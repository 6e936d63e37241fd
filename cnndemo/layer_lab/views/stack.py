"""How far one output pixel of a stack of layers sees."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from cnndemo import layer_lab
from cnndemo.errors import VisitorError
from cnndemo.layer_lab import figures as charts
from cnndemo.ui.bring import edit_table
from cnndemo.ui.frame import guard
from cnndemo.ui.panels import chart

START = [("convolution", 3, 1, 1), ("convolution", 3, 1, 1), ("pooling", 2, 2, 1), ("convolution", 3, 1, 1)]
COLUMNS = ("kind", "kernel", "stride", "dilation")
LARGEST_FIELD = 2000


@st.cache_data(show_spinner=False)
def _start() -> pd.DataFrame:
    return pd.DataFrame(START, columns=list(COLUMNS))


def _layers(table: pd.DataFrame) -> list[layer_lab.StackLayer]:
    """The rows as layers; VisitorError for an empty cell or an empty table."""
    if not len(table):
        raise VisitorError("The stack is empty. Add a layer with the row at the end of the table.")
    grid = layer_lab.as_grid(table[list(COLUMNS[1:])], "The stack")
    kinds = [kind if isinstance(kind, str) else "layer" for kind in table["kind"]]
    return [layer_lab.StackLayer(*numbers, kind=kind) for numbers, kind in zip(grid.tolist(), kinds, strict=True)]


@st.fragment
def stack_view() -> None:
    """An editable stack, its receptive field layer by layer, and the weight of each pixel in it."""
    left, right = st.columns([2, 3], gap="large")
    with left, guard():
        st.caption("Add a layer at the end of the table, or change one.")
        number = {"min_value": 1, "step": 1, "required": True, "default": 1}
        table = edit_table(
            "stack", _start(), num_rows="dynamic", hide_index=True,
            column_config={
                "kind": st.column_config.SelectboxColumn(options=["convolution", "pooling"], default="convolution"),
                "kernel": st.column_config.NumberColumn(**number | {"default": 3, "max_value": 15}),
                "stride": st.column_config.NumberColumn(**number | {"max_value": 8}),
                "dilation": st.column_config.NumberColumn(**number | {"max_value": 8}),
            },
        )  # fmt: skip
        layers = _layers(table)
        rows = layer_lab.receptive_field(layers)
        _seen(right, layers, rows)


def _seen(right, layers: list[layer_lab.StackLayer], rows: list[dict]) -> None:
    field, jump = rows[-1]["field"], rows[-1]["jump"]
    with right:
        with st.container(horizontal=True):
            st.metric("One output pixel sees", f"{field} × {field}", width="content")
            st.metric("Neighbours look this far apart", f"{jump}", width="content")
        st.dataframe(pd.DataFrame(rows).rename(columns={"field": "sees", "jump": "step in the input"}), hide_index=True)
        if field > LARGEST_FIELD:
            raise VisitorError(f"A field of {field} pixels is too wide to draw; take smaller strides for the picture.")
        chart(charts.paths(layer_lab.path_counts(layers)), f"Paths from each of {field} input pixels", "paths")
        st.caption("The middle of the field is reached by many more paths than its rim, and so has more to say.")
