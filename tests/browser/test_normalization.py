"""The normalization page in Chromium."""

from playwright.sync_api import expect

from tests.browser.gallery import wait_idle


def test_a_higher_rate_diverges_and_the_link_keeps_it(visit):
    page = visit("normalization")
    first = page.get_by_test_id("stMain").get_by_text("It arrives after").first
    expect(first).to_be_visible()
    slider = page.get_by_test_id("stSlider").filter(has_text="Learning rate").get_by_role("slider")
    slider.press("ArrowRight")
    expect(page.get_by_text("It bursts: each step")).to_be_visible()
    wait_idle(page)
    assert "lr=0.25" in page.url
    page.get_by_role("button", name="Already even").click()
    expect(page.get_by_text("It bursts: each step")).to_have_count(0)
    # Play runs in the browser alone: the path grows anew from its start.
    wait_idle(page)
    path = ".js-plotly-plot .scatterlayer .trace:nth-last-child(2) .point"
    before = page.locator(path).count()
    assert before > 10
    page.locator(".updatemenu-button").first.click()
    page.wait_for_function("([path, before]) => document.querySelectorAll(path).length < before", arg=[path, before])
    assert not page.get_by_test_id("stException").count()
