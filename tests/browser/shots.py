"""Photograph every page (desktop, dark, phone) into shots/: `python -m tests.browser.shots [stem …]`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request

from playwright.sync_api import sync_playwright

from cnndemo import topics
from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGS, free_port, wait_idle
from tests.conftest import ROOT

VIEWS = {
    "desktop": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}


def main() -> None:
    stems = sys.argv[1:] or ["", *(topic.stem for topic in topics.built())]
    folder, port = ROOT / "shots", free_port()
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    server = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.2)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
            for view, options in VIEWS.items():
                context = browser.new_context(**options)
                for stem in stems:
                    page = context.new_page()
                    page.goto(f"http://127.0.0.1:{port}/{stem}")
                    page.wait_for_selector("[data-testid=stAppViewContainer]")
                    wait_idle(page, quiet=0.8)
                    page.screenshot(path=folder / f"{stem or 'home'}.{view}.png")
                    print(folder / f"{stem or 'home'}.{view}.png")
                    page.close()
                context.close()
            browser.close()
    finally:
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    main()
