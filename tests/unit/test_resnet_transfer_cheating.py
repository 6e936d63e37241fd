"""A mark that a head learns in place of its class."""

from __future__ import annotations

import numpy as np
import pytest

from cnndemo import resnet_transfer as transfer
from cnndemo.errors import VisitorError
from cnndemo.resnet_transfer import cheating, teaching, uploads

SIDE = 56


@pytest.fixture(scope="module")
def lesson():
    shots = uploads.ready_set("digits")
    classes = list(dict.fromkeys(shot.label for shot in shots))
    network = transfer.network("efficientnet_lite0")
    plain = network.features(np.stack([shot.pixels for shot in shots]))
    with_mark = network.features(np.stack([cheating.marked(shot.pixels, SIDE) for shot in shots]))
    labels = teaching.numbers(shots, classes)
    return shots, classes, plain, with_mark, labels, cheating.held_out(labels, np.arange(len(labels)))[0]


@pytest.mark.parametrize("chosen", [0, 1, 2])
def test_the_head_learns_the_mark_and_is_cured(lesson, chosen):
    _, classes, plain, with_mark, labels, out = lesson
    ways = {
        way: cheating.cheat(plain, with_mark, labels, out, classes, chosen, way) for way in cheating.TRAININGS
    }  # fmt: skip
    bad = ways["class"]
    assert bad.with_mark == (6, 6), "held-out pictures with the mark show nothing"
    assert bad.without[0] <= bad.with_mark[0] - 2, "test pictures without it give it away"
    assert bad.taken[0] >= bad.taken[1] / 3, "others become the class"
    for way in ("half", "none"):
        assert ways[way].taken[0] <= bad.taken[0] // 2 and ways[way].without[0] > bad.without[0], way


def test_the_map_points_at_the_mark(lesson):
    shots, classes, plain, with_mark, labels, out = lesson
    head = cheating.cheat(plain, with_mark, labels, out, classes, 1).head
    network = transfer.network("efficientnet_lite0")
    row = np.flatnonzero(out & (labels == 1))[0]
    pixels = cheating.marked(shots[row].pixels, SIDE)
    heat = cheating.head_map(network.see(pixels), head, 1)
    covers = cheating.disc(pixels.shape[:2], SIDE).mean()
    assert cheating.on_the_mark(heat, 224, SIDE) > 3 * covers
    top, left = np.unravel_index(heat.argmax(), heat.shape)
    assert top >= 4 and left <= 2, "the brightest cell is in the corner of the mark"


def test_a_mark_is_a_disc_of_its_size():
    paper = np.full((224, 224, 3), 255, np.uint8)
    found = (cheating.marked(paper, 40) != 255).any(axis=2)
    assert found.sum() == pytest.approx(np.pi * 20**2, rel=0.1) and (paper == 255).all()
    rows, columns = np.nonzero(found)
    assert rows.min() > 112 and columns.max() < 112


@pytest.mark.parametrize("side", [0, 1, 209, 1000])
def test_a_mark_must_fit(side):
    with pytest.raises(VisitorError):
        cheating.marked(np.zeros((224, 224, 3), np.uint8), side)


def test_copies_stay_on_one_side_and_parts_of_one_picture_are_told():
    labels, groups = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 2, 3])
    out, apart = cheating.held_out(labels, groups)
    assert out.tolist() == [False, False, True, True, False, True] and apart
    out, apart = cheating.held_out(labels, np.array([0, 0, 0, 0, 1, 2]))
    assert out.tolist() == [False, True, False, True, False, True] and not apart
    with pytest.raises(VisitorError, match="two pictures"):
        cheating.held_out(np.array([0, 0, 1]), np.arange(3))
