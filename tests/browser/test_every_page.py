"""Every page: Share opens what its sender sees on a stranger's phone, where nothing sticks out or fails, every picture
and chart has words, and no other host is asked."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from cnndemo import topics
from tests.browser.gallery import DESKTOP, PHONE, go
from tests.browser.test_walk import SETTINGS, Visitor

BUILT = [topic.stem for topic in topics.built()]
CHANGES = 6
HERS = ("question", "_source", "look_at", "who", "name", "cell_")
"""Not in the link: answers, names, which picture of several, which cell of a confusion matrix."""
OVERFLOW = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  return main.scrollWidth - main.clientWidth;
}"""


def outside(url):
    return url.startswith("http") and urlsplit(url).hostname != "127.0.0.1"


def complaint(said) -> bool:
    """Streamlit looks for its own answers below a page first, where there are none."""
    return said.type == "error" and "/_stcore/" not in said.location["url"]


@pytest.fixture(scope="module")
def phone(browser):
    visitor = browser.new_context(viewport=PHONE)
    yield visitor
    visitor.close()


@pytest.fixture(scope="module")
def desktop(browser):
    visitor = browser.new_context(viewport=DESKTOP)
    yield visitor
    visitor.close()


def open_well(phone, address: str):
    """A page on a phone, after a look at what must hold on every page."""
    page, troubles = phone.new_page(), []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if complaint(said) else None)
    page.on("request", lambda request: troubles.append(request.url) if outside(request.url) else None)
    go(page, address)
    assert page.evaluate(OVERFLOW) <= 1
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.eval_on_selector_all("[data-testid=stMain] img", "all => all.filter(i => !i.alt).length") == 0
    assert troubles == []
    return page


def test_the_front_page_on_a_phone(phone, server):
    open_well(phone, server).close()


def shared_settings(page) -> dict:
    return {key: value for key, value in page.evaluate(SETTINGS).items() if not any(part in key for part in HERS)}


@pytest.mark.parametrize("stem", BUILT)
def test_the_link_under_share_opens_what_one_sees_on_a_phone(desktop, phone, server, stem):
    page = go(desktop.new_page(), f"{server}/{stem}")
    visitor = Visitor(page, server, seed=BUILT.index(stem))
    visitor.arrive(stem)
    for _ in range(CHANGES):
        visitor.change()
    seen = shared_settings(page)
    page.get_by_role("button", name="Share").click()
    link = page.get_by_role("textbox", name="Link to this page")
    expect(link).to_have_value(page.url)
    stranger = open_well(phone, link.input_value())
    theirs = shared_settings(stranger)
    differing = {key: (value, theirs.get(key)) for key, value in seen.items() if theirs.get(key) != value}
    assert not differing, f"{differing}\n" + "\n".join(visitor.steps)
    stranger.close()
    page.close()
