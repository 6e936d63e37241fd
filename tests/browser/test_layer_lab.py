"""The layer lab in Chromium."""

from playwright.sync_api import expect

from tests.browser.gallery import wait_idle


def slide(page, label, key="ArrowRight"):
    page.get_by_test_id("stSlider").filter(has_text=label).first.get_by_role("slider").press(key)


def test_controls_clicks_and_keras(visit):
    page = visit("layer_lab")
    output = page.get_by_test_id("stMetric").filter(has_text="Output").first
    expect(output).to_contain_text("4 × 4 × 1")
    slide(page, "Stride")
    expect(output).to_contain_text("2 × 2 × 1")
    page.get_by_text("Shapes that are not square").click()
    slide(page, "Stride across", "ArrowLeft")
    expect(output).to_contain_text("2 × 4 × 1")
    expect(page.get_by_text("the last 1 cell is never read")).to_be_visible()
    wait_idle(page)
    expect(page.get_by_test_id("stCode").filter(has_text="keras_says")).to_contain_text("stride=(2, 1)")
    # Click the last cell of the output grid: row and column follow.
    page.locator(".js-plotly-plot").nth(1).locator(".scatterlayer .point").last.click(force=True)
    expect(page.get_by_text("Output row 1, column 3 is")).to_be_visible()
    # Keras' line comes by itself once TensorFlow is loaded.
    expect(page.get_by_text("NumPy and keras.layers.Conv2D")).to_be_visible()
    assert not page.get_by_test_id("stException").count()


def test_play_walks_and_stops(visit):
    page = visit("layer_lab")
    page.get_by_text("Play", exact=True).first.click()
    expect(page.get_by_text("Output row 0, column 2 is")).to_be_visible(timeout=15_000)
    page.get_by_text("Play", exact=True).first.click()
    # A step that was under way when Play was switched off may still come; then nothing moves any more.
    for _ in range(8):
        said = page.get_by_text("Output row").first.inner_text()
        page.wait_for_timeout(2500)
        if page.get_by_text("Output row").first.inner_text() == said:
            break
    else:
        raise AssertionError("it still walks, 20 s after Play was switched off")


def test_softmax_survives_1000(visit):
    page = visit("layer_lab", "add=1000")
    expect(page.get_by_test_id("stMetric").filter(has_text="Plain formula")).to_contain_text("nan")
    expect(page.get_by_test_id("stMetric").filter(has_text="Confidence in 2")).to_contain_text("97.37%")
