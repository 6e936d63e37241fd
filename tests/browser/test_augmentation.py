"""The augmentation page in Chromium."""

from playwright.sync_api import expect

from tests.browser.gallery import wait_idle


def test_a_slider_moves_the_drawn_parameters_and_one_variant_is_compared(visit):
    page = visit("augmentation")
    words = page.get_by_test_id("stCaptionContainer").filter(has_text="turned").first
    before = words.inner_text()
    page.get_by_text("How far, and in which order").click()
    slider = page.get_by_test_id("stSlider").filter(has_text="Rotation up to").get_by_role("slider")
    slider.press("ArrowRight")
    expect(words).not_to_have_text(before)
    wait_idle(page)
    assert "rotation_degrees=31" in page.url
    page.get_by_role("button", name="Compare 3", exact=True).click()
    expect(page.get_by_text("Variant 3 against the original")).to_be_visible()
    wait_idle(page)
    assert not page.get_by_test_id("stException").count()


def test_the_network_warns_and_keras_agrees(visit):
    page = visit("augmentation", "digit=6")
    expect(page.get_by_text("this transform changes the label of a 6")).to_be_visible()
    expect(page.get_by_text("given the same parameters for variant 1")).to_be_visible()
