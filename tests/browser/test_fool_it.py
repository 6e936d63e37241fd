"""The cat photo is fooled in a real browser."""

import re

from playwright.sync_api import expect

from tests.browser.gallery import wait_idle


def test_the_cat_becomes_a_toaster_and_an_evolution_can_be_stopped(visit):
    page = visit("fool_it?fool_it.search=Pixels+of+a+digit&fool_it.pixels_digit=1&fool_it.goal_digit=0")
    expect(page.get_by_role("heading", name="5 → 3")).to_be_visible()
    page.get_by_text("A photo", exact=True).click()
    expect(page.get_by_text("EfficientNet-Lite0 says: tiger cat")).to_be_visible()
    expect(page.get_by_role("heading", name="tiger cat → toaster")).to_be_visible()
    wait_idle(page)
    assert page.get_by_alt_text("the same after the attack, read as toaster").is_visible()
    expect(page.get_by_text("ResNet-20, which the attack knew nothing of")).to_be_visible()
    expect(page.get_by_text("but “toaster” it cannot say")).to_be_visible()
    expect(page.get_by_text(re.compile(r"A step took \d+ ms"))).to_be_visible()  # in the process of Keras
    page.get_by_text("A digit", exact=True).click()
    page.get_by_role("button", name="Let it evolve").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(page.get_by_text("Not fooled:").or_(page.get_by_text("It was stopped"))).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0
