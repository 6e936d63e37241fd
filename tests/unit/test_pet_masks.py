"""Masks to play with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnndemo.errors import VisitorError
from cnndemo.pet_segmentation import masks, metrics


@pytest.mark.parametrize("name", masks.PRESETS)
def test_presets_are_pairs_of_masks_that_differ(name):
    truth, predicted = masks.preset(name)
    assert truth.shape == predicted.shape == masks.SHAPE
    assert truth.dtype == predicted.dtype == bool
    assert truth.any() and not np.array_equal(truth, predicted)


def test_scores_part_on_the_presets():
    missed = masks.scores(*masks.preset("A tiny pet, missed"))
    assert missed["Pixel accuracy"] >= 0.95 and missed["Jaccard"] == missed["Dice"] == 0
    tail = masks.scores(*masks.preset("Without its tail"))
    assert tail["Jaccard"] > 0.9 > tail["Boundary F"]


def test_an_unknown_preset_is_refused_with_the_known_ones():
    with pytest.raises(VisitorError, match="Shifted"):
        masks.preset("nonsense")


def square() -> np.ndarray:
    mask = np.zeros((40, 60), bool)
    mask[10:30, 20:40] = True
    return mask


def test_growing_and_shrinking():
    grown, shrunk = masks.edit(square(), grow=3), masks.edit(square(), grow=-3)
    assert grown[20, 17:43].all() and not grown[20, 16] and not grown[20, 43]
    np.testing.assert_array_equal(np.nonzero(shrunk[20])[0], np.arange(23, 37))
    assert not masks.edit(square(), grow=-20).any()


def test_shifting_loses_what_leaves_the_picture():
    moved = masks.edit(square(), down=5, right=-25)
    assert moved.sum() == 20 * 15 and moved[15:35, :15].all()


def test_filling_closes_holes_only():
    ring = square()
    ring[15:25, 25:35] = False
    np.testing.assert_array_equal(masks.edit(ring, fill=True), square())
    np.testing.assert_array_equal(masks.edit(square(), fill=True), square())


@given(st.integers(-5, 5), st.integers(-30, 30), st.integers(-30, 30), st.booleans())
def test_an_edit_makes_a_new_mask_of_the_same_shape(grow, down, right, fill):
    mask = square()
    edited = masks.edit(mask, grow, down, right, fill)
    assert edited.dtype == bool and edited.shape == mask.shape
    np.testing.assert_array_equal(mask, square())


def test_compare_colours_right_missed_and_invented():
    truth, predicted = np.array([[1, 1, 0, 0]], bool), np.array([[1, 0, 1, 0]], bool)
    picture = masks.compare(truth, predicted)[0]
    assert len(np.unique(picture, axis=0)) == 4
    assert picture[0].argmax() == 1 and picture[1].argmax() == 2 and picture[2].argmax() == 0


def test_discs_are_sets_of_the_right_size():
    disc = masks.disc((0.0, 0.0), 1.5)
    assert disc.sum() * (6 / 600) ** 2 == pytest.approx(np.pi * 1.5**2, rel=1e-3)
    right_up = masks.disc((1.0, 2.0), 0.5)
    rows, columns = np.nonzero(right_up)
    assert rows.mean() < 300 < columns.mean()


@pytest.mark.parametrize(("name", "low", "high"), [("Equal", 1, 1), ("Apart", 0, 0), ("One in the other", 0.24, 0.26)])
def test_the_configurations_of_figure_6_7(name, low, high):
    a, b, *radii = masks.DISCS[name]
    score = metrics.jaccard(masks.disc(a, radii[0]), masks.disc(b, radii[1]))
    assert low <= score <= high
