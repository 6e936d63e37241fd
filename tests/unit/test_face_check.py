"""The second look at a face: pictures that lie or stand on their heads, what is no face, and faces that are covered."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from cnndemo import images, inference, weights
from cnndemo.face_detection import Box, Check, square, turned, upright
from cnndemo.face_verification import Face, Gallery, alignment, decide, describe, distance
from cnndemo.face_verification.faces import DOUBTFUL
from train import covers

PEOPLE = ("obama_1", "obama_2", "obama_3", "biden_1", "astronaut")


@pytest.fixture(scope="module")
def bare() -> dict[str, Face]:
    return {name: describe(images.sample(name))[0] for name in PEOPLE}


def seen(image: np.ndarray):
    return upright(image, *map(inference.predictor, ("tiny_face_detector", "face_check")))


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_turned_portraits_are_set_upright_and_stay_themselves(bare, turn):
    found = {}
    for name in PEOPLE:
        faces = describe(turned(images.sample(name), -turn % 4))
        assert faces and faces[0].turn == turn, name
        found[name] = faces[0]
        assert distance(faces[0].embedding, bare[name].embedding) < 0.1, name
    for one, other in itertools.combinations(PEOPLE, 2):
        now, then = (distance(faces[one].embedding, faces[other].embedding) for faces in (found, bare))
        assert now == pytest.approx(then, abs=0.1), (one, other)


def test_turning_there_and_back_changes_nothing():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    for turn in range(5):
        assert np.array_equal(turned(turned(image, turn), -turn), image)
    assert turned(image, 0) is image


@pytest.mark.parametrize("name", ["cat", "coffee", "rocket", "motorcycle"])
def test_parts_of_pictures_without_people_have_no_face_in_any_turn(name):
    generator, image = np.random.default_rng(5), images.sample(name)
    for _ in range(6):
        side = int(min(image.shape[:2]) * generator.uniform(0.3, 1))
        top, left = (int(generator.integers(0, length - side + 1)) for length in image.shape[:2])
        assert describe(np.ascontiguousarray(image[top : top + side, left : left + side])) == []


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("name", PEOPLE)
def test_bare_faces_are_not_doubted(bare, name, turn):
    assert bare[name].doubt is None
    assert describe(turned(images.sample(name), turn))[0].doubt is None


@pytest.mark.parametrize("name", PEOPLE)
def test_covered_faces_are_doubted_and_the_door_stays_shut(bare, name):
    gallery = Gallery()
    gallery.enrol("Known", bare[name].embedding)
    for style, part in ((covers.surgical, "mouth"), (covers.black_glasses, "eyes")):
        image = style(images.sample(name), bare[name].landmarks, np.random.default_rng(0))
        for face in describe(image):
            assert face.doubt and part in face.doubt, style.__name__
            assert not decide(gallery, face.embedding, 0.9, face.doubt).admitted


def test_clear_glasses_are_no_cover(bare):
    generator = np.random.default_rng(3)
    drawn = [covers.spectacles(images.sample(name), bare[name].landmarks, generator) for name in PEOPLE]
    assert sum(describe(image)[0].doubt is None for image in drawn) >= 4


def test_each_reason_to_doubt_has_its_sentence(bare):
    face = replace(bare["obama_1"], check=Check(1.0, 0.0, 0.0))
    assert face.doubt is None
    both = replace(face, check=Check(1.0, 0.9, 0.9)).doubt
    assert "mouth and the eyes" in both and " seem to" in both
    assert "mouth of this face seems" in replace(face, check=Check(1.0, 0.9, 0.0)).doubt
    assert "landmarks" in replace(face, misfit=DOUBTFUL).doubt and replace(face, misfit=DOUBTFUL - 0.1).doubt is None
    profile = face.landmarks.copy()
    profile[30] = profile[45]  # the nose before the outer corner of an eye
    assert "to the side" in replace(face, landmarks=profile).doubt


def test_the_turn_of_a_head_by_hand():
    points = np.zeros((68, 2))
    points[36], points[45], points[30] = (10, 50), (50, 50), (30, 70)
    assert alignment.turn_of_head(points) == 0
    points[30] = (40, 70)
    assert alignment.turn_of_head(points) == pytest.approx(0.25)
    rotation = np.array([[0, -1], [1, 0]])
    assert alignment.turn_of_head(points @ rotation.T) == pytest.approx(0.25)


@pytest.mark.parametrize("box", [Box(-30, -40, 50, 60), Box(80, 90, 900, 900), Box(0, 0, 0, 0), Box(500, 500, 9, 9)])
def test_squares_beyond_the_edge(box):
    pixels = square(np.full((100, 120, 3), 200, np.uint8), box)
    assert pixels.shape == (48, 48, 3) and set(np.unique(pixels)) <= {0, 200}


def test_nothing_to_see_is_no_face_and_no_turn():
    for shape in ((1, 1, 3), (40, 900, 3)):
        found = seen(np.full(shape, 128, np.uint8))
        assert found.boxes == [] and found.turn == 0


def test_the_card_keeps_what_was_asked():
    figures = {row["name"]: row["value"] for row in weights.card("face_check")["metrics"]}
    kinds = ("bare", "pale blue mask", "black glasses", "any mask, scarf or patch", "any dark glasses or bar")
    for kind in kinds:
        assert figures[f"strangers accepted at 0.60, {kind}, and not doubted"] <= 0.02, kind
    for what in ("pets", "things"):
        assert figures[f"pictures of {what} in which a face is found"] < 0.01, what
    assert figures["bare faces that are doubted"] < 0.05
    assert all(value >= 0.95 for name, value in figures.items() if name.startswith("pictures set upright"))
