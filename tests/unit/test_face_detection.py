"""Haar features by numbers, the cascade and the tiny detector on the sample pictures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo import images, inference
from cnndemo.errors import VisitorError
from cnndemo.face_detection import Box, conditions, cut, decode, detect, eyes, haar, locate, merge, search, suppress
from cnndemo.models.tiny_face_detector import ANCHORS, CELLS, SIDE
from tests.conftest import GOLDEN

PEOPLE = ("astronaut", "obama_1", "obama_2", "obama_3", "biden_1")


@pytest.fixture(scope="module")
def predict():
    return inference.predictor("tiny_face_detector")


@pytest.fixture(scope="module")
def gray() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (40, 50), dtype=np.uint8)


def test_integral_image_equals_opencv(gray):
    assert np.array_equal(haar.integral(gray), cv2.integral(gray))


def test_integral_image_by_hand():
    table = haar.integral(np.array([[1, 2], [3, 4]], np.uint8))
    assert table.tolist() == [[0, 0, 0], [0, 1, 3], [0, 4, 10]]


@pytest.mark.parametrize("kind", haar.KINDS)
@given(
    top=st.floats(-20, 60),
    left=st.floats(-20, 60),
    height=st.floats(0, 80),
    width=st.floats(0, 80),
    seed=st.integers(0, 9),
)
@settings(max_examples=25, deadline=None)
def test_feature_equals_adding_pixels(kind, top, left, height, width, seed):
    gray = np.random.default_rng(seed).integers(0, 256, (40, 50), dtype=np.uint8)
    place = haar.snap(kind, top, left, height, width, gray.shape)
    response = haar.respond(haar.integral(gray), kind, *place)
    value = 0
    for term in response.terms:
        cell = gray[term.top : term.top + term.height, term.left : term.left + term.width].astype(int)
        assert cell.shape == (term.height, term.width)
        a, b, c, d = term.corners
        assert term.total == cell.sum() == d - b - c + a
        value += term.weight * cell.sum()
    assert response.value == value
    assert abs(response.contrast) <= 255


@pytest.mark.parametrize("kind", haar.KINDS)
def test_feature_is_zero_on_a_flat_picture_and_does_not_care_for_brightness(kind, gray):
    flat = haar.integral(np.full((30, 30), 77, np.uint8))
    assert haar.respond(flat, kind, *haar.snap(kind, 3, 3, 18, 18, (30, 30))).value == 0
    place = haar.snap(kind, 5, 5, 18, 18, gray.shape)
    dim = gray // 2
    shifted = haar.respond(haar.integral(dim + 60), kind, *place)
    assert shifted.value == haar.respond(haar.integral(dim), kind, *place).value


@pytest.mark.parametrize("kind", haar.KINDS)
def test_sliding_equals_one_place_after_another(kind, gray):
    table = haar.integral(gray)
    _, _, height, width = haar.snap(kind, 0, 0, 12, 9, gray.shape)
    values = haar.slide(table, kind, height, width)
    assert values.shape == (gray.shape[0] - height + 1, gray.shape[1] - width + 1)
    for row, column in ((0, 0), (7, 11), (values.shape[0] - 1, values.shape[1] - 1)):
        assert values[row, column] == pytest.approx(haar.respond(table, kind, row, column, height, width).contrast)


def test_feature_on_a_picture_that_is_too_small():
    with pytest.raises(VisitorError, match="too small"):
        haar.snap("light centre", 0, 0, 9, 9, (2, 2))
    with pytest.raises(VisitorError, match="no feature"):
        haar.snap("spiral", 0, 0, 9, 9, (20, 20))


def test_faces_keep_the_book_s_assumption_more_often_than_chance():
    faces = haar.strengths_of_samples(PEOPLE)
    chance = haar.strength_at_random(("cat", "coffee", "rocket", "motorcycle"), patches=60)
    assert len(faces) == len(PEOPLE)
    for name, values in chance.items():
        assert min(face[name] for face in faces.values()) > np.median(values)
    both = np.all([values > 0.4 for values in chance.values()], axis=0)
    assert both.mean() < 0.25


@pytest.mark.parametrize("name", PEOPLE)
def test_cascade_finds_the_one_face(name):
    result = search(images.sample(name))
    assert len(result.boxes) == 1
    with np.load(GOLDEN / "face_embedding.npz") as golden:
        expected = Box(*map(float, golden["boxes"][list(golden["names"]).index(name)]))
    x, y = result.boxes[0].centre
    assert expected.left < x < expected.left + expected.width and expected.top < y < expected.top + expected.height


def test_raw_hits_are_more_than_boxes_and_neighbours_thin_them():
    image = images.sample("astronaut")
    assert len(search(image, raw=True).raw) > 5 * len(search(image).boxes)
    assert len(search(image, neighbours=0).boxes) > len(search(image, neighbours=1).boxes)


def test_eyes_lie_in_the_face():
    image = images.sample("obama_1")
    face = search(image).boxes[0]
    found = eyes(image, face)
    assert len(found) == 2
    assert all(eye.overlap(face) > 0 and eye.top < face.top + face.height / 2 for eye in found)


def test_cascade_from_many_threads():
    image = images.shrink(images.sample("astronaut"), 300)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: tuple(search(image).boxes), range(8)))
    assert len(set(answers)) == 1


@pytest.mark.parametrize(
    ("argument", "value"), [("cascade", "dogs"), ("scale_factor", 1.0), ("neighbours", -1), ("smallest", 0)]
)
def test_cascade_refuses_senseless_settings(argument, value):
    with pytest.raises(VisitorError):
        search(images.sample("cat"), **{argument: value})


def test_tiny_detector_agrees_with_the_original_package(predict):
    with np.load(GOLDEN / "face_embedding.npz") as golden:
        for name, expected in zip(golden["names"], golden["boxes"], strict=True):
            found = locate(images.sample(str(name)), predict)
            assert len(found) == 1
            assert found[0].overlap(Box(*map(float, expected))) > 0.93


@pytest.mark.parametrize("name", ["cat", "coffee", "rocket", "motorcycle"])
def test_no_face_in_pictures_without_people(name, predict):
    assert detect(images.sample(name), predict) == []


def test_network_corrects_the_cascade(predict):
    carton = images.sample("motorcycle")
    assert detect(carton) and not detect(carton, predict)


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (20, 20), (24, 24), (300, 3)])
def test_detectors_survive_tiny_and_flat_pictures(shape, predict):
    assert detect(np.full((*shape, 3), 128, np.uint8), predict) == []


def test_decoding_by_hand():
    output = np.full((CELLS, CELLS, 25), -20.0, np.float32)
    output[4, 6, 5:10] = (0.0, 0.0, 0.0, 0.0, 2.0)  # second anchor, in the middle of its cell, as large as the anchor
    (box,) = decode(output)
    assert box.centre == pytest.approx((6.5 * 32, 4.5 * 32), abs=1e-3)
    assert (box.width, box.height) == pytest.approx((ANCHORS[1][0] * 32, ANCHORS[1][1] * 32), rel=1e-5)
    assert box.score == pytest.approx(1 / (1 + np.exp(-2)), rel=1e-5)
    assert SIDE == 32 * CELLS
    assert decode(np.full((CELLS, CELLS, 25), 1e30, np.float32), 0.5)  # absurd logits overflow nowhere


def test_overlap_and_suppression():
    one, other = Box(0, 0, 10, 10, 0.9), Box(5, 0, 10, 10, 0.8)
    assert one.overlap(other) == pytest.approx(50 / 150)
    assert one.overlap(Box(10, 10, 5, 5)) == 0
    near = Box(1, 0, 10, 10, 0.5)
    assert suppress([near, other, one]) == [one, other]
    assert merge([one], [near, Box(40, 40, 5, 5)]) == [one, Box(40, 40, 5, 5)]


def test_cut_stays_in_the_picture():
    image = images.sample("cat")
    assert cut(image, Box(-50, -50, 5000, 5000)).shape[0] <= 330
    assert cut(image, None).shape[1] == 330


def test_turned_faces_are_the_network_s_and_small_ones_the_cascade_s(predict):
    image = images.sample("astronaut")
    rows = {row.condition: row for row in conditions.compare(image, search(image).boxes[0], predict, 0.5)}
    assert set(rows) == set(conditions.CONDITIONS)
    assert rows["as it is"].overlaps[0] > 0.5 < rows["as it is"].overlaps[1]
    assert rows["turned by 30°"].overlaps[0] == 0 < rows["turned by 30°"].overlaps[1]
    assert rows["24 pixels wide"].overlaps[0] > 0.5 > rows["24 pixels wide"].overlaps[1]


def test_a_higher_threshold_afterwards_gives_the_same_as_before(predict):
    image = images.sample("astronaut")
    face = search(image).boxes[0]
    low, high = (conditions.compare(image, face, predict, threshold) for threshold in (0.05, 0.6))
    assert any(len(one.network) > len(other.network) for one, other in zip(low, high, strict=True))
    for one, other in zip(low, high, strict=True):
        assert one.at(0.6).network == other.network and one.at(0.6).overlaps == other.overlaps


def test_a_shrunk_trial_has_its_boxes_where_they_were(predict):
    image = images.sample("astronaut")
    trial = conditions.compare(image, search(image).boxes[0], predict, 0.5)[0]
    small = trial.shrunk(100)
    assert max(small.image.shape[:2]) == 100 and small.overlaps == pytest.approx(trial.overlaps)
