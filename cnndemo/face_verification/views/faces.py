"""The face networks for pages, and the faces of a visitor's pictures, in the session's memory only."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import images
from cnndemo.errors import VisitorError
from cnndemo.face_verification import Face, Networks, Rates, describe, distance, naive_embedding
from cnndemo.figures import INPUT
from cnndemo.figures.boxes import boxed
from cnndemo.inference import predictor
from cnndemo.ui.pictures import Picture, show
from cnndemo.ui.session import state

REMEMBERED = 8
"""Pictures whose faces are kept, so that moving a slider does not look for them again."""


def networks() -> Networks:
    """The three face networks, shared by all visitors.

    Raises:
        WeightsError: a file is missing or broken.
    """
    return Networks(*map(predictor, ("tiny_face_detector", "face_landmarks", "face_embedding")))


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
    return describe(images.sample(name), networks())


def one_face(picture: Picture) -> Face:
    """The largest face of a picture.

    Raises:
        VisitorError: there is none.
    """
    faces = faces_of(picture.image)
    if not faces:
        raise VisitorError(
            f"No face was found in {picture.alt}. A face should look at the camera, in good light, and be at least an "
            "eighth of the picture wide."
        )
    return faces[0]


def found(picture: Picture, face: Face) -> None:
    """A picture with a frame around its face, and the aligned face beside it."""
    small = images.shrink(picture.image, 320)
    framed = boxed(small, {INPUT: [face.box.scaled(small.shape[1] / picture.image.shape[1])]})
    with st.container(horizontal=True):
        with st.container(width=180):
            show(framed, "found", picture.alt)
        with st.container(width=150):
            show(face.chip, "aligned", f"the face of {picture.alt}, upright and centred", target=150)
    if face.doubt:
        st.info(face.doubt, icon=":material/visibility_off:")


def naive_crops(pictures: tuple[Picture, Picture], pair: tuple[Face, Face], apart: float) -> None:
    """The same two faces as the detector's box cuts them out, and how far apart they are then.

    Args:
        pictures, pair: the pictures and their faces.
        apart: distance of the aligned faces.
    """
    using = networks().embedding
    cut = [naive_embedding(picture.image, face.box, using) for picture, face in zip(pictures, pair, strict=True)]
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
