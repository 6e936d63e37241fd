"""Share: a link, a frame and a QR code, of the page or of one of its sections."""

from __future__ import annotations

import functools
import http.server
import re
import threading

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from cnndemo import images
from tests.browser.gallery import go, wait_idle


@pytest.fixture
def opened(visit):
    """The filters page with its Share popover open."""
    page = visit("filters", "filters.kernel=sobel_y")
    page.get_by_role("button", name="Share").click()
    return page


@pytest.fixture
def school(tmp_path):
    """The site of a school, to whose page a frame is pasted."""
    handler = functools.partial(_Quiet, directory=tmp_path)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def paste(frame: str) -> str:
        (tmp_path / "lesson.html").write_text(f"<!doctype html><title>Lesson</title><h1>Lesson</h1>{frame}")
        return f"http://127.0.0.1:{server.server_port}/lesson.html"

    yield paste
    server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass


def test_the_code_holds_the_link_of_the_section(opened):
    link = opened.get_by_role("textbox", name="Link to this page")
    opened.get_by_label("Opens at").select_option("how-it-works")
    expect(link).to_have_value(f"{opened.url}#how-it-works")
    opened.get_by_role("button", name="Show QR code").click()
    code = opened.get_by_role("img", name="QR code of")
    expect(code).to_be_visible()
    for _ in range(5):  # it stays
        opened.wait_for_timeout(130)
        assert code.is_visible()
    picture = cv2.imdecode(np.frombuffer(opened.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == link.input_value()
    opened.get_by_label("Opens at").select_option("")
    expect(code).to_be_hidden()  # it is the code of another link
    expect(link).to_have_value(opened.url)


def test_a_frame_shows_the_section_without_streamlits_bars(opened, context, school):
    opened.get_by_label("Opens at").select_option("how-it-works")
    frame = opened.get_by_role("textbox", name="HTML that shows this page in a frame")
    expect(frame).to_have_value(re.compile("embed=true#how-it-works"))
    lesson = context.new_page()
    lesson.goto(school(frame.input_value()))
    inside = lesson.frame_locator("iframe")
    expect(inside.get_by_role("heading", name="Filters", level=1)).to_be_attached()
    expect(inside.locator("#how-it-works")).to_be_in_viewport(timeout=60_000)
    assert inside.get_by_test_id("stHeader").count() == 0 or not inside.get_by_test_id("stToolbar").is_visible()
    inside.get_by_role("button", name="Share").click()
    link = inside.get_by_role("textbox", name="Link to this page")
    expect(link).to_have_value(opened.url)


def test_an_embedded_page_keeps_its_settings_and_takes_a_picture(context, server, photo):
    page = go(context.new_page(), f"{server}/?embed=true")
    page.get_by_text("Bring your picture").click()
    page.get_by_role("radio", name="Upload").click()
    page.locator("input[type=file]").first.set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": images.png(photo)}
    )
    wait_idle(page)
    expect(page.get_by_role("img", name="your picture mine.png")).to_be_visible()
    assert "embed=true" in page.url
