"""The face verification page under AppTest."""

from __future__ import annotations

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnndemo import images
from cnndemo.face_detection import TURNS, turned
from cnndemo.face_verification import Gallery, describe
from tests.conftest import ROOT, encode
from tests.pages.conftest import no_trouble
from train import covers


def verdict(page) -> str:
    return next(text.value for text in page.markdown if text.value.startswith("### Distance"))


def told(page) -> str:
    return " ".join(element.value for element in [*page.warning, *page.success, *page.info])


def answers(page) -> list[str]:
    return [text.value for text in page.markdown if "admitted" in text.value or "refused" in text.value]


@pytest.fixture
def page(open_page) -> AppTest:
    return no_trouble(open_page("face_verification"))


def test_the_president_is_himself(page):
    assert "same person" in verdict(page)
    assert not page.warning


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("President 1", "President 2", True),
        ("President 2", "President 3", True),
        ("President 1", "Vice-president", False),
        ("Astronaut", "President 3", False),
    ],
)
def test_pairs_by_link(open_page, first, second, same):
    page = no_trouble(open_page("face_verification", {"picture": first, "second": second}))
    assert ("same person" in verdict(page)) is same


def test_the_threshold_decides_and_its_price_is_shown(open_page):
    strict = open_page("face_verification", {"threshold": "0.3"})
    assert "two people" in verdict(strict)
    rates = {metric.label: float(metric.value.rstrip("%")) for metric in strict.metric if metric.value.endswith("%")}
    assert rates["Strangers let in (FAR)"] == 0 and rates["Friends kept out (FRR)"] > 50


def test_somebody_is_enrolled_then_admitted_then_removed(page):
    page.pills(key="face_verification.door").set_value("biden_1").run()
    assert "refused" in answers(page)[0]
    page.text_input(key="face_verification.new_name").set_value("<b>The vice</b>").run()
    page.button(key="face_verification.enrol").click().run()
    no_trouble(page)
    assert len(page.session_state["face_verification._people"]) == 3
    page.run()
    assert "admitted" in answers(page)[0]
    page.selectbox(key="face_verification.who").set_value("<b>The vice</b>").run()
    page.text_input(key="face_verification.other_name").set_value("Joe").run()
    page.button(key="face_verification.rename").click().run()
    assert "Joe" in page.session_state["face_verification._people"].people
    page.selectbox(key="face_verification.who").set_value("Joe").run()
    page.button(key="face_verification.remove").click().run()
    no_trouble(page)
    assert "refused" in answers(page)[0]


def test_names_and_pictures_that_cannot_be_enrolled(page):
    page.button(key="face_verification.enrol").click().run()
    assert "type a name" in told(page)
    page.text_input(key="face_verification.new_name").set_value("x" * 1000).run()
    page.button(key="face_verification.enrol").click().run()
    assert "at most 60" in told(page)
    page.text_input(key="face_verification.new_name").set_value("Again").run()
    page.pills(key="face_verification.new").set_value("obama_1").run()
    page.button(key="face_verification.enrol").click().run()
    assert "enrolled already" in told(page)
    no_trouble(page)
    assert len(page.session_state["face_verification._people"]) == 2


def test_a_cat_at_the_door(page):
    page.pills(key="face_verification.door").set_value("cat").run()
    no_trouble(page)
    assert "No face is at the door" in told(page)


def test_forgetting_everybody(page):
    page.button(key="face_verification.forget").click().run()
    no_trouble(page)
    assert len(page.session_state["face_verification._people"]) == 0
    assert "refused" in answers(page)[0]


def imported(page, data: bytes) -> AppTest:
    page.file_uploader(key="face_verification.import").upload("people.json", data, "application/json").run()
    return no_trouble(page)


def test_importing_people(page):
    gallery = Gallery()
    generator = np.random.default_rng(0)
    for number in range(300):
        gallery.enrol(f"Person {number}", generator.normal(0, 0.1, 128))
    imported(page, gallery.export())
    assert len(page.session_state["face_verification._people"]) == 300
    assert "300 people" in told(page)
    page.run()
    assert len(page.session_state["face_verification._people"]) == 300


@pytest.mark.parametrize("data", [b"", b"no", json.dumps({"format": 1}).encode()])
def test_importing_rubbish_keeps_the_people(page, data):
    imported(page, data)
    assert len(page.session_state["face_verification._people"]) == 2
    assert "not a gallery" in told(page)


def test_a_picture_without_a_face_in_a_pair(page):
    page.segmented_control(key="face_verification.second_source").set_value("Upload").run()
    cat = encode(__import__("PIL.Image", fromlist=["Image"]).fromarray(images.sample("cat")), "JPEG")
    page.file_uploader(key="face_verification.second_upload").upload("cat.jpg", cat, "image/jpeg").run()
    no_trouble(page)
    assert "No face was found" in told(page)
    assert page.header[-1].value == "Model card"


def upload(page, key: str, image: np.ndarray) -> AppTest:
    """Give a picture of one's own for one of the page's pictures."""
    page.segmented_control(key=f"face_verification.{key}_source").set_value("Upload").run()
    page.file_uploader(key=f"face_verification.{key}_upload").upload("own.png", images.png(image), "image/png").run()
    return no_trouble(page)


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_turned_picture_is_set_upright_and_said_to_be(open_page, turn):
    page = open_page("face_verification", {"picture": "President 1"})
    assert not any("turned before" in caption.value for caption in page.caption)
    upload(page, "second", turned(images.sample("obama_3"), -turn % 4))
    assert "same person" in verdict(page) and "doubt" not in verdict(page)
    assert any("turned before" in caption.value and TURNS[turn] in caption.value for caption in page.caption)


@pytest.mark.parametrize(("style", "part"), [(covers.surgical, "mouth"), (covers.black_glasses, "eyes")])
def test_a_covered_face_is_doubted_beside_the_verdict_and_not_let_in(open_page, style, part):
    bare = describe(images.sample("obama_1"))[0]
    covered = style(images.sample("obama_1"), bare.landmarks, np.random.default_rng(0))
    page = upload(open_page("face_verification", {"picture": "President 1"}), "second", covered)
    assert "in doubt" in verdict(page)
    assert any(part in warning.value and warning.value.startswith("Second") for warning in page.warning)
    assert any("painted covers" in caption.value for caption in page.caption)
    upload(page, "door", covered)
    assert "refused" in answers(page)[0] and not any("admitted" in answer for answer in answers(page))


def test_nothing_is_written(page, tmp_path):
    before = {file for file in ROOT.rglob("*") if ".git" not in file.parts and ".venv" not in file.parts}
    page.text_input(key="face_verification.new_name").set_value("Somebody").run()
    page.button(key="face_verification.enrol").click().run()
    after = {file for file in ROOT.rglob("*") if ".git" not in file.parts and ".venv" not in file.parts}
    assert not {file for file in after - before if "people" in file.name or file.suffix in (".npz", ".npy")}
