"""The filters page: a picture and a kernel, and the kernel on a running camera."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import filters, images
from cnndemo.ui.bring import edit_table
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import stage
from cnndemo.ui.live import Answer, Shown, live
from cnndemo.ui.pictures import own_picture, pick_image, show
from cnndemo.ui.session import state

BOOK = {"x_derivative": "3.5", "y_derivative": "3.6", "sobel_x": "3.7", "sobel_y": "3.8", "laplacian": "3.9"}
"""Kernel -> the book's figure of it."""
CHANNELS = ("Red", "Green", "Blue", "x derivative", "y derivative")
SIDE = 165  # pixels of one picture in a row
KINDS = {"sudoku": "Drawn sudoku", "picture": "A picture"}
SHOWN = 720  # pixels on the long side of the response that is sent to the browser
PICTURE = "_picture"  # the picture, None for the sudoku
RECALL = "_filters"  # what "Try it" was set to, for the sections below it


def choose_picture() -> tuple[np.ndarray, str]:
    """The picture and its alt text; one that the visitor brought along goes first."""
    brought = own_picture() is not None or state.in_link("picture")
    kind = one_of(st.segmented_control, "Filter", KINDS, list(KINDS)[brought], "what")
    if kind == "sudoku":
        state[PICTURE] = None
        return filters.sudoku(), "a drawn sudoku on paper, in perspective and under uneven light"
    picture = state[PICTURE] = pick_image()
    return picture.image, picture.alt


def choose_kernel() -> np.ndarray:
    """A preset, edited by hand if wanted."""
    name = st.selectbox(
        "Kernel", list(filters.PRESETS), list(filters.PRESETS).index("sobel_x"), **state.linked("kernel"), 
        format_func=lambda key: filters.PRESETS[key].title,
    )  # fmt: skip
    preset = filters.PRESETS[name]
    st.caption(preset.finds)
    side = len(preset.values)
    size = one_of(st.segmented_control, "Size", filters.SIZES, side, f"size_{name}")
    st.caption("Each cell can be edited.")
    start = filters.resized(preset.values, size)
    cells = edit_table(f"cells_{name}_{size}", start, hide_index=True, width="content", num_rows="fixed")
    flip = st.toggle("Flip it first: true convolution", **state.linked("flip"))
    kernel = filters.check(cells)
    return kernel[::-1, ::-1] if flip else kernel


def recall() -> tuple[np.ndarray, str, np.ndarray, str]:
    """Picture, alt text, kernel and border as last set."""
    start = (filters.sudoku(), "a drawn sudoku", filters.PRESETS["sobel_x"].values, "reflect")
    return state.get(RECALL, start)


def place(label: str, length: int, strongest: float, shape: tuple[int, int]) -> int:
    """A slider over the rows or columns, starting on the strongest edge."""
    name = f"{label.lower()}_{shape[0]}x{shape[1]}"
    return st.slider(label, 0, length - 1, int(strongest * length), **state.linked(name)) if length > 1 else 0


def _legend(how: str) -> str:
    return f"Response, {how}" + (": blue below zero, white zero, red above" if how == "signed" else "")


def show_response(image: np.ndarray, alt: str, kernel: np.ndarray, border: str, how: str) -> None:
    """What the kernel finds in a picture, and what it does to its brightness."""
    gray = images.to_gray(image)
    response = filters.apply(gray, kernel, border)
    with stage():
        show(images.shrink(filters.view(response, how), SHOWN), _legend(how), f"{alt}, filtered")
    effect = filters.brightness(gray, response, kernel)
    (st.caption if effect.harmless else st.warning)(effect.words)
    with st.container(horizontal=True):
        numbers = (effect.before, effect.after, response.min(), response.max())
        for label, number in zip(("Mean before", "Mean after", "Lowest", "Highest"), numbers, strict=True):
            st.metric(label, f"{number:.1f}", width="content")


def show_live(image: np.ndarray, alt: str, kernel: np.ndarray, border: str, how: str) -> None:
    """What the kernel finds in front of the visitor's camera; in the picture until it runs."""

    def answer(frame: np.ndarray) -> Answer:
        response = filters.apply(images.to_gray(frame), kernel, border)
        shown = Shown(filters.view(response, how), _legend(how), "the picture of your camera, filtered")
        return Answer((shown,), f"From {response.min():.0f} to {response.max():.0f}, mean {response.mean():.1f}")

    live(answer, image, "What the kernel finds in your camera's picture")


def show_book_filters(gray: np.ndarray, alt: str) -> None:
    """Figures 3.5 to 3.9 on a picture, uint8 (height, width)."""
    for name, number in BOOK.items():
        title = filters.PRESETS[name].title
        response = filters.apply(gray, filters.PRESETS[name].values)
        show(filters.view(response, "signed"), f"{title} ({number})", f"{title} of {alt}", width=SIDE)


def show_channels(image: np.ndarray, alt: str) -> None:
    """The five channels of `filters.stack_as_channels`, one picture each."""
    channels = 255 * np.moveaxis(filters.stack_as_channels(image), -1, 0)
    for title, channel in zip(CHANNELS, channels, strict=True):
        how = "signed" if "derivative" in title else "clipped"
        show(filters.view(channel, how), title, f"{title} of {alt}", width=SIDE)
