"""The digit classifier's page under AppTest."""

from __future__ import annotations

import numpy as np
import pytest

from cnndemo import digit_classifier, images
from tests.pages.conftest import no_trouble


def group(page, label: str):
    return next(element for element in page.button_group if element.label.startswith(label))


def test_an_empty_canvas_says_so_and_reads_a_stand_in(open_page):
    page = no_trouble(open_page("digit_classifier"))
    assert any("Nothing is there yet" in caption.value for caption in page.caption)
    assert page.metric[0].label == "The stand-in is read as"
    assert page.metric[0].value == "4"
    assert any("4,738,826" in text.value for text in page.markdown)


@pytest.mark.parametrize("digit", [0, 7])
def test_a_link_brings_an_mnist_digit(open_page, digit):
    page = no_trouble(open_page("digit_classifier", {"digit_from": "MNIST", "digit": str(digit), "digit_n": "4"}))
    assert (page.metric[0].label, page.metric[0].value) == ("The network reads", str(digit))


def test_a_photo_is_read_digit_by_digit(open_page):
    page = no_trouble(open_page("digit_classifier", {"digit_from": "Photo", "digit_photo": "2"}))
    assert page.metric[0].value == digit_classifier.sample_photo(1)[1]


def test_switching_steps_off_is_said_and_compared(open_page):
    page = no_trouble(open_page("digit_classifier", {"digit_from": "MNIST", "digit": "3"}))
    steps = group(page, "What the network saw")
    no_trouble(steps.set_value(["ink", "crop"]).run())
    assert any("With every step on" in caption.value for caption in page.caption)


def test_all_steps_off_still_answers(open_page):
    page = no_trouble(open_page("digit_classifier", {"digit_from": "Photo"}))
    no_trouble(group(page, "What the network saw").set_value([]).run())
    assert page.metric[0].value.isdigit()


def test_an_uploaded_photo_is_read(open_page):
    photo, written = digit_classifier.sample_photo(4)
    page = open_page("digit_classifier", {"digit_from": "Upload"})
    no_trouble(page.file_uploader[0].set_value(("photo.png", images.png(photo), "image/png")).run())
    assert (page.metric[0].label, page.metric[0].value) == ("The network reads", written)


def test_a_blank_upload_is_explained(open_page):
    page = open_page("digit_classifier", {"digit_from": "Upload"})
    blank = images.png(np.full((200, 300, 3), 250, np.uint8))
    no_trouble(page.file_uploader[0].set_value(("blank.png", blank, "image/png")).run())
    assert any("nothing to read" in warning.value for warning in page.warning)


def test_broken_uploads_are_explained_and_the_stand_in_returns(open_page, bad_files):
    page = open_page("digit_classifier", {"digit_from": "Upload"})
    for name, data in bad_files.items():
        no_trouble(page.file_uploader[0].set_value((name, data, "image/png")).run())
        assert page.warning, name
        assert page.metric[0].label == "The stand-in is read as"


@pytest.mark.parametrize(
    "query", [{"digit": "12"}, {"digit_n": "zzz"}, {"digit_photo": "-4"}, {"steps": "x"}, {"steps": ""}]
)
def test_nonsense_in_the_link_does_no_harm(open_page, query):
    no_trouble(open_page("digit_classifier", {"digit_from": "MNIST"} | query))
