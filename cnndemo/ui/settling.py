"""Fast fragments above, a true foot below."""

from __future__ import annotations

from collections.abc import Hashable

import streamlit as st

from cnndemo.ui.pad import PEN_DOWN
from cnndemo.ui.session import state


def settle(key: str, settings: Hashable) -> None:
    """Last line of a fragment whose settings the foot of the page shows too (Code, Check yourself).

    The fragment has answered by then; if its settings changed, the whole page runs once more and the foot follows.
    While something is being drawn it waits, so that the fragment can follow the pen.
    """
    known = state.setdefault(f"_settled_{key}", settings)
    if known != settings and not state.get(PEN_DOWN):
        state[f"_settled_{key}"] = settings
        st.rerun()
