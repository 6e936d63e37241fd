"""Share links open what their sender sees, and links within the gallery stay in the session."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from cnndemo import images, topics
from tests.browser.gallery import go, wait_idle
from tests.browser.test_walk import SETTINGS, Visitor

BUILT = [topic.stem for topic in topics.built()]
CHANGES = 6
# Not in the link: answers, names, which picture of several, a cell of what was taught.
HERS = ("question", "_source", "look_at", "who", "name", "cell_")


def shared_settings(page) -> dict:
    return {key: value for key, value in page.evaluate(SETTINGS).items() if not any(part in key for part in HERS)}


@pytest.mark.parametrize("stem", BUILT)
def test_the_link_under_share_opens_what_one_sees(context, browser, server, stem):
    page = go(context.new_page(), f"{server}/{stem}")
    visitor = Visitor(page, server, seed=BUILT.index(stem))
    visitor.arrive(stem)
    for _ in range(CHANGES):
        visitor.change()
    seen = shared_settings(page)
    page.get_by_role("button", name="Share").click()
    link = page.get_by_role("textbox", name="Link to this page")
    expect(link).to_have_value(page.url)
    stranger = go(browser.new_context(viewport=page.viewport_size).new_page(), link.input_value())
    theirs = shared_settings(stranger)
    differing = {key: (value, theirs.get(key)) for key, value in seen.items() if theirs.get(key) != value}
    stranger.context.close()
    assert not differing, f"{differing}\n" + "\n".join(visitor.steps)


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
    expect(page.get_by_label("Search")).to_have_value("3.5")


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
