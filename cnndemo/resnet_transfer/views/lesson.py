"""The visitor's own classes: what is kept for the session, and the widgets that add and remove pictures."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitAPIException

from cnndemo import images, ui
from cnndemo.archives import ClassFolders
from cnndemo.class_folders import readable
from cnndemo.errors import VisitorError
from cnndemo.jobs import Job
from cnndemo.resnet_transfer import teaching, uploads
from cnndemo.resnet_transfer.finetune import Epoch, Tuned
from cnndemo.resnet_transfer.teaching import Shot
from cnndemo.ui.session import state

THUMB = 56  # pixels


@dataclass
class Lesson:
    """Pictures and classes of one visitor, in his session's memory only."""

    ready: str | None = "digits"
    shots: list[Shot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tuning: Job[Epoch | Tuned] | None = None
    tuned_for: str = ""

    @property
    def classes(self) -> list[str]:
        """Class names in the order in which they came."""
        return list(dict.fromkeys(shot.label for shot in self.shots))

    @property
    def stamp(self) -> str:
        """Changes with any picture or class."""
        return teaching.stamp(self.shots)

    def stop(self) -> None:
        """End the fine-tuning, if there is one."""
        if self.tuning:
            self.tuning.stop()

    def sure_tuned(self) -> Tuned | None:
        """The fine-tuned network, if it belongs to the pictures that are there now."""
        found = self.tuning.latest if self.tuning and self.tuned_for == self.stamp else None
        return found if isinstance(found, Tuned) else None


def again() -> None:
    """Run the section once more, alone where that is possible."""
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:  # the whole page is running, not the section
        st.rerun()


def lesson() -> Lesson:
    """This session's lesson; at first a ready set."""
    if "lesson" not in state:
        state["lesson"] = Lesson(shots=uploads.ready_set("digits"))
    return state["lesson"]


def edit(current: Lesson) -> None:
    """Choose a ready set or bring pictures, class by class."""
    with st.container(horizontal=True):
        for name, title in uploads.READY_SETS.items():
            if st.button(
                title, key=state.key(f"ready_{name}"), icon=":material/inventory_2:", disabled=current.ready == name
            ):
                state["lesson"] = Lesson(ready=name, shots=uploads.ready_set(name))
                again()
        if st.button("My own classes", key=state.key("ready_own"), icon=":material/add_photo_alternate:"):
            state["lesson"] = Lesson(ready=None)
            again()
    _strips(current)
    source = ui.one_of(
        st.segmented_control, "Add pictures from", ["Files", "Camera", "ZIP of class folders"], "Files", "add_from"
    )
    {"Files": _add_files, "Camera": _add_shot}.get(source, _add_zip)(current)
    for note in current.notes[:6]:
        st.caption(f":material/info: {ui.plain(note, 200)}")
    if len(current.notes) > 6:
        st.caption(f"… and {len(current.notes) - 6} more like these.")


def _strips(current: Lesson) -> None:
    """One row a class: its name, how many pictures, the first of them, and a button that removes it."""
    for number, name in enumerate(current.classes):
        shots = [shot for shot in current.shots if shot.label == name]
        with st.container(horizontal=True, vertical_alignment="center"):
            ui.show(strip(shots), alt=f"the first pictures of the class {name}", width=5 * THUMB)
            st.markdown(f"**{ui.plain(name, 24)}** · {len(shots)}", width="content")
            if st.button(
                "",
                key=state.key(f"remove_{number}"),
                icon=":material/delete:",
                help="Remove this class",
                type="tertiary",
            ):
                current.shots = [shot for shot in current.shots if shot.label != name]
                current.notes, current.ready = [], None
                again()


def strip(shots: list[Shot], count: int = 5) -> np.ndarray:
    """The first pictures side by side, uint8 (112, 112 × count, 3), white where there are fewer."""
    result = np.full((2 * THUMB, 2 * THUMB * count, 3), 255, np.uint8)
    for place, shot in enumerate(shots[:count]):
        result[:, 2 * THUMB * place : 2 * THUMB * (place + 1)] = shot.pixels[::2, ::2]
    return result


def _class_name(current: Lesson, key: str, stays: bool = False) -> str:
    """The name of a class; after a new class the next one is proposed, unless the name `stays`."""
    own = 0 if current.ready else len(current.classes)
    return st.text_input(
        "Class",
        value="class 1" if stays else f"class {own + 1}",
        **state.kept(key if stays else f"{key}_{own}"),
        max_chars=40,
        help="A new name makes a new class, a known name adds to it.",
    )


def _add_files(current: Lesson) -> None:
    with st.form(state.key("add_files"), clear_on_submit=True, border=False):
        name = _class_name(current, "class_name")
        files = st.file_uploader(
            "Pictures of this class",
            type=list(images.SUFFIXES),
            accept_multiple_files=True,
            key=state.key("class_files"),
            help="They stay in this server's memory while you are here, and are written nowhere.",
        )
        if st.form_submit_button("Add to the class", icon=":material/add:"):
            _take(current, name, [(readable(file.name, 80), file.getvalue) for file in files])


def _add_shot(current: Lesson) -> None:
    name = _class_name(current, "shot_name", stays=True)
    picture = st.camera_input("Take a picture", key=state.key(f"class_shot_{len(current.shots)}"))
    if picture and st.button("Add to the class", icon=":material/add:", key=state.key("add_shot")):
        _take(current, name, [(f"camera shot {len(current.shots) + 1}", picture.getvalue)])


def _add_zip(current: Lesson) -> None:
    """A ZIP, and which of its splits to take, if it has some."""
    turn = state.get("zips_taken", 0)  # a field of its own for each, so that it is empty again afterwards
    key = state.key(f"class_zip_{turn}" if turn else "class_zip")
    file = st.file_uploader("ZIP archive, one folder a class", type=["zip"], key=key)
    folders = None
    with ui.guard():
        folders = _look_through(file)
    if not st.button("Add its classes", icon=":material/add:", key=state.key("add_zip")) or folders is None:
        return
    bar = st.progress(0.0, "Reading …")
    before = [] if current.ready else current.shots
    classes = list(dict.fromkeys(shot.label for shot in before))
    try:
        with ui.guard():
            current.shots, current.notes = uploads.add_zip(
                before, folders, classes, lambda n: bar.progress(n % 100 / 100, f"Picture {n} …")
            )
            current.ready = None
            state["zips_taken"] = turn + 1
            state.pop("_zip", None)
            again()
    finally:
        bar.empty()


def _look_through(file) -> ClassFolders | None:
    """What a ZIP holds, or the split of it that is chosen; it is read once."""
    if not file:
        return None
    known = state.get("_zip")
    if known is None or known[0] != file.file_id:
        known = state["_zip"] = file.file_id, uploads.read_zip(file.getvalue())
    folders = known[1]
    if not folders.splits:
        return folders
    every, name = "all of them", f"split_{file.file_id[:8]}"
    options = [*folders.splits, every]
    chosen = st.segmented_control("Which pictures", options, default=options[0], required=True, **state.kept(name))
    return folders if chosen == every else folders.of(chosen)


def _take(current: Lesson, name: str, files: list) -> None:
    """Add files to a class; the first own picture takes the place of a ready set."""
    label = uploads.clean_name(name)
    before = [] if current.ready else current.shots
    names = dict.fromkeys([*(shot.label for shot in before), label])
    if not label:
        st.warning("Give the class a name first.", icon=":material/info:")
        return
    if not files:
        st.warning("Choose at least one picture for this class.", icon=":material/info:")
        return
    if len(names) > teaching.MAX_CLASSES:
        st.warning(f"At most {teaching.MAX_CLASSES} classes fit on this page.", icon=":material/info:")
        return
    bar = st.progress(0.0, "Reading …")
    try:
        current.shots, current.notes = uploads.add_files(
            before, files, label, lambda done: bar.progress(done / len(files), f"Picture {done} of {len(files)} …")
        )
    except VisitorError as error:
        st.warning(str(error), icon=":material/info:")
        return
    finally:
        bar.empty()
    current.ready = None
    again()
