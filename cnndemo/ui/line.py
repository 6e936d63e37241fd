"""Who waits for a free core hears how many are before him, and leaves the line when he goes on."""

from __future__ import annotations

import threading
from collections.abc import Hashable

import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from cnndemo.gate import gate, pages


def _visitor() -> Hashable:
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context else threading.get_ident()


def _tell(before: int) -> None:
    if context := get_script_run_ctx(suppress_warning=True):
        # From a thread of its own: a cached function would keep the words, and say them to the next visitor, too.
        words = f"This server is busy: {before} before you …" if before else "This server is busy: you are next …"
        teller = threading.Thread(target=st.toast, args=(words,), kwargs={"icon": ":material/hourglass:"})
        add_script_run_ctx(teller, context).start()


def _leave() -> None:
    if get_script_run_ctx(suppress_warning=True):
        st.session_state.get("line")  # Streamlit ends a run here that nobody wants any more


def prepare_line() -> None:
    """Called by app.py in every run; makes the gates know visitors."""
    for each in (gate, pages):
        each.who, each.told, each.left = _visitor, _tell, _leave
