"""From a click to the changed picture or number, in real Chromium: the time a visitor waits."""

from __future__ import annotations

import subprocess
import time
from statistics import median

import numpy as np
from playwright.sync_api import Locator, Page, sync_playwright

from cnndemo import images
from tests.benchmarks.bench_house import serve, until_up
from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGS, free_port, wait_idle


class Gallery:
    """A running gallery and a browser on it; a context manager that ends both."""

    def __enter__(self) -> Gallery:
        self.port = free_port()
        self.process: subprocess.Popen = serve(self.port, "1")
        until_up(self.port)
        self.playwright = sync_playwright().start()
        self.browser = self.playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        return self

    def __exit__(self, *_) -> None:
        self.browser.close()
        self.playwright.stop()
        self.process.terminate()
        self.process.wait(10)

    def open(self, stem: str, query: str = "") -> Page:
        page = self.browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"http://127.0.0.1:{self.port}/{stem}?{query}")
        page.wait_for_selector("[data-testid=stAppViewContainer]")
        wait_idle(page, quiet=1.0)
        return page

    def upload(self, page: Page, picture: np.ndarray) -> None:
        """Give the page's picture chooser a picture."""
        page.get_by_text("Upload", exact=True).first.click()
        page.wait_for_selector("[data-testid=stFileUploader] input", state="attached")
        page.locator("[data-testid=stFileUploader] input").first.set_input_files(
            [{"name": "photo.png", "mimeType": "image/png", "buffer": images.png(picture)}]
        )
        wait_idle(page, quiet=1.5)

    def until_changed(
        self, watched: Locator, actions: list[Locator], attribute: str | None = "src", times: int = 12
    ) -> float:
        """Click the actions in turn; the median of the milliseconds until the watched element has changed.

        Args:
            attribute: what to watch of it; None for its text.
        """
        page, spent = watched.page, []
        element = watched.element_handle()
        read = "(e, a) => a ? e.getAttribute(a) : e.innerText"
        for number in range(times):
            before = element.evaluate(read, attribute)
            box = actions[number % len(actions)].bounding_box()
            start = time.perf_counter()
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.wait_for_function(
                "([e, a, before]) => (a ? e.getAttribute(a) : e.innerText) !== before && (!a || e.complete)",
                arg=[element, attribute, before],
            )
            spent.append(1000 * (time.perf_counter() - start))
            wait_idle(page)
        return median(spent)
