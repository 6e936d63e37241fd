"""The face networks against the original package, alignment, description, and the error rates of the card."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo import images, weights
from cnndemo.face_detection import Box
from cnndemo.face_verification import alignment, describe, distance, naive_embedding, networks, rates
from cnndemo.face_verification.faces import MOST_FACES, SMALLEST
from cnndemo.models import face_embedding, face_landmarks
from tests.conftest import GOLDEN

PRESIDENT = ("obama_1", "obama_2", "obama_3")
OTHERS = ("biden_1", "astronaut")


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "face_embedding.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def described():
    return {name: describe(images.sample(name)) for name in PRESIDENT + OTHERS}


def test_embeddings_equal_the_original_package_s(golden):
    answers = networks().embedding(golden["chips"].astype(np.float32))
    assert answers.dtype == np.float32 and answers.shape == (5, face_embedding.DIMENSION)
    assert np.abs(answers - golden["descriptors"]).max() < 2e-3  # shipped in float16; the card tells of float32


def test_the_card_proves_the_conversion_in_float32():
    difference = weights.card("face_embedding")["difference"]
    assert difference["float32"] < 1e-4 and difference["float16"] < 2e-3


def test_parameters_and_sizes():
    model = face_embedding.build()
    assert model.count_params() == weights.card("face_embedding")["parameters"] == 5_607_488
    assert model.get_layer("conv256_down_out_pad").output.shape[1:3] == (2, 2)
    assert weights.path("face_embedding").stat().st_size < 11.5e6


def test_landmarks_equal_the_original_package_s(golden):
    predict = networks().landmarks
    for name, box, expected in zip(golden["names"], golden["boxes"], golden["landmarks"], strict=True):
        image = images.sample(str(name))
        left, top, width, height = np.floor(box).astype(int)
        inside = image[max(top, 0) : top + height, max(left, 0) : left + width]
        side = max(inside.shape[:2])  # the package lays the box in the middle of a black square
        y, x = ((side - length) // 2 for length in inside.shape[:2])
        square = np.zeros((side, side, 3), np.uint8)
        square[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
        points = alignment.landmarks(square, [(0.0, 0.0, float(side))], predict)[0]
        points += (max(left, 0) - (side - inside.shape[1]) / 2, max(top, 0) - (side - inside.shape[0]) / 2)
        assert np.abs(points - expected).max() < 1


def test_mean_face_is_dlib_s():
    reference = json.loads((GOLDEN / "mean_face.json").read_text())
    assert np.array_equal(alignment.MEAN_FACE, np.column_stack([reference["x"], reference["y"]]))
    placed = alignment.mean_face()
    assert placed[19:25].mean(axis=0) == pytest.approx((47.6, 46.6), abs=0.2)  # points 36–41, an eye
    assert placed[25:31].mean(axis=0) == pytest.approx((100.5, 46.6), abs=0.2)


@given(
    angle=st.floats(-3, 3),
    scale=st.floats(0.05, 20),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
    seed=st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_similarity_finds_a_known_one(angle, scale, x, y, seed):
    points = np.random.default_rng(seed).normal(size=(12, 2)) * 30
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = alignment.similarity(points, points @ turn.T + (x, y))
    assert np.allclose(matrix, np.column_stack([turn, (x, y)]), atol=1e-6 * max(1, scale, abs(x), abs(y)))


def test_similarity_of_one_repeated_point_is_finite():
    assert np.isfinite(alignment.similarity(np.ones((5, 2)), np.random.default_rng(0).normal(size=(5, 2)))).all()


@pytest.mark.parametrize("scale", [0.2, 0.5, 0.9, 1.5])
def test_aligning_puts_the_landmarks_where_they_belong(scale):
    """Draw dots at the mean face's points, turned and scaled, and look for them in the aligned face."""
    rows, columns = np.mgrid[0:900, 0:900]
    chosen = alignment.mean_face()[np.array(alignment.FITTED) - 17]
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]) / scale
    points = np.zeros((68, 2))
    points[17:] = alignment.mean_face() @ turn.T + (200, 150)
    x, y = points[30]  # the tip of the nose
    spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (4 / scale) ** 2))
    chip = alignment.align((255 * np.repeat(spot[..., None], 3, axis=2)).astype(np.uint8), points)
    bright = chip[..., 0].astype(float)
    found = [(bright * axis).sum() / bright.sum() for axis in np.mgrid[0:150, 0:150][::-1]]
    assert found == pytest.approx(alignment.mean_face()[13], abs=0.15)
    assert len(chosen) == 33 and alignment.misfit(points) < 1e-6


def test_crop_is_black_outside():
    image = np.full((50, 50, 3), 200, np.uint8)
    square = alignment.crop(image, -25, 0, 50, 100)
    assert square[:, :40].max() == 0 and square[:80, 60:].min() == 200


def test_crop_without_landmarks_lies_a_little_lower():
    image = np.zeros((300, 300, 3), np.uint8)
    image[150:] = 255
    plain, lower = (alignment.square_chip(image, Box(100, 75, 150, 150), 1.0, down) for down in (0.0, 0.1))
    assert (lower[..., 0] > 128).sum() - (plain[..., 0] > 128).sum() == 15 * 150


def test_one_face_each_and_what_it_holds(described):
    for faces in described.values():
        assert len(faces) == 1
        face = faces[0]
        assert face.landmarks.shape == (68, 2) and face.chip.shape == (150, 150, 3) and face.chip.dtype == np.uint8
        assert face.embedding.shape == (128,) and face.embedding.dtype == np.float32
        assert face.misfit < 6 and face.doubt is None


def test_the_president_matches_himself_and_nobody_else(described):
    embeddings = {name: faces[0].embedding for name, faces in described.items()}
    for one in PRESIDENT:
        for other in PRESIDENT:
            assert distance(embeddings[one], embeddings[other]) < 0.5
        for other in OTHERS:
            assert distance(embeddings[one], embeddings[other]) > 0.65
    assert distance(embeddings["biden_1"], embeddings["astronaut"]) > 0.65


def test_a_mirrored_picture_gives_nearly_the_same_embedding(described):
    mirrored = describe(np.ascontiguousarray(images.sample("obama_1")[:, ::-1]))[0]
    assert distance(mirrored.embedding, described["obama_1"][0].embedding) < 0.15


def test_a_turned_picture_is_aligned(described):
    from cnndemo.face_detection.conditions import turned

    face = described["astronaut"][0]
    image, _ = turned(images.sample("astronaut"), face.box, 12)
    assert distance(describe(image)[0].embedding, face.embedding) < 0.35


@pytest.mark.parametrize("name", ["cat", "coffee", "rocket", "motorcycle"])
def test_things_and_animals_have_no_face(name):
    assert describe(images.sample(name)) == []


@pytest.mark.parametrize("image", [np.zeros((1, 1, 3), np.uint8), np.full((200, 900, 3), 255, np.uint8)])
def test_blank_pictures_have_no_face(image):
    assert describe(image) == []


def test_a_drawing_has_no_face():
    drawing = np.full((240, 240, 3), 255, np.uint8)
    drawing[60:80, 60:80] = drawing[60:80, 160:180] = drawing[160:170, 80:160] = 0
    assert describe(drawing) == []


def test_a_small_face_and_a_dark_one_are_told():
    image = images.sample("astronaut")
    small = np.full((400, 400, 3), 128, np.uint8)
    shrunk = images.shrink(image, 150)
    small[100 : 100 + shrunk.shape[0], 100 : 100 + shrunk.shape[1]] = shrunk
    faces = describe(small)
    assert faces and faces[0].box.width < SMALLEST and "pixels wide" in faces[0].doubt
    dark = describe((image * 0.2).astype(np.uint8))
    assert dark and "dark" in dark[0].doubt


def test_a_group_has_all_its_faces_largest_first(described):
    sizes = [200] + [105] * 11
    group = np.full((2 * 240 + 240, 6 * 130, 3), 110, np.uint8)
    source = images.sample("astronaut")[30:240, 110:320]
    for index, size in enumerate(sizes):
        top, left = (0, 0) if index == 0 else (240 + (index - 1) // 6 * 240, (index - 1) % 6 * 130)
        group[top : top + size, left : left + size] = images.shrink(source, size)
    faces = describe(group)
    assert len(faces) >= 11 and len(faces) <= MOST_FACES
    areas = [face.box.area for face in faces]
    assert areas == sorted(areas, reverse=True)
    known = described["astronaut"][0].embedding
    assert sum(distance(face.embedding, known) < 0.6 for face in faces) == len(faces)


def test_naive_crops_are_worse(described):
    using = networks().embedding
    faces = [described[name][0] for name in ("obama_1", "obama_2")]
    naive = [
        naive_embedding(images.sample(name), face.box, using)[1] for name, face in zip(PRESIDENT, faces, strict=False)
    ]
    assert distance(*naive) > distance(*(face.embedding for face in faces))


def test_landmark_network_shapes():
    model = face_landmarks.build()
    assert model.output_shape == (None, 2 * face_landmarks.POINTS)
    assert model.count_params() == 356_840


def test_rates_by_hand():
    measured = rates.Rates(rates.count(np.array([0.105, 0.305, 0.505, np.inf])), rates.count(np.array([0.405, 0.705])))
    assert measured.false_reject(0.4) == 0.5 and measured.false_accept(0.4) == 0
    assert measured.false_reject(0.6) == 0.25 and measured.false_accept(0.6) == 0.5
    assert measured.below(0.7) == (3, 1)
    thresholds, strangers, friends = measured.curve()
    assert strangers[0] == friends[0] == 0 and strangers[-1] == friends[-1] == 1
    assert len(thresholds) == len(strangers) == len(friends)
    assert (np.diff(strangers) >= 0).all() and (np.diff(friends) >= 0).all()


def test_counting_at_the_bin_s_edge_agrees_with_comparing():
    distances = np.round(np.arange(0.0, 1.5, 0.05), 10)
    counted = rates.Rates(rates.count(distances), rates.count(distances))
    for threshold in (0.3, 0.55, 0.6, 0.9):
        assert abs(counted.below(threshold)[0] - int((distances < threshold).sum())) <= 1


def test_threshold_comes_from_the_other_folds():
    distances = np.array([0.2, 0.4, 0.3, 0.8, 0.5, 0.6])
    same = np.array([True, False, True, False, True, False])
    folds = np.array([0, 0, 1, 1, 2, 2])
    right, thresholds = rates.cross_validate(distances, same, folds)
    assert len(thresholds) == 3 and all(0.5 < value <= 0.8 for value in thresholds[:1])
    assert right.tolist()[:2] == [True, False]  # the other folds put the threshold above 0.4
    missing = distances.copy()
    missing[3] = np.nan  # refusing two people without having seen a face is no merit
    assert not rates.cross_validate(missing, same, folds)[0][3]


def test_card_s_figures_fit_its_counts():
    about = weights.card("face_embedding")
    figures = {figure["name"]: figure for figure in about["metrics"]}
    measured = rates.from_card(about)
    assert measured.same.sum() == measured.different.sum() == 900 and about["lfw"]["pairs"] == 1800
    for threshold in (0.6, 0.55, 0.5):
        assert figures[f"False reject rate at {threshold:.2f}"]["value"] == pytest.approx(
            measured.false_reject(threshold), abs=1e-4
        )
        assert figures[f"False accept rate at {threshold:.2f}"]["value"] == pytest.approx(
            measured.false_accept(threshold), abs=1e-4
        )
    accuracy = figures["LFW accuracy"]
    assert accuracy["value"] >= 0.97 and accuracy["interval"][0] < accuracy["value"] < accuracy["interval"][1]
    assert rates.from_card(about, "naive").false_reject(0.6) > measured.false_reject(0.6)


def test_a_group_photo_of_thirty_gets_an_answer_for_each(described):
    """Thirty heads in five rows: a head is the picture around a known face, 200 × 200."""
    heads = []
    for name, faces in described.items():
        box, image = faces[0].box, images.sample(name)
        side = int(box.height)
        top, left = (max(0, int(start) - side // 2) for start in (box.top, box.left))
        heads.append(cv2.resize(image[top : top + 2 * side, left : left + 2 * side], (200, 200)))
    placed = np.arange(30) % len(heads)
    rows = [np.hstack([heads[who] for who in placed[start : start + 6]]) for start in range(0, 30, 6)]
    found = describe(np.vstack(rows))
    assert len(found) <= MOST_FACES
    names, right = list(described), set()
    for face in found:
        place = int((face.box.top + face.box.height / 2) // 200) * 6 + int((face.box.left + face.box.width / 2) // 200)
        nearest = min(names, key=lambda name: distance(face.embedding, described[name][0].embedding))
        right |= {place} if nearest.split("_")[0] == names[placed[place]].split("_")[0] else set()
    assert len(right) >= 28
