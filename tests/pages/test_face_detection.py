"""The face detection page under AppTest."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from cnndemo import images
from cnndemo.face_detection import TURNS, turned
from tests.pages.conftest import no_trouble


def metrics(page) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_default_state_finds_the_astronaut_twice(open_page):
    page = no_trouble(open_page("face_detection"))
    found = metrics(page)
    assert found["Cascade of Haar features"] == found["Convolutional network"] == "1 found"
    assert found["Light minus dark"].startswith("+")
    assert not page.warning


def test_a_link_reproduces_the_settings(open_page):
    page = no_trouble(open_page("face_detection", {"picture": "Motorcycle", "neighbours": "0"}))
    found = metrics(page)
    assert int(found["Cascade of Haar features"].split()[0]) > 1
    assert found["Convolutional network"] == "0 found"


def test_a_picture_without_a_face_leaves_the_page_alive(open_page):
    page = no_trouble(open_page("face_detection", {"picture": "Cat"}))
    assert metrics(page)["Cascade of Haar features"] == "0 found"
    assert any("choose another picture" in warning.value for warning in page.warning)
    assert any("Neither finds a face" in info.value for info in page.info)
    assert page.header[-1].value == "Model card"


@pytest.mark.parametrize("size", [(1, 1), (20, 20), (3, 900)])
def test_uploads_of_odd_shapes(open_page, size):
    page = open_page("face_detection")
    page.segmented_control(key="face_detection.picture_source").set_value("Upload").run()
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 150, 120)).save(buffer, "PNG")
    page.file_uploader(key="face_detection.picture_upload").upload("odd.png", buffer.getvalue(), "image/png").run()
    no_trouble(page)
    assert metrics(page)["Cascade of Haar features"] == "0 found"


def test_raw_hits_and_eyes_can_be_shown(open_page):
    page = open_page("face_detection")
    page.pills(key="face_detection.also").set_value(["raw hits", "eyes"]).run()
    no_trouble(page)


def test_a_picture_on_its_head_is_set_upright_and_said_to_be(open_page):
    page = open_page("face_detection")
    page.segmented_control(key="face_detection.picture_source").set_value("Upload").run()
    data = images.png(turned(images.sample("astronaut"), 2))
    page.file_uploader(key="face_detection.picture_upload").upload("head.png", data, "image/png").run()
    found = metrics(no_trouble(page))
    assert found["Cascade of Haar features"] == found["Convolutional network"] == "1 found"
    assert any("turned before" in info.value and TURNS[2] in info.value for info in page.info)
    assert any("confirms 2 of these 2 boxes" in caption.value for caption in page.caption)


def test_what_single_windows_mistake_for_a_face_is_called_none(open_page):
    page = no_trouble(open_page("face_detection", {"picture": "Motorcycle", "neighbours": "0"}))
    assert int(metrics(page)["Cascade of Haar features"].split()[0]) > 1
    assert any("No face here" in info.value for info in page.info)
    assert any("choose another picture" in warning.value for warning in page.warning)
