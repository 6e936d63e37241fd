"""Attacks, what survives, evolution, nonsense and certainty: golden against Keras, then extremes and bad input."""

from __future__ import annotations

import timeit

import numpy as np
import pytest

from cnndemo import calibration, fool_it, images, weights
from cnndemo.errors import VisitorError
from cnndemo.fool_it import (
    attacks,
    digit_gradient,
    evolution,
    fooling,
    nonsense,
    photo_gradient,
    readers,
    reliability,
    stress,
)

NAMES = ("digit_classifier", "robust_digits")


@pytest.fixture(scope="module")
def digits():
    x, y = images.digits()
    return x[:40], y[:40].astype(int)


@pytest.fixture(scope="module")
def cat():
    return readers.square(images.sample("cat"))


# --- golden: Keras


def keras_gradient(model, batch: np.ndarray, classes: np.ndarray, softmax: bool = True) -> np.ndarray:
    """The gradient of the cross-entropy with respect to the input, by the tape; float64 where sureness would round."""
    import keras
    import tensorflow as tf

    last = model.layers[-1]
    before = keras.Model(model.inputs, last.input)
    source = tf.constant(batch, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(source)
        scores = before(source)
        if not isinstance(last, keras.layers.Softmax):
            scores = scores @ last.kernel + last.bias
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(classes, tf.cast(scores, tf.float64))
    return tape.gradient(loss, source).numpy()


@pytest.mark.parametrize("name", NAMES)
def test_fgsm_equals_the_sign_of_the_gradient_of_keras(name, digits):
    x, _ = digits
    sure = readers.digit_reader(name).ask(x)
    rows = np.argsort(sure.max(axis=1))[:12]  # where a float32 softmax of Keras has not lost the gradient
    x, classes = x[rows], sure[rows].argmax(axis=1)
    golden = keras_gradient(weights.load(name), x[..., None] / 255, classes)[..., 0]
    ours = digit_gradient.gradient(name)(x.astype(np.float32), classes, False)
    clear = np.abs(golden) > 1e-3 * np.abs(golden).max(axis=(1, 2), keepdims=True)
    assert clear.mean() > 0.5
    assert np.array_equal(np.sign(ours)[clear], np.sign(golden)[clear])
    changed = attacks.fast_gradient_sign(digit_gradient.gradient(name), x, classes, 10)
    expected = np.clip(x + 10 * np.sign(golden), 0, 255)
    assert np.array_equal(changed[clear], expected[clear])
    scale = (ours * golden).sum(axis=(1, 2), keepdims=True) / (golden**2).sum(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(ours, scale * golden, atol=1e-4 * np.abs(ours).max())


def test_the_photos_sign_is_that_of_the_gradient_of_keras(cat):
    index = int(readers.photo_reader().ask(cat[None])[0].argmax())
    golden = keras_gradient(weights.load("efficientnet_lite0"), cat[None], np.array([index]))[0]
    sign = photo_gradient.sign(cat, index)
    clear = np.abs(golden) > 0.001 * np.abs(golden).max()  # its kernels are folded, so the last digits differ
    assert sign.dtype == np.int8 and clear.mean() > 0.9
    assert np.array_equal(sign[clear], np.sign(golden)[clear])
    changed = fooling.with_sign(cat, sign, 2, wanted=False)
    assert np.array_equal(changed, attacks.within(cat + 2.0 * sign, cat, 2))


def test_a_cat_becomes_a_toaster_and_a_step_is_quick(cat):
    reader = readers.photo_reader()
    toaster = reader.labels.index("toaster")
    changed, _ = photo_gradient.attack(cat, toaster, 2, 10, True)
    assert np.abs(changed.astype(int) - cat).max() <= 2
    result = fooling.fooled(reader, cat, changed, 2, toaster)
    assert result.worked and reader.labels[result.classes[1]] == "toaster"
    attack, random = result.moved
    assert attack > 4 * random
    step = min(photo_gradient.attack(cat, toaster, 2, 2, True)[1] for _ in range(4))
    look = min(timeit.repeat(lambda: reader.ask(cat[None]), number=1, repeat=4)) * 1000
    assert step < max(100, 12 * look), "milliseconds; where others keep the machine busy, a look takes longer, too"


def test_the_layers_backward_are_keras_own_gradient_in_training_too(digits):
    import keras

    from cnndemo.models import robust_digits as architecture
    from train import robust_digits

    keras.utils.set_random_seed(1)
    network = architecture.build()
    batch, classes = digits[0][:6, ..., None] / np.float32(255), digits[1][:6]
    labels = keras.utils.to_categorical(classes, 10)
    ours = robust_digits.backward(network, batch, lambda scores: keras.ops.softmax(scores) - labels)
    golden = keras_gradient(network, batch, classes)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(ours), golden, atol=1e-6)
    layer = robust_digits.Fooled(network, 0.1, seed=0)
    for training in (False, True):
        changed = keras.ops.convert_to_numpy(layer(batch, labels, training=training))
        assert np.abs(changed - batch).max() <= 0.1 + 1e-6 and changed.min() >= 0 and changed.max() <= 1
        assert len(layer.trainable_variables) == 0, "the network's weights are not the layer's"
    assert np.array_equal(robust_digits.Fooled(network, 0.0, seed=0)(batch, labels), batch)


@pytest.mark.parametrize("name", ["digit_classifier", "resnet20"])
def test_the_scores_that_a_card_is_made_of_are_those_that_are_served(name, digits, cat):
    from cnndemo import inference
    from train import common

    x = digits[0][:5, ..., None] / np.float32(255) if name == "digit_classifier" else readers.shrunk(cat)[None]
    found = common.logits(weights.load(name), x, batch_size=2)
    served = inference.predictor(name)(x.astype(np.float32))
    np.testing.assert_allclose(calibration.softened(found), served, atol=1e-4)


# --- attacks


@pytest.mark.parametrize(("epsilon", "steps"), [(0, 5), (1, 1), (7, 3), (26, 10), (255, 2)])
def test_an_attack_stays_within_what_is_allowed(digits, epsilon, steps):
    x, y = digits
    changed = attacks.iterated(digit_gradient.gradient(NAMES[0]), x[:8], y[:8], epsilon, steps)
    assert np.array_equal(changed, np.rint(changed)) and changed.min() >= 0 and changed.max() <= 255
    assert np.abs(changed - x[:8]).max() <= epsilon


def test_an_attack_fools_and_a_random_change_of_its_size_does_not(digits):
    x, y = digits
    reader, gradient = readers.digit_reader(), digit_gradient.gradient(NAMES[0])

    def right(pictures: np.ndarray) -> float:
        return float((reader.ask(pictures).argmax(axis=1) == y).mean())

    one, many = (attacks.iterated(gradient, x, y, 26, steps) for steps in (1, 10))
    assert right(x) > 0.97 and right(many) < 0.1 and right(many) < right(one) < right(x)
    assert right(attacks.random_change(x, 26)) > 0.95


def test_a_target_is_reached_and_hurts(digits):
    x = digits[0][0]
    present = int(readers.digit_reader().ask(x[None])[0].argmax())
    target = (present + 3) % 10
    assert int(readers.digit_reader().ask(fool_it.fool_digit(x, 60, 20, target)[None])[0].argmax()) == target
    with pytest.raises(VisitorError, match="already"):
        fool_it.fool_digit(x, 26, 10, present)


@pytest.mark.parametrize(("epsilon", "steps"), [(-1, 5), (256, 5), (10, 0)])
def test_an_attack_that_makes_no_sense_is_refused(digits, epsilon, steps):
    with pytest.raises(VisitorError):
        fool_it.fool_digit(digits[0][0], epsilon, steps)


def test_the_margins_gradient_does_not_vanish_where_the_softmax_is_sure():
    scores = np.array([[80.0, 1.0, 0.0], [1.0, 2.0, 3.0]], np.float32)
    slope = attacks.margin_gradient(scores, np.array([0, 2]))
    np.testing.assert_allclose(slope[:, [0, 1, 2]].sum(axis=1), 0, atol=1e-6)
    assert slope[0, 0] == -1 and slope[0, 1] == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-6)


def test_trained_with_attacks_it_is_fooled_less(digits):
    x, y = digits
    rates = []
    for name in NAMES:
        changed = attacks.iterated(digit_gradient.gradient(name), x, y, 51, 10)
        rates.append((readers.digit_reader(name).ask(changed.astype(np.uint8)).argmax(axis=1) == y).mean())
    assert rates[0] < 0.1 and rates[1] > 0.6


def test_the_card_says_what_the_attacks_cost():
    about = weights.card("robust_digits")
    figures = {metric["name"]: metric["value"] for metric in about["metrics"]}
    assert figures["accuracy"] > 0.97
    assert figures["accuracy on attacked digits"] > 0.7
    rows = {row["name"]: row["accuracy"] for row in about["study"]["networks"]}
    robust, twin, book = rows.values()
    trained = about["study"]["epsilons"].index(about["arguments"]["epsilon"])
    assert robust[trained] > twin[trained] + 0.5 and robust[trained] > book[trained] + 0.5
    assert min(robust[0], twin[0], book[0]) > 0.97, "clean digits are read by all"


# --- what is shown


def test_the_enlarged_change(digits, cat):
    five = digits[0][0]
    change = fooling.enlarged(five, np.clip(five.astype(int) + 9, 0, 255).astype(np.uint8), 9)
    assert change.shape == (28, 28, 3)
    black = change[five == 0]
    assert (black == black[0]).all() and black[0][0] > black[0][2], "brighter is red"
    assert (fooling.enlarged(cat, cat, 2) == 128).all() and (fooling.enlarged(five, five, 0) > 240).all()


def test_maps_are_pictures_of_the_class(digits):
    heat = digit_gradient.class_map(NAMES[0], digits[0][0], int(digits[1][0]))
    assert heat.shape == (24, 24) and heat.min() >= 0 and heat.max() == pytest.approx(1)
    assert readers.overlaid(digits[0][0], heat).shape == (224, 224, 3)


def test_a_class_to_aim_at():
    labels, sure = ("crane", "cat", "crane"), np.array([0.1, 0.6, 0.3])
    assert readers.target_of(labels, "crane", 1, sure) == 2
    with pytest.raises(VisitorError, match="already"):
        readers.target_of(labels, "cat", 1, sure)
    with pytest.raises(VisitorError, match="no class"):
        readers.target_of(labels, "dog", 1, sure)


def test_the_way_of_a_picture(cat):
    assert np.array_equal(stress.stressed(cat, None, 0, 0), cat)
    saved = stress.saved_as_jpeg(cat, 30)
    assert saved.shape == cat.shape and 0 < np.abs(saved.astype(int) - cat).mean() < 12
    moved = stress.shifted(cat, 5)
    assert np.array_equal(moved[:, 5:], cat[:, :-5]) and np.array_equal(moved[:, 0], cat[:, 0])
    assert stress.blurred(cat, 2).std() < cat.std()
    for quality in (0, 101):
        with pytest.raises(VisitorError):
            stress.saved_as_jpeg(cat, quality)
    one = np.zeros((1, 1), np.uint8)
    assert stress.stressed(one, 50, 1.0, 8).shape == (1, 1)


# --- evolution


def test_pixels_evolve_until_the_network_is_fooled(digits):
    five = images.digit(5, 0)
    rounds = list(evolution.evolve(evolution.Pixels(five, 10), readers.digit_reader().ask, generations=40))
    assert rounds[-1].fooled and not any(found.fooled for found in rounds[:-1])
    assert (rounds[-1].picture != five).sum() <= 10
    course = rounds[-1].course
    assert list(course) == sorted(course, reverse=True) and rounds[-1].asked > 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_pixel_fools_the_network_where_the_page_starts(seed):
    one = images.digit(*readers.DOUBTFUL)
    before = readers.digit_reader().ask(one[None])[0]
    assert before.argmax() == readers.DOUBTFUL[0] and before.max() > 0.8, "it is read rightly"
    *_, found = evolution.evolve(evolution.Pixels(one, 1), readers.digit_reader().ask, population=60, seed=seed)
    assert found.fooled and (found.picture != one).sum() == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_pixel_fools_the_small_photo_where_the_page_starts(seed):
    motorcycle, reader = readers.shrunk(readers.square(images.sample("motorcycle"))), readers.small_reader()
    *_, found = evolution.evolve(evolution.Pixels(motorcycle, 1), reader.ask, population=60, seed=seed)
    assert found.fooled and (found.picture != motorcycle).any(axis=2).sum() == 1


def test_a_sticker_makes_of_a_cat_something_else(cat):
    *_, found = evolution.evolve(
        evolution.Sticker(cat, 56), readers.photo_reader().ask, generations=4, population=8, seed=1
    )
    changed = (found.picture != cat).any(axis=2)
    assert found.fooled and changed.sum() <= 56 * 56


def test_a_sticker_covers_a_square_and_aims_better_than_chance(cat):
    def ask(pictures: np.ndarray) -> np.ndarray:  # the greener, the more of class 1
        green = pictures[..., 1].mean(axis=(1, 2)) / 255
        return np.stack([1 - green, green], axis=1)

    change = evolution.Sticker(cat, 60)
    *_, found = evolution.evolve(change, ask, wanted=1, generations=24, population=12)
    low, high = np.array(change.bounds).T
    thrown = np.random.default_rng(1).uniform(low, high, (found.asked, len(low)))
    assert found.course[-1] > max(ask(change.drawn(part))[:, 1].max() for part in np.array_split(thrown, 20))
    rows, columns = np.nonzero((found.picture != cat).any(axis=2))
    assert np.ptp(rows) < 60 and np.ptp(columns) < 60
    with pytest.raises(VisitorError, match="already"):
        next(evolution.evolve(evolution.Sticker(cat, 60), ask, wanted=0))


def test_an_evolution_can_be_stopped():
    class Stop(Exception):
        pass

    asked = []

    def waiting():
        asked.append(1)
        if len(asked) == 5:
            raise Stop

    steps = evolution.evolve(evolution.Pixels(images.digit(5, 0), 1), readers.digit_reader().ask, waiting=waiting)
    with pytest.raises(Stop):
        list(steps)


@pytest.mark.parametrize("side", [2, 225])
def test_a_sticker_must_fit(cat, side):
    with pytest.raises(VisitorError):
        next(evolution.evolve(evolution.Sticker(cat, side), lambda x: np.ones((len(x), 2))))


def test_at_least_one_pixel_changes():
    with pytest.raises(VisitorError):
        next(evolution.evolve(evolution.Pixels(images.digit(5, 0), 0), readers.digit_reader().ask))


# --- nonsense and certainty


def test_nonsense_is_read_with_confidence_and_mostly_refused_by_the_digit_page():
    found = nonsense.shown("digit_classifier")
    sure = [calibration.softened(each.scores).max() for each in found]
    assert len(found) == 5 and min(sure) > 0.9, "which is the point"
    assert sum(nonsense.refused(each.picture) for each in found) >= 3
    assert not nonsense.refused(images.digit(5, 0))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("robust_digits", (28, 28)), ("not_a_digit", (28, 28)), ("resnet20", (32, 32, 3)),
        ("cifar10_transfer", (32, 32, 3)), ("pet_breeds", (224, 224, 3)), ("efficientnet_lite0", (224, 224, 3)),
    ],
)  # fmt: skip
def test_each_network_is_shown_nonsense_of_its_own_kind(name, shape):
    found = nonsense.shown(name, seed=1)
    assert len(found) == len({each.name for each in found}) == 5
    assert {each.picture.shape for each in found} == {shape}
    assert {each.scores.shape for each in found} == {(len(nonsense.labels(name)),)}


def test_the_scores_of_heads_and_of_the_judge_are_those_that_are_served(cat):
    from cnndemo.resnet_transfer import naming

    digits = np.stack([images.digit(digit, 0) for digit in range(10)])
    judged = calibration.softened(nonsense.scores("not_a_digit", digits))
    np.testing.assert_allclose(judged, readers.judge().ask(digits), atol=1e-5)
    breed, sure = naming.breeds(images.sample("cat"))[0]
    ours = calibration.softened(nonsense.scores("pet_breeds", cat[None]))[0]
    assert nonsense.labels("pet_breeds")[ours.argmax()] == breed.replace("_", " ")
    assert ours.max() == pytest.approx(sure, abs=1e-4)
    small = readers.shrunk(cat)
    _, probabilities, _ = naming.small_picture(small, "scaled")
    found = calibration.softened(nonsense.scores("cifar10_transfer", small[None]))[0]
    np.testing.assert_allclose(found, probabilities, atol=1e-4)


def test_an_answer_for_nothing_catches_what_is_like_the_training_and_no_more():
    labels = nonsense.labels("not_a_digit")
    for seed in range(len(nonsense.LETTERS)):
        found = {each.name: labels[each.scores.argmax()] for each in nonsense.shown("not_a_digit", seed)}
        assert found[f"the letter {nonsense.LETTERS[seed]}"] == "no digit"
        assert found["noise"] not in nonsense.NOTHING and found["a cat"] not in nonsense.NOTHING


def test_temperature_and_energy():
    scores = np.array([[1000.0, 999.0], [0.0, 0.0]])
    np.testing.assert_allclose(calibration.softened(scores)[0, 0], 1 / (1 + np.exp(-1)))
    assert calibration.softened(scores, 100)[0, 0] < 0.51
    np.testing.assert_allclose(reliability.energy(scores), [-1000 - np.log1p(np.exp(-1)), -np.log(2)])


def test_a_diagram_by_hand():
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.25, 0.75], [0.0, 1.0]])
    found = calibration.diagram(probabilities, np.array([0, 1, 1, 1]))
    assert found.count.tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0, 3]
    assert found.accuracy[9] == pytest.approx(2 / 3) and found.confidence[9] == pytest.approx(2.9 / 3)
    assert found.error == pytest.approx((0.25 + 3 * (2.9 / 3 - 2 / 3)) / 4)


def test_a_threshold_costs_what_it_says():
    scores = np.random.default_rng(0).normal(size=(4000, 10)) * 3
    about = reliability.table(scores, scores.argmax(axis=1))
    losses = {row["temperature"]: row["loss"] for row in about["temperatures"]}
    known = reliability.Certainty(4000, {}, losses, np.array(about["energy"]), np.array(about["surest"]))
    assert known.best == min(reliability.TEMPERATURES), "always right, so it can never be sure enough"
    lost = (reliability.energy(scores) > known.threshold(0.05)).mean()
    assert lost == pytest.approx(0.05, abs=0.005)
    assert (calibration.softened(scores).max(axis=1) < known.least(0.2)).mean() == pytest.approx(0.2, abs=0.005)


@pytest.mark.parametrize(
    "name",
    [
        "digit_classifier", "robust_digits", "not_a_digit", "resnet20", "pet_breeds", "cifar10_transfer",
        "cifar10_transfer_padded",
    ],
)  # fmt: skip
def test_the_cards_know_how_far_certainty_can_be_trusted(name):
    known = reliability.certainty(name)
    assert set(known.diagrams) == set(reliability.TEMPERATURES)
    assert all(found.count.sum() == known.samples for found in known.diagrams.values())
    assert known.losses[known.best] <= known.losses[1.0]
    assert known.diagrams[known.best].error < max(0.02, known.diagrams[1.0].error)
    right = (known.diagrams[1.0].count * known.diagrams[1.0].accuracy).sum() / known.samples
    figures = {metric["name"]: metric for metric in weights.card(name)["metrics"]}
    if "accuracy" in figures and name != "resnet20":  # whose figure is of ten looks
        assert right == pytest.approx(figures["accuracy"]["value"], abs=1e-3), "the same test pictures"


def test_a_card_without_it_names_the_command():
    with pytest.raises(VisitorError, match="python -m train.siamese --hold-out 7 --measure"):
        reliability.certainty("siamese_holdout")
