"""Fast fragments above, a true foot below."""

from __future__ import annotations

import time
from collections.abc import Hashable

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cnndemo.ui.pad import PEN_DOWN
from cnndemo.ui.session import state

REST = 0.25  # seconds without a change after which the foot follows
EARLIEST = 0.2  # of them have passed when it is the clock that asks: browsers' clocks may be a little early


def settle(key: str, settings: Hashable) -> None:
    """Last line of a fragment whose settings the foot of the page shows too (Code, Check yourself).

    The fragment has answered by then. Once its settings have rested for a moment, the whole page runs again and the
    foot follows: while a slider is pulled or something is drawn, the browser has the answers alone to show.
    """
    context = get_script_run_ctx()
    if not (context and context.fragment_ids_this_run):  # the whole page runs: its foot comes next
        state[f"_settled_{key}"] = settings
    elif state.setdefault(f"_settled_{key}", settings) != settings:
        _follow(key, settings, time.monotonic())


@st.fragment(run_every=REST)
def _follow(key: str, settings: Hashable, since: float) -> None:
    """Called once by `settle`, which asks for nothing, and then by the clock, until the whole page runs."""
    if time.monotonic() - since >= EARLIEST and not state.get(PEN_DOWN):
        state[f"_settled_{key}"] = settings
        st.rerun(scope="app")
