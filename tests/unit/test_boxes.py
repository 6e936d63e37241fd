"""Boxes drawn on a canvas, as pixels and as percent."""

from hypothesis import given
from hypothesis import strategies as st

from cnndemo.ui.boxes import percent
from cnndemo.ui.canvas import Canvas


def rect(**values):
    return {"type": "Rect", "left": 10, "top": 20, "width": 30, "height": 40, "scaleX": 1, "scaleY": 1, **values}


def test_boxes_are_read_in_the_order_of_drawing_and_other_shapes_left_out():
    canvas = Canvas(None, [rect(), {"type": "Path"}, rect(type="rect", left=1, scaleX=2, scaleY=0.5)])
    assert canvas.boxes == [(20, 10, 40, 30), (20, 1, 20, 60)]


def test_a_box_held_at_its_centre():
    assert Canvas(None, [rect(originX="center", originY="center")]).boxes == [(0, -5, 40, 30)]


def test_percent_of_a_box():
    assert percent((20, 10, 40, 30), (200, 100)) == ((10.0, 30.0), (10.0, 40.0))


def test_a_box_drawn_backwards_or_over_the_edge_stays_inside():
    assert percent((60, 40, -40, -30), (200, 100)) == ((10.0, 30.0), (10.0, 40.0))
    assert percent((-50, 90, 500, 500), (200, 100)) == ((0.0, 100.0), (90.0, 100.0))


@given(st.tuples(*[st.floats(-1e6, 1e6)] * 4), st.tuples(st.integers(1, 2000), st.integers(1, 2000)))
def test_any_box_gives_two_ordered_spans_in_half_percents(box, shape):
    for low, high in percent(box, shape):
        assert 0 <= low <= high <= 100 and (low * 2).is_integer() and (high * 2).is_integer()
