"""The gallery served by a real server, and a real Chromium to look at it: for tests, benchmarks and photographs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import ROOT

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")  # the first needs a third less
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # There is no other host: whoever asks one, logs it. But one more site is on this machine.
    "--host-resolver-rules=MAP school.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
IDLE = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  return app && app.getAttribute('data-test-script-state') === 'notRunning'
    && document.querySelector('[data-testid=stMain] [data-testid=stElementContainer]')
    && !document.querySelector('[data-testid=stSkeleton],[data-testid=stSpinner]');
}"""


class Server(NamedTuple):
    url: str  # without a slash at its end
    pid: int


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serve(
    port: int | None = None,
    app: str = "app.py",
    environment: dict[str, str] | None = None,
    before: tuple[str, ...] = (),
    python: str = sys.executable,
) -> Iterator[Server]:
    """The gallery, from its first answer until the end of the block.

    Args:
        port: default a free one.
        app: the script, from the root of the repository.
        environment: variables beside those of this process.
        before: a command that starts it, such as ("faketime", "+1y").
        python: of the environment in which it runs; default that of this process.

    Raises:
        RuntimeError: it ended, or did not answer within 60 s.
    """
    port = port or free_port()
    options = {"port": port, "address": "127.0.0.1", "headless": "true", "fileWatcherType": "none"}
    process = subprocess.Popen(
        [*before, python, "-m", "streamlit", "run", app] + [f"--server.{k}={v}" for k, v in options.items()],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = Server(f"http://127.0.0.1:{port}", process.pid)
    try:
        until_up(server, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:  # a loaded machine
            process.kill()
            process.wait()


def until_up(server: Server, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=1)
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"the gallery did not start within 60 s (exit code {process.returncode})")


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """The system's Chromium, without a window; `more` are further arguments, such as those of a camera."""
    assert CHROMIUM, "A browser is needed: apt-get install -y chromium"
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_ARGS, *more]) as browser,
    ):
        yield browser


def go(page: Page, address: str, quiet: float = 0.4) -> Page:
    """The page at a full address, once it is idle."""
    page.goto(address)
    wait_idle(page, quiet=quiet)
    return page


def wait_idle(page: Page, timeout: float = 60.0, quiet: float = 0.5) -> None:
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


def into_sight(element) -> None:
    """Scroll until the lower end of an element is that of the screen: on a phone the result stays above."""
    element.evaluate("element => element.scrollIntoView({ block: 'end' })")


def swipe(page, canvas, places, cancel: bool = False) -> None:
    """One finger over a canvas, places as shares of its width and height."""
    into_sight(canvas)
    box = canvas.bounding_box()
    points = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in places]
    client = page.context.new_cdp_session(page)
    client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
    for before, after in zip(points, points[1:], strict=False):
        for step in (0.25, 0.5, 0.75, 1.0):
            point = {axis: before[axis] + step * (after[axis] - before[axis]) for axis in "xy"}
            client.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    client.send("Input.dispatchTouchEvent", {"type": "touchCancel" if cancel else "touchEnd", "touchPoints": []})
