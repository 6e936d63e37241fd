"""On a phone what lives comes first, and is in view where the controls are."""

from __future__ import annotations

import itertools
import re

import pytest
from playwright.sync_api import expect

from cnndemo import topics
from tests.browser.gallery import PHONE, go, wait_idle

HEADER = 60  # pixels: Streamlit's bar lies over the page
TRAINED = "training"  # it has a result when it has trained, or has been stopped
RESULTS = {topic.stem: ".st-key-stage" for topic in topics.built() if topic.stem not in (TRAINED, "book_index")}
RESULTS["pattern_matching"] = (
    ".st-key-pattern_matching-slide_pattern"  # the scene and its response: taller than half a screen
)
AT_ONCE = {
    "digit_classifier",
    "face_detection",
    "filters",
    "layer_lab",
    "pattern_matching",
    "resnet_transfer",
    "siamese",
}

NOT_ALONE = ("Live camera",)  # a camera takes the place of the picture
NOT_STAGED = {  # a control after which something else is on the page, taller than a screen
    "activation_maps": "EfficientNet",  # maps of photographs
    "pattern_matching": "Search in",  # the book's number grids
}

# Numbers the visible controls of "Try it" from above to below; how many there are.
NUMBER = """() => {
  const main = document.querySelector('[data-testid=stMain]'), start = main.querySelector('#try-it');
  const later = (one, other) => one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
  const end = [...main.querySelectorAll('h2')].find((each) => each !== start && later(start, each));
  const kinds = ['Slider', 'Selectbox', 'ButtonGroup', 'NumberInput', 'Checkbox', 'Radio'];
  const found = [...main.querySelectorAll(kinds.map((kind) => `[data-testid=st${kind}]`).join())]
    .filter((each) => later(start, each) && later(each, end) && each.checkVisibility());
  found.sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top);
  found.forEach((each, number) => each.setAttribute('data-number', number));
  return found.length;
}"""
# Scrolls no further than to the control; how much of the result is seen there, and how much of the control, pixels.
SEEN_AT = """([result, number, header]) => {
  const control = document.querySelector(`[data-number="${number}"]`).closest('[data-testid=stElementContainer]');
  control.scrollIntoView({ block: 'nearest' });
  const stage = document.querySelector(result);
  const [box, at] = [stage, control].map((each) => each.getBoundingClientRect());
  const over = getComputedStyle(stage.parentElement).position === 'sticky' && !stage.contains(control)
    && at.top >= box.top;
  const seen = ({ top, bottom }, start) => Math.min(bottom, innerHeight) - Math.max(top, start);
  return [seen(box, header), seen(at, over ? Math.max(box.bottom, header) : header), box.height, at.height];
}"""


def in_view(page, result: str, number: int) -> None:
    """Where this control is, as one comes to it, 200 pixels of the result are seen, or all of it."""
    seen, control, height, most = page.evaluate(SEEN_AT, [result, number, HEADER])
    label = page.locator(f'[data-number="{number}"]').inner_text()
    assert seen >= min(height, 200) - 1, f"{seen:.0f} of {height:.0f} pixels are seen at {label!r}"
    assert control >= min(most, 60) - 1, f"{label!r} is hidden"


@pytest.fixture
def page(browser):
    """A narrow page that asks for less motion."""
    visitor = browser.new_context(viewport=PHONE, reduced_motion="reduce")
    yield visitor.new_page()
    visitor.close()


@pytest.mark.parametrize(
    "stem", [stem if stem in AT_ONCE else pytest.param(stem, marks=pytest.mark.slow) for stem in RESULTS]
)
def test_the_result_is_on_the_first_screen_and_in_view_at_every_control(page, server, stem):
    go(page, f"{server}/{stem}")
    result = RESULTS[stem]
    box = page.locator(result).first.bounding_box()
    assert box["y"] + min(box["height"], 250) <= PHONE["height"], box
    count = page.evaluate(NUMBER)
    assert count
    for number in range(count):
        in_view(page, result, number)
    slider = page.locator("[data-number]").get_by_role("slider").last
    if slider.count():
        slider.press("ArrowLeft")
        wait_idle(page)
        for number in reversed(range(page.evaluate(NUMBER))):
            if stem != "pattern_matching":  # from below one comes to its controls past the scene
                in_view(page, result, number)


def move(control) -> None:
    """Another value, as a hand sets it."""
    kind = control.get_attribute("data-testid")
    if kind == "stSlider":
        control.get_by_role("slider").first.press("ArrowLeft")
    elif kind == "stNumberInput":
        field = control.get_by_role("spinbutton")  # where little room is, it has no buttons
        field.press("ArrowUp" if field.get_attribute("max") != field.input_value() else "ArrowDown")
        field.press("Enter")
    elif kind == "stSelectbox":
        control.get_by_role("combobox").press("ArrowDown")
        control.page.get_by_role("option").last.click()
    else:
        options = control.locator("label, button").filter(has_not_text=re.compile("Upload|Camera"))
        options.last.click()


@pytest.mark.slow
@pytest.mark.parametrize("stem", RESULTS)
def test_the_result_is_in_view_after_a_change_of_any_control(page, server, stem):
    go(page, f"{server}/{stem}")
    for number in itertools.count():
        go(page, f"{server}/{stem}")
        if number >= page.evaluate(NUMBER):
            break
        control = page.locator(f'[data-number="{number}"]')
        label = control.inner_text()
        if any(each in label for each in (*NOT_ALONE, NOT_STAGED.get(stem, "-"))):
            continue
        in_view(page, RESULTS[stem], number)
        move(control)
        wait_idle(page)
        expect(page.locator(RESULTS[stem]), f"after a change of {label!r}").to_be_attached(timeout=60_000)
        if number < page.evaluate(NUMBER):  # it may have gone with what it switched off
            in_view(page, RESULTS[stem], number)


def test_the_next_page_has_no_marks_of_a_stage_that_is_gone(page, server):
    go(page, f"{server}/normalization")
    expect(page.locator("[data-stage]")).not_to_have_count(0)
    page.get_by_role("link", name="Next: Filters").evaluate("link => link.click()")
    expect(page.get_by_role("heading", name="Filters", exact=True)).to_be_visible()
    wait_idle(page)
    page.wait_for_function(
        "[...document.querySelectorAll('[data-stage]')].every((part) => part.querySelector('.st-key-stage'))"
    )
    expect(page.locator("[data-stage=home]")).to_have_count(1)
