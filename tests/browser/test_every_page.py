"""Every page on a phone: nothing sticks out or fails, every picture and chart has words, no other host is asked."""

from urllib.parse import urlsplit

import pytest

from cnndemo import topics
from tests.browser.gallery import PHONE, go

OVERFLOW = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  return main.scrollWidth - main.clientWidth;
}"""


def outside(url):
    return url.startswith("http") and urlsplit(url).hostname != "127.0.0.1"


def probing(said):
    """Streamlit looks for its server below the page's own address first."""
    return "/_stcore/" in said.location.get("url", "")


@pytest.fixture(scope="module")
def phone(browser):
    visitor = browser.new_context(viewport=PHONE)
    yield visitor
    visitor.close()


@pytest.mark.parametrize("stem", ["", *(topic.stem for topic in topics.built())])
def test_page_on_a_phone(phone, server, stem):
    page, troubles = phone.new_page(), []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" and not probing(said) else None)
    page.on("request", lambda request: troubles.append(request.url) if outside(request.url) else None)
    go(page, f"{server}/{stem}")
    assert page.evaluate(OVERFLOW) <= 1
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.eval_on_selector_all("[data-testid=stMain] img", "all => all.filter(i => !i.alt).length") == 0
    assert troubles == []
    page.close()
