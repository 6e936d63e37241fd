"""How long a visitor waits, seen from the browser: from a key, a click or a stroke to what it changes on the page."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from playwright.sync_api import Locator, Page

from tests.browser.gallery import DESKTOP, chromium, go, serve, wait_idle

# What to read of a watched element; null while there is nothing to see yet.
TEXT = "element => element.innerText"
PICTURE = "image => image.complete ? image.src : null"
WATCH = """watched => {
  const read = READ, before = read(watched), start = performance.now();
  const look = () => {
    const now = read(watched);
    if (now !== null && now !== before) window.__spent = performance.now() - start;
    else requestAnimationFrame(look);
  };
  window.__spent = 0;
  look();
}"""


@contextmanager
def gallery() -> Iterator[Callable[..., Page]]:
    """A server and a browser; yields a function that opens an address (`filters?kernel=…`) of it in a new tab.

    It returns once the page is idle and the server too: TensorFlow's import in the background is over.
    """
    with serve() as server, chromium() as browser:

        def visit(address: str) -> Page:
            page = go(browser.new_page(viewport=DESKTOP), f"{server.url}/{address}", quiet=1.0)
            _until_quiet(server.pid)
            wait_idle(page)
            return page

        yield visit


def _until_quiet(pid: int) -> None:
    """Wait until a process has used less than a tenth of a processor for a second (Linux)."""

    def processor_seconds() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # in user and in system mode

    used = -1.0
    while (now := processor_seconds()) - used > 0.1:
        used = now
        time.sleep(1)


def answer(page: Page, act: Callable[[], object], read: str = TEXT, watched: Locator | None = None) -> float:
    """Milliseconds from an action until what `read`, a function in JavaScript, returns for an element has changed."""
    page.evaluate(WATCH.replace("READ", read), watched.element_handle() if watched else None)
    act()
    page.wait_for_function("() => window.__spent > 0")
    spent = page.evaluate("window.__spent")
    wait_idle(page, quiet=0.5)
    return spent


def answers(watched: Locator, *acts: Callable[[], object], read: str = TEXT, rounds: int = 14) -> float:
    """Median milliseconds of `answer` to actions taken in turn; two opposite ones end where they began."""
    return median(answer(watched.page, acts[n % len(acts)], read, watched) for n in range(rounds))


def click(target: Locator) -> Callable[[], object]:
    """An action: a click on an element, which is brought on the screen now; without Playwright's wait at the click."""
    target.scroll_into_view_if_needed()

    def act() -> None:
        box = target.bounding_box()
        target.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    return act


def report_sliders(cases: list[tuple[str, str, str, int]]) -> None:
    """Print one line a case: (address, label of a slider, selector of the text it changes, goal in milliseconds)."""
    with gallery() as visit:
        for address, label, selector, goal in cases:
            page = visit(address)
            handle = page.get_by_test_id("stSlider").filter(has_text=label).first.get_by_role("slider")
            keys = [partial(handle.press, key) for key in ("ArrowRight", "ArrowLeft")]
            spent = answers(page.locator(selector).first, *keys)
            print(f"{address:24} “{label}”: median {spent:4.0f} ms (goal {goal})", flush=True)
            page.close()
