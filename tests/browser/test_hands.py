"""Fingers and keys: what a visitor without a mouse does."""

import re

from playwright.sync_api import expect

from tests.browser.gallery import go, swipe, wait_idle

SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"


def test_a_finger_scrolls_past_a_chart_and_a_tap_picks(phone, server):
    page = go(phone, f"{server}/layer_lab")
    output = page.locator(".js-plotly-plot").nth(1)
    output.scroll_into_view_if_needed()
    before = page.evaluate(SCROLLED)
    swipe(page, output, [(0.5, 0.8), (0.5, -1.2)])
    page.wait_for_function(f"before => {SCROLLED} > before + 40", arg=before)
    page.wait_for_timeout(600)  # a swipe rolls on
    output.scroll_into_view_if_needed()
    place = output.evaluate(
        """plot => { const area = plot.getBoundingClientRect(), { xaxis, yaxis } = plot._fullLayout;
        return [area.x + xaxis._offset + xaxis.d2p(2), area.y + yaxis._offset + yaxis.d2p(1)]; }"""
    )
    page.touchscreen.tap(*place)
    expect(page.get_by_text("Output row 1, column 2 is")).to_be_visible()


def tab_to(page, target, most=90):
    """Press Tab until the focus is on the target."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if target.evaluate("(one) => one === one.getRootNode().activeElement || one.contains(document.activeElement)"):
            return
    raise AssertionError(f"{most} times Tab do not lead to {target}")


def test_the_link_is_copied_and_a_section_found_by_keys(visit):
    page = visit("upsampling", "by=4")
    main = page.get_by_test_id("stMain")
    contents = main.get_by_role("button", name="Contents")
    contents.focus()
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name="The checkerboard")
    link.wait_for()
    tab_to(page, link, 12)
    page.keyboard.press("Enter")
    expect(page.locator("#the-checkerboard")).to_be_in_viewport()
    assert len(page.context.pages) == 1
    page.keyboard.press("Escape")
    share = main.get_by_role("button", name="Share")
    share.focus()
    page.keyboard.press("Enter")
    copy = page.get_by_role("button", name="Copy link")
    copy.wait_for()
    tab_to(page, copy, 8)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()


def test_the_pattern_slides_under_the_finger_and_under_the_keys(phone, server):
    page = go(phone, f"{server}/pattern_matching")
    scene, score = page.locator("canvas.scene"), page.locator(".sum")
    lit = """() => { const map = [...document.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector('.map')
      ?? (e.matches('.map') ? e : null)).find(Boolean);
      const { data } = map.getContext('2d').getImageData(0, 0, map.width, map.height);
      let count = 0; for (let i = 3; i < data.length; i += 4) count += data[i] > 0; return count; }"""
    before, seen, place = score.inner_text(), page.evaluate(lit), page.evaluate(SCROLLED)
    swipe(page, scene, [(0.79, 0.26), (0.3, 0.5)])
    expect(score).not_to_have_text(before)
    assert page.evaluate(lit) > seen + 5000, "the response grows where the pattern has been"
    wait_idle(page)
    assert page.get_by_test_id("stSlider").filter(has_text="Row").count() >= 1
    page.locator("button.best").click()
    best = int(re.search(r"Best score (\d+)", page.get_by_text("Best score").inner_text()).group(1))
    expect(score).to_have_text(re.compile(rf"{best // 1000}|{best / 1000:.0f}"))
    page.get_by_text(f"= {best}").first.wait_for()  # the step view follows
    scene.focus()
    before = score.inner_text()
    page.keyboard.press("Shift+ArrowLeft")
    expect(score).not_to_have_text(before)
    assert abs(page.evaluate(SCROLLED) - place) < 400, "drawing does not scroll the page away"
