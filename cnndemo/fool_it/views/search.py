"""Attacks without gradients: an evolution of pixels or of a sticker, with its progress and a Stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import streamlit as st

from cnndemo import fool_it, images, ui
from cnndemo.fool_it import figures as charts
from cnndemo.fool_it import readers
from cnndemo.fool_it.evolution import ROUND, Found, Pixels, Sticker, evolve
from cnndemo.fool_it.readers import Reader
from cnndemo.fool_it.views.attack import Subject
from cnndemo.jobs import Job
from cnndemo.ui.session import state
from cnndemo.ui.watch import watch

KINDS = {
    "one": "One pixel of a digit",
    "digit": "Pixels of a digit",
    "small": "Pixels of a small photo",
    "sticker": "A sticker on a photo",
}
GENERATIONS = {"one": 80, "digit": 80, "small": 80, "sticker": 60}
POPULATION = {"one": 60, "digit": 60, "small": 60, "sticker": 24}
PIXELS = {"digit": 8, "small": 1}  # that may change, at first
ANY = "anything else"
SHOWN = 168  # pixels: two pictures fit beside each other on a phone
_turns = threading.Semaphore(2)  # evolutions that run beside each other in this server


@contextmanager
def _turn(waiting: Callable[[], None]) -> Iterator[None]:
    """One of the two places; who waits can still be stopped."""
    while not _turns.acquire(timeout=0.2):
        waiting()
    try:
        yield
    finally:
        _turns.release()


@st.fragment
def without_looking_inside() -> None:
    """The whole section."""
    left, right = ui.try_it()
    with left, ui.guard():
        kind = ui.one_of(st.segmented_control, "What may change", KINDS, "one", "search")
        reader, picture, words = _picture(kind)
        st.caption(words)
        change, wanted = _change(kind, reader, picture)
        job: Job[Found] | None = state.get("_evolution")
        running = job is not None and job.running
        with st.container(horizontal=True):
            ui.main_button(
                "Let it evolve", icon=":material/genetics:", key=state.key("evolve"), disabled=running,
                on_click=_begin, args=(kind, reader, change, wanted),
            )  # fmt: skip
            if running:
                st.button("Stop", icon=":material/stop:", key=state.key("stop_search"), on_click=job.stop)
    with right:
        watch(state.get("_evolution"), _progress)


def _picture(kind: str) -> tuple[Reader, np.ndarray, str]:
    """The network, the picture as it sees it, and which one that is."""
    if kind == "one":
        reader, pixels = fool_it.digit_reader(), images.digit(*readers.DOUBTFUL)
        sure = reader.best(reader.ask(pixels[None])[0])
        words = f"A {readers.DOUBTFUL[0]} of MNIST, which {reader.title} reads as {sure}: it doubts a little, so one "
        return reader, pixels, words + "pixel is enough. Where it is sure it takes several: see the next choice."
    subject: Subject | None = state.get("_subject")
    if kind == "digit":
        own = subject is not None and subject.kind == "digit"
        pixels = subject.picture if own else images.digit(5, 0)
        return fool_it.digit_reader(), pixels, "The digit from above." if own else "A 5 of MNIST."
    own = subject is not None and subject.kind == "photo"
    sample = "motorcycle" if kind == "small" else "cat"  # with the one a single pixel is enough
    square = subject.picture if own else readers.square(images.sample(sample))
    name = "The photo from above" if own else f"The {sample}"
    if kind == "sticker":
        return fool_it.photo_reader(), square, f"{name}, 224 × 224 pixels, read by EfficientNet-Lite0."
    small = readers.shrunk(square)
    return fool_it.small_reader(), small, f"{name}, shrunk to 32 × 32 pixels, read by ResNet-20."


def _change(kind: str, reader: Reader, picture: np.ndarray) -> tuple[Pixels | Sticker, int | None]:
    """How much may change, and where it shall lead."""
    labels = list(dict.fromkeys(reader.labels))
    if kind == "sticker":
        side = st.slider("Side of the sticker, pixels", 16, 96, 56, 8, **state.linked("sticker"))
        change = Sticker(picture, side)
    elif kind == "one":
        change = Pixels(picture, 1)
    else:
        count = st.slider("Pixels", 1, 20, PIXELS[kind], **state.linked(f"pixels_{kind}"))
        change = Pixels(picture, count)
    goal = st.selectbox("Make it", [ANY, *labels], **state.linked(f"goal_{kind}"))
    if goal == ANY:
        return change, None
    answer = reader.ask(picture[None])[0]
    return change, readers.target_of(reader.labels, goal, int(answer.argmax()), answer)


def _begin(kind: str, reader: Reader, change: Pixels | Sticker, wanted: int | None) -> None:
    """Callback: the evolution, in a thread of its own; each one throws other dice."""
    turn = state["_evolutions"] = state.get("_evolutions", 0) + 1

    def work(waiting: Callable[[], None]) -> Iterator[Found]:
        with _turn(waiting):
            yield from evolve(
                change, reader.ask, wanted, GENERATIONS[kind], POPULATION[kind], seed=turn, waiting=waiting
            )

    state["_evolution"], state["_evolved"] = Job(work), (reader, change.picture)


def _progress() -> None:
    """How far it is, and the best picture so far."""
    job: Job[Found] | None = state.get("_evolution")
    if job is None:
        st.caption(
            "The network is only asked, never opened. Candidates are drawn by chance; each child is made of the "
            "differences of its elders and takes the place of a worse one. One click, and it begins."
        )
        return
    if job.error:
        st.warning(str(job.error), icon=":material/info:")
    found = job.latest
    if found is None:
        st.progress(0.0, "It begins …" if job.running else "It was stopped before its first round.")
        return
    reader, picture = state["_evolved"]
    before, after = reader.labels[found.before], reader.best(found.probabilities)
    if job.running:
        st.progress(
            found.generation / found.generations,
            f"Generation {found.generation} of {found.generations}, {found.asked:,} questions",
        )
    elif found.fooled:
        st.markdown(f"### {before} → {after}")
        st.caption(f"After {found.asked:,} questions to {reader.title}, and no look inside.")
    else:
        st.markdown(f"### Not fooled: {after}")
        st.caption(f"{found.asked:,} questions were not enough. Allow more to change, or begin again: chance differs.")
    with st.container(horizontal=True):
        for image, name in ((picture, f"before: {before}"), (found.picture, f"best so far: {after}")):
            with st.container(width=SHOWN):
                ui.show(image, name, f"{name}", width=SHOWN, target=SHOWN)
    watched = before if found.wanted is None else reader.labels[found.wanted]
    ui.chart(
        charts.course(found.course, -(-found.generations // ROUND), f"Probability of “{watched}”"),
        f"probability of {watched}, round by round, now {found.course[-1]:.1%}",
        key="course",
    )
