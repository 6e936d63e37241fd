"""Turning what a visitor typed into an array, or into a sentence that says what is wrong."""

from __future__ import annotations

import numpy as np

from cnndemo.errors import VisitorError


def as_grid(values, what: str = "The grid", largest: float = 1e9) -> np.ndarray:
    """A float64 array of one or more axes from a list, an array or a table.

    Refuses what is not a finite number of at most ``largest`` in size, and names the first bad cell by row and
    column, counted from 0 as on the page.
    """
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    try:
        raw = np.asarray(values, dtype=object)
    except ValueError:
        raise VisitorError(f"{what} must have rows of equal length.") from None
    if raw.ndim == 0 or raw.size == 0:
        raise VisitorError(f"{what} has no cells. Make it at least 1 × 1.")
    array = np.empty(raw.shape, dtype=float)
    for index in np.ndindex(raw.shape):
        cell = raw[index]
        names = ("row", "column", "channel", "filter")[: raw.ndim]
        where = ", ".join(f"{name} {place}" for name, place in zip(names, index, strict=True))
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            raise VisitorError(f"{what} has an empty cell at {where}. Type a number there.")
        try:
            number = float(cell)
        except (TypeError, ValueError):
            text = str(cell)[:20]
            raise VisitorError(f"{what} holds “{text}” at {where}, which is not a number.") from None
        if np.isnan(number):
            raise VisitorError(f"{what} has no number at {where}. Type one there.")
        if not np.isfinite(number) or abs(number) > largest:
            raise VisitorError(f"{what} holds {number:g} at {where}. Type a number between ±{largest:g}.")
        array[index] = number
    return array


def whole(value, what: str, low: int, high: int | None = None) -> int:
    """``value`` as an int between ``low`` and ``high``; VisitorError with the range otherwise."""
    try:
        number = int(value)
        exact = float(value) == number
    except (TypeError, ValueError, OverflowError):
        number, exact = 0, False
    if not exact or number < low or (high is not None and number > high):
        span = f"between {low} and {high}" if high is not None else f"of at least {low}"
        raise VisitorError(f"{what} must be a whole number {span}; it is {value!s:.20}.")
    return number


def pair(value, what: str) -> tuple[int, int]:
    """(rows, columns) from one whole number or from two."""
    if isinstance(value, (tuple, list, np.ndarray)):
        if len(value) != 2:
            raise VisitorError(f"{what} must be one number or two (down, across).")
        return whole(value[0], what, 1), whole(value[1], what, 1)
    number = whole(value, what, 1)
    return number, number


def number_text(value: float) -> str:
    """A short text for a cell: no trailing zeros, at most four significant digits, a true minus sign."""
    if value == 0:
        return "0"
    return f"{value:.4g}".replace("-", "−")


def read_out(values: np.ndarray, most: int = 64) -> str:
    """A grid of numbers for those who cannot see it.

    Args:
        values: a row, or rows and columns; what is not finite counts as empty.
        most: cells; larger grids are told by their size and range alone.
    """
    rows = np.atleast_2d(values)
    if rows.size > most:
        ends = (number_text(float(end(rows[np.isfinite(rows)]))) for end in (np.min, np.max))
        return f"{rows.shape[0]} by {rows.shape[1]} numbers from {' to '.join(ends)}"
    return "; ".join(" ".join(number_text(value) if np.isfinite(value) else "empty" for value in row) for row in rows)
