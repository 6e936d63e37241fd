"""What the face detection page shows of Haar features and of the two detectors."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

from cnndemo import images
from cnndemo.face_detection import TURNS, Box, Search, Upright, eyes, haar, locate, search, shipped
from cnndemo.face_detection import figures as charts
from cnndemo.face_detection.conditions import Trial, timed
from cnndemo.figures.boxes import boxed
from cnndemo.inference import predictor
from cnndemo.palette import ACCENT, INPUT, KERNEL
from cnndemo.ui import panels
from cnndemo.ui.boxes import pick_box
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import guard, stage, try_it
from cnndemo.ui.live import Answer, Shown, live
from cnndemo.ui.pictures import Picture, show
from cnndemo.weights import WeightsError

TRIED = 200  # long side of the pictures of a face in many conditions
EYES_AND_CHEEKS = ((33.0, 61.0), (23.0, 77.0))
"""Rows and columns of the first rectangle, in per cent of a face cut out with its margin."""


@st.fragment
def lay_feature(crop: np.ndarray, alt: str) -> None:
    """Choose a kind of feature, drag it over a face, and see its value, its look-ups and its value everywhere.

    Args:
        crop: the face, uint8 (height, width, 3).
        alt: what the picture shows.
    """
    gray = images.to_gray(crop)
    first = next(iter(haar.KINDS))
    kind = one_of(st.pills, "Kind", list(haar.KINDS), first, "kind")
    left, right = try_it((1, 1))
    with left:
        st.caption("Drag a rectangle on the picture, or move it with the sliders.")
        rows, columns = pick_box(crop, *EYES_AND_CHEEKS, max_height=330)
    with guard():
        (top, bottom), (start, end) = (np.array(span) / 100 for span in (rows, columns))
        high, wide = gray.shape
        place = haar.snap(kind, top * high, start * wide, (bottom - top) * high, (end - start) * wide, gray.shape)
        table = haar.integral(gray)
        response = haar.respond(table, kind, *place)
        right.metric("Light minus dark", f"{response.contrast:+.1f} grey levels", width="content")
        with right, st.container(horizontal=True):
            with st.container(width=230):
                show(charts.feature(crop, response), "the feature", f"{kind} on {alt}")
            with st.container(width=230):
                where = charts.positions(haar.slide(table, kind, *place[2:]), place)
                panels.chart(where, "Its value at every place of the picture; a ring where it lies now.", key="slide")
                st.caption("its value at every place, red light, blue dark; the ring: where it lies now")
        panels.table(charts.look_ups(response))
        st.caption(
            "Each look-up A, B, C, D is a corner in the integral image: the sum of all pixels above and to the left. "
            f"A cell is D − B − C + A, however large. Weighted and added, the feature's value: **{response.value:,}**."
        )


def show_trials(trials: list[Trial]) -> None:
    """Both detectors on one face in many conditions: a chart, and the pictures."""
    st.markdown("The same face in ten conditions, :orange[**cascade**] and :blue[**network**] side by side:")
    overlaps = charts.conditions([(trial.condition, *trial.overlaps) for trial in trials])
    panels.chart(overlaps, charts.told(trials), key="conditions")
    with st.container(horizontal=True):
        for trial in trials:
            with st.container(width=150):
                framed = boxed(trial.image, {KERNEL: trial.cascade, INPUT: trial.network})
                counts = f"{len(trial.cascade)} boxes of the cascade, {len(trial.network)} of the network"
                show(framed, trial.condition, f"{trial.condition}: {counts}", target=150)
    st.caption(
        "The cascade was trained on upright frontal faces of 20 pixels, the network on whole pictures shrunk to 416 "
        "pixels: small faces are the cascade's, turned and half hidden ones the network's. A profile needs the camera."
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _upright(image: np.ndarray) -> Upright:
    return shipped.upright(image, predictor("tiny_face_detector"), predictor("face_check"))


@st.cache_data(max_entries=32, show_spinner=False)
def _first_face(image: np.ndarray) -> Box | None:
    return shipped.first_face(image)


def set_upright(image: np.ndarray) -> Upright:
    """The picture turned until a face in it stands upright; as it is where the networks' weights are missing."""
    try:
        return _upright(image)
    except WeightsError:
        return Upright(0, image, [], [])


def cascade_face(image: np.ndarray) -> Box | None:
    """The cascade's largest face, if the second look agrees or cannot be had."""
    box = _first_face(image)
    try:
        return box if box and _among(box, _upright(image).boxes) else None
    except WeightsError:
        return box


def _among(box: Box, faces: list[Box]) -> bool:
    """Whether a box lies on one of these faces."""
    return any(box.overlap(face) > 0.25 for face in faces)


def tell_turn(found: Upright) -> None:
    """Say that a picture was turned before a face in it stood upright; nothing when it was not."""
    if found.turn:
        st.info(
            "Both detectors know upright faces only. This picture was turned before a face stood upright: "
            f"{TURNS[found.turn]}.",
            icon=":material/rotate_left:",
        )


def tell_check(boxes: list[Box], found: Upright) -> None:
    """How many of the detectors' boxes lie on faces that the second look confirms; or that there is none."""
    if not boxes:
        st.info("Neither finds a face here. Try fewer neighbours, a lower score, or a larger face.")
    elif not found.boxes:
        st.info("**No face here**: a second look, at this picture and its other three turns, confirms none.")
    else:
        count = sum(_among(box, found.boxes) for box in boxes)
        st.caption(f"A second look, by another network, confirms {count} of these {len(boxes)} boxes.")


def _groups(image: np.ndarray, result: Search, also: list[str]) -> dict[str, list[Box]]:
    """Colour -> boxes that are drawn below those of the cascade."""
    groups = {"#888888": result.raw} if "raw hits" in also else {}
    if "eyes" in also:
        groups[ACCENT] = [eye for face in result.boxes for eye in eyes(image, face)]
    return groups


def compare(picture: Picture, found: Upright, result: Search, agree: int, score: float, also: list[str]) -> None:
    """Both detectors on a picture, side by side.

    Args:
        picture: as it was chosen.
        found: the picture set upright.
        result: of the cascade.
        agree: hits that it wants at a place.
        score: that the network wants.
        also: "raw hits", "eyes".
    """
    tell_turn(found)
    image = found.image
    with stage():
        both = st.grid(2, min_column_width=150)
    with both.cell():
        spent = f"{result.seconds * 1e3:.0f} ms"
        st.metric("Cascade of Haar features", f"{len(result.boxes)} found", spent, "off", delta_arrow="off")
        show(
            images.shrink(boxed(image, {**_groups(image, result, also), KERNEL: result.boxes}), 500),
            f"{len(result.raw)} raw hits, grouped where at least {agree} agree",
            f"{picture.alt}; the cascade found {len(result.boxes)} faces",
        )
    with both.cell():
        boxes, seconds = timed(locate, image, predictor("tiny_face_detector"), score)
        spent = f"{seconds * 1e3:.0f} ms"
        st.metric("Convolutional network", f"{len(boxes)} found", spent, "off", delta_arrow="off")
        show(
            images.shrink(boxed(image, {INPUT: boxes}), 500),
            "scores " + ", ".join(f"{box.score:.2f}" for box in boxes) if boxes else "no score is high enough",
            f"{picture.alt}; the network found {len(boxes)} faces",
        )
    tell_check([*result.boxes, *boxes], found)


def show_live(still: np.ndarray, settings: tuple[str, float, int, int], score: float, also: list[str]) -> None:
    """Both detectors on what the visitor's camera sees; on the still picture until it runs.

    Args:
        still: uint8 (height, width, 3).
        settings: of the cascade: kind, scale factor, neighbours, smallest window.
        score, also: as for `compare`.
    """

    def answer(frame: np.ndarray) -> Answer:
        result = search(frame, *settings, raw="raw hits" in also)
        started = time.perf_counter()
        boxes = locate(frame, predictor("tiny_face_detector"), score)
        seconds = time.perf_counter() - started
        drawn = boxed(frame, {**_groups(frame, result, also), KERNEL: result.boxes, INPUT: boxes})
        words = f"{len(result.boxes)} faces found by the cascade, {len(boxes)} by the network"
        return Answer(
            (Shown(drawn, "Orange: the cascade. Blue: the network.", words),),
            f"Cascade: {len(result.boxes)} found in {result.seconds * 1e3:.0f} ms. "
            f"Network: {len(boxes)} found in {seconds * 1e3:.0f} ms.",
        )

    live(answer, still, "Faces in front of your camera", "user")
