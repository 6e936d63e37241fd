"""What a visitor brings to learn from: digits drawn here, or the classes of the transfer page."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import training
from cnndemo.digit_classifier import preparation
from cnndemo.errors import VisitorError
from cnndemo.topics import TOPICS
from cnndemo.training.data import MOST_DRAWN, Own
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import guard
from cnndemo.ui.pad import pad
from cnndemo.ui.pictures import show
from cnndemo.ui.session import state

DRAWN, SHEET = "drawn", "sheet"
LESSON = "resnet_transfer.lesson"  # of the session: what was taught on the transfer page


def drawn() -> Own:
    """The pad, its label, and the digits drawn so far.

    Raises:
        VisitorError: too few are there to learn from.
    """
    fields: list[tuple[np.ndarray, int]] = state.setdefault(DRAWN, [])
    with guard():
        _draw(fields)
    if fields:
        show(_sheet([field for field, _ in fields]), f"{len(fields)} digits drawn", "the digits drawn so far")
        if st.button("Remove the last", icon=":material/undo:", key=state.key("undo_drawn"), type="tertiary"):
            fields.pop()
            st.rerun()
    return training.of_drawings([field for field, _ in fields], [label for _, label in fields])


def _draw(fields: list[tuple[np.ndarray, int]]) -> None:
    label = one_of(st.pills, "You draw a", range(10), 1, "t_label", wrap=True)
    drawing = pad(f"own_{state.get(SHEET, 0)}", 200, 200, alt=f"Draw the digit {label} here", pen=16)
    if not st.button("Add it", icon=":material/add:", key=state.key("add_drawn"), disabled=drawing.empty):
        return
    if len(fields) >= MOST_DRAWN:
        raise VisitorError(f"{MOST_DRAWN} drawings are enough for this page.")
    field, _ = preparation.prepare(drawing.image())
    fields.append((np.rint(field * 255).astype(np.uint8), label))
    sheet = state.get(SHEET, 0)
    state.pop(f"own_{sheet}.strokes", None)
    state[SHEET] = sheet + 1  # a fresh sheet
    st.rerun()


def _sheet(fields: list[np.ndarray], columns: int = 10) -> np.ndarray:
    """The last drawings side by side, uint8."""
    last = fields[-3 * columns :]
    last = [*last, *[np.zeros_like(last[0])] * (-len(last) % columns)]
    return np.vstack([np.hstack(last[at : at + columns]) for at in range(0, len(last), columns)])


def taught() -> Own:
    """The classes of the transfer page.

    Raises:
        VisitorError: there are none, or too few pictures of one.
    """
    shots = getattr(st.session_state.get(LESSON), "shots", [])
    if not shots:
        raise VisitorError(
            f"There are no classes of yours yet. Make some on the page “{TOPICS['resnet_transfer'].title}”, under "
            "“My own classes”, and come back: they stay as long as this visit."
        )
    found = training.of_classes([shot.pixels for shot in shots], [shot.label for shot in shots])
    examples = np.hstack([found.training[0][found.training[1] == number][0] for number in range(len(found.classes))])
    show(examples, f"{len(shots)} pictures of {len(found.classes)} classes, as small as the network sees them")
    return found
