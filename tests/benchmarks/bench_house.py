"""From `streamlit run` to the home page idle in a browser, and the server's memory page by page."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

from cnndemo import topics
from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGS, free_port, wait_idle
from tests.conftest import ROOT


def resident_megabytes(process: subprocess.Popen) -> float:
    """Resident memory of the server (Linux)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def serve(port: int, warm_up: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"],
        cwd=ROOT,
        env={**os.environ, "CNNDEMO_WARMUP": warm_up},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def until_up(port: int) -> None:
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
            return
        except OSError:
            time.sleep(0.02)


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        for warm_up in ("0", "1"):
            port = free_port()
            page = browser.new_page()
            start = time.perf_counter()
            process = serve(port, warm_up)
            try:
                until_up(port)
                served = time.perf_counter() - start
                page.goto(f"http://127.0.0.1:{port}/")
                page.wait_for_selector("[data-testid=stAppViewContainer]")
                wait_idle(page, quiet=0.3)
                idle = time.perf_counter() - start - 0.3
                print(
                    f"warm-up {warm_up}: server answers after {served:.2f} s, home idle after {idle:.2f} s, "
                    f"{resident_megabytes(process):.0f} MB"
                )
                if warm_up == "1":
                    for topic in topics.built():
                        begin = time.perf_counter()
                        page.goto(f"http://127.0.0.1:{port}/{topic.stem}")
                        page.wait_for_selector("[data-testid=stAppViewContainer]")
                        wait_idle(page, quiet=0.3)
                        seconds = time.perf_counter() - begin - 0.3
                        print(f"  {topic.stem:20} idle after {seconds:5.2f} s, {resident_megabytes(process):.0f} MB")
            finally:
                process.terminate()
                process.wait(10)
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
