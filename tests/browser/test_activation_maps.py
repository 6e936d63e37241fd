"""Click on a feature map in a real browser."""

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
    assert "map_conv2d_1=21" in page.url
