"""The Siamese networks page in a real browser: dragging, keys, clicks."""

import re

from tests.browser.gallery import PHONE, go, swipe, wait_idle


def points(page) -> dict[str, tuple[float, float]]:
    text = page.get_by_label("Points").first.input_value()
    return {part.split()[0]: tuple(map(float, part.split()[1:])) for part in text.split(",")}


def settled(page, name: str) -> tuple[float, float]:
    """Where a point is, once the server has heard the last of its moves."""
    point = page.locator(f"g.point[data-name={name}]")
    for _ in range(300):
        shown = tuple(float(point.get_attribute(f"data-{axis}")) for axis in "xy")
        if points(page)[name] == shown:
            return shown
        page.wait_for_timeout(100)
    raise AssertionError(f"{name} is shown at {shown}, the server has {points(page)[name]}")


def centre(locator) -> tuple[float, float]:
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_negative_can_be_dragged_and_the_loss_follows(visit):
    page = visit("siamese")
    negative = page.locator("g.point[data-name=N]")
    negative.scroll_into_view_if_needed()
    before = points(page)
    assert page.get_by_text("Hard, loss").is_visible()
    x, y = centre(negative)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 60, steps=4)
    page.mouse.move(x + 130, y + 110, steps=4)
    page.mouse.up()
    page.get_by_text("Easy, loss 0.000").wait_for()
    settled(page, "N")
    wait_idle(page)
    after = points(page)
    assert after["N"][0] > before["N"][0] + 1 and after["N"][1] < before["N"][1] - 0.8
    assert after["A"] == before["A"] and after["P"] == before["P"]
    assert "apn=" in page.url
    negative.focus()
    for _ in range(3):
        page.keyboard.press("ArrowUp")
    assert abs(settled(page, "N")[1] - after["N"][1] - 0.3) < 0.02


def test_two_clicks_on_the_map_compare_two_digits(visit):
    page = visit("siamese", "proj=t-SNE, computed once")
    plot = page.locator(".js-plotly-plot", has=page.locator(".gtitle", has_text="Contrastive"))
    plot.scroll_into_view_if_needed()
    for count in (30, 400):
        # Plotly puts hit areas over everything, so click where a marker lies.
        x, y = centre(plot.locator(".scatterlayer .points path").nth(count))
        page.mouse.move(x, y)
        page.wait_for_timeout(300)
        page.mouse.click(x, y)
        wait_idle(page)
    found = page.get_by_text(re.compile(r"Your two points are [\d.]+ apart"))
    found.first.wait_for()
    assert found.count() == 2


def test_on_a_phone_nothing_is_wider_than_the_screen(visit):
    page = visit("siamese")
    page.set_viewport_size(PHONE)
    wait_idle(page)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    box = page.locator("g.point[data-name=P]").bounding_box()
    assert 0 < box["x"] < 390


def test_a_finger_drags_a_point_and_one_that_is_taken_away_leaves_it_there(phone, server):
    page = go(phone, f"{server}/siamese")
    negative, plane = page.locator("g.point[data-name=N]"), page.locator("svg", has=page.locator("[data-name=N]"))
    plane.scroll_into_view_if_needed()
    frame, (x, y) = plane.bounding_box(), centre(negative)
    start = ((x - frame["x"]) / frame["width"], (y - frame["y"]) / frame["height"])
    swipe(page, plane, [start, (0.75, 0.8)], cancel=True)
    x, y = settled(page, "N")
    assert 1.2 < x < 1.8 and -2.1 < y < -1.5, "(-3, 3) would be the corner"
