"""A job on the page: its progress, a button that stops it, and the page once more when it has ended."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from cnndemo.jobs import Job


def watch(job: Job | None, draw: Callable[[], None], every: float = 0.6) -> None:
    """Draw something that a job changes, again and again while it runs, and the whole page at its end.

    Args:
        job: the job, if there is one.
        draw: draws what there is; it asks the job itself.
        every: seconds between two looks.
    """
    running = job is not None and job.running

    def look() -> None:
        ended = running and not job.running
        draw()
        if ended:
            st.rerun(scope="app")

    st.fragment(look, run_every=every if running else None)()
