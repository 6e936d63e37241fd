"""Who asks for less motion meets nothing that plays: a button of one step instead, and charts without players."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.gallery import DESKTOP, go, wait_idle

PLAYER = ".js-plotly-plot .updatemenu-button"


@pytest.fixture
def page(browser):
    visitor = browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
    yield visitor.new_page()
    visitor.close()


def test_play_is_one_step_and_charts_have_no_player(page, server):
    go(page, f"{server}/layer_lab")
    step, column = page.get_by_role("button", name="One step"), page.get_by_role("spinbutton", name="Column").first
    expect(step.first).to_be_visible()
    expect(page.get_by_text("Play", exact=True)).to_have_count(0)
    for place in ("1", "2"):
        step.first.click()
        expect(column).to_have_value(place)
    wait_idle(page, quiet=1.0)
    expect(column).to_have_value("2")  # it went on by nothing but the button
    page.emulate_media(reduced_motion="no-preference")  # and whoever changes his mind need not come again
    expect(page.get_by_text("Play", exact=True).first).to_be_visible()
    expect(step).to_have_count(0)
    go(page, f"{server}/normalization")
    expect(page.locator(PLAYER).first).to_be_visible()
    page.emulate_media(reduced_motion="reduce")
    expect(page.locator(PLAYER)).to_have_count(0)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
