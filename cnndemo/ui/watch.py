"""What changes by itself on the page: it is drawn again by the clock, and the whole page once more at the end."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from cnndemo import worker
from cnndemo.jobs import Job


def ticking(draw: Callable[[], None], running: Callable[[], bool], every: float) -> None:
    """Draw something again and again while it changes, and the whole page when it has ended.

    Only a run of the whole page is sure to stop the browser's clock: it can go on ticking after a run of the fragment
    around it. So a tick that finds nothing running asks for the page, too.

    Args:
        draw: draws what there is.
        running: whether it still changes.
        every: seconds between two looks.
    """
    on_page = True

    def look() -> None:
        nonlocal on_page
        by_clock, on_page = not on_page, False
        ended = by_clock and not running()
        draw()
        if ended:
            st.rerun(scope="app")

    st.fragment(look, run_every=every if running() else None)()


def watch(job: Job | None, draw: Callable[[], None], every: float = 0.6) -> None:
    """Draw something that a job changes, while it runs; `draw` asks the job itself."""
    ticking(draw, lambda: job is not None and job.running, every)


def in_line(job: Job, words: str) -> str:
    """What a visitor is told while a job's request waits: how many are before it, or `words` when it is its turn."""
    before = worker.before(job.thread)
    return f"{before} before you …" if before else words
