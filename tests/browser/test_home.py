"""The gallery as a visitor meets it."""

import pytest

from cnndemo import images, topics
from tests.browser.gallery import go, wait_idle

BUILT = {topic.stem for topic in topics.built()}


def test_a_card_leads_to_its_page(visit):
    page = visit()
    topic = topics.built()[0]
    page.locator("[data-testid=stMain] [data-testid=stPageLink] a", has_text=topic.title).first.click()
    page.wait_for_url(f"**/{topic.stem}**")
    wait_idle(page)
    assert page.locator("h1").inner_text() == topic.title


def test_every_picture_and_chart_has_words(visit):
    page = visit()
    assert page.locator("[data-testid=stMain] img").count() >= 1
    assert page.eval_on_selector_all("[data-testid=stMain] img", "all => all.filter(i => !i.alt).length") == 0


@pytest.mark.skipif("filters" not in BUILT, reason="the filters page is not built yet")
def test_an_upload_travels_to_the_next_page_and_to_nobody_else(visit, browser, server, photo):
    page = visit()
    page.get_by_text("Bring your picture").click()
    page.get_by_text("Upload", exact=True).first.click()
    wait_idle(page)
    file = {"name": "mine.png", "mimeType": "image/png", "buffer": images.png(photo)}
    page.locator("input[type=file]").first.set_input_files(file)
    wait_idle(page)
    page.locator("[data-testid=stSidebarNavLink]", has_text="Filters").click()
    page.wait_for_url("**/filters**")
    wait_idle(page)
    assert page.get_by_text("Yours", exact=True).count() >= 1

    stranger = go(browser.new_context().new_page(), f"{server}/filters")
    assert stranger.get_by_text("Yours", exact=True).count() == 0
    stranger.context.close()
