"""The book's company entrance: who may enter, and who is at the door; all of it in the session's memory only."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Sequence

import numpy as np
import streamlit as st
from PIL import Image

from cnndemo import images
from cnndemo.errors import VisitorError
from cnndemo.face_detection import SEARCH_SIDE, turned
from cnndemo.face_verification import Answer, Face, Gallery, decide
from cnndemo.face_verification.views.faces import faces_of, one_face, tell_turn
from cnndemo.figures.boxes import boxed
from cnndemo.palette import ACCENT, OUTPUT
from cnndemo.ui.choices import main_button
from cnndemo.ui.frame import guard, plain
from cnndemo.ui.pictures import pick_image, show
from cnndemo.ui.session import state

COMPANY = {"The president": "obama_1", "The astronaut": "astronaut"}
"""Who is enrolled before the visitor has changed anything: name -> sample."""

THUMBNAIL = 56


def people() -> Gallery:
    """The people of this visitor's entrance; at first two of the samples."""
    if "_people" not in state:
        state["_people"], state["_chips"] = Gallery(), {}
        for name, sample in COMPANY.items():
            _keep(name, faces_of(images.sample(sample))[0])
    return state["_people"]


def forget() -> None:
    """Forget everybody, and every face seen in this session."""
    state["_people"], state["_chips"], state["_faces"] = Gallery(), {}, {}


def _keep(name: str, face: Face) -> str:
    name = state["_people"].enrol(name, face.embedding)
    state["_chips"].setdefault(name, _data_url(face.chip))
    return name


def _data_url(chip: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(chip).resize((THUMBNAIL, THUMBNAIL)).save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def register(samples: Sequence[str], threshold: float) -> None:
    """Who may enter: the list, and what adds to it, changes it and empties it."""
    st.markdown("**Who may enter**")
    listed = st.container()
    add, edit, file = st.tabs(["Add", "Rename or remove", "Export and import"])
    with add:
        enrol(samples, threshold)
    with edit:
        change()
    with file:
        exchange()
    st.button("Forget everybody", key=state.key("forget"), on_click=forget, icon=":material/delete_forever:")
    st.caption("Names and faces live in this session's memory only. They are written nowhere and logged nowhere.")
    with listed:
        roll()


def enrol(samples: Sequence[str], threshold: float) -> None:
    """The form that adds a person, or one more picture of a person."""
    gallery = people()
    name = st.text_input("Name", **state.kept("new_name"), placeholder="Whose picture is it?")
    picture = pick_image(samples, key="new", shared=False, label="One picture is enough")
    if not main_button("Enrol", key=state.key("enrol"), icon=":material/person_add:"):
        return
    with guard():
        face = one_face(picture)
        if face.doubt:
            raise VisitorError(face.doubt)
        others = [match for match in gallery.nearest(face.embedding, 2) if match.distance < threshold]
        kept = _keep(name, face)
        st.success(f"{plain(kept)} is enrolled with {len(gallery.people[kept])} of his or her pictures.")
        if len(faces_of(picture.image)) > 1:
            st.info(f"{len(faces_of(picture.image))} faces are in this picture; the largest was enrolled.")
        for match in others:
            if match.name != kept:
                st.warning(f"Very near to {plain(match.name)} ({match.distance:.2f}): the door may mix them up.")


def change() -> None:
    """The form that renames or removes a person."""
    gallery = people()
    if not len(gallery):
        st.caption("Nobody is enrolled.")
        return
    st.selectbox("Who", list(gallery.people), **state.kept("who"))
    st.text_input("New name", **state.kept("other_name"))
    with st.container(horizontal=True):
        st.button("Rename", key=state.key("rename"), on_click=_rename, icon=":material/edit:")
        st.button("Remove", key=state.key("remove"), on_click=_remove, icon=":material/person_remove:")
    if note := state.pop("_people_note", None):
        st.warning(note, icon=":material/info:")


def _rename() -> None:
    name, chips = state["who"], state["_chips"]
    try:
        kept = people().rename(name, state["other_name"])
    except VisitorError as error:
        state["_people_note"] = str(error)
        return
    if name in chips:
        chips[kept] = chips.pop(name)


def _remove() -> None:
    name = state["who"]
    try:
        people().remove(name)
    except VisitorError as error:
        state["_people_note"] = str(error)
        return
    state["_chips"].pop(name, None)


def exchange() -> None:
    """Export to a file and import from one: names and embeddings, no pictures."""
    st.download_button(
        "Export",
        people().export,
        "people.json",
        "application/json",
        key=state.key("export"),
        on_click="ignore",
        icon=":material/download:",
    )
    file = st.file_uploader(
        "Import", type=["json"], key=state.key("import"), help="It replaces the people that are enrolled now."
    )
    if file is None or state.get("_imported") == file.file_id:
        return
    state["_imported"] = file.file_id
    with guard():
        gallery = Gallery.load(file.getvalue())
        state["_people"], state["_chips"] = gallery, {}
        st.success(f"{len(gallery):,} people were imported.")


def roll() -> None:
    """The list of people, with thumbnails of those enrolled here."""
    gallery, chips = people(), state["_chips"]
    rows = [
        {"face": chips.get(name), "name": name, "pictures": len(embeddings)}
        for name, embeddings in gallery.people.items()
    ]
    if not rows:
        st.caption("Nobody is enrolled. Nobody will be let in.")
        return
    columns = {"face": st.column_config.ImageColumn(width="small"), "name": st.column_config.TextColumn(width="medium")}
    st.dataframe(
        rows, hide_index=True, column_config=columns, height=min(320, 40 + 36 * len(rows)), key=state.key("roll")
    )


def door(samples: Sequence[str], threshold: float) -> None:
    """A picture at the door, and an answer for each face in it."""
    visitor = pick_image(samples, key="door", shared=False, label="Who is at the door?")
    seen, gallery = faces_of(visitor.image), people()
    started = time.perf_counter()
    given = [decide(gallery, face.embedding, threshold, face.doubt) for face in seen]
    milliseconds = 1e3 * (time.perf_counter() - started)
    upright = turned(visitor.image, seen[0].turn if seen else 0)
    image = images.shrink(upright, SEARCH_SIDE)
    factor = image.shape[1] / upright.shape[1]
    groups = {
        color: [face.box.scaled(factor) for face, answer in zip(seen, given, strict=True) if answer.admitted is way]
        for color, way in ((OUTPUT, True), (ACCENT, False))
    }
    admitted = sum(answer.admitted for answer in given)
    width = round(min(340, 300 * image.shape[1] / image.shape[0]))  # a tall picture would push the answers away
    alt = f"{visitor.alt}; {admitted} of {len(seen)} faces admitted"
    show(images.shrink(boxed(image, groups), 500), None, alt, width)
    tell_turn(seen)
    if not seen:
        raise VisitorError("No face is at the door. A face should look at the camera, in good light.")
    with st.container(horizontal=True):
        for number, (face, answer) in enumerate(zip(seen, given, strict=True), start=1):
            with st.container(width=230, border=True):
                _answer(number, face, answer)
    st.caption(f"People compared: {len(gallery):,}. Faces at the door: {len(seen)}. Time: {milliseconds:.1f} ms.")


def _answer(number: int, face: Face, answer: Answer) -> None:
    """The aligned face, admitted or refused, why, and the nearest people."""
    show(face.chip, alt=f"face {number}, aligned", width=110)
    if answer.admitted:
        st.badge(f"admitted: {plain(answer.name)}", icon=":material/door_open:", color="green")
    else:
        st.badge("refused", icon=":material/block:", color="red")
    st.caption(answer.reason)
    nearest = [{"nearest": match.name, "distance": round(match.distance, 3)} for match in answer.nearest[:3]]
    if nearest:
        st.dataframe(nearest, hide_index=True)
