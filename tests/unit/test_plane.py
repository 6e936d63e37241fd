"""The line of text that holds the points of the plane."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnndemo.errors import VisitorError
from cnndemo.ui import plane


@given(st.lists(st.tuples(*[st.integers(-300, 300)] * 2), min_size=3, max_size=3))
def test_points_survive_being_written_and_read(rows):
    points = {name: np.array(row) / 100 for name, row in zip("APN", rows, strict=True)}
    again = plane.read(plane.written(points), "APN")
    assert list(again) == list("APN")
    for name in "APN":
        np.testing.assert_allclose(again[name], points[name], atol=1e-9)


def test_points_are_kept_in_the_plane():
    assert plane.read("1 -1e9 2, 2 7 -7", "12")["2"].tolist() == [3, -3]


@pytest.mark.parametrize(
    "text",
    ["", "A 1 2", "A 1 2, P 3", "A nan 1, P 1 1", "A inf 1, P 1 1", "A 1 1, Q 1 1", "<script>", "A 1 1 1, P 0 0"],
)
def test_what_is_no_points_is_refused_with_an_example(text):
    with pytest.raises(VisitorError, match="A 0.5 1"):
        plane.read(text, "AP")
