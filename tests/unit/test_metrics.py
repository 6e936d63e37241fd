"""Scores of a segmentation, against numbers worked by hand and against their definitions on sets."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cnndemo.pet_segmentation import metrics

MASKS = arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12))
PAIRS = arrays.array_shapes(min_dims=2, max_dims=2, max_side=12).flatmap(
    lambda shape: st.tuples(arrays.arrays(bool, shape), arrays.arrays(bool, shape))
)


def as_set(mask):
    return set(zip(*np.nonzero(mask), strict=True))


def test_worked_by_hand():
    a = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], bool)
    b = np.array([[0, 1, 1, 1], [0, 1, 0, 0]], bool)
    # 5 and 4 pixels, 3 in both, 6 in either.
    assert metrics.jaccard(a, b) == 3 / 6
    assert metrics.dice(a, b) == 2 * 3 / 9
    assert metrics.pixel_accuracy(a, b) == 5 / 8


@given(PAIRS)
def test_scores_are_those_of_sets(pair):
    a, b = (as_set(mask) for mask in pair)
    if a | b:
        assert metrics.jaccard(*pair) == pytest.approx(len(a & b) / len(a | b))
        assert metrics.dice(*pair) == pytest.approx(2 * len(a & b) / (len(a) + len(b)))


@given(PAIRS)
def test_jaccard_and_dice_say_the_same(pair):
    jaccard, dice = metrics.jaccard(*pair), metrics.dice(*pair)
    assert jaccard == pytest.approx(metrics.jaccard_from_dice(dice))
    assert dice == pytest.approx(metrics.dice_from_jaccard(jaccard))
    assert 0 <= jaccard <= dice <= 1


def test_the_books_pair_of_figures_is_impossible():
    assert metrics.dice_from_jaccard(0.88) == pytest.approx(0.9362, abs=1e-4)
    assert metrics.dice_from_jaccard(0.88) > 0.85


@given(PAIRS)
def test_symmetric_and_one_for_equal_masks(pair):
    a, b = pair
    for score in (metrics.jaccard, metrics.dice, metrics.boundary_f_score, metrics.pixel_accuracy):
        assert score(a, b) == pytest.approx(score(b, a))
        assert score(a, a) == 1


def test_empty_masks():
    nothing, something = np.zeros((4, 4), bool), np.eye(4, dtype=bool)
    for score in (metrics.jaccard, metrics.dice, metrics.boundary_f_score):
        assert score(nothing, nothing) == 1
        assert score(nothing, something) == score(something, nothing) == 0
    assert metrics.pixel_accuracy(nothing, something) == 12 / 16
    assert metrics.pixel_accuracy(np.zeros((0, 3)), np.zeros((0, 3))) == 1


@pytest.mark.parametrize("score", [metrics.jaccard, metrics.dice, metrics.pixel_accuracy, metrics.boundary_f_score])
def test_masks_of_two_shapes_are_refused(score):
    with pytest.raises(ValueError, match="one shape"):
        score(np.zeros((2, 3), bool), np.zeros((3, 2), bool))


LABELS = arrays.array_shapes(min_dims=2, max_dims=2, max_side=10).flatmap(
    lambda shape: st.tuples(*[arrays.arrays(np.uint8, shape, elements=st.integers(1, 3))] * 2)
)


@given(LABELS)
def test_the_confusion_table_holds_every_score(pair):
    truth, predicted = pair
    table = metrics.confusion(truth, predicted)
    assert table.sum() == truth.size
    assert np.trace(table) / table.sum() == pytest.approx(metrics.pixel_accuracy(truth, predicted))
    for index, label in enumerate((1, 2, 3)):
        if (truth == label).any() or (predicted == label).any():
            assert metrics.class_jaccard(table)[index] == pytest.approx(
                metrics.jaccard(truth == label, predicted == label)
            )
            assert metrics.class_dice(table)[index] == pytest.approx(metrics.dice(truth == label, predicted == label))
        else:
            assert np.isnan(metrics.class_jaccard(table)[index])


def test_keras_agrees_on_the_mean():
    random = np.random.default_rng(0)
    truth, predicted = random.integers(1, 4, (2, 30, 40))
    reference = keras.metrics.MeanIoU(3)
    reference.update_state(truth - 1, predicted - 1)
    assert metrics.mean_jaccard(metrics.confusion(truth, predicted)) == pytest.approx(float(reference.result()))


def test_absent_classes_and_ignored_pixels():
    truth, predicted = np.array([[1, 1, 0, 9]]), np.array([[1, 2, 3, 3]])
    table = metrics.confusion(truth, predicted)
    assert table.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert metrics.mean_jaccard(table) == pytest.approx((1 / 2 + 0) / 2)
    assert metrics.mean_jaccard(np.zeros((3, 3), int)) == 1


def test_tables_may_be_stacked():
    tables = np.random.default_rng(1).integers(0, 50, (5, 3, 3))
    np.testing.assert_allclose(metrics.class_jaccard(tables), [metrics.class_jaccard(table) for table in tables])


@given(MASKS)
def test_the_boundary_lies_in_the_mask_and_next_to_its_outside(mask):
    edge = metrics.boundary(mask)
    padded = np.pad(mask, 1, constant_values=True)  # the picture's edge is no outside
    surrounded = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    np.testing.assert_array_equal(edge, mask & ~surrounded)


def test_the_boundary_score_forgives_up_to_the_tolerance():
    truth = np.zeros((60, 60), bool)
    truth[20:40, 20:40] = True
    assert metrics.boundary_f_score(truth, np.roll(truth, 2, axis=1)) == 1
    moved = [metrics.boundary_f_score(truth, np.roll(truth, by, axis=1)) for by in (2, 4, 8)]
    assert moved[0] > moved[1] > moved[2] > 0
    assert metrics.boundary_f_score(truth, np.roll(truth, 4, axis=1), tolerance=4) == 1


@settings(max_examples=25, deadline=None)
@given(LABELS)
def test_soft_scores_of_certain_answers_are_the_hard_ones(pair):
    hot = [np.eye(3, dtype="float32")[labels - 1][None] for labels in pair]
    table = metrics.confusion(*pair)
    for soft, hard in ((metrics.soft_jaccard, metrics.class_jaccard), (metrics.soft_dice, metrics.class_dice)):
        expected = np.nan_to_num(hard(table), nan=1.0)
        np.testing.assert_allclose(keras.ops.convert_to_numpy(soft(*hot)), expected, atol=1e-5)


def test_soft_scores_have_a_direction_and_skip_pixels_without_a_label():
    truth = np.zeros((1, 2, 2, 3), "float32")
    truth[0, 0, :, 0] = 1  # two pixels of the first class; the others do not count
    unsure = np.full((1, 2, 2, 3), 1 / 3, "float32")
    better = unsure.copy()
    better[0, 0] = (0.8, 0.1, 0.1)
    ignored = unsure.copy()
    ignored[0, 1] = (0.0, 1.0, 0.0)
    score = [float(metrics.soft_dice(truth, answer)[0]) for answer in (unsure, better, ignored)]
    assert score[1] > score[0] == pytest.approx(score[2])
