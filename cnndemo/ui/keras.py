"""What Keras says, when it has said it: the page is whole without, and never waits."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from typing import Any

import streamlit as st

from cnndemo import worker
from cnndemo.jobs import Job
from cnndemo.ui.session import state
from cnndemo.ui.watch import in_line, ticking

_OPEN = "keras_asked"  # of the page: the questions that were put and not yet answered
FORGOTTEN = 20.0  # seconds after which a question that nobody looks at any more is dropped


@st.cache_resource(max_entries=128, show_spinner=False)
def _asked(function: str, digest: str, _arguments: tuple) -> Job:
    """A question to Keras, put once for all visitors who ask the same."""

    def work(waiting):
        yield (worker.ask(function, *_arguments, waiting=waiting),)

    return Job(work, patience=FORGOTTEN)


def ask_keras(function: str, *arguments: Any) -> Job:
    """The job that brings the answer of a function that runs in the Keras process, as a tuple of one."""
    digest = hashlib.sha1(pickle.dumps(arguments)).hexdigest()
    job = _asked(function, digest, arguments)
    if not job.running and job.latest is None:  # it was dropped, or failed: the next who looks asks anew
        _asked.clear(function, digest, arguments)
    return job


def keras_says(draw: Callable[[Any], None], function: str, *arguments: Any) -> None:
    """Draw the answer of a function of the Keras process as soon as it is there.

    Args:
        draw: draws the answer.
        function: "cnndemo.<module>:<function>".
        arguments: its arguments; equal ones are answered once.
    """
    job = ask_keras(function, *arguments)
    if job.running and worker.pid():
        job.wait(0.03)  # a process that is there has answered by then, and the line does not flicker

    if job.running:
        state[_OPEN] = [other for other in state.get(_OPEN, []) if other.running] + [job]

    def look() -> None:
        if job.latest is not None:
            draw(job.latest[0])
        elif job.error:
            st.caption(f":material/info: {job.error}")
        else:
            st.caption(":material/hourglass: " + in_line(job, "Keras is asked; what it says will appear here."))

    def running() -> bool:  # the page runs once more when the last of its answers is there, not at each
        return any(other.running for other in state.get(_OPEN, []))

    ticking(look, running if job.running else lambda: False, every=0.7)


def agreement(words: Callable[[Any], str], function: str, *arguments: Any) -> None:
    """The line that says whether Keras agrees: `words` of its answer."""
    keras_says(lambda answer: st.caption(words(answer)), function, *arguments)
