"""From `streamlit run` to the home page idle in a browser, and the server's memory page by page."""

from __future__ import annotations

import time
from pathlib import Path

from cnndemo import topics
from tests.browser.gallery import chromium, go, serve

QUIET = 0.3  # seconds without work after which a page counts as idle; not part of its time


def resident_megabytes(pid: int) -> float:
    """Resident memory of the server (Linux)."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


def main() -> None:
    with chromium() as browser:
        page, start = browser.new_page(), time.perf_counter()
        with serve() as server:
            served = time.perf_counter() - start
            go(page, f"{server.url}/digit_classifier", QUIET)
            idle = time.perf_counter() - start - QUIET
            print(
                f"server answers after {served:.2f} s, the digit page has its first answer after {idle:.2f} s, "
                f"{resident_megabytes(server.pid):.0f} MB"
            )
            for topic in topics.built():
                begin = time.perf_counter()
                go(page, f"{server.url}/{topic.stem}", QUIET)
                seconds, memory = time.perf_counter() - begin - QUIET, resident_megabytes(server.pid)
                print(f"  {topic.stem:20} idle after {seconds:5.2f} s, {memory:.0f} MB")
        page.close()


if __name__ == "__main__":
    main()
