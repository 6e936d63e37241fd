"""The upsampling page in Chromium."""

from playwright.sync_api import expect

from tests.browser.gallery import wait_idle


def test_controls_move_numbers_and_a_kernel_is_learned(visit):
    page = visit("upsampling", "epochs=50")
    page.get_by_test_id("stSlider").filter(has_text="Input size").get_by_role("slider").press("ArrowRight")
    expect(page.get_by_text("48 × 48").first).to_be_visible()
    wait_idle(page)
    page.get_by_test_id("stSlider").filter(has_text="Stride of the kernel").get_by_role("slider").press("ArrowRight")
    expect(page.get_by_text("is a multiple of 3")).to_be_visible()
    page.get_by_role("button", name="Learn a kernel").click()
    expect(page.get_by_text("no kernel of this size gets below")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Best picture as PNG").click()
    assert download.value.suggested_filename == "enlarged.png"
    expect(page.get_by_text("NumPy and keras.layers.Conv2DTranspose")).to_be_visible()
    assert not page.get_by_test_id("stException").count()
