"""The digit classifier: preparation, segmentation, reading, training script."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cnndemo import digit_classifier, images
from cnndemo.digit_classifier import preparation as digit_preparation
from cnndemo.digit_classifier import segmentation as digit_segmentation
from cnndemo.digit_classifier.preparation import STEPS, NoInk, prepare
from cnndemo.digit_classifier.scenes import PHOTO, photograph, scene
from cnndemo.errors import VisitorError


def on_paper(digit: np.ndarray, size: int = 160, place: tuple[int, int] = (60, 70), dark: bool = True) -> np.ndarray:
    """A digit on a sheet of 300 × 300, without noise."""
    sheet = np.zeros((300, 300), np.uint8)
    big = cv2.resize(digit, (size, size), interpolation=cv2.INTER_CUBIC)
    sheet[place[0] : place[0] + size, place[1] : place[1] + size] = big
    return 255 - sheet if dark else sheet


def unsure(batch: np.ndarray) -> np.ndarray:
    """A stand-in for the network: reads every picture as 3, with the mean brightness as its confidence."""
    result = np.full((len(batch), 10), 0.01, np.float32)
    result[:, 3] = 0.5 + batch.mean(axis=(1, 2, 3))
    return result


def alike(first: np.ndarray, second: np.ndarray) -> float:
    """Highest correlation of two fields when one is moved by at most a pixel (the centre is rounded to one)."""
    moved = [np.roll(second, (y, x), axis=(0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(np.corrcoef(first.ravel(), other.ravel())[0, 1] for other in moved)


# --- preparation ---


@pytest.mark.parametrize("digit", range(10))
def test_mnist_digits_pass_nearly_unchanged(digit):
    originals = [digit_classifier.sample(digit, number) for number in range(8)]
    likeness = [alike(prepare(original)[0], original) for original in originals]
    assert np.median(likeness) > 0.95  # MNIST itself has specks that the preparation drops


@pytest.mark.parametrize("digit", [0, 2, 4, 7, 8])
def test_polarity_place_and_size_do_not_matter(digit):
    original = digit_classifier.sample(digit, 11)
    reference, _ = prepare(on_paper(original))
    for other in (
        on_paper(original, dark=False),
        on_paper(original, place=(5, 130)),
        on_paper(original, size=70, place=(200, 20)),
        np.repeat(on_paper(original)[..., None], 3, axis=2),
    ):
        field, _ = prepare(other)
        assert alike(field, reference) > 0.93


def test_uneven_light_does_not_matter():
    sheet = on_paper(digit_classifier.sample(5, 20)).astype(np.float32)
    shadow = np.linspace(1.0, 0.35, 300)[None, :]
    field, steps = prepare((sheet * shadow).astype(np.uint8))
    reference, _ = prepare(sheet.astype(np.uint8))
    assert alike(field, reference) > 0.95
    assert steps[0].note.startswith("dark ink")


def test_the_result_fits_the_box_and_is_centered_by_mass():
    field, steps = prepare(on_paper(digit_classifier.sample(7, 5)))
    assert field.shape == (28, 28) and field.dtype == np.float32 and field.min() >= 0 and field.max() == 1
    rows, columns = np.nonzero(field > 0.05)
    assert np.ptp(rows) < 20 and np.ptp(columns) < 20
    y, x = np.mgrid[:28, :28]
    assert abs((field * y).sum() / field.sum() - digit_preparation.MIDDLE) <= 0.51
    assert abs((field * x).sum() / field.sum() - digit_preparation.MIDDLE) <= 0.51
    assert [step.name for step in steps] == list(STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_each_step_can_be_switched_off_and_matters(step):
    drawing = on_paper(digit_classifier.sample(2, 8), size=120, place=(10, 160))
    drawing = cv2.erode(drawing, np.ones((15, 15), np.uint8))  # a thick pen
    with_all, _ = prepare(drawing)
    without, steps = prepare(drawing, set(STEPS) - {step})
    assert np.abs(with_all - without).max() > 0.2
    assert {found.note == "switched off" for found in steps if found.name == step} == {True}


def test_an_unknown_step_is_refused():
    with pytest.raises(ValueError, match="sharpen"):
        prepare(on_paper(digit_classifier.sample(1, 0)), {"ink", "sharpen"})


@pytest.mark.parametrize("width", [1, 2, 30, 44])
def test_thin_and_thick_lines_get_a_usual_width(width):
    sheet = np.full((280, 280), 255, np.uint8)
    cv2.polylines(sheet, [np.array([[90, 40], [190, 40], [120, 240]])], False, 0, width, cv2.LINE_AA)
    field, _ = prepare(sheet)
    assert 1.2 <= digit_preparation.stroke_width(field) <= 5.0
    assert 0.05 < field.mean() < 0.3


BLANK = {
    "white": np.full((280, 280), 255, np.uint8),
    "black": np.zeros((280, 280), np.uint8),
    "grey RGB": np.full((50, 70, 3), 128, np.uint8),
    "one pixel": np.zeros((1, 1, 3), np.uint8),
    "a row": np.zeros((1, 300), np.uint8),
    "gradient": np.tile(np.linspace(60, 220, 300).astype(np.uint8), (200, 1)),
    "noise": np.random.default_rng(0).normal(128, 8, (200, 200)).clip(0, 255).astype(np.uint8),
}


@pytest.mark.parametrize("name", BLANK)
def test_an_empty_drawing_is_refused_with_a_sentence(name):
    for read in (digit_classifier.classify, digit_classifier.read_number):
        with pytest.raises(NoInk) as caught:
            read(BLANK[name], unsure)
        assert isinstance(caught.value, VisitorError) and len(str(caught.value)) > 20


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(
        np.uint8,
        st.one_of(
            arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=60),
            st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)),
        ),
        elements=st.sampled_from([0, 1, 30, 128, 200, 254, 255]),
    )
)
def test_any_picture_gives_digits_or_a_sentence(image):
    try:
        readings = digit_classifier.read_number(image, unsure)
    except VisitorError:
        return
    assert 1 <= len(readings) <= digit_segmentation.MAX_DIGITS
    for reading in readings:
        top, left, height, width = reading.box
        assert reading.input.shape == (28, 28) and np.isfinite(reading.input).all()
        assert top >= 0 and left >= 0 and top + height <= image.shape[0] + 1 and left + width <= image.shape[1] + 1


@pytest.mark.parametrize("image", [np.zeros((28, 28)), np.zeros((28, 28, 4), np.uint8), np.zeros(28, np.uint8)])
def test_what_is_no_image_is_refused(image):
    with pytest.raises(ValueError, match="uint8"):
        digit_classifier.classify(image, unsure)


def test_odd_files_are_read_or_explained(odd_files):
    for data in odd_files.values():
        try:
            digit_classifier.classify(images.load(data), unsure)
        except VisitorError as error:
            assert str(error)


def test_mnist_is_centered_where_the_preparation_centers():
    x, _ = images.digits()
    ink, axis = x.astype(np.float64), np.arange(28)
    for sums in (ink.sum(axis=2), ink.sum(axis=1)):
        assert (sums @ axis / sums.sum(axis=1)).mean() == pytest.approx(digit_preparation.MIDDLE, abs=0.05)


def test_a_digit_that_fills_the_picture_is_found():
    sheet = np.full((210, 150), 255, np.uint8)
    cv2.ellipse(sheet, (75, 105), (68, 98), 0, 0, 360, 20, 14, cv2.LINE_AA)
    ink = digit_preparation.find_ink(sheet)
    assert ink.dark and (ink.strength > 0.5).mean() == pytest.approx((sheet < 128).mean(), abs=0.03)


# --- several digits ---


def test_digits_are_found_in_reading_order():
    sheet = np.zeros((300, 400), np.float32)
    boxes = [(20, 30), (30, 160), (15, 300), (170, 60), (160, 220)]
    for top, left in boxes:
        cv2.rectangle(sheet, (left, top), (left + 50, top + 90), 1.0, 8)
    found = digit_segmentation.digits(sheet)
    centers = np.array([group.center for group in found])
    assert centers == pytest.approx(np.array([(top + 45, left + 25) for top, left in boxes]), abs=6)


def test_a_loose_bar_belongs_to_its_five_and_a_dot_to_nobody():
    sheet = np.zeros((200, 300), np.float32)
    cv2.ellipse(sheet, (70, 120), (35, 45), 0, -100, 160, 1.0, 8)
    cv2.line(sheet, (60, 60), (105, 58), 1.0, 8)  # the bar, 7 pixels above
    cv2.circle(sheet, (150, 170), 5, 1.0, -1)  # a full stop
    cv2.line(sheet, (220, 60), (215, 170), 1.0, 8)  # a one
    first, second = digit_segmentation.digits(sheet)
    assert first.box[0] < 60 and first.box[0] + first.box[2] > 160
    assert second.box[1] > 200


def test_neighbours_do_not_leak_into_a_digit():
    sheet = np.zeros((120, 200), np.float32)
    cv2.line(sheet, (30, 10), (70, 110), 1.0, 6)
    cv2.line(sheet, (80, 10), (90, 110), 1.0, 6)
    first, _ = digit_segmentation.digits(sheet)
    assert first.strength[:, -1].max() <= 1 and first.box[1] + first.box[3] <= 76


def test_photographs_are_split_into_their_digits():
    x, _ = images.digits()
    generator = np.random.default_rng(3)
    right = 0
    for _ in range(20):
        photo = photograph(x[generator.integers(0, len(x), 3)], generator, PHOTO)
        right += len(digit_segmentation.digits(digit_preparation.find_ink(photo).strength)) == 3
    assert right >= 18


def test_boxes_are_in_pixels_of_the_given_picture():
    photo, _ = digit_classifier.sample_photo(2)
    large = cv2.resize(photo, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    small_boxes = [reading.box for reading in digit_classifier.read_number(photo, unsure)]
    large_boxes = [reading.box for reading in digit_classifier.read_number(large, unsure)]
    assert np.array(large_boxes) / 3 == pytest.approx(np.array(small_boxes), abs=4)


# --- the network ---


@pytest.fixture(scope="module")
def network():
    from cnndemo import weights

    return weights.load(digit_classifier.MODEL)


def test_the_summary_is_listing_2_2(network):
    rows = digit_classifier.summary()
    assert [tuple(row.values()) for row in rows] == [
        ("conv2d_1", "Conv2D", "(None, 26, 26, 32)", 320),
        ("conv2d_2", "Conv2D", "(None, 24, 24, 64)", 18496),
        ("flatten_1", "Flatten", "(None, 36864)", 0),
        ("dense_1", "Dense", "(None, 128)", 4718720),
        ("dense_2", "Dense", "(None, 10)", 1290),
    ]
    assert network.count_params() == 4738826


def test_shipped_digits_and_rough_scenes_are_read():
    x, y = images.digits()
    chosen = np.random.default_rng(5).choice(len(x), 150, replace=False)
    batch = x[chosen, ..., None].astype(np.float32) / 255
    clean = digit_classifier.shipped()(batch).argmax(axis=1) == y[chosen]
    generator = np.random.default_rng(6)
    rough = [digit_classifier.classify(scene(x[i], generator)).digit == y[i] for i in chosen]
    assert clean.mean() >= 0.97
    assert np.mean(rough) >= 0.93


@pytest.mark.parametrize("number", range(6))
def test_sample_photos_are_read_as_written(number):
    photo, written = digit_classifier.sample_photo(number)
    readings = digit_classifier.read_number(photo)
    assert "".join(str(reading.digit) for reading in readings) == written
    assert all(reading.probabilities.sum() == pytest.approx(1, abs=1e-4) for reading in readings)
    assert digit_classifier.boxed(photo, readings).shape[2] == 3


def test_touching_digits_are_cut():
    one, two = digit_classifier.sample(5, 1), digit_classifier.sample(2, 4)
    sheet = np.hstack([one[:, :25], two[:, 3:]])
    sheet[13:15, 16:32] = 255  # a stroke from one to the other
    readings = digit_classifier.read_number(cv2.resize(sheet, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC))
    assert len(readings) == 2


def test_contributions_add_up_to_the_logit(network):
    units = np.random.default_rng(0).random(128).astype(np.float32)
    kernel, bias = network.get_layer("dense_2").get_weights()
    values, own = digit_classifier.contributions(units, 6)
    assert values.sum() + own == pytest.approx(float(units @ kernel[:, 6] + bias[6]), abs=1e-4)


def test_the_journey_names_every_shape(network):
    from cnndemo import inference

    field = digit_classifier.sample(5, 0).astype(np.float32) / 255
    outputs = inference.predictor(digit_classifier.MODEL, digit_classifier.STAGES)(field[None, ..., None])
    stages = digit_classifier.journey(outputs, field)
    assert [(name, shape) for name, shape, _ in stages] == [
        ("input", "28 × 28"),
        ("conv2d_1", "26 × 26 × 32"),
        ("conv2d_2", "24 × 24 × 64"),
        ("flatten_1", "36864"),
        ("dense_1", "128"),
        ("dense_2", "10"),
    ]
    assert all(picture.dtype == np.uint8 and picture.ndim == 2 for _, _, picture in stages)


def test_the_thumbnail_is_a_picture():
    assert digit_classifier.thumbnail().shape == (180, 320, 3)


# --- training ---


def test_augmentation_changes_digits_only_while_training():
    from train.digit_augmentation import Augmentation

    x, _ = images.digits()
    digits = x[::50, ..., None].astype(np.float32) / 255
    layer = Augmentation(seed=1)
    assert np.array_equal(np.asarray(layer(digits, training=False)), digits)
    changed = np.asarray(layer(digits, training=True))
    assert changed.shape == digits.shape and changed.min() >= 0 and changed.max() <= 1
    same = np.abs(changed - digits).max(axis=(1, 2, 3)) < 1e-6
    assert 0.02 < same.mean() < 0.35
    likeness = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(changed, digits, strict=True)]
    assert 0.3 < np.mean(likeness) < 0.97


def test_reading_at_a_shifted_grid_shifts_the_digit():
    from train.digit_augmentation import Augmentation

    digits = np.random.default_rng(0).random((3, 28, 28, 1)).astype(np.float32)
    y, x = np.mgrid[:28, :28].astype(np.float32)
    y, x = (np.broadcast_to(grid[None, ..., None], digits.shape) for grid in (y, x))
    assert np.asarray(Augmentation.read(digits, y, x)) == pytest.approx(digits, abs=1e-5)
    moved = np.asarray(Augmentation.read(digits, y + 2, x - 3))
    assert moved[:, :26, 3:] == pytest.approx(digits[:, 2:, :25], abs=1e-5)
    assert max(moved[:, 26:].max(), moved[:, :, :3].max()) < 0.01


def test_the_shipped_digits_are_held_out_of_training(tmp_path, monkeypatch):
    from train.digit_lesson import full, mnist

    monkeypatch.setattr(mnist, "COUNTS", {"train": 100, "test": 40})

    shipped, labels = images.digits()
    others = 255 - shipped[:40]
    x = np.concatenate([shipped[100:160], others])
    y = np.concatenate([labels[100:160], labels[:40]])
    np.savez(tmp_path / "mnist.npz", x_train=x, y_train=y, x_test=others, y_test=labels[:40])
    (kept, _), (validation, _), (test, _) = full(tmp_path, 0)
    assert np.array_equal(kept[np.lexsort(kept.reshape(40, -1).T)], others[np.lexsort(others.reshape(40, -1).T)])
    assert len(validation) == 5000 and len(test) == 40


def test_rough_scenes_come_back_with_their_labels():
    from train.digit_classifier import rough

    x, y = images.digits()
    fields, labels, blank = rough(x, y, scenes=12, seed=1)
    assert fields.shape == (12, 28, 28, 1) and len(labels) == 12
    assert blank == np.sum(labels == -1)
