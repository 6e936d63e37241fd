"""Every page on a phone: nothing sticks out, nothing fails in the console, every picture and chart has words."""

import pytest

from cnndemo import topics
from tests.browser.gallery import PHONE, go

OVERFLOW = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  return main.scrollWidth - main.clientWidth;
}"""


@pytest.fixture(scope="module")
def phone(browser):
    visitor = browser.new_context(viewport=PHONE)
    yield visitor
    visitor.close()


@pytest.mark.parametrize("stem", ["", *(topic.stem for topic in topics.built())])
def test_page_on_a_phone(phone, server, stem):
    page, troubles = phone.new_page(), []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    go(page, f"{server}/{stem}")
    assert page.evaluate(OVERFLOW) <= 1
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.eval_on_selector_all("[data-testid=stMain] img", "all => all.filter(i => !i.alt).length") == 0
    assert troubles == []
    page.close()
