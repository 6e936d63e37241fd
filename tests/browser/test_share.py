"""Share: a link, a frame and a QR code, of the page or of one of its sections; and the frame on another site."""

from __future__ import annotations

import functools
import http.server
import re
import threading

import cv2
import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from cnndemo import images
from tests.browser.gallery import go, wait_idle
from tests.deploy.front import NGINX, front


@pytest.fixture
def opened(visit):
    """The filters page with its Share popover open."""
    page = visit("filters", "filters.kernel=sobel_y")
    page.get_by_role("button", name="Share").click()
    return page


@pytest.fixture
def school(tmp_path):
    """The site of a school, which is another than the gallery's, to whose page a frame is pasted."""
    handler = functools.partial(_Quiet, directory=tmp_path)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def paste(frame: str) -> str:
        (tmp_path / "lesson.html").write_text(f"<!doctype html><title>Lesson</title><h1>Lesson</h1>{frame}")
        return f"http://school.example:{server.server_port}/lesson.html"

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


@pytest.fixture
def welcome(tmp_path):
    """The gallery as an operator starts it whose visitors come from a school's site."""
    with front(
        tmp_path, FRAME_ANCESTORS="http://school.example:*", SAME_SITE="none",
        COOKIE_ATTRIBUTES="SameSite=None; Secure; Partitioned",
    ) as made:  # fmt: skip
        yield made.url


def bring(page, lesson: str, photo) -> Locator:
    """Upload a picture in the frame on a page of another site; the frame's field for it."""
    page.goto(lesson)
    inside = page.frame_locator("iframe")
    inside.get_by_text("Bring your picture").click()
    inside.get_by_role("radio", name="Upload").click()
    inside.locator("input[type=file]").first.set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": images.png(photo)}
    )
    return inside.get_by_test_id("stMain")


@pytest.mark.skipif(not NGINX, reason="no nginx on this machine: apt-get install nginx-light")
def test_the_operators_settings_let_one_other_site_show_the_gallery_and_upload(context, welcome, school, photo):
    frame = f'<iframe src="{welcome}/?embed=true" width="100%" height="900"></iframe>'
    page, lesson = context.new_page(), school(frame)
    inside = bring(page, lesson, photo)
    expect(inside.get_by_role("img", name="your picture mine.png")).to_be_visible()
    cookies = {cookie["name"]: cookie for cookie in context.cookies()}
    assert cookies.keys() == {"replica", "_streamlit_xsrf"}
    assert all(cookie["sameSite"] == "None" and cookie["secure"] for cookie in cookies.values())
    with page.expect_event("console", lambda message: "frame-ancestors" in message.text):
        page.goto(lesson.replace("school.example", "127.0.0.1"))  # a site that is not named


def test_without_them_an_upload_in_a_frame_of_another_site_is_refused(context, server, school, photo):
    """As the README says: the cookie against forged uploads stays at home."""
    frame = f'<iframe src="{server}/?embed=true" width="100%" height="900"></iframe>'
    inside = bring(context.new_page(), school(frame), photo)
    expect(inside.get_by_text("status code 403")).to_be_visible()
