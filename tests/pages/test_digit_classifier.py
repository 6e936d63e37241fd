"""The digit classifier's page under AppTest."""

from __future__ import annotations

import cv2
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


def written(*lines: tuple[tuple[int, int], tuple[int, int]]) -> bytes:
    """Straight lines in ink on paper, as a PNG."""
    sheet = np.full((400, 400, 3), 240, np.uint8)
    for start, end in lines:
        cv2.line(sheet, start, end, (40, 40, 90), 22, cv2.LINE_AA)
    return images.png(sheet)


def test_a_plus_is_no_digit_and_the_page_says_what_the_book_s_network_would_say(open_page):
    page = open_page("digit_classifier", {"digit_from": "Upload"})
    plus = written(((200, 80), (200, 320)), ((80, 200), (320, 200)))
    no_trouble(page.file_uploader[0].set_value(("plus.png", plus, "image/png")).run())
    assert (page.metric[0].label, page.metric[0].value) == ("The network reads", "no digit")
    assert any("no eleventh" in caption.value for caption in page.caption)
    assert any("not a digit" in warning.value for warning in page.warning)


def test_what_stands_beside_a_digit_is_told(open_page):
    page = open_page("digit_classifier", {"digit_from": "Upload"})
    minus_seven = written(((30, 200), (120, 200)), ((180, 90), (340, 90)), ((340, 90), (250, 330)))
    no_trouble(page.file_uploader[0].set_value(("minus.png", minus_seven, "image/png")).run())
    assert page.metric[0].value == "7"
    assert any("Boxed in grey: 1 thing" in caption.value for caption in page.caption)


def test_a_part_of_a_photo_is_read_alone(open_page):
    page = no_trouble(open_page("digit_classifier", {"digit_from": "Photo", "digit_photo": "2"}))
    whole = page.metric[0].value
    no_trouble(next(one for one in page.toggle if one.label.startswith("Read a part only")).set_value(True).run())
    columns = next(one for one in page.slider if one.label.startswith("Columns"))
    no_trouble(columns.set_value((0.0, 36.0)).run())
    rows = next(one for one in page.slider if one.label.startswith("Rows"))
    no_trouble(rows.set_value((0.0, 100.0)).run())
    assert page.metric[0].value == whole[0]
    no_trouble(rows.set_value((50.0, 50.0)).run())
    assert any("too small" in warning.value for warning in page.warning)


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


def test_a_doubtful_reading_shows_the_digits_it_is_near_to(open_page):
    """An 8 that is read as a 6: its neighbours in the last layer are 6s."""
    page = no_trouble(open_page("digit_classifier", {"digit_from": "MNIST", "digit": "8", "digit_n": "126"}))
    assert page.metric[0].value == "6"
    assert any("7 of 8 are a 6" in str(element.proto) for element in page.get("image"))
