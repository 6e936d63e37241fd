"""Fool it: the picture, the attack, and everything that one wants to know of the result."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from cnndemo import fool_it, images, ui
from cnndemo.fool_it import figures as charts
from cnndemo.fool_it import fooling, readers, stress
from cnndemo.fool_it.fooling import Fooled
from cnndemo.fool_it.readers import Reader
from cnndemo.ui.keras import keras_says
from cnndemo.ui.session import state
from cnndemo.ui.settling import settle

SUBJECTS = {"digit": "A digit", "photo": "A photo"}
WAYS = {"one": "One step", "many": "Many small steps"}
AIMS = {"away": "Anything else", "to": "A class that I choose"}
USUAL = {"digit": 26, "photo": 2}  # ε at first
USUAL_AIM = {"digit": "away", "photo": "to"}  # from one kind of cat to another is no great feat
TARGETS = {"digit": "3", "photo": "toaster"}
SHOWN, SMALL = 168, 136  # pixels: two pictures fit beside each other on a phone


@dataclass(frozen=True)
class Subject:
    """What is attacked, and how.

    Attributes:
        kind: "digit" or "photo".
        source: the picture as the visitor chose it.
        name: of the picture, in words.
        picture: uint8, what the network sees of it.
        epsilon: grey levels.
        steps: of the attack.
        target: the label that was aimed at, or None.
        fooled: the result, once it is there.
    """

    kind: str
    name: str
    picture: np.ndarray
    epsilon: int
    steps: int
    target: str | None
    fooled: Fooled | None = None
    source: ui.Picture | None = None

    @property
    def reader(self) -> Reader:
        """The network that is attacked."""
        return fool_it.digit_reader() if self.kind == "digit" else fool_it.photo_reader()


@st.cache_data(max_entries=128, show_spinner=False)
def changed_digit(picture: np.ndarray, epsilon: int, steps: int, target: int | None, name: str) -> np.ndarray:
    return fool_it.fool_digit(picture, epsilon, steps, target, name)


@st.cache_data(max_entries=64, show_spinner=False)
def prepared(image: np.ndarray, kind: str, mnist: bool) -> np.ndarray:
    return readers.field(image, mnist) if kind == "digit" else readers.square(image)


@st.fragment
def try_it() -> None:
    """The whole section; what it found is kept for the sections below."""
    left, right = ui.try_it()
    subject = None
    with left, ui.guard():
        subject = _choose()
    with right, ui.guard():
        if subject:
            _attack(subject)
    known: Subject | None = state.get("_subject")
    settle(
        "fooled", known and (hashlib.sha1(known.picture.tobytes()).digest(), known.epsilon, known.target, known.steps)
    )


def _choose() -> Subject:
    """The picture and the attack; what the network says of the picture as it is."""
    kind = ui.one_of(st.segmented_control, "Fool it with", SUBJECTS, "digit", "subject")
    if kind == "digit":
        sources = ("mnist", "draw", "drawn", "own", "upload", "camera")
        picture = ui.pick_digit(sources=sources, default="mnist", sample=(5, 0))
        if picture is None:
            st.caption("Nothing is there yet. Until then a 5 of MNIST stands in.")
            stand_in = images.digit(5, 0)[..., None].repeat(3, axis=2)
            made_by = "np.repeat(images.digit(5, 0)[..., None], 3, axis=2)"
            picture = ui.Picture(stand_in, "MNIST digit 5", "sample", made_by)
    else:
        picture = ui.pick_image()
    pixels = prepared(picture.image, kind, picture.source == "sample")
    reader = Subject(kind, "", pixels, 0, 1, None).reader
    with st.container(horizontal=True):
        way = ui.one_of(st.segmented_control, "Attack", WAYS, "many", "way")
        aim = ui.one_of(st.segmented_control, "Make it", AIMS, USUAL_AIM[kind], f"aim_{kind}")
    target = None
    if aim == "to":
        labels = list(dict.fromkeys(reader.labels))
        usual = labels.index(TARGETS[kind])
        target = st.selectbox("A class to aim at", labels, usual, **state.linked(f"target_{kind}"))
    epsilon = st.slider(
        "ε, the largest change of a value, grey levels of 256", 0, fooling.LARGEST[kind], USUAL[kind],
        **state.linked(f"epsilon_{kind}"),
    )  # fmt: skip
    steps = 10
    if way == "many":
        steps = st.slider("Steps", 2, 40, 10, **state.linked("steps"))
    return Subject(kind, picture.alt, pixels, epsilon, steps if way == "many" else 1, target, source=picture)


def _attack(subject: Subject) -> None:
    """Change the picture, and show what came of it."""
    reader = subject.reader
    before = reader.ask(subject.picture[None])[0]
    present = int(before.argmax())
    state["_subject"] = subject
    wanted = None
    if subject.target is not None:
        wanted = readers.target_of(reader.labels, subject.target, present, before)
    fooling.check(subject.epsilon, subject.steps)
    if subject.epsilon == 0:
        st.info("At ε = 0 nothing may change, so nothing does. Move the slider to the right.", icon=":material/info:")

    def show(after: np.ndarray, milliseconds: float | None = None) -> None:
        result = fooling.fooled(reader, subject.picture, after, subject.epsilon, wanted)
        state["_subject"] = replace(subject, fooled=result)
        _show(subject, result, milliseconds)

    if subject.kind == "digit":
        show(changed_digit(subject.picture, subject.epsilon, subject.steps, wanted, readers.DIGIT))
        return
    st.caption(f"{reader.title} says: **{reader.best(before)}**.")
    index = present if wanted is None else wanted
    if subject.steps == 1:  # one gradient serves every ε
        keras_says(
            lambda sign: show(fooling.with_sign(subject.picture, sign, subject.epsilon, wanted is not None)),
            "cnndemo.fool_it.photo_gradient:sign", subject.picture, index,
        )  # fmt: skip
        return
    keras_says(
        lambda answer: show(*answer),
        "cnndemo.fool_it.photo_gradient:attack",
        *(subject.picture, index, subject.epsilon, subject.steps, wanted is not None),
    )


def _show(subject: Subject, result: Fooled, milliseconds: float | None) -> None:
    """Pictures, answers, maps, the second network, and what survives."""
    reader, (before, after, random) = result.reader, result.classes
    labels = reader.labels
    verdict = (
        f"### {labels[before]} → {labels[after]}"
        if after != before
        else f"### Still {labels[after]}: try a larger ε, or more steps"
    )
    change = fooling.enlarged(result.pictures[0], result.pictures[1], subject.epsilon)
    enlarged = f"the change, × {255 / max(2 * result.largest, 1):.3g}"
    with ui.stage():
        st.markdown(verdict)
        with st.container(horizontal=True):
            _picture(result.pictures[0], "before", f"{subject.name}, read as {labels[before]}")
            _picture(result.pictures[1], "after", f"the same after the attack, read as {labels[after]}")
    with st.container(horizontal=True):
        _picture(change, enlarged, "the change alone, enlarged until it can be seen")
        by_chance = f"the same after a random change as large, read as {labels[random]}"
        _picture(result.pictures[2], "a random change", by_chance)
    for column, row, title in zip(st.columns(3), range(3), ("Before", "After", "By chance"), strict=True):
        pairs = reader.pairs(result.answers[row], before)
        alt = f"{title}: " + ", ".join(f"{label} {value:.1%}" for label, value in pairs)
        with column:
            ui.chart(charts.answers(pairs, title, labels[before]), alt, key=f"answers_{row}")
    took = f" A step took {milliseconds:.0f} ms." if milliseconds else ""
    by_attack, by_noise = result.moved
    st.caption(
        f"No value moved by more than {result.largest} of 256 grey levels.{took} The attack moved **{by_attack:.0%}** "
        f"of the probability to other classes, a random change as large **{by_noise:.0%}**: what fools a network is "
        "the direction, not the size."
    )
    _maps(result)
    _second(subject, result)
    _survives(subject, result)


def _picture(picture: np.ndarray, name: str, alt: str) -> None:
    """One of the four pictures."""
    with st.container(width=SHOWN):
        ui.show(picture, name, alt, width=SHOWN, target=SHOWN)


def _maps(result: Fooled) -> None:
    """Where the network saw what it says, before and after."""
    if not st.toggle("Where it looked", True, **state.linked("maps")):
        return
    names = [result.reader.labels[index] for index in result.classes]
    shown = [(0, 0), (1, 1), (1, 0)] if names[0] != names[1] else [(0, 0), (1, 1)]
    words = ("before", "after", "after")
    with st.container(horizontal=True):
        for picture, answer in shown:
            heat = result.reader.look(result.pictures[picture], result.classes[answer])
            text = f"{words[picture]}: {names[answer]}"
            with st.container(width=SMALL):
                ui.show(
                    readers.overlaid(result.pictures[picture], heat), text,
                    f"bright where {names[answer]} is seen, {words[picture]} the attack", width=SMALL,
                )  # fmt: skip


def _second(subject: Subject, result: Fooled) -> None:
    """Whether a network that the attack knew nothing of is fooled, too."""
    other = fool_it.judge() if subject.kind == "digit" else fool_it.small_reader()
    was, now = other.ask(result.pictures[:2])
    held = was.argmax() == now.argmax()
    words = "is not fooled by it" if held else "is fooled, too"
    what = (
        f"The picture was made against {result.reader.title}. {other.title[0].upper()}{other.title[1:]}, which the "
        f"attack knew nothing of, **{words}**: {other.best(was)} before, {other.best(now)} after."
    )
    st.markdown(f":material/{'shield' if held else 'bolt'}: {what}")
    if subject.kind == "photo":
        st.caption(
            f"It is no twin: it knows {len(other.labels)} kinds of things of its own, and sees 32 × 32 pixels. An "
            f"attack may lead it astray, but “{result.reader.labels[result.classes[1]]}” it cannot say."
        )


def _survives(subject: Subject, result: Fooled) -> None:
    """JPEG, blur and a shift, by sliders."""
    st.markdown("**Does it survive the way to you?**")
    for_jpeg, for_blur, for_shift = st.columns(3)
    quality = for_jpeg.slider("JPEG quality, 0: not", 0, 100, 0, 5, **state.linked("quality"))
    blur = for_blur.slider("Blur, pixels", 0.0, 3.0, 0.0, 0.1, **state.linked("blur"))
    shift = for_shift.slider("Shift, pixels", 0, 8, 0, **state.linked("shift"))
    if not (quality or blur or shift):
        st.caption("Move a slider: the changed picture, and the one before beside it, go through it.")
        return
    moved = np.stack([stress.stressed(picture, quality or None, blur, shift) for picture in result.pictures[:2]])
    answers = result.reader.ask(moved)
    labels = result.reader.labels
    index = [int(row.argmax()) for row in answers]
    survived = index[1] == result.classes[1] and result.worked
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width=SMALL):
            ui.show(moved[1], "what is left", f"the attacked picture, read as {labels[index[1]]}", SMALL, SMALL)
        st.markdown(
            f"{'**It survives**' if survived else '**The attack is gone**'}: the changed picture is read as "
            f"{result.reader.best(answers[1])}, the one before as {result.reader.best(answers[0])}."
            if result.worked
            else f"There is no attack to survive: both are read as {labels[index[0]]} and {labels[index[1]]}.",
            width="stretch",
        )
