"""Pages in real Chromium, served by a real server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import ROOT

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
IDLE = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  return app && app.getAttribute('data-test-script-state') === 'notRunning'
    && document.querySelector('[data-testid=stMain] [data-testid=stElementContainer]')
    && !document.querySelector('[data-testid=stSkeleton],[data-testid=stSpinner]');
}"""


def pytest_collection_modifyitems(items):
    """Browser tests get a second try; they are skipped where no Chromium is installed, but never in CI."""
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.flaky(reruns=1))
            if not CHROMIUM and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason="no Chromium on this machine: apt-get install chromium"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of the gallery, started once for all browser tests of this worker."""
    port = free_port()
    environment = {**os.environ, "CNNDEMO_WARMUP": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
        + ["--server.address=127.0.0.1", "--server.fileWatcherType=none"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.2)
        else:
            pytest.fail("the gallery did not start within 60 s")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:  # a loaded machine
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def browser():
    assert CHROMIUM, "Browser tests need Chromium: apt-get install -y chromium"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


def wait_idle(page, timeout: float = 60.0, quiet: float = 0.4) -> None:
    """Wait until the script has been idle, without skeletons, for `quiet` seconds."""
    deadline, since = time.time() + timeout, None
    while time.time() < deadline:
        if not page.evaluate(IDLE):
            since = None
        elif since is None:
            since = time.time()
        elif time.time() - since > quiet:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"the page was not idle after {timeout} s: {page.url}")


@pytest.fixture
def context(browser):
    """A visitor of his own: cookies, session and downloads are shared with nobody."""
    visitor = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    yield visitor
    visitor.close()


@pytest.fixture
def visit(server, context) -> Callable:
    """Open a page of the gallery and wait until it is idle: `visit("filters", "kernel=sobel")`."""

    def open_page(stem: str = "", query: str = ""):
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{server}/{stem}{'?' + query if query else ''}")
        page.wait_for_selector("[data-testid=stAppViewContainer]")
        wait_idle(page)
        return page

    return open_page
