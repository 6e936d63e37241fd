"""A cat goes in, its cut-out comes out; painting changes the scores."""

import numpy as np
from PIL import Image

from cnndemo import images, pet_segmentation
from tests.browser.gallery import wait_idle


def score(page, name: str) -> float:
    metric = page.get_by_test_id("stMetric").filter(has_text=name).first
    return float(metric.get_by_test_id("stMetricValue").inner_text())


def test_the_cut_out_is_a_png_whose_alpha_is_the_mask(visit):
    page = visit("pet_segmentation")
    assert page.get_by_alt_text("Labels laid over a tabby cat").is_visible()
    page.get_by_role("radio", name="Cut-out").or_(page.get_by_role("button", name="Cut-out")).first.click()
    button = page.get_by_test_id("stDownloadButton").filter(has_text="Cut-out").get_by_role("button")
    button.wait_for()
    wait_idle(page)
    with page.expect_download() as waiting:
        button.click()
    cut = np.asarray(Image.open(waiting.value.path()))
    cat = images.sample("cat")
    mask = pet_segmentation.animal(pet_segmentation.segment(cat))
    assert cut.shape == (*cat.shape[:2], 4)
    np.testing.assert_array_equal(cut[..., :3], cat)
    assert np.mean((cut[..., 3] == 255) == mask) > 0.999 and set(np.unique(cut[..., 3])) == {0, 255}


def test_painting_changes_the_scores(visit):
    page = visit("pet_segmentation", "preset=A+tiny+pet%2C+missed")
    before = score(page, "Pixel accuracy"), score(page, "Jaccard")
    assert before[0] > 0.95 and before[1] == 0
    canvas = page.locator("canvas[role=application]").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.5
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0], middle[1] + 40, steps=8)
    page.mouse.up()
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-testid=stMetric]')]"
        ".some(m => m.innerText.startsWith('Jaccard') && !m.innerText.includes('0.000'))"
    )
    wait_idle(page)
    assert score(page, "Jaccard") > 0.2 and score(page, "Dice") > score(page, "Jaccard")
