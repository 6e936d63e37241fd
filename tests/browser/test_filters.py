"""The filters page in Chromium."""

from playwright.sync_api import expect

from tests.browser.gallery import wait_idle


def test_a_cell_can_be_typed_and_the_view_changes_the_picture(visit):
    page = visit("filters", "kernel=Laplacian")
    # Type 1 into the centre of the Laplacian: it then sums to 5, and the page says what that does.
    editor = page.locator(".gdg-input")
    for _ in range(5):  # the grid may still move while the page settles
        box = page.get_by_test_id("stDataFrame").first.bounding_box()
        page.mouse.click(box["x"] + 77, box["y"] + 35 * 2.5)  # columns are about 51 pixels wide, rows 35
        page.keyboard.press("Enter")
        page.wait_for_timeout(1500)
        if editor.count():
            break
    editor.fill("1")
    editor.press("Enter")
    expect(page.get_by_text("The kernel sums to 5, neither 0 nor 1")).to_be_visible()
    wait_idle(page)
    response = page.get_by_test_id("stImage").filter(has_text="Response").get_by_role("img")
    before = response.get_attribute("src")
    page.get_by_test_id("stButtonGroup").filter(has_text="absolute").get_by_text("absolute", exact=True).click()
    expect(response).not_to_have_attribute("src", before)
    wait_idle(page)
    assert not page.get_by_test_id("stException").count()


def test_the_five_channels_can_be_downloaded(visit, tmp_path):
    import numpy as np

    page = visit("filters")
    button = page.get_by_test_id("stDownloadButton").filter(has_text="Tensor as .npy").get_by_role("button")
    with page.expect_download() as download:
        button.click()
    download.value.save_as(tmp_path / "stacked.npy")
    stacked = np.load(tmp_path / "stacked.npy")
    assert stacked.shape == (480, 480, 5) and stacked.dtype == np.float32
