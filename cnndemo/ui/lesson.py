"""Lesson mode: a card beside the page with the present step; links, ticks, and where one left off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from cnndemo import topics
from cnndemo.lessons import LANGUAGES, LESSONS, Lesson, Step, card_words, lesson_words
from cnndemo.ui.answers import remember
from cnndemo.ui.frame import anchor

_NOW, _GO = "lesson", "lesson_go"  # of the session: (name, number from 1); whether to open that step's page
_FIRST, _MOVED, _SAID = "lesson_first", "lesson_moved", "lesson_said"  # key -> value at first; steps done; answers
EVERY = 1.5  # seconds between two looks at whether the setting was moved

_style = st.components.v2.component(
    "cnndemo_lesson",
    isolate_styles=False,  # it places the card, which is not its own
    html="<span hidden></span>",
    css=(Path(__file__).parent / "lesson.css").read_text(encoding="utf-8"),
    js="""
const show = (section) => {
  if (window.galleryShow) window.galleryShow(section);
  else setTimeout(() => show(section), 100);  // browser.py comes at the end of the first page
};
export default function ({ data }) {
  const card = document.querySelector('.st-key-lesson_card');
  if (!card) return;
  card.style.background = getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor;
  if (window.galleryStep === data.step) return;
  window.galleryStep = data.step;
  card.closest('[data-testid=stColumn]').scrollTop = 0;
  if (data.section) setTimeout(() => show(data.section), 300);
}""",
)


def language() -> str:
    """The language of lessons: that of the link, else the one chosen before, else the browser's, else English."""
    asked = st.query_params.get("lang")
    if asked in LANGUAGES:
        st.session_state["lang"] = asked
    own = (st.context.locale or "en").split("-")[0].lower()
    return st.session_state.get("lang", own if own in LANGUAGES else "en")


def lesson_title() -> str:
    """What the page of lessons is called, in the visitor's language."""
    return card_words(language())["lessons"]


def present() -> tuple[Lesson, int] | None:
    """The lesson that is on, and the number of its step, from 1."""
    name, number = st.session_state.get(_NOW, ("", 0))
    return (LESSONS[name], number) if name in LESSONS else None


def begin(name: str, number: int = 1) -> None:
    """Callback: open a step of a lesson."""
    st.session_state[_NOW] = name, number
    st.session_state[_GO] = True
    st.session_state.update(LESSONS[name].steps[number - 1].values)


def close() -> None:
    """Callback: the card goes; what was done stays done."""
    st.session_state["lesson_last"] = st.session_state.pop(_NOW, None)
    for name in ("lesson", "step"):
        st.query_params.pop(name, None)


def ticked(name: str, number: int) -> bool:
    """Whether a step's thing was done and its question answered."""
    mark = name, number
    return mark in st.session_state.get(_MOVED, set()) and mark in st.session_state.get(_SAID, {})


def left_off(name: str) -> int:
    """The step at which a lesson goes on: the first that is not ticked; the first of all when every one is."""
    numbers = range(1, len(LESSONS[name].steps) + 1)
    return next((number for number in numbers if not ticked(name, number)), 1)


@contextmanager
def beside_lesson(stem: str) -> Iterator[None]:
    """Draws the page, and, while a lesson is on, its card beside it; opens the step that a link asks for."""
    _arrive(stem)
    now = present()
    if not now:
        yield
        return
    page, side = st.columns([5, 2], gap="medium")
    with page:
        yield
    with side, st.container(border=True, key="lesson_card"):
        _card(stem, *now)
        lesson, number = now
        section = lesson.steps[number - 1].section if stem == lesson.steps[number - 1].page else ""
        goes = anchor(section) if section != "Try it" else ""  # that is in view already
        _style(key="lesson_style", data={"step": f"{stem} {lesson.name} {number}", "section": goes})


def _asked() -> tuple[str, int] | None:
    """The step that the link names; the first where its number is none."""
    name, number = st.query_params.get("lesson", ""), st.query_params.get("step", "1")
    if name not in LESSONS:
        return None
    last = len(LESSONS[name].steps)
    return name, min(max(int(number), 1), last) if number.isdecimal() and len(number) < 4 else 1


def _arrive(stem: str) -> None:
    """Follow the link or the button to the step's page and settings, and keep the link true."""
    pressed = st.session_state.pop(_GO, False)
    asked = None if pressed else _asked()
    followed = asked is not None and asked != st.session_state.get(_NOW)
    if followed:
        st.session_state[_NOW] = asked
    now = present()
    if not now:
        return
    lesson, number = now
    step = lesson.steps[number - 1]
    if followed:  # what the link says otherwise than the step is the visitor's own
        own = {key for key, text in step.link.items() if st.query_params.get(key, text) != text}
        st.session_state.update({key: value for key, value in step.values.items() if key not in own})
    named = {"lesson": lesson.name, "step": str(number)}
    if (pressed or followed) and stem != step.page:
        st.switch_page(topics.TOPICS[step.page].path, query_params=named)  # the session has the step's settings
    if stem == step.page and any(st.query_params.get(name) != text for name, text in named.items()):
        st.query_params.update(named)


def _card(stem: str, lesson: Lesson, number: int) -> None:
    words, texts = card_words(language()), lesson_words(lesson.name, language())
    step, last = lesson.steps[number - 1], len(lesson.steps)
    with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
        st.caption(f"{words['lesson']}: **{texts.title}**")
        st.button("", icon=":material/close:", type="tertiary", key="lesson.close", on_click=close, help=words["close"])
    if stem == step.page:
        _look(lesson, number)
        every = None if (lesson.name, number) in st.session_state.get(_MOVED, set()) else EVERY
        st.fragment(_step, run_every=every)(lesson, number)
    else:
        title = topics.TOPICS[step.page].title
        st.markdown(words["elsewhere"].format(step=texts.steps[number - 1].title, page=title))
        st.button(
            words["return"], icon=":material/undo:", key="lesson.return", on_click=begin, args=(lesson.name, number)
        )
    with st.container(horizontal=True, wrap=False, horizontal_alignment="distribute", gap="small"):
        st.button(
            words["back"], icon=":material/arrow_back:", key="lesson.back", disabled=number == 1,
            on_click=begin, args=(lesson.name, max(number - 1, 1)),
        )  # fmt: skip
        if number < last:
            st.button(
                words["next"], icon=":material/arrow_forward:", key="lesson.next",
                on_click=begin, args=(lesson.name, number + 1),
            )  # fmt: skip
        elif st.button(words["finish"], icon=":material/flag:", key="lesson.finish"):
            st.session_state["lesson_last"] = st.session_state.pop(_NOW)
            st.switch_page(topics.PAGES / "lessons.py")


def fingerprint(value: Any) -> Any:
    """Something small that is equal for equal values."""
    return (value.shape, hash(value.tobytes())) if isinstance(value, np.ndarray) else repr(value)


def _look(lesson: Lesson, number: int) -> bool:
    """Whether the step's thing was done: one of its settings is no longer what it was when the card first saw it."""
    moved = st.session_state.setdefault(_MOVED, set())
    step, mark = lesson.steps[number - 1], (lesson.name, number)
    for name in step.moves:
        key = f"{step.page}.{name}"
        if key in st.session_state and (value := st.session_state[key]) is not None:
            first = st.session_state.setdefault(_FIRST, {})
            if first.setdefault((mark, key), fingerprint(value)) != fingerprint(value):
                moved.add(mark)
    return mark in moved


def _step(lesson: Lesson, number: int) -> None:
    """The step itself; drawn again by the clock until the setting was moved."""
    words, texts = card_words(language()), lesson_words(lesson.name, language())
    step: Step = lesson.steps[number - 1]
    said, mark = texts.steps[number - 1], (lesson.name, number)
    done = _look(lesson, number)
    answers = st.session_state.setdefault(_SAID, {})
    place = f"{words['book']} {step.book}" if step.book else words["beyond"]
    st.markdown(f"**{number} · {said.title}** &nbsp; :gray[{place}]")
    tick = ":green[:material/check_circle:]" if done else ":material/radio_button_unchecked:"
    st.markdown(f"{tick} {said.do} [{step.section}](#{anchor(step.section)})")
    options = range(len(said.options))
    chosen = st.radio(
        said.ask, options, index=answers.get(mark), format_func=lambda i: said.options[i],
        key=f"lesson.{lesson.name}.{number}.{language()}",
    )  # fmt: skip
    if chosen is not None:
        answers[mark] = chosen
        right = said.options[step.answer]
        remember(f"{texts.title}, {number}: {said.title}", said.ask, said.options[chosen], right, said.why)
        if chosen == step.answer:
            st.success(f"**{words['right']}** {said.why}", icon=":material/check:")
        else:
            st.warning(f"{words['wrong']} **{right}**. {said.why}", icon=":material/close:")
        st.markdown(f"**{words['notice']}** {said.notice}")
    count = sum(ticked(lesson.name, each) for each in range(1, len(lesson.steps) + 1))
    st.progress(count / len(lesson.steps), text=words["progress"].format(done=count, of=len(lesson.steps)))
