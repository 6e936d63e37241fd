"""How long a page takes to answer, seen from the browser: from a key press to the changed text."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGS, free_port, wait_idle
from tests.conftest import ROOT

WATCH = """([selector, before]) => {
  window.__changed = 0;
  const start = performance.now();
  const look = () => {
    const now = document.querySelector(selector)?.innerText;
    if (now !== undefined && now !== before) { window.__changed = performance.now() - start; return; }
    requestAnimationFrame(look);
  };
  look();
}"""


@contextmanager
def gallery() -> Iterator[Callable[[str], Page]]:
    """A server and a browser; yields a function that opens a page and waits until it is idle and TensorFlow is in."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    environment = {**os.environ, "CNNDEMO_WARMUP": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)

            def visit(address: str) -> Page:
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                page.goto(f"http://127.0.0.1:{port}/{address}")
                page.wait_for_selector("[data-testid=stAppViewContainer]")
                wait_idle(page, timeout=120)
                page.wait_for_timeout(8000)  # the background import takes the processor for some seconds
                wait_idle(page, timeout=120)
                return page

            yield visit
            browser.close()
    finally:
        process.terminate()
        process.wait(10)


def answer_times(page: Page, slider: str, watched: str, presses: int = 15) -> float:
    """Median milliseconds from an arrow key on a slider until the text of ``watched`` (a CSS selector) changes."""
    handle = page.get_by_test_id("stSlider").filter(has_text=slider).first.get_by_role("slider")
    times = []
    for press in range(presses):
        before = page.evaluate("selector => document.querySelector(selector)?.innerText", watched)
        handle.focus()
        page.evaluate(WATCH, [watched, before])
        handle.press("ArrowRight" if press % 2 == 0 else "ArrowLeft")
        page.wait_for_function("() => window.__changed > 0")
        times.append(page.evaluate("window.__changed"))
        wait_idle(page, quiet=0.3)
    return statistics.median(times)


def report(visit: Callable[[str], Page], cases: list[tuple[str, str, str, int]]) -> None:
    """Print one line a case: (address, slider, watched selector, goal in milliseconds)."""
    for address, slider, watched, goal in cases:
        page = visit(address)
        print(
            f"{address:24} “{slider}”: median {answer_times(page, slider, watched):4.0f} ms (goal {goal})", flush=True
        )
        page.close()
