"""The book index in a real browser: a link leads to the section that shows the figure."""

from tests.browser.gallery import go


def test_a_link_leads_to_its_section(visit):
    page = visit("book_index", "q=1.12")
    link = page.get_by_role("link", name="Pattern matching · Where it fails, and what helps")
    address = link.evaluate("element => element.href")
    go(page, address)
    page.get_by_role("heading", name="Where it fails, and what helps").wait_for()
    anchors = page.evaluate("() => [...document.querySelectorAll('[id]')].map(element => element.id)")
    assert address.split("#")[1] in anchors


def test_an_erratum_opens_and_shows_what_its_check_computed(visit):
    page = visit("book_index", "chapter=3")
    page.get_by_text("The last row of the Sobel x kernel is 1 0 1.").first.click()
    page.get_by_text("answer of the printed kernel to flat grey 100: 200").wait_for()
