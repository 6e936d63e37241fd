"""Choosing a digit: draw it, take one of MNIST's, or bring a photo of digits on paper."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import streamlit as st

from cnndemo.ui.canvas import canvas
from cnndemo.ui.choices import one_of
from cnndemo.ui.pictures import OWN, Picture, _read, show

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
    sources: Sequence[str] = ("draw", "mnist", "photo", "own", "upload", "camera"),
    default: str = "draw",
    sample: tuple[int, int] = (5, 0),
) -> Picture | None:
    """Let the visitor choose a picture with a digit, or several.

    Args:
        key: prefix of the widgets' keys, unique on the page; the settings are kept in the link.
        sources: some of draw, mnist, photo (made of MNIST's digits), drawn (the last drawing of another page), own
            (the picture of another page), upload, camera.
        default: the source at first.
        sample: digit and number of the MNIST example at first.

    Returns:
        The picture, uint8 RGB; None while the canvas is empty or no file is chosen.
    """
    slot = OWN if "own" in sources else f"_{key}_own"
    absent = {"own": OWN not in st.session_state, "drawn": LAST_DRAWING not in st.session_state}
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
        number = st.number_input("Photo number", 1, 999, 1, key=f"{key}_photo", bind="query-params", width=160)
        from cnndemo import digit_classifier

        image, written = digit_classifier.sample_photo(number - 1)
        return Picture(image, f"photo of the digits {' '.join(written)}", "sample")
    if source == "drawn":
        return st.session_state[LAST_DRAWING]
    if source == "own":
        return st.session_state[OWN]
    if source == "camera":
        shot = st.camera_input("Hold a digit on paper up to the camera", key=f"{key}_camera")
        return _read(shot, "camera", f"{key}_camera", slot) if shot else None
    file = st.file_uploader(
        "Photo or scan with digits",
        type=["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"],
        key=f"{key}_upload",
        help="It stays in this server's memory while you look at it, and is written nowhere.",
    )
    return _read(file, "upload", f"{key}_upload", slot) if file else None


def _draw(key: str) -> Picture | None:
    """The canvas, with its pen."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pen = st.selectbox("Pen", list(PENS), key=f"{key}_pen", bind="query-params", width=170)
        width = st.slider("Pen width", 4, 40, 18, 2, key=f"{key}_width", bind="query-params", width=170)
    ink, paper = PENS[pen]
    # A pen of another colour starts a new sheet; another width goes on with the same.
    drawing = canvas(f"{key}_canvas_{pen}", 280, 280, stroke_width=width, stroke_color=ink, background_color=paper)
    st.caption("Undo and clear appear above the drawing area when you point at it.")
    if drawing.empty:
        return None
    picture = Picture(np.ascontiguousarray(drawing.image[..., :3]), "your drawing", "draw")
    st.session_state[LAST_DRAWING] = picture
    return picture


def _mnist(key: str, digit: int, number: int) -> Picture:
    """One of the shipped MNIST digits."""
    chosen = one_of(st.pills, "Digit", range(10), digit, key, wrap=True)
    which = st.slider("Example", 1, 500, number + 1, key=f"{key}_n", bind="query-params")
    from cnndemo import digit_classifier

    image = digit_classifier.sample(chosen, which - 1)
    return Picture(np.repeat(image[..., None], 3, axis=2), f"MNIST digit {chosen}, example {which}", "sample")


def pick_steps(key: str = "steps") -> frozenset[str]:
    """The switches of the preparation steps (see `cnndemo.digit_preparation`); kept in the link."""
    from cnndemo.digit_preparation import STEPS

    chosen = st.pills(
        "What the network saw: switch a step off and see the answer change",
        list(STEPS),
        selection_mode="multi",
        default=list(STEPS),
        key=key,
        bind="query-params",
        format_func=STEPS.get,
    )
    return frozenset(chosen)


def show_steps(reading, steps: Collection[str]) -> None:
    """Each preparation step of a reading as a picture; those that are switched off stay, as they left the picture."""
    from cnndemo.digit_preparation import STEPS

    with st.container(horizontal=True, gap="xsmall"):
        for step in reading.steps:
            title = STEPS[step.name]
            with st.container(width=84):
                caption = f"**{title}**: {step.note}" if step.name in steps else f":gray[{title}: off]"
                show(step.picture, caption, f"after the step {title}: {step.note}", target=112)


def show_number(picture: Picture, readings: Sequence, label: str = "The network reads") -> int:
    """What was read, in large type; several digits are boxed in the picture.

    Args:
        picture: what was read from.
        readings: `cnndemo.digit_classifier.Reading`s, at least one.
        label: the line above.

    Returns:
        Index of the reading that the visitor wants to look at.
    """
    from cnndemo.digit_classifier import boxed

    text = "".join(str(reading.digit) for reading in readings)
    least = min(reading.confidence for reading in readings)
    sure = f"{least:.1%} sure" + (" at the least sure digit" if len(readings) > 1 else "")
    st.metric(label, text, sure, delta_color="off", delta_arrow="off")
    if len(readings) == 1:
        return 0
    places = range(len(readings))
    chosen = st.segmented_control(
        "Look at",
        places,
        default=0,
        required=True,
        wrap=True,
        format_func=lambda place: str(readings[place].digit) if place < len(readings) else "",
        key=f"look_at_{len(readings)}",
        label_visibility="collapsed",
    )
    chosen = chosen or 0
    show(boxed(picture.image, readings, chosen), alt=f"{picture.name} with a box around each digit: {text}")
    return chosen
