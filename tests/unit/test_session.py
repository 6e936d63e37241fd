"""What a session keeps, page by page, and what it lets go."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnndemo.ui import session
from cnndemo.ui.session import size


@dataclass
class Lesson:
    shots: list = field(default_factory=list)
    name: str = ""


def test_size_counts_arrays_and_bytes_wherever_they_lie_and_each_once():
    array = np.zeros((100, 100), np.float32)
    assert size(array) == 40_000 and size(b"12345") == 5 and size("äöü") == 3 and size(7) == 0 and size(None) == 0
    assert size({"a": [array, (array,)], "b": {array.tobytes()}}) == 80_000
    assert size(Lesson([array.copy(), array.copy()], "cats")) == 80_004
    ring: list = [array]
    ring.append(ring)
    assert size(ring) == 40_000


def walk():
    """Three pages, each of which leaves something behind; then back on the first."""
    import numpy as np
    import streamlit as st

    from cnndemo.ui.session import let_go, state, was_let_go

    if "started" not in st.session_state:
        st.session_state["started"] = True
        st.session_state["own_picture"] = np.zeros(30_000, np.uint8)
        for stem in ("filters", "siamese", "training"):
            state.enter(stem)
            state["large"], state["larger"], state["steps"] = np.zeros(60_000, np.uint8), bytes(80_000), 65
    state.enter("training")
    let_go(st.session_state["most"])
    st.text(" ".join(sorted(key for key in st.session_state if "large" in str(key))))
    st.text(" ".join(sorted(key for key in st.session_state if "steps" in str(key) or "own" in str(key))))
    told = []
    for stem in ("filters", "siamese", "training", "filters"):
        state.enter(stem)
        told.append(f"{stem} {was_let_go()}")
    st.text(", ".join(told))


@pytest.mark.parametrize(
    ("most", "stays", "told"),
    [
        (session.MOST, "filters.large filters.larger siamese.large siamese.larger training.large training.larger", ""),
        (400_000, "filters.large siamese.large siamese.larger training.large training.larger", "filters"),
        (330_000, "siamese.large siamese.larger training.large training.larger", "filters"),
        (180_000, "training.large training.larger", "filters siamese"),
        (100_000, "training.large", "filters siamese training"),
    ],
)
def test_the_largest_of_the_page_left_longest_ago_goes_first_and_settings_never(most, stays, told):
    app = AppTest.from_function(walk)
    app.session_state["most"] = most
    app.run()
    assert not app.exception
    assert app.text[0].value == stays
    assert app.text[1].value == "filters.steps own_picture siamese.steps training.steps"
    expected = [f"{stem} {stem in told}" for stem in ("filters", "siamese", "training")] + ["filters False"]
    assert app.text[2].value == ", ".join(expected)


def keys():
    import streamlit as st

    from cnndemo.ui.session import state

    state.enter("filters")
    state["steps"] = 3
    state.enter("filters")
    first = state.visit
    state.enter("siamese")
    assert "steps" not in state and state.get("steps", 9) == 9 and state.visit == first + 1
    state["steps"] = 5
    assert dict(state) == {"steps": 5} and len(state) == 1
    assert state.linked("steps") == {"key": "siamese.steps", "bind": "query-params"}
    assert state.kept("steps")["key"] == state.key("steps") == "siamese.steps"
    state.clear()
    assert not state and st.session_state["filters.steps"] == 3


def test_short_names_are_those_of_the_page_that_was_entered():
    assert not AppTest.from_function(keys).run().exception
