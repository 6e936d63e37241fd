"""Filters: a kernel on a photo of 1600 pixels, and from a click to the new picture in the browser."""

from __future__ import annotations

import numpy as np

from cnndemo import filters, images
from cnndemo.filters import edges
from tests.benchmarks.browser_timing import PICTURE, answers, click, gallery
from tests.benchmarks.timing import milliseconds
from tests.browser.gallery import wait_idle


def main() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), dtype=np.uint8)
    gray = images.to_gray(photo)
    for name in ("sobel_x", "gaussian", "motion"):
        kernel = filters.PRESETS[name].values
        print(f"{name}: {milliseconds(lambda kernel=kernel: filters.apply(gray, kernel)):.1f} ms for 1600 × 1200")
    response = filters.apply(gray, filters.PRESETS["sobel_x"].values)
    print(f"signed view: {milliseconds(lambda: filters.view(response, 'signed')):.1f} ms for 1600 × 1200")
    small = images.to_gray(images.shrink(photo, 480))
    print(f"edges, all steps: {milliseconds(lambda: edges.find(small, 50, 120)):.1f} ms for 480 × 360")
    in_the_browser(photo)


def in_the_browser(photo: np.ndarray) -> None:
    with gallery() as visit:
        page = visit("filters")
        picture = page.get_by_test_id("stImage").filter(has_text="Response").get_by_role("img")
        views = page.get_by_test_id("stButtonGroup").filter(has_text="absolute")
        clicks = [click(views.get_by_text(name, exact=True)) for name in ("absolute", "signed")]
        print(f"view, drawn sudoku: {answers(picture, *clicks, read=PICTURE):.0f} ms from click to picture (median)")
        page.get_by_text("A picture", exact=True).click()
        page.get_by_text("Upload", exact=True).first.click()
        file = {"name": "photo.png", "mimeType": "image/png", "buffer": images.png(photo)}
        page.get_by_test_id("stFileUploader").locator("input").first.set_input_files(file)
        wait_idle(page, quiet=1.5)
        print(f"view, photo of 1600 pixels: {answers(picture, *clicks, read=PICTURE):.0f} ms from click to picture")


if __name__ == "__main__":
    main()
