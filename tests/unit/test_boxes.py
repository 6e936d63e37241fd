"""Boxes drawn on a picture, in percent."""

from hypothesis import given
from hypothesis import strategies as st

from cnndemo.ui.boxes import percent


def test_percent_of_a_box():
    assert percent((20, 10, 40, 30), (200, 100)) == ((10.0, 30.0), (10.0, 40.0))


def test_a_box_drawn_backwards_or_over_the_edge_stays_inside():
    assert percent((60, 40, -40, -30), (200, 100)) == ((10.0, 30.0), (10.0, 40.0))
    assert percent((-50, 90, 500, 500), (200, 100)) == ((0.0, 100.0), (90.0, 100.0))


@given(st.tuples(*[st.floats(-1e6, 1e6)] * 4), st.tuples(st.integers(1, 2000), st.integers(1, 2000)))
def test_any_box_gives_two_ordered_spans_in_half_percents(box, shape):
    for low, high in percent(box, shape):
        assert 0 <= low <= high <= 100 and (low * 2).is_integer() and (high * 2).is_integer()
