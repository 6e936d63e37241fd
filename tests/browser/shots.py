"""Photograph every page (desktop, dark, phone) into shots/: `python -m tests.browser.shots [--out FOLDER] [stem …]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from cnndemo import topics
from tests.browser.gallery import DESKTOP, PHONE, chromium, go, serve
from tests.conftest import ROOT

VIEWS = {
    "desktop": {"viewport": DESKTOP, "color_scheme": "light"},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stems", nargs="*", metavar="stem", help="pages, all if none is named")
    parser.add_argument("--out", type=Path, default=ROOT / "shots", help="folder (default: shots/)")
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    with serve() as server, chromium() as browser:
        for view, options in VIEWS.items():
            context = browser.new_context(**options)
            for stem in wanted.stems or ["", *(topic.stem for topic in topics.built())]:
                file = wanted.out / f"{stem or 'home'}.{view}.png"
                page = go(context.new_page(), f"{server.url}/{stem}", quiet=0.8)
                page.screenshot(path=file)
                page.close()
                print(file, flush=True)
            context.close()


if __name__ == "__main__":
    main()
