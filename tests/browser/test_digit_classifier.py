"""Draw, and upload a photo, in a real browser."""

import re

import numpy as np

from cnndemo import digit_classifier, images
from tests.browser.gallery import wait_idle

SEVEN = [(70, 60), (130, 58), (205, 60), (180, 110), (150, 165), (125, 230)]


def draw(page, points) -> None:
    """One stroke with the mouse, in canvas pixels."""
    canvas = page.locator("canvas[role=application]").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + points[0][0], box["y"] + points[0][1])
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=6)
    page.mouse.up()


def reading(page):
    return page.get_by_test_id("stMetric").filter(has_text="The network reads").get_by_test_id("stMetricValue")


def test_a_seven_drawn_with_the_mouse_is_read_as_seven(visit):
    page = visit("digit_classifier")
    assert page.get_by_text("Nothing is there yet").is_visible()
    draw(page, SEVEN)
    reading(page).wait_for()
    wait_idle(page)
    assert reading(page).inner_text().strip() == "7"
    assert not page.get_by_text("Nothing is there yet").is_visible()


def test_three_digits_of_an_uploaded_photo_are_read_in_order(visit):
    photo, written = digit_classifier.sample_photo(4)
    page = visit("digit_classifier", "digit_from=Upload")
    page.locator("input[type=file]").set_input_files(
        {"name": "photo.png", "mimeType": "image/png", "buffer": images.png(photo)}
    )
    reading(page).wait_for()
    wait_idle(page)
    assert reading(page).inner_text().strip() == written
    assert np.unique(list(written)).size == 3


def test_a_file_that_is_no_picture_is_explained_and_the_page_goes_on(visit):
    page = visit("digit_classifier", "digit_from=Upload")
    page.locator("input[type=file]").set_input_files(
        {"name": "digits.png", "mimeType": "image/png", "buffer": b"no picture at all" * 50}
    )
    page.get_by_text(re.compile("not a picture")).wait_for()
    wait_idle(page)
    assert page.get_by_text("stand-in").is_visible()
    assert page.get_by_test_id("stException").count() == 0
