"""Pattern matching in a real browser: crop with the mouse, find it; click the map, see the sum."""

import re

from tests.browser.gallery import wait_idle


def drag(page, box, start, end):
    """Drag over a box of the page, from and to given as shares of its width and height."""
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=8)
    page.mouse.up()


def test_a_box_drawn_with_the_mouse_is_found(visit):
    page = visit("pattern_matching", "source=picture&method=normalised")
    before = page.get_by_text(re.compile("Best score")).inner_text()
    canvas = page.locator("canvas[role=application]:not(.scene)")
    canvas.wait_for()
    canvas.scroll_into_view_if_needed()
    drag(page, canvas.bounding_box(), (0.55, 0.50), (0.85, 0.80))
    page.wait_for_function("before => !document.body.innerText.includes(before)", arg=before)
    wait_idle(page)
    result = page.get_by_text(re.compile("Best score")).inner_text()
    assert "That is the box" in result
    row, column = map(int, re.search(r"row (\d+), column (\d+)", result).groups())
    pattern = re.search(r"The pattern, (\d+) × (\d+)", page.inner_text("body")).groups()
    height, width = map(int, pattern)
    assert 0.2 < height / width < 5
    assert "rows=" in page.url and "columns=" in page.url  # the link reproduces the box
    assert row > 0 and column > 0


def test_a_click_on_the_response_map_writes_out_its_sum(visit):
    page = visit("pattern_matching", "source=4+×+4")
    assert page.get_by_text("equal the book's, number for number").count() == 1
    place = (
        page.locator(".js-plotly-plot")
        .nth(1)
        .evaluate(
            """plot => { plot.scrollIntoView({block: 'center'});
        const area = plot.getBoundingClientRect(), {xaxis, yaxis} = plot._fullLayout;
        return [area.x + xaxis._offset + xaxis.d2p(1), area.y + yaxis._offset + yaxis.d2p(0)]; }"""
        )
    )
    page.mouse.click(*place)
    page.get_by_text("185 × 1 + 133 × 0 + 144 × 0 + 188 × 1 = 373").wait_for()
