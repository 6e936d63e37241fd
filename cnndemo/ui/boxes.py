"""Choosing a box on a picture: drawn with mouse or finger, held by two sliders, so that a link reproduces it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo.palette import KERNEL
from cnndemo.ui.pad import pad
from cnndemo.ui.session import state

Span = tuple[float, float]
WIDTH = 280  # pixels: fits beside a result, and on a phone


def pick_box(
    image: np.ndarray, rows: Span = (20.0, 45.0), columns: Span = (35.0, 60.0), key: str = "", max_height: int = 420
) -> tuple[Span, Span]:
    """Let the visitor draw a box on a picture.

    Args:
        image: uint8, grey (height, width) or RGB.
        rows, columns: where the box starts out, from and to, in percent of height and width.
        key: prefix of the link's parameters `rows` and `columns`, when a page has two boxes.
        max_height: of the drawing area, in pixels.

    Returns:
        Rows and columns of the box, from and to, in percent of height and width.
    """
    scale = min(WIDTH / image.shape[1], max_height / image.shape[0])
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    backdrop = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    alt = "Draw a box on the picture; the two sliders below move it, too"
    drawn = pad(f"{key}box_{height}_{width}", height, width, alt, color=KERNEL, background=backdrop, box=True).box
    if drawn and drawn != state.get(f"{key}drawn"):
        state[f"{key}drawn"] = drawn
        state[f"{key}rows"], state[f"{key}columns"] = percent(drawn, (height, width))
    return _span("Rows of the box", rows, f"{key}rows"), _span("Columns of the box", columns, f"{key}columns")


def _span(label: str, start: Span, key: str) -> Span:
    value = {} if key in state else {"value": start}
    return st.slider(label, 0.0, 100.0, step=0.5, format="%g %%", **state.linked(key), **value)


def percent(box: tuple[float, float, float, float], shape: tuple[int, int]) -> tuple[Span, Span]:
    """A drawn box (top, left, height, width) in pixels as rows and columns in percent, to half a percent."""
    top, left, height, width = box
    (first, last), (start, stop) = (
        sorted(float(np.clip(round(200 * edge / side) / 2, 0.0, 100.0)) for edge in edges)
        for edges, side in zip(((top, top + height), (left, left + width)), shape, strict=True)
    )
    return (first, last), (start, stop)
