"""Pages in real Chromium, served by a real server."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from tests.browser import gallery

expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong


def pytest_collection_modifyitems(items):
    """Browser tests get a second try; they are skipped where no Chromium is installed, but never in CI."""
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.flaky(reruns=int(os.environ.get("RERUNS", "1"))))
            if not gallery.CHROMIUM and not os.environ.get("CI"):
                item.add_marker(
                    pytest.mark.skip(reason="no Chromium on this machine: apt-get install chromium-headless-shell")
                )


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of the gallery, started once for all browser tests of this worker."""
    with gallery.serve() as served:
        yield served.url


@pytest.fixture(scope="session")
def browser():
    with gallery.chromium() as opened:
        yield opened


@pytest.fixture
def context(browser):
    """A visitor of his own: cookies, session and downloads are shared with nobody."""
    visitor = browser.new_context(viewport=gallery.DESKTOP, accept_downloads=True)
    visitor.set_default_timeout(60_000)
    yield visitor
    visitor.close()


@pytest.fixture
def phone(browser):
    """A page on a phone with a touch screen."""
    visitor = browser.new_context(viewport=gallery.PHONE, has_touch=True, is_mobile=True)
    yield visitor.new_page()
    visitor.close()


@pytest.fixture
def visit(server, context) -> Callable:
    """Open a page of the gallery and wait until it is idle: `visit("filters", "kernel=sobel")`."""

    def open_page(stem: str = "", query: str = ""):
        return gallery.go(context.new_page(), f"{server}/{stem}{'?' + query if query else ''}")

    return open_page


@pytest.fixture
def slowly(context):
    """A page whose next messages from the server come one by one, as from a busy one: `slowly.messages = 6`."""
    page = context.new_page()
    line = SimpleNamespace(page=page, messages=0)

    def relay(browser) -> None:
        server = browser.connect_to_server()
        browser.on_message(server.send)

        def tell(message) -> None:
            if line.messages > 0:
                line.messages -= 1
                time.sleep(0.6)
            browser.send(message)

        server.on_message(tell)

    page.route_web_socket("**/_stcore/stream", relay)
    return line
