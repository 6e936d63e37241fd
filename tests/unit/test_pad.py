"""What is drawn on the pad, from the numbers that a browser sends; and what a browser should not send."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo.ui.pad import MOST_POINTS, Drawing, read

LINE = {"tool": "pen", "width": 10, "points": [[20, 50], [80, 50]]}
RUBBED = {"tool": "eraser", "width": 20, "points": [[50, 20], [50, 80]]}
BOX = {"tool": "box", "width": 0, "points": [[60, 70], [10, 20]]}


def drawing(*strokes, height=100, width=100) -> Drawing:
    return Drawing(height, width, read(list(strokes)))


def test_a_line_has_its_width_its_length_and_round_ends():
    ink = drawing(LINE).ink()
    assert ink[50, 50] == 1 and ink[40, 50] == 0
    assert ink[:, 50].sum() == pytest.approx(10, abs=0.5)
    assert ink[50].sum() == pytest.approx(60 + 10, abs=1.5)
    assert ink.sum() == pytest.approx(60 * 10 + math.pi * 25, rel=0.05)


def test_a_dot_is_a_disc():
    assert drawing({**LINE, "points": [[50, 50]]}).ink().sum() == pytest.approx(math.pi * 25, rel=0.06)


def test_the_eraser_takes_away_what_was_there_before_it_and_not_what_comes_after():
    assert drawing(LINE, RUBBED).ink()[50, 50] == 0
    assert drawing(RUBBED, LINE).ink()[50, 50] == 1


def test_edges_are_smooth_and_the_picture_has_both_colours():
    picture = drawing(LINE).image("#ff0000", "#ffffff")
    assert picture.dtype == np.uint8 and picture.shape == (100, 100, 3)
    assert picture[50, 50].tolist() == [255, 0, 0] and picture[0, 0].tolist() == [255, 255, 255]
    slanted = drawing({**LINE, "points": [[20, 20], [80, 61]]}).ink()
    assert ((slanted > 0.1) & (slanted < 0.9)).sum() > 40


def test_on_a_mask_of_another_size_it_lies_at_the_same_place():
    mask = np.zeros((200, 200), bool)
    mask[90:110, 180:] = True
    result = drawing(LINE, {**RUBBED, "points": [[95, 50]]}).on(mask)
    assert result[100, 100] and not result[100, 190] and mask[100, 190], "the mask itself stays"


def test_only_the_last_box_counts_and_it_may_be_drawn_backwards():
    assert drawing(LINE).box is None
    assert drawing({**BOX, "points": [[0, 0], [5, 5]]}, BOX).box == (20, 10, 50, 50)


def test_empty_until_the_pen_has_been_down():
    assert drawing().empty and drawing(RUBBED).empty and drawing(BOX).empty and not drawing(LINE).empty


@pytest.mark.parametrize(
    "sent",
    [
        None, "strokes", 5, [None], [{}], [{"tool": "pen"}], [{**LINE, "points": []}], [{**LINE, "points": [[1]]}],
        [{**LINE, "points": [[math.nan, 1]]}], [{**LINE, "width": math.inf}], [{**LINE, "tool": "<script>"}],
        [{**LINE, "points": {"a": 1}}], [{**LINE, "width": None}],
    ],
)  # fmt: skip
def test_what_is_no_stroke_is_left_out(sent):
    assert read(sent) == ()


def test_far_too_many_points_are_cut_and_places_far_outside_are_drawn_without_harm():
    strokes = read([{**LINE, "points": [[1, 2]] * (MOST_POINTS + 5)}, LINE])
    assert [len(stroke.points) for stroke in strokes] == [MOST_POINTS]
    assert drawing({**LINE, "points": [[-1e9, 1e9], [1e30, 50]], "width": 1e9}).ink().max() <= 1


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["tool", "width", "points"]), inner),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_whatever_is_sent_there_is_a_drawing(sent):
    assert Drawing(10, 10, read(sent)).ink().shape == (10, 10)
