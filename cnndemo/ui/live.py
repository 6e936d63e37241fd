"""A camera that runs: small frames come over the page's own connection, and each is answered before the next is sent.

A frame is a trigger of the component: it is there for one run of the fragment and gone with it. It goes past all caches
and into no setting, so that nothing of it stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from cnndemo import frames, images
from cnndemo.errors import VisitorError
from cnndemo.gate import gate
from cnndemo.seats import PLACES, seats
from cnndemo.ui.frame import guard
from cnndemo.ui.session import state

FULL = (
    f"{PLACES} visitors' cameras run on this server already, and more would be slow for all. "
    "Please try again in a minute, or take a single picture."
)
_KEY = "camera"
_HERE = Path(__file__).resolve().parent
_HTML = """
<div class="bar"><button type="button" class="go">Start the camera</button>
<button type="button" class="turn" hidden>Other camera</button>
<video muted playsinline hidden aria-label="What your camera sees"></video>
<span class="pace"></span></div>
<p class="trouble" role="status"></p>
<p class="told"></p>
<div class="shares"></div>
<div class="pictures" role="group"></div>
"""
_component = st.components.v2.component(
    "cnndemo_live",
    html=_HTML,
    css=(_HERE / "live.css").read_text(encoding="utf-8"),
    js=(_HERE / "live.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Shown:
    """One picture of an answer: uint8 grey or RGB, its caption, and words for those who cannot see it."""

    image: np.ndarray
    caption: str
    alt: str


@dataclass(frozen=True)
class Answer:
    """What a page makes of a frame.

    Attributes:
        pictures: side by side where there is room.
        words: a line above them.
        shares: names with a number from 0 to 1 each, drawn as bars below that line.
    """

    pictures: tuple[Shown, ...] = ()
    words: str = ""
    shares: tuple[tuple[str, float], ...] = ()


def live_camera() -> bool:
    """The switch beside the choice of a picture: whether the page shows a running camera; none is opened by it."""
    wanted = st.toggle(
        ":material/videocam: Live camera",
        **state.linked("live"),
        help="Your camera's pictures go to this server one by one, are answered and forgotten. Nothing is kept.",
    )
    if not wanted:
        seats.leave(gate.who())
    return wanted


@st.fragment
@guard()
def live(answer: Callable[[np.ndarray], Answer], still: np.ndarray, about: str, facing: str = "environment") -> None:
    """The camera's place on a page: a button that starts it, and what the page makes of what it sees.

    Args:
        answer: uint8 (height, width, 3) -> what is shown, with the settings that the page has now. It must not call
            cached functions: they would keep the frame.
        still: a picture, uint8 (height, width, 3), that is answered while no camera runs.
        about: what the page looks for, for those who cannot see it.
        facing: which of a phone's cameras goes first, "environment" or "user".
    """
    sent = getattr(st.session_state.get(state.key(_KEY)), "frame", None)
    data = respond(sent if isinstance(sent, dict) else {}, answer, still)
    data |= {"side": frames.SIDE, "about": about, "facing": facing}
    _component(key=state.key(_KEY), data=data, on_frame_change=lambda: None)


def respond(sent: dict[str, Any], answer: Callable[[np.ndarray], Answer], still: np.ndarray) -> dict[str, Any]:
    """What goes back to the browser.

    Args:
        sent: {"number": n} and one of "asks" (may I start?), "ends" (I stop), "jpeg" (a frame); or nothing.
        answer, still: as for `live`.

    Returns:
        "number" of what is answered, and "refused" (a sentence), "busy", or an answer in `frames.encode`'s addresses;
        "still" when it is one of the still picture. Empty while frames come and this run has none.
    """
    who, number = gate.who(), sent.get("number")
    number = number if isinstance(number, int) else None
    if sent.get("ends"):
        seats.leave(who)
    elif sent.get("asks") or "jpeg" in sent:
        if not seats.take(who):
            return {"number": number, "refused": FULL}
        if "jpeg" not in sent:
            return {"number": number}
        if gate.waiting():
            return {"number": number, "busy": True}
        return {"number": number, **_answered(answer, lambda: frames.decode(sent["jpeg"]))}
    elif seats.holds(who):
        return {}
    return {"number": number, "still": True, **_answered(answer, lambda: images.shrink(still, frames.SIDE))}


def _answered(answer: Callable[[np.ndarray], Answer], frame: Callable[[], np.ndarray]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        found = answer(frame())
    except VisitorError as error:
        found = Answer(words=str(error))
    pictures = [
        {"source": frames.encode(shown.image), "caption": shown.caption, "alt": shown.alt} for shown in found.pictures
    ]
    shares = [[name, round(float(share), 4)] for name, share in found.shares]
    spent = round(1000 * (time.perf_counter() - started))
    return {"pictures": pictures, "words": found.words, "shares": shares, "spent": spent}
