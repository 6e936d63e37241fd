"""Small grids that a visitor can type into and step through."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from cnndemo.grids import as_grid
from cnndemo.ui.session import state


def edit_grid(key: str, preset: np.ndarray, label: str, what: str = "The grid") -> np.ndarray:
    """A table of numbers, starting from ``preset`` (rows, columns); what was typed survives a change of size.

    A cell that was typed keeps its number until another preset fills the table. Raises VisitorError for an empty cell.
    """
    rows, columns = preset.shape
    typed: dict[tuple[int, int], float] = state.setdefault(f"_typed_{key}", {})
    start = f"{key}_{rows}x{columns}_{hash(preset.tobytes())}_{state.visit}"
    kept = state.get(f"_start_{key}")
    if kept is None or kept[0] != start:
        # The table must not change under its own edits: they are laid over what it started from in this visit.
        filled = preset.astype(float)
        for (row, column), number in typed.items():
            if row < rows and column < columns:
                filled[row, column] = number
        kept = (start, filled)
        state[f"_start_{key}"] = kept
    st.caption(label)
    config = {str(c): st.column_config.NumberColumn(str(c), step=0.01, width=54) for c in range(columns)}
    table = st.data_editor(
        pd.DataFrame(kept[1], columns=[str(c) for c in range(columns)]), key=state.key(f"{key}_{abs(hash(start))}"),
        column_config=config, width="content",
    )  # fmt: skip
    numbers = table.to_numpy(dtype=float, na_value=np.nan)
    for row, column in np.argwhere(numbers != preset):
        typed[int(row), int(column)] = float(numbers[row, column])
    for place in [place for place in typed if place[0] < rows and place[1] < columns]:
        if numbers[place] == preset[place]:
            del typed[place]
    return as_grid(numbers, what)


def with_typed(key: str, preset: np.ndarray) -> np.ndarray:
    """What ``edit_grid`` would return, without showing the table."""
    filled = preset.astype(float)
    for (row, column), number in state.get(f"_typed_{key}", {}).items():
        if row < preset.shape[0] and column < preset.shape[1]:
            filled[row, column] = number
    return as_grid(filled)


def forget_typed(key: str) -> None:
    """Before another preset fills the table ``key``: drop what was typed into it."""
    state.pop(f"_typed_{key}", None)
    state.pop(f"_start_{key}", None)


def hold_within(key: str, high: int, low: int = 0) -> None:
    """Keep the number of widget ``key`` in its range when the range shrinks."""
    if key in state and not low <= state[key] <= high:
        state[key] = int(min(max(state[key], low), high))


def clicked(chart_key: str, row_key: str, column_key: str, offset: tuple[int, int] = (0, 0)) -> Callable[[], None]:
    """A callback for ``on_select``: the clicked cell goes to two number widgets, less an offset for padding."""

    def take() -> None:
        points = state[chart_key]["selection"]["points"]
        if points:
            state[row_key] = max(int(points[0]["y"]) - offset[0], 0)
            state[column_key] = max(int(points[0]["x"]) - offset[1], 0)

    return take
