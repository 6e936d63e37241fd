"""The face networks for pages, and the faces of a visitor's pictures, in the session's memory only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from cnndemo import images, weights
from cnndemo.errors import VisitorError
from cnndemo.face_detection import TURNS, shipped, turned
from cnndemo.face_verification import Face, Networks, Rates, describe, distance, naive_embedding
from cnndemo.face_verification.faces import NAMES
from cnndemo.figures.boxes import boxed
from cnndemo.inference import predictor
from cnndemo.palette import INPUT
from cnndemo.ui.pictures import Picture, show
from cnndemo.ui.session import state

REMEMBERED = 8
"""Pictures whose faces are kept, so that moving a slider does not look for them again."""


def networks() -> Networks:
    """The four face networks, shared by all visitors.

    Raises:
        WeightsError: a file is missing or broken.
    """
    return Networks(*map(predictor, NAMES))


def faces_of(image: np.ndarray) -> list[Face]:
    """The faces of a picture: samples are described once for all, a visitor's own pictures for this session only."""
    for name in images.SAMPLES:
        if images.sample(name) is image:
            return _sample_faces(name)
    known: dict[int, tuple[np.ndarray, list[Face]]] = state.setdefault("_faces", {})
    key = id(image)
    if key not in known or known[key][0] is not image:
        if len(known) >= REMEMBERED:
            known.pop(next(iter(known)))
        known[key] = image, describe(image, networks())
    return known[key][1]


@st.cache_resource(max_entries=len(images.SAMPLES), show_spinner=False)
def _sample_faces(name: str) -> list[Face]:
    return describe(images.sample(name), networks(), shipped.upright)


def one_face(picture: Picture) -> Face:
    """The largest face of a picture.

    Raises:
        VisitorError: there is none.
    """
    faces = faces_of(picture.image)
    if not faces:
        raise VisitorError(
            f"No face was found in {picture.alt}, whichever way it is turned. A face should look at the camera, in "
            "good light, and be at least an eighth of the picture wide."
        )
    return faces[0]


def found(picture: Picture, face: Face) -> None:
    """A picture, set upright, with a frame around its face, and the aligned face beside it."""
    image = turned(picture.image, face.turn)
    small = images.shrink(image, 320)
    framed = boxed(small, {INPUT: [face.box.scaled(small.shape[1] / image.shape[1])]})
    with st.container(horizontal=True):
        with st.container(width=180):
            show(framed, "found", picture.alt)
        with st.container(width=150):
            show(face.chip, "aligned", f"the face of {picture.alt}, upright and centred", target=150)
    tell_turn([face])


def tell_turn(faces: list[Face]) -> None:
    """Say that a picture was turned before its faces stood upright; nothing when it was not."""
    if faces and faces[0].turn:
        st.caption(
            f":material/rotate_left: This picture was turned before a face stood upright: {TURNS[faces[0].turn]}."
        )


def verdict(apart: float, threshold: float, pair: Sequence[Face]) -> str:
    """One person or two, said large; and whatever puts it in doubt.

    Args:
        apart: distance of the two faces.
        threshold: below it they count as one person.
        pair: the faces.

    Returns:
        The verdict in words.
    """
    said, colour = ("the same person", "green") if apart < threshold else ("two people", "red")
    doubts = [(which, face.doubt) for which, face in zip(("First", "Second"), pair, strict=True) if face.doubt]
    hedge = ", :orange[but this is in doubt]" if doubts else ""
    st.markdown(f"### Distance {apart:.2f}: :{colour}[{said}]{hedge}", width="stretch")
    for which, doubt in doubts:
        st.warning(f"{which} picture: {doubt}", icon=":material/visibility_off:")
    if doubts:
        st.caption(covered_rates())
    return f"{said}, in doubt" if doubts else said


def covered_rates() -> str:
    """What covers do to the error rates, and what the doubt saves, from the card of `face_check`."""
    figures = {row["name"]: row for row in weights.card("face_check")["metrics"]}
    parts = []
    for kind in ("bare", "pale blue mask", "black glasses"):
        ignored, minded = (
            figures[f"strangers accepted at 0.60, {kind}, {how}"] for how in ("doubts ignored", "and not doubted")
        )
        parts.append(f"{kind} {ignored['value']:.1%}, without a doubt {minded['value']:.1%}")
    return (
        f"Strangers taken for one person at a threshold of 0.60, of {ignored['samples']} pairs with painted covers on "
        f"both faces: {'; '.join(parts)}."
    )


def naive_crops(pictures: tuple[Picture, Picture], pair: tuple[Face, Face], apart: float) -> None:
    """The same two faces as the detector's box cuts them out, and how far apart they are then.

    Args:
        pictures, pair: the pictures and their faces.
        apart: distance of the aligned faces.
    """
    using = networks().embedding
    upright = [turned(picture.image, face.turn) for picture, face in zip(pictures, pair, strict=True)]
    cut = [naive_embedding(image, face.box, using) for image, face in zip(upright, pair, strict=True)]
    naive = distance(cut[0][1], cut[1][1])
    with st.container(horizontal=True):
        for (chip, _), picture in zip(cut, pictures, strict=True):
            with st.container(width=150):
                show(chip, "the box, no more", f"{picture.alt}, cut out without alignment", target=150)
        st.metric("Distance aligned", f"{apart:.2f}", width="content")
        st.metric("Distance of these crops", f"{naive:.2f}", f"{naive - apart:+.2f}", "inverse", width="content")


def price(measured: Rates, threshold: float) -> None:
    """What a threshold costs: strangers let in, friends kept out, and on how many pairs that was counted."""
    friends, strangers = measured.below(threshold)
    refused = measured.same.sum() - friends
    one, two = st.columns(2)
    one.metric("Strangers let in (FAR)", f"{measured.false_accept(threshold):.2%}")
    two.metric("Friends kept out (FRR)", f"{measured.false_reject(threshold):.2%}")
    st.caption(
        f"Counted on {measured.same.sum()} pairs of one person and {measured.different.sum()} of two from Labeled "
        f"Faces in the Wild: {strangers} strangers lie below the threshold, {refused} friends above. "
        "These rates differ between groups of people; do not expect them for everybody."
    )


def told_apart(first: Picture, second: Picture) -> tuple[Picture, Picture]:
    """Two pictures whose code differs, even if both come from the camera or from files of one name."""
    if second.own and second.code == first.code:
        second = replace(second, name=f"second {second.name}")
    return first, second
