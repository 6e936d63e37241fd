"""A running camera, Chromium's fake one: on each page, frames a second and the way of a frame there and back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from tests.browser import camera
from tests.browser.gallery import DESKTOP, chromium, go, serve

GOAL = 5  # frames a second with one visitor
SECONDS = 10
PAGES = {
    "filters": "live=true",
    "face_detection": "live=true",
    "activation_maps": "live=true&network=EfficientNet-Lite0",
    "resnet_transfer": "live=true",
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        arguments = camera.film(Path(folder) / "film.mjpeg", "astronaut", "cat", "coffee", "obama_1")
        with serve() as server, chromium(*arguments) as browser:
            for stem, query in PAGES.items():
                page = go(browser.new_page(viewport=DESKTOP), f"{server.url}/{stem}?{query}", quiet=1.0)
                measure(page, stem)
                page.close()


def measure(page, stem: str) -> None:
    """One line: frames a second over some seconds, milliseconds from a frame taken to its answer drawn."""
    pace = page.locator(".pace")
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_function("pace => Number(pace.dataset.answered) > 5", arg=pace.element_handle())
    first, spent = int(pace.get_attribute("data-answered")), []
    for _ in range(5 * SECONDS):
        page.wait_for_timeout(200)
        spent.append(int(pace.get_attribute("data-took")))
    count = int(pace.get_attribute("data-answered")) - first
    told = f"{count / SECONDS:.1f} frames a second (goal {GOAL}), {median(spent):.0f} ms there and back (median)"
    print(f"{stem}: {told}", flush=True)
    page.get_by_role("button", name="Stop the camera").click()
    page.wait_for_timeout(300)


if __name__ == "__main__":
    main()
