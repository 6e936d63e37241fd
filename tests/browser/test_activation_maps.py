"""Maps, filters and permalinks in a real browser."""

import re

from playwright.sync_api import expect

from cnndemo.images import SAMPLES_DIR
from tests.browser import gallery
from tests.browser.gallery import wait_idle


def test_a_click_enlarges_the_map_that_was_clicked(visit):
    page = visit("activation_maps")
    sheet = page.get_by_test_id("stPlotlyChart").first
    sheet.scroll_into_view_if_needed()
    cell = sheet.locator(".scatterlayer .point").nth(21)
    box = cell.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_text("Map 21: MNIST digit 5, example 1").wait_for()
    wait_idle(page)
    assert page.get_by_test_id("stNumberInput").first.locator("input").input_value() == "21"
    assert "filter=21" in page.url


def test_own_photo_to_layer_to_filter_and_its_permalink_elsewhere(visit, browser, server):
    page = visit("activation_maps", "network=EfficientNet-Lite0")
    page.get_by_test_id("stButtonGroup").get_by_text("Upload", exact=True).click()
    page.locator("input[type=file]").set_input_files(SAMPLES_DIR / "coffee.jpg")
    wait_idle(page)
    expect(page.get_by_role("application", name=re.compile("your picture coffee"))).to_be_attached()
    page.get_by_role("button", name=re.compile("^stage 4: ")).click()
    page.get_by_text("80 maps of 14 × 14").wait_for()
    wait_idle(page)
    cell = page.get_by_test_id("stPlotlyChart").first.locator(".scatterlayer .point").nth(5)
    cell.scroll_into_view_if_needed()
    box = cell.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url(re.compile("filter="))
    wait_idle(page)
    chosen = page.get_by_test_id("stNumberInput").first.locator("input").input_value()
    whole = page.locator("canvas.whole")
    whole.scroll_into_view_if_needed()
    whole.hover(position={"x": 8, "y": 8})
    expect(page.locator(".said").last).to_contain_text("Row 0, column 0")
    page.keyboard.press("Tab")
    whole.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".said").last).to_contain_text("Row 1, column 0")

    other = browser.new_context(viewport=gallery.DESKTOP)
    there = gallery.go(other.new_page(), page.url)
    assert there.get_by_test_id("stNumberInput").first.locator("input").input_value() == chosen
    there.get_by_text(re.compile(rf"^Filter {chosen} of stage 4")).first.wait_for()
    other.close()
