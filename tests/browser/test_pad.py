"""The drawing pad under mouse, finger and keyboard; what was drawn is there on return."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.gallery import go, into_sight, swipe, wait_idle
from tests.browser.test_digit_classifier import SEVEN, draw, reading

INK = """canvas => { const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0; for (let i = 3; i < data.length; i += 4) sum += data[i] > 127; return sum; }"""


def pad(page):
    return page.get_by_role("application").first


def test_a_drawing_is_found_again_and_can_be_undone_and_cleared(visit):
    page = visit("digit_classifier")
    draw(page, SEVEN)
    expect(reading(page)).to_have_text("7")
    wait_idle(page)
    ink = pad(page).evaluate(INK)
    links = page.get_by_test_id("stSidebarNav")
    links.get_by_role("link", name="Filters", exact=True).click()
    expect(page.get_by_role("heading", name="Filters", level=1)).to_be_visible()
    wait_idle(page)
    links.get_by_role("link", name="Digit classifier", exact=True).click()
    expect(reading(page)).to_have_text("7")
    wait_idle(page)
    assert pad(page).evaluate(INK) == ink
    draw(page, [(20, 20), (60, 20)])
    wait_idle(page)
    assert pad(page).evaluate(INK) > ink
    page.get_by_role("button", name="Undo").click()
    expect(reading(page)).to_have_text("7")
    assert pad(page).evaluate(INK) == ink
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Nothing is there yet")).to_be_visible()
    assert pad(page).evaluate(INK) == 0


def test_the_eraser_rubs_out(visit):
    page = visit("digit_classifier")
    draw(page, SEVEN)
    wait_idle(page)
    ink = pad(page).evaluate(INK)
    page.get_by_role("button", name="Eraser").click()
    draw(page, SEVEN[:3])
    wait_idle(page)
    assert pad(page).evaluate(INK) < 0.7 * ink


def test_a_stroke_may_begin_in_any_corner(visit):
    page = visit("digit_classifier")
    for corner in ((2, 2), (277, 2), (2, 277), (277, 277)):
        before = pad(page).evaluate(INK)
        draw(page, [corner, (140, 140)])
        wait_idle(page)
        assert pad(page).evaluate(INK) > before, corner


def test_a_finger_draws_and_the_page_stays_where_it_is(phone, server):
    page = go(phone, f"{server}/digit_classifier")
    into_sight(pad(page))
    place = pad(page).bounding_box()
    swipe(page, pad(page), [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)])
    expect(reading(page)).to_have_text("7")
    wait_idle(page)
    assert abs(pad(page).bounding_box()["y"] - place["y"]) < 2


def test_a_finger_that_the_system_takes_away_leaves_the_line_where_it_was(phone, server):
    page = go(phone, f"{server}/digit_classifier")
    swipe(page, pad(page), [(0.5, 0.3), (0.5, 0.7)], cancel=True)
    wait_idle(page)
    found = pad(page).evaluate(
        """canvas => { const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const left = []; for (let i = 3; i < data.length; i += 4) if (data[i] > 127) left.push((i >> 2) % width);
        return [Math.min(...left) / width, Math.max(...left) / width]; }"""
    )
    assert 0.4 < found[0] < found[1] < 0.6, "no jump into a corner"


def test_a_finger_draws_a_box(phone, server):
    page = go(phone, f"{server}/pattern_matching?source=picture")
    before = page.url
    swipe(page, pad(page), [(0.5, 0.5), (0.9, 0.85)])
    page.wait_for_url(lambda url: url != before and "row_" in url)
    wait_idle(page)


def test_the_keyboard_draws_undoes_and_clears(visit):
    page = visit("digit_classifier")
    pad(page).focus()
    for key in ("ArrowUp",) * 18 + ("Space",) + ("ArrowDown",) * 36 + ("Space",):
        page.keyboard.press(key)
    expect(reading(page)).to_have_text("1")
    assert "space puts it down" in pad(page).get_attribute("aria-label")
    page.keyboard.press("Delete")
    expect(page.get_by_text("Nothing is there yet")).to_be_visible()
