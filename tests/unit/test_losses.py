"""The losses against numbers worked by hand, plain loops, and automatic differentiation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo.errors import VisitorError
from cnndemo.siamese import losses

POINT = st.lists(st.floats(-3, 3), min_size=3, max_size=3).map(np.array)


@pytest.fixture(scope="module")
def batch():
    """Twelve embeddings of three classes, and one class with a single example."""
    generator = np.random.default_rng(1)
    return np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3]), generator.normal(0, 0.6, (12, 5)).astype(np.float32)


def gradient(function, *arrays):
    """Derivative of a Keras scalar by each array, by TensorFlow's tape."""
    import tensorflow as tf

    tensors = [tf.constant(array, tf.float32) for array in arrays]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = function(*tensors)
    return float(value), [slope.numpy() for slope in tape.gradient(value, tensors)]


# Pairs, by hand: a same pair at distance d costs d², a different one (1 − d)² up to the margin of 1.
BY_HAND = [(1, 0.5, 0.25, 1.0), (1, 2.0, 4.0, 4.0), (0, 0.25, 0.5625, -1.5), (0, 1.0, 0.0, 0.0), (0, 3.0, 0.0, 0.0)]


@pytest.mark.parametrize(("same", "distance", "loss", "slope"), BY_HAND)
def test_contrastive_loss_by_hand(same, distance, loss, slope):
    value, (derivative,) = gradient(lambda d: losses.contrastive_loss(np.array([same]), d), np.array([distance]))
    assert value == pytest.approx(loss, abs=1e-6)
    assert derivative[0] == pytest.approx(slope, abs=1e-6)
    ours, our_slope = losses.contrastive(np.array([distance]), np.array([same]))
    assert (ours[0], our_slope[0]) == pytest.approx((loss, slope))


def test_contrastive_loss_is_the_mean_over_the_pairs():
    same, distance = (np.array([row[i] for row in BY_HAND], float) for i in (0, 1))
    value, _ = gradient(lambda d: losses.contrastive_loss(same, d), distance)
    assert value == pytest.approx(np.mean([row[2] for row in BY_HAND]), rel=1e-6)


def test_a_margin_of_one_can_not_be_reached_through_a_sigmoid():
    squashed = 1 / (1 + np.exp(-np.array([0.0, 1.0, 5.0])))
    assert losses.contrastive(squashed, np.zeros(3))[0].min() > 0
    assert squashed.min() == 0.5


# The book's formula on three points in the plane, squared distances 1 and 4, then 1 and 1.21, then 4 and 1.
TRIPLETS = [((1, 0), (0, 2), "easy", 0.0), ((1, 0), (0, 1.1), "semi-hard", 0.79), ((2, 0), (0, 1), "hard", 4.0)]


@pytest.mark.parametrize(("positive", "negative", "kind", "loss"), TRIPLETS)
def test_triplet_loss_by_hand(positive, negative, kind, loss):
    anchor = np.zeros(2)
    state = losses.triplet(anchor, positive, negative)
    assert state.kind == kind
    assert state.loss == pytest.approx(loss)
    rows = [np.array([point], float) for point in (anchor, positive, negative)]
    value, slopes = gradient(losses.triplet_loss, *rows)
    assert value == pytest.approx(loss, abs=1e-6)
    np.testing.assert_allclose(state.gradients, np.concatenate(slopes), atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(POINT, POINT, POINT, st.floats(0, 2), st.booleans())
def test_the_gradient_of_a_triplet_is_its_finite_difference(a, p, n, margin, clip):
    state = losses.triplet(a, p, n, margin, clip)
    raw = state.to_positive - state.to_negative + margin
    if clip and abs(raw) < 1e-3:
        return  # at the kink there are two slopes
    points, step = np.stack([a, p, n]), 1e-6
    for index in np.ndindex(points.shape):
        ends = []
        for sign in (1, -1):
            moved = points.copy()
            moved[index] += sign * step
            ends.append(losses.triplet(*moved, margin, clip).loss)
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(state.gradients[index], abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(POINT, POINT, POINT, st.floats(0, 2))
def test_the_three_gradients_of_a_triplet_add_up_to_zero(a, p, n, margin):
    np.testing.assert_allclose(losses.triplet(a, p, n, margin).gradients.sum(axis=0), 0, atol=1e-9)


def test_all_pairs_loss_is_the_plain_double_loop(batch):
    labels, embeddings = batch
    pull, push = [], []
    for i in range(12):
        for j in range(12):
            distance = float(np.linalg.norm(embeddings[i] - embeddings[j]))
            if i != j and labels[i] == labels[j]:
                pull.append(distance**2)
            elif i != j:
                push.append(max(1 - distance, 0) ** 2)
    value, _ = gradient(lambda e: losses.all_pairs_contrastive_loss(labels, e), embeddings)
    assert value == pytest.approx((np.mean(pull) + np.mean(push)) / 2, rel=1e-5)


def semi_hard_by_loops(labels, embeddings, margin):
    """FaceNet's rule, spelled out."""
    square = ((embeddings[:, None] - embeddings[None]) ** 2).sum(-1).astype(float)
    costs = []
    for a in range(len(labels)):
        for p in range(len(labels)):
            if a == p or labels[a] != labels[p]:
                continue
            negatives = [square[a, n] for n in range(len(labels)) if labels[n] != labels[a]]
            beyond = [distance for distance in negatives if distance > square[a, p]]
            negative = min(beyond) if beyond else max(negatives)
            costs.append(max(square[a, p] - negative + margin, 0))
    return float(np.mean(costs))


@pytest.mark.parametrize("margin", [0.2, 1.0])
@pytest.mark.parametrize("spread", [0.2, 1.0, 3.0])
def test_semi_hard_loss_is_the_rule_in_loops(batch, margin, spread):
    labels, embeddings = batch
    value, _ = gradient(lambda e: losses.semi_hard_triplet_loss(labels, e, margin), embeddings * spread)
    assert value == pytest.approx(semi_hard_by_loops(labels, embeddings * spread, margin), rel=1e-4)


@pytest.mark.parametrize("loss", [losses.all_pairs_contrastive_loss, losses.semi_hard_triplet_loss])
def test_batch_gradients_are_finite_differences(batch, loss):
    labels, embeddings = batch
    _, (slopes,) = gradient(lambda e: loss(labels, e), embeddings)
    step = 1e-3  # mining picks other negatives after a larger step
    for index in ((0, 0), (3, 2), (7, 4), (11, 1)):
        ends = []
        for sign in (1, -1):
            moved = embeddings.copy()
            moved[index] += sign * step
            ends.append(gradient(lambda e: loss(labels, e), moved)[0])
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(slopes[index], abs=6e-3)


@pytest.mark.parametrize("loss", [losses.all_pairs_contrastive_loss, losses.semi_hard_triplet_loss])
def test_gradients_stay_finite_where_all_embeddings_are_equal(batch, loss):
    labels, embeddings = batch
    value, (slopes,) = gradient(lambda e: loss(labels, e), np.ones_like(embeddings))
    assert np.isfinite(value) and np.isfinite(slopes).all()


def test_collapse_costs_nothing_without_a_margin_and_the_margin_with_one(batch):
    labels, embeddings = batch
    for margin in (0.0, 1.0):
        value, _ = gradient(lambda e: losses.semi_hard_triplet_loss(labels, e, margin), np.ones_like(embeddings))  # noqa: B023
        assert value == pytest.approx(margin, abs=1e-5)


def test_labels_may_come_as_a_column(batch):
    labels, embeddings = batch
    flat = gradient(lambda e: losses.all_pairs_contrastive_loss(labels, e), embeddings)[0]
    column = gradient(lambda e: losses.all_pairs_contrastive_loss(labels[:, None], e), embeddings)[0]
    assert flat == pytest.approx(column)


def test_pair_accuracy_counts_both_kinds_alike():
    from keras import ops

    labels = np.array([0, 0, 1, 1])
    embeddings = ops.convert_to_tensor(np.array([[0.0], [0.1], [0.2], [3.0]], np.float32))
    # same pairs: 0.1 right, 2.8 wrong; different pairs: 0.2 and 0.1 wrong, 3.0 and 2.9 right
    assert float(losses.pair_accuracy(labels, embeddings)) == pytest.approx(0.5)


def test_descent_ends_the_loss_when_it_is_clipped_and_never_when_it_is_not():
    start = np.array([[0.0, 0], [1, 1], [1, -0.9]])
    paths, costs = losses.descend(start, steps=200)
    assert costs[-1] == 0 and paths.shape == (201, 3, 2)
    paths, costs = losses.descend(start, clip=False, steps=200)
    assert costs[-1] < -100 and (np.diff(costs) < 0).all()


def test_a_gathered_triplet_stays_without_margin_and_parts_with_it():
    start = np.array([[0, 0], [0.04, 0.02], [0.03, -0.03]])
    _, without = losses.descend(start, margin=0, steps=60)
    paths, with_margin = losses.descend(start, margin=1, steps=60)
    assert without.max() < 0.01 and with_margin[0] > 0.99 and with_margin[-1] < 0.5
    assert np.linalg.norm(paths[-1, 0] - paths[-1, 2]) > 0.5


@pytest.mark.parametrize(("labels", "distances"), [((4,), (4, 1)), ((4, 1), (4,)), ((1,), (4,)), ((3,), (4,))])
def test_contrastive_loss_refuses_what_would_be_spread(labels, distances):
    import keras

    with pytest.raises(VisitorError, match="must have the same"):
        losses.contrastive_loss(np.ones(labels), keras.ops.ones(distances))
    with pytest.raises(VisitorError, match="must have the same"):
        losses.contrastive(np.ones(distances), np.ones(labels))


def test_contrastive_loss_trains_a_model_that_gives_columns():
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="softplus")])
    model.compile("sgd", losses.contrastive_loss)
    history = model.fit(np.ones((8, 2)), np.ones(8), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
