"""A lesson as a visitor walks through it: by mouse, by keyboard, on a phone, and translated by the browser."""

from __future__ import annotations

from playwright.sync_api import expect

from cnndemo.lessons import LESSONS, lesson_words
from tests.browser.gallery import go, wait_idle

CARD = ".st-key-lesson_card"
TRANSLATE = """() => {
  const texts = document.createTreeWalker(document.querySelector('[data-testid=stMain]'), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) if (texts.currentNode.data.trim().length > 3) texts.currentNode.data += ' (übersetzt)';
}"""


def slide(page, label: str, presses: int = 3) -> None:
    """Move a slider by the keyboard."""
    page.get_by_role("slider", name=label).first.focus()
    for _ in range(presses):
        page.keyboard.press("ArrowRight")
    wait_idle(page)


def test_a_lesson_step_by_step(visit):
    words = lesson_words("sliding", "en").steps
    page = visit("", "lesson=sliding&step=1")
    card = page.locator(CARD)
    expect(card).to_contain_text(words[0].do)
    assert "/convolution?" in page.url and "lesson=sliding" in page.url
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 1500)")
    expect(card.get_by_role("button", name="Next")).to_be_in_viewport()  # the card stays in view
    page.evaluate(TRANSLATE)  # as browsers do; widgets must go on working
    slide(page, "Slide to t")
    expect(card.get_by_text("check_circle")).to_be_attached()
    page.reload()
    wait_idle(page)
    expect(card).to_contain_text(words[0].do)  # the link goes on where one was, with what was moved
    assert "convolution.t=-0.85" in page.url
    card.get_by_text(words[0].options[LESSONS["sliding"].steps[0].answer]).click()
    expect(card).to_contain_text(words[0].why)
    card.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    expect(card).to_contain_text(words[1].do)
    wait_idle(page)
    assert "convolution.f=Box" in page.url and "step=2" in page.url
    card.get_by_role("button", name="close icon").click()
    expect(card).to_have_count(0)


def test_on_a_phone_the_card_is_at_the_foot_and_leaves_room(phone, server):
    page = go(phone, f"{server}/upsampling?lesson=pixels&step=2&lang=de")
    card = page.locator(CARD)
    expect(card).to_contain_text(lesson_words("pixels", "de").steps[1].do)
    column = page.locator("[data-testid=stColumn]", has=card).last.bounding_box()
    assert column["y"] > 844 * 0.5 and column["y"] + column["height"] <= 844 + 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
