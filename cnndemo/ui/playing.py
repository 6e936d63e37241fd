"""What plays by itself once it was switched on; where less motion is asked for, it goes on step by step instead."""

from __future__ import annotations

import streamlit as st

from cnndemo.ui.browser import calm
from cnndemo.ui.session import state

_PLAY, _NEXT = "play", "next"


def play(what: str, every: float) -> float | None:
    """The switch that plays; the button of one step for those who ask for less motion.

    Args:
        what: happens in a step, in words that begin a sentence.
        every: seconds between two steps.

    Returns:
        Seconds until what is shown is to be drawn again; None while nothing plays.
    """
    if calm():
        st.button("One step", icon=":material/skip_next:", key=state.key(_NEXT), help=f"{what}.")
        return None
    return every if st.toggle("Play", key=state.key(_PLAY), help=f"{what}, one a second.") else None


def goes_on() -> bool:
    """Whether what is drawn now is one step further than before."""
    return bool(state.get(_PLAY) or state.get(_NEXT))
