"""Choosing a digit: draw it, take one of MNIST's, or bring a photo of digits on paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from cnndemo import images
from cnndemo.ui.choices import one_of
from cnndemo.ui.pad import pad
from cnndemo.ui.pictures import Picture, own_picture, read_upload
from cnndemo.ui.session import state

LAST_DRAWING = "last_drawing"  # the visitor's last drawing, kept in this session's memory only
_TITLES = {  # they are in the link too
    "draw": "Draw",
    "mnist": "MNIST",
    "photo": "Photo",
    "drawn": "Your drawing",
    "own": "Your picture",
    "upload": "Upload",
    "camera": "Camera",
}
PENS = {"black on white": ("#000000", "#ffffff"), "white on black": ("#ffffff", "#000000")}


def pick_digit(
    key: str = "digit",
    sources: Sequence[str] = ("draw", "mnist", "own", "upload", "camera"),
    default: str = "draw",
    sample: tuple[int, int] = (5, 0),
    photo: Callable[[int], tuple[np.ndarray, str]] | None = None,
) -> Picture | None:
    """Let the visitor choose a picture with a digit, or several.

    Args:
        key: prefix of the widgets' keys, unique on the page; the settings are kept in the link.
        sources: some of draw, mnist, photo (made of MNIST's digits), drawn (the last drawing of another page), own
            (the picture of another page), upload, camera.
        default: the source at first.
        sample: digit and number of the MNIST example at first.
        photo: makes the photo of a number, from 0, and says what is written on it; needed by that source.

    Returns:
        The picture, uint8 RGB; None while the pad is empty or no file is chosen.
    """
    shared = "own" in sources
    absent = {"own": own_picture() is None, "drawn": LAST_DRAWING not in st.session_state}
    offered = [source for source in sources if not absent.get(source)]
    source = one_of(
        st.segmented_control,
        "Where the digit comes from",
        {source: _TITLES[source] for source in offered},
        default,
        f"{key}_from",
        label_visibility="collapsed",
        wrap=True,
    )
    if source == "draw":
        return _draw(key)
    if source == "mnist":
        return _mnist(key, *sample)
    if source == "photo":
        number = st.number_input("Photo number", 1, 999, 1, **state.linked(f"{key}_photo"), width=160)
        image, written = photo(number - 1)
        made_by = f"{photo.__module__.split('.')[1]}.{photo.__name__}({number - 1})[0]"
        return Picture(image, f"photo of the digits {' '.join(written)}", "sample", made_by)
    if source == "drawn":
        return st.session_state[LAST_DRAWING]
    if source == "own":
        return own_picture()
    if source == "camera":
        shot = st.camera_input("Hold a digit on paper up to the camera", key=state.key(f"{key}_camera"))
        return read_upload(shot, "camera", key, shared) if shot else state.get(f"{key}_own")
    file = st.file_uploader(
        "Photo or scan with digits",
        type=list(images.SUFFIXES),
        key=state.key(f"{key}_upload"),
        help="It stays in this server's memory while you look at it, and is written nowhere.",
    )
    return read_upload(file, "upload", key, shared) if file else state.get(f"{key}_own")


def _draw(key: str) -> Picture | None:
    """The drawing pad, with its pen."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pen = st.selectbox("Pen", list(PENS), **state.linked(f"{key}_pen"), width=170)
        width = st.slider("Pen width", 4, 40, 18, 2, **state.linked(f"{key}_width"), width=170)
    ink, paper = PENS[pen]
    drawing = pad(f"{key}_drawing", alt="Draw a digit here", pen=width, color=ink, paper=paper)
    if drawing.empty:
        return None
    picture = Picture(drawing.image(ink, paper), "your drawing", "draw")
    st.session_state[LAST_DRAWING] = picture
    return picture


def _mnist(key: str, digit: int, number: int) -> Picture:
    """One of the shipped MNIST digits."""
    chosen = one_of(st.pills, "Digit", range(10), digit, key, wrap=True)
    which = st.slider("Example", 1, 500, number + 1, **state.linked(f"{key}_n"))
    image = images.digit(chosen, which - 1)
    made_by = f"np.repeat(images.digit({chosen}, {which - 1})[..., None], 3, axis=2)"
    return Picture(np.repeat(image[..., None], 3, axis=2), f"MNIST digit {chosen}, example {which}", "sample", made_by)
