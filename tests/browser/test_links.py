"""Links within the gallery stay in the session."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from cnndemo import images
from tests.browser.gallery import go, wait_idle
from tests.browser.test_walk import SETTINGS


def bring(page, photo) -> None:
    """A picture of one's own, on the front page."""
    page.get_by_text("Bring your picture").click()
    page.get_by_role("radio", name="Upload").click()
    file = {"name": "mine.png", "mimeType": "image/png", "buffer": images.png(photo)}
    page.locator("input[type=file]").first.set_input_files(file)
    wait_idle(page)


def test_a_card_picture_stays_in_the_session(visit, photo):
    page = visit()
    bring(page, photo)
    page.get_by_test_id("stMain").locator("a[href$='/filters'] img").click()
    expect(page.get_by_role("heading", name="Filters", level=1)).to_be_visible()
    wait_idle(page)
    assert page.get_by_text("Yours", exact=True).count() >= 1 and len(page.context.pages) == 1


def test_an_entry_of_the_index_leads_to_its_section_in_the_session(visit):
    page = visit("book_index", "q=3.5")
    page.get_by_test_id("stMain").locator("a[href*='/filters#']").first.click()
    expect(page.get_by_role("heading", name="Filters", level=1)).to_be_visible()
    expect(page.locator("#try-it")).to_be_in_viewport()
    assert len(page.context.pages) == 1
    page.go_back()
    expect(page.get_by_role("heading", name="Book index", level=1)).to_be_visible()
    wait_idle(page)
    expect(page.get_by_role("textbox", name="Search")).to_have_value("3.5")


def test_start_again_puts_one_page_back_and_leaves_the_others(visit):
    page = visit("normalization", "steps=65&lr=0.1")
    links = page.get_by_test_id("stSidebarNav")
    links.get_by_role("link", name="Filters", exact=True).click()
    expect(page.get_by_role("heading", name="Filters", level=1)).to_be_visible()
    wait_idle(page)
    page.get_by_test_id("stMain").get_by_text("Flip it first").click()
    wait_idle(page)
    assert "filters.flip=true" in page.url
    page.get_by_role("button", name="Start again").click()
    page.wait_for_url(lambda url: "flip" not in url)
    wait_idle(page)
    assert page.evaluate(SETTINGS)["filters-flip"] == ["false"]
    links.get_by_role("link", name="Normalization", exact=True).click()
    expect(page.get_by_role("heading", name="Normalization", level=1)).to_be_visible()
    wait_idle(page)
    assert page.evaluate(SETTINGS)["normalization-steps"] == ["65"]


@pytest.mark.parametrize("at_once", [False, True], ids=["at rest", "while the other page comes"])
@pytest.mark.parametrize("way", ["sidebar", "text"])
def test_back_finds_the_settings_however_slow_the_server_is(slowly, server, way, at_once):
    page = go(slowly.page, f"{server}/book_index?book_index.q=3.5")
    slowly.messages = 6
    if way == "sidebar":
        page.get_by_test_id("stSidebarNav").get_by_role("link", name="Filters", exact=True).click()
    else:
        page.get_by_test_id("stMain").locator("a[href*='/filters#']").first.click()
    expect(page.get_by_role("heading", name="Filters", level=1)).to_be_visible()
    if not at_once:
        wait_idle(page)
        if way == "text":
            expect(page.locator("#try-it")).to_be_in_viewport()
    page.go_back()
    expect(page.get_by_role("heading", name="Book index", level=1)).to_be_visible()
    wait_idle(page)
    assert page.url.endswith("/book_index?book_index.q=3.5")
    expect(page.get_by_role("textbox", name="Search")).to_have_value("3.5")
