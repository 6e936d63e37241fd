"""The frame of a page: title, question, sections that name the book's figures, and the guard around bad input."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image, ImageColor
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.pages_manager import PagesManager

from cnndemo import palette, topics
from cnndemo.errors import VisitorError
from cnndemo.ui.session import MOST, let_go, state, was_let_go
from cnndemo.ui.share import share


def icon(cell: int = 18, gap: int = 3) -> Image.Image:
    """The gallery's mark in the browser's tab: a kernel of 3×3 cells, RGBA.

    It is a picture of our own because Streamlit fetches the icons that have a name from another host.
    """
    corner, side, middle = (ImageColor.getrgb(color) for color in (palette.OKABE_ITO[4], palette.INPUT, palette.KERNEL))
    colors = np.array([[corner, side, corner], [side, middle, side], [corner, side, corner]], np.uint8)
    opaque = np.dstack([colors, np.full((3, 3), 255, np.uint8)])
    result = np.kron(opaque, np.ones((cell, cell, 1), np.uint8))
    inside = np.arange(3 * cell) % cell >= gap
    result[~(inside[:, None] & inside)] = 0
    return Image.fromarray(result)


_STAGE = Path(__file__).parent / "stage.css"

#: What a link says beside the settings of its page.
LESSON = ("lesson", "step", "lang")

#: Where the sections of the page that is being drawn are listed: a page is drawn by a thread of its own.
_CONTENTS: ContextVar[Any] = ContextVar("contents", default=None)


def page(stem: str) -> None:
    """Title, the one question, the book's sections, a link that reproduces the page. First call of every page."""
    leave_old_navigation()
    if entered := state.enter(stem):
        _mend_link()  # not later: after Back, the page that is being left may run once more under the next one's link
    st.html(_STAGE)
    topic = topics.TOPICS[stem]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(topic.title, anchor=False, width="content")
        with st.container(horizontal=True, width="content", gap="small"):
            st.button(
                "Start again", icon=":material/restart_alt:", type="tertiary", key=state.key("start_again"),
                on_click=_start_again, help="Puts this page back to how it was at first. Other pages stay as they are.",
            )  # fmt: skip
            contents = st.popover("Contents", icon=":material/toc:", type="tertiary", width="content")
            _CONTENTS.set(contents)
            with st.popover("Share", icon=":material/link:", type="tertiary", width="content"):
                st.caption("Opens the page with the settings you see. Your own pictures are not part of it.")
                share()
    place = f"book {topic.book}" if topic.book else "beyond the book"
    st.markdown(f"**{topic.question}** &nbsp; :gray[{place}]")
    if topic.goal:
        with st.expander(f"After this page you can {topic.goal.able}.", icon=":material/flag:"):
            st.markdown("Two things to try:\n" + "".join(f"\n1. {task}" for task in topic.goal.tasks))
    if entered:
        let_go()
    if was_let_go():
        st.info(
            f"Some of what you left on this page was let go: a visit may keep {MOST // 1_000_000} MB in all, "
            "and this page was left longest ago.",
            icon=":material/info:",
        )


_AGAIN = "again"  # in the session: an empty page is shown once, so that browser and link forget its widgets, too


def _start_again() -> None:
    """Callback: the page forgets everything, the visitor's own picture aside."""
    state.clear()
    st.session_state[_AGAIN] = "asked"


def starting_again() -> bool:
    """Whether an empty page is to be shown instead of the one that starts again; draws what brings it back."""
    if again := _AGAIN in st.session_state:
        _come_back()
    return again


@st.fragment(run_every=0.2)
def _come_back() -> None:
    """Drawn once on the empty page; then, by the clock, the whole page again."""
    if st.session_state.get(_AGAIN) == "shown":
        del st.session_state[_AGAIN]
        st.query_params.clear()  # its widgets are gone, so nothing holds these any more
        st.rerun(scope="app")
    st.session_state[_AGAIN] = "shown"


def leave_old_navigation() -> None:
    """Start again through app.py when a page was opened by its address before anyone opened the gallery.

    Until `st.navigation` has run once in a process, Streamlit takes a folder named `pages` for the old kind of
    multipage app and runs the page without app.py: other sidebar, no page config.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def _mend_link() -> None:
    """Start again with the link as this page wants it, if it is another.

    Links from before each page had names of its own say `?steps=65`; that is `?normalization.steps=65`. Settings of
    other pages go, and so do numbers such as 1e999, on which an integer input of Streamlit fails.
    """
    link = {name: st.query_params.get_all(name) for name in st.query_params}
    full = {name if "." in name or name in LESSON else state.key(name): values for name, values in link.items()}
    wanted = {
        name: values
        for name, values in full.items()
        if (name in LESSON or name.startswith(state.key(""))) and not any(map(_is_infinite, values))
    }
    # What was typed on this page belongs to its widget, cannot be taken out, and was not read from the link.
    with suppress(StreamlitAPIException):
        if wanted != link:
            st.query_params.from_dict(wanted)
            st.rerun()


def _is_infinite(text: str) -> bool:
    try:
        return math.isinf(float(text))
    except ValueError:
        return False


def anchor(title: str) -> str:
    """The anchor of a section: "How it works" -> "how-it-works"."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def references(figures: Sequence[str], listings: Sequence[str]) -> str:
    """The line under a section's heading: "Book: figures 1.4, 1.5 · listing 1.1"."""
    parts = [
        f"{kind}{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"
        for kind, numbers in (("figure", figures), ("listing", listings))
        if numbers
    ]
    return f"Book: {' · '.join(parts)}" if parts else ""


def section(title: str, figures: Sequence[str] = (), listings: Sequence[str] = (), shown: str = "") -> None:
    """A heading with an anchor, listed under Contents, and which figures and listings of the book it brings to life.

    Args:
        title: its anchor follows from it.
        figures, listings: their numbers in the book.
        shown: the title in another language.
    """
    if (contents := _CONTENTS.get()) is not None:
        contents.markdown(f"[{shown or title}](#{anchor(title)})")
    st.header(shown or title, anchor=anchor(title), divider="gray")
    if line := references(figures, listings):
        st.caption(line)


def next_topic(stem: str) -> None:
    """The foot of every page: where the book goes on."""
    if following := topics.after(stem):
        st.divider()
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(following.path, label=f"Next: **{following.title}**", icon=":material/arrow_forward:")
            st.caption(following.question, width="content")


def try_it(ratio: tuple[int, int] = (2, 3)):
    """The two columns of "Try it": input left, result right; on a phone the `stage` of the result comes first."""
    return st.columns(list(ratio), gap="large")


def stage(second: bool = False):
    """A container for what lives, at most half a phone's screen high: there it stays in view above the controls.

    It belongs into a column of `try_it`, into a `scene`, or right into a fragment.

    Args:
        second: of the page; the browser knows no more than two.
    """
    return st.container(key="second_stage" if second else "stage")


def scene():
    """A container for a stage with its controls, where those are in no columns of `try_it`; one on a page."""
    return st.container(key="scene")


def plain(text: str, limit: int = 60) -> str:
    """Text from a visitor, such as a file name, made harmless for Markdown and cut to `limit` characters.

    What cannot be seen goes, marks that turn the direction of writing too: they would turn the rest of the sentence.
    """
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return re.sub(r"([\\`*_{}\[\]()#+\-.!<>|$:~&])", r"\\\1", text)


@contextmanager
def guard() -> Iterator[None]:
    """Show what a visitor can do about bad input, instead of a traceback, and let the rest of the page go on."""
    try:
        yield
    except VisitorError as error:
        st.warning(str(error), icon=":material/info:")
