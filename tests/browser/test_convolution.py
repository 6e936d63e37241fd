"""The convolution page in Chromium."""

from playwright.sync_api import expect

from tests.browser.gallery import wait_idle


def test_the_slide_moves_plays_and_follows_the_link(visit):
    page = visit("convolution", "t=0.5")
    metric = page.get_by_test_id("stMetric").filter(has_text="Area at t")
    expect(metric).to_contain_text("Area at t = 0.5")
    before = metric.inner_text()
    slider = page.get_by_test_id("stSlider").filter(has_text="Slide to t").get_by_role("slider")
    slider.press("ArrowRight")
    expect(metric).to_contain_text("Area at t = 0.55")
    wait_idle(page)
    assert metric.inner_text() != before and "t=0.55" in page.url
    page.get_by_role("button", name="A lopsided pair").click()
    expect(page.get_by_test_id("stCode").first).to_contain_text("exponential")
    wait_idle(page)
    # Play runs in the browser alone: the orange point leaves its place.
    point = page.locator(".js-plotly-plot").first.locator(".scatterlayer .point").last
    place = point.get_attribute("transform")
    page.locator(".updatemenu-button").first.click()
    page.wait_for_function(
        "place => [...document.querySelector('.js-plotly-plot').querySelectorAll('.scatterlayer .point')].pop()"
        ".getAttribute('transform') !== place",
        arg=place,
    )
    assert not page.get_by_test_id("stException").count()


def test_a_drawn_curve_becomes_g(visit):
    page = visit("convolution", "g=Draw+it")
    expect(page.get_by_text("a roof stands in")).to_be_visible()
    frame = page.locator("canvas[role=application]").first
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 120)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 30, steps=8)
    page.mouse.move(box["x"] + 260, box["y"] + 120, steps=8)
    page.mouse.up()
    expect(page.get_by_text("a roof stands in")).to_have_count(0)
    wait_idle(page)
    expect(page.get_by_test_id("stMetric").filter(has_text="Mean of the result")).to_contain_text("0.0")
