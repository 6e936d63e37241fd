"""Pairs, error curves, few-shot classification and maps of the Siamese networks page; its networks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo import images, siamese, weights
from cnndemo.errors import VisitorError
from cnndemo.models import siamese as models
from cnndemo.siamese import figures as drawings

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=40).map(lambda some: np.array([*some, 7, 7, 8, 8, *some]))


@settings(max_examples=80, deadline=None)
@given(LABELS, st.integers(0, 1000))
def test_pairs_are_what_they_say(labels, seed):
    pairs = siamese.draw_pairs(labels, 50, seed)
    assert pairs.same.sum() == 25
    assert ((labels[pairs.a] == labels[pairs.b]) == pairs.same).all()
    assert (pairs.a != pairs.b).all()


@settings(max_examples=80, deadline=None)
@given(LABELS, st.integers(0, 1000))
def test_triplets_are_what_they_say(labels, seed):
    anchor, positive, negative = siamese.draw_triplets(labels, 40, seed)
    assert (labels[anchor] == labels[positive]).all() and (anchor != positive).all()
    assert (labels[anchor] != labels[negative]).all()


def test_pairs_are_seeded_and_reach_every_partner():
    labels = np.repeat([0, 1, 2], [2, 3, 5])
    pairs = siamese.draw_pairs(labels, 20_000, seed=3)
    again = siamese.draw_pairs(labels, 20_000, seed=3)
    assert (pairs.b == again.b).all()
    of_zero = pairs.b[(pairs.a == 0) & ~pairs.same]
    counts = np.bincount(of_zero, minlength=10)
    assert set(of_zero) == set(range(2, 10))
    assert counts[2:].min() > 0.7 * counts[2:].mean()  # uniform over the others


@pytest.mark.parametrize("labels", [np.zeros(5, int), np.array([0, 0, 1]), np.array([], int)])
def test_pairs_that_can_not_be_drawn_are_refused_in_words(labels):
    with pytest.raises((VisitorError, ValueError)):
        siamese.draw_pairs(labels, 10, 0)


def test_distances_by_hand():
    a, b = np.array([[0.0, 0], [1, 1]]), np.array([[3.0, 4], [1, 1]])
    assert siamese.distances(a, b).tolist() == [5, 0]
    assert siamese.distances(a, b, norm=1).tolist() == [7, 0]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=6, max_size=6), st.lists(st.floats(-50, 50), min_size=6, max_size=6))
def test_l1_lies_between_l2_and_root_n_times_l2(a, b):
    l1, l2 = siamese.distances(a, b, 1), siamese.distances(a, b)
    assert l2 * (1 - 1e-5) - 1e-5 <= l1 <= l2 * np.sqrt(6) * (1 + 1e-5) + 1e-5


def test_the_curve_by_hand():
    curve = siamese.curve(np.array([0.1, 0.2, 0.6, 0.4, 0.8, 0.9]), np.array([1, 1, 1, 0, 0, 0], bool))
    assert curve.at(0.05) == (0, 1)
    assert curve.at(0.2) == pytest.approx((0, 1 / 3))
    assert curve.at(0.5) == pytest.approx((1 / 3, 1 / 3))
    assert curve.at(9) == (1, 0)
    assert curve.equal_error_rate == pytest.approx(1 / 3)
    assert curve.area == pytest.approx(8 / 9)  # of the nine comparisons one is the wrong way round
    assert curve.best_threshold() in (0.2, 0.6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=60))
def test_the_area_counts_ordered_comparisons(rows):
    distance, same = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows])
    if same.all() or not same.any():
        with pytest.raises(VisitorError):
            siamese.curve(distance, same)
        return
    difference = distance[~same][:, None] - distance[same][None]
    expected = np.mean((difference > 0) + 0.5 * (difference == 0))
    curve = siamese.curve(distance, same)
    assert curve.area == pytest.approx(expected)
    best = curve.best_threshold()
    errors = [curve.at(threshold) for threshold in curve.thresholds]
    assert sum(curve.at(best)) == pytest.approx(min(map(sum, errors)))


def test_accuracy_at_a_threshold():
    assert siamese.accuracy(np.array([0.1, 0.9, 0.5]), np.array([True, True, False]), 0.5) == pytest.approx(1 / 3)


def test_few_shot_names_well_separated_classes_and_guesses_noise():
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 30)
    apart = np.eye(4)[labels] * 10 + generator.normal(0, 0.1, (120, 4))
    assert siamese.few_shot(apart, labels, 2, 1, draws=5).overall.min() == 1
    noise = siamese.few_shot(generator.normal(size=(120, 4)), labels, 2, 1, draws=50)
    assert 0.15 < noise.overall.mean() < 0.35
    assert noise.of_class.shape == (50,)


def test_classify_takes_the_nearest_mean():
    examples = np.array([[[0.0, 0], [2, 0]], [[5, 5], [5, 7]]])
    assert siamese.classify(np.array([[1.5, 0.2], [4.0, 5.0]]), examples).tolist() == [0, 1]


def test_principal_components_find_the_long_axis():
    generator = np.random.default_rng(2)
    cloud = generator.normal(size=(500, 3)) * [5, 1, 0.1]
    projection = siamese.principal_components(cloud)
    assert abs(projection.axes[0][0]) > 0.99
    assert projection.explained[0] == pytest.approx(25 / 26.01, abs=0.02)
    np.testing.assert_allclose(projection(cloud).var(axis=0, ddof=1) / cloud.var(axis=0, ddof=1).sum(),
                               projection.explained, rtol=1e-6)  # fmt: skip
    assert siamese.principal_components(np.zeros((5, 4))).explained.tolist() == [0, 0]


def test_a_digit_is_prepared_alike_alone_and_in_a_batch():
    digits = images.digits()[0][:3]
    assert siamese.prepare(digits).shape == (3, 28, 28, 1)
    assert siamese.prepare(digits).dtype == np.float32
    assert (siamese.prepare(digits[0])[0] == siamese.prepare(digits)[0]).all()
    assert siamese.prepare(digits).max() == 1


@pytest.mark.parametrize("shape", [(27, 28), (2, 28, 28, 3), (28,)])
def test_what_is_no_digit_is_refused_in_words(shape):
    with pytest.raises(VisitorError, match="28×28"):
        siamese.prepare(np.zeros(shape, np.uint8))


def test_reading_a_picture_of_a_digit():
    digit = images.digits()[0][600]
    assert (siamese.read_digit(np.repeat(digit[..., None], 3, axis=2)) == digit).all()
    large = np.full((200, 150, 3), 255, np.uint8)
    large[40:160, 70:82] = 0  # a one, black on white
    field = siamese.read_digit(large)
    assert field.shape == (28, 28) and field.dtype == np.uint8 and field.max() > 200 and field[0].max() == 0
    with pytest.raises(VisitorError):
        siamese.read_digit(np.full((80, 80, 3), 255, np.uint8))


# --- Networks ---------------------------------------------------------------------------------------------------


def test_the_listings_have_the_books_parameters():
    facts = siamese.sharing()
    for _, _, rows in facts.listings:
        assert sum(row["parameters"] for row in rows) == 5733  # listings 5.3 and 5.4
        assert [row["parameters"] for row in rows if row["parameters"]] == [448, 4640, 645]
        shapes = [row["output shape"] for row in rows if "Input" not in row["layer"]]
        assert shapes == ["(None, 30, 30, 16)", "(None, 10, 10, 16)", "(None, 8, 8, 32)", "(None, 2, 2, 32)",
                          "(None, 128)", "(None, 5)"]  # fmt: skip


def test_the_siamese_network_shares_all_its_weights():
    facts = siamese.sharing()
    assert facts.shared and facts.base == facts.siamese == models.PARAMETERS and facts.variables == 8


def test_sequential_and_functional_compute_the_same():
    one, other = models.build_sequential(), models.build_functional()
    other.set_weights(one.get_weights())
    picture = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    np.testing.assert_allclose(np.asarray(one(picture)), np.asarray(other(picture)), atol=1e-6)


def test_the_siamese_network_measures_the_distance_of_the_base_network():
    base = models.build(seed=3)
    pair = models.build_siamese(base)
    a, b = np.random.default_rng(0).random((2, 4, 28, 28, 1)).astype(np.float32)
    expected = siamese.distances(np.asarray(base(a)), np.asarray(base(b)))
    np.testing.assert_allclose(np.asarray(pair([a, b]))[:, 0], expected, rtol=1e-4)
    assert np.asarray(pair([a, a])).max() < 1e-5


def test_a_seed_gives_the_same_untrained_network():
    one, again, other = (models.build(seed=seed).get_weights() for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, again, strict=True))
    assert not (one[0] == other[0]).all()
    assert one[4].std() > 0 and not np.allclose(one[4][:10, :10], one[6][:10, :10])


@pytest.mark.parametrize("name", ["siamese", "triplet"])
def test_the_shipped_network_tells_pairs_apart_as_its_card_says(name):
    """The card's test split does not ship; the shipped digits were not trained on either."""
    x, y = images.digits()
    pairs = siamese.draw_pairs(y, 20_000, seed=9)
    space = siamese.embedder(name)(siamese.prepare(x))
    distance = siamese.distances(space[pairs.a], space[pairs.b])
    figures = {metric["name"]: metric["value"] for metric in weights.card(name)["metrics"]}
    accuracy = siamese.accuracy(distance, pairs.same, weights.card(name)["threshold"])
    assert accuracy == pytest.approx(figures["pair accuracy"], abs=0.01)
    assert siamese.curve(distance, pairs.same).area == pytest.approx(figures["ROC-AUC"], abs=0.005)


def test_contrastive_reaches_the_asked_accuracy():
    figures = {metric["name"]: metric for metric in weights.card("siamese")["metrics"]}
    assert figures["pair accuracy"]["value"] >= 0.986 and figures["pair accuracy"]["samples"] == 20_000


def test_a_class_never_seen_is_named_from_few_examples_better_than_by_pixels():
    card = weights.card("triplet_holdout")
    new, figures = card["hold_out"], {metric["name"]: metric["value"] for metric in card["metrics"]}
    for shots in (1, 5):
        for what in (f"new class {new}", "all ten classes"):
            assert figures[f"{shots}-shot accuracy, {what}"] > figures[f"{shots}-shot accuracy, {what}, raw pixels"]
    x, y = images.digits()
    space = siamese.embedder("triplet_holdout")(siamese.prepare(x[::5]))
    result = siamese.few_shot(space, y[::5], new, 5, draws=40)
    assert result.overall.mean() == pytest.approx(figures["5-shot accuracy, all ten classes"], abs=0.06)


def test_the_maps_belong_to_the_shipped_weights():
    shipped = siamese.shipped_map()
    assert set(shipped["hashes"]) == {weights.card(name)["sha256"] for name in ("siamese", "triplet")}
    for name in siamese.NETWORKS:
        assert shipped[name].shape == (len(shipped["index"]), 2) and np.isfinite(shipped[name]).all()


# --- Drawings ---------------------------------------------------------------------------------------------------


def test_a_montage_holds_every_map():
    maps = np.arange(2 * 3 * 5, dtype=float).reshape(2, 3, 5)
    sheet = drawings.montage(maps, columns=3)
    assert sheet.shape == (2 * 3 - 1, 3 * 4 - 1)
    assert (sheet[:2, :3] == np.round(255 * maps[:, :, 0] / 29)).all()
    assert (sheet[3:, 4:7] == np.round(255 * maps[:, :, 4] / 29)).all()
    assert drawings.montage(np.zeros((2, 2, 1)), 1).max() == 0


def test_the_regions_are_where_the_loss_says():
    from cnndemo.siamese import losses

    points = {"A": np.array([0.5, -0.5]), "P": np.array([1.5, 0.0]), "N": np.array([0.0, 2.0])}
    state = losses.triplet(*points.values(), margin=0.5)
    shapes = drawings.triplet_shapes(points, state, 0.5, np.stack([list(points.values())] * 2))
    far, near = (shape["r"] for shape in shapes[1:3])
    for radius, kind in ((near * 0.99, "hard"), ((near + far) / 2, "semi-hard"), (far * 1.01, "easy")):
        negative = points["A"] + radius * np.array([0.6, 0.8])
        assert losses.triplet(points["A"], points["P"], negative, margin=0.5).kind == kind
