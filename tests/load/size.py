"""What a host downloads, installs and holds, lean and full: `make size`. Needs a network, and minutes."""

from __future__ import annotations

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.bench_visitors import all_pages
from tests.benchmarks.visitor import Visitor
from tests.browser.gallery import serve
from tests.conftest import ROOT
from tests.load.measure import Report, children, megabytes

FLAVOURS = {"lean": "requirements-lean.txt", "full": "requirements.txt"}
UNITS = {"kB": 1e-3, "MB": 1.0, "GB": 1e3}
GALLERY = ("app.py", "cnndemo", "pages", "train", "weights", ".streamlit")


def folder_megabytes(*places: Path) -> float:
    """What files take."""
    files = (file for place in places for file in ([place] if place.is_file() else place.rglob("*")))
    return sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink()) / 1e6


def install(requirements: Path) -> tuple[float, float, float]:
    """Into a fresh environment: megabytes downloaded and installed, and seconds.

    Raises:
        RuntimeError: pip cannot.
    """
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        before, started = folder_megabytes(Path(folder)), time.monotonic()
        pip = [f"{folder}/bin/pip", "install", "--no-cache-dir", "--progress-bar", "off", "-r", requirements]
        said = subprocess.run(pip, capture_output=True, text=True)
        if said.returncode:
            raise RuntimeError(said.stderr[-500:])
        found = re.findall(r"Downloading \S+ \(([\d.]+) (kB|MB|GB)\)", said.stdout)
        local = re.findall(r"Processing (?:file://)?(\S+\.whl)", said.stdout)
        return (
            sum(float(number) * UNITS[unit] for number, unit in found) + folder_megabytes(*map(Path, local)),
            folder_megabytes(Path(folder)) - before,
            time.monotonic() - started,
        )


def held() -> tuple[float, float]:
    """Megabytes of a server that has shown every page, and of Keras after a proof."""
    with serve() as server:
        asyncio.run(all_pages(server.url))
        seen = megabytes(server.pid)

        async def prove() -> float:
            async with Visitor(server.url) as visitor:
                await visitor.open("layer_lab")
                await visitor.rest(20)
            return max([0.0, *map(megabytes, children(server.pid))])

        return seen, asyncio.run(prove())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("flavours", nargs="*", help="lean, full; both if none is named")
    wanted = parser.parse_args().flavours or list(FLAVOURS)
    report = Report()
    gallery = folder_megabytes(*(ROOT / name for name in GALLERY))
    server, keras = held()
    report.head("", "downloads, MB", "installs, MB", "takes, s", "gallery, MB", "server, MB", "Keras while it runs, MB")
    for flavour in wanted:
        downloads, installs, took = install(ROOT / FLAVOURS[flavour])
        memory = f"{keras:.0f}" if flavour == "full" and keras else "–"
        report.row(
            flavour, f"{downloads:.0f}", f"{installs:.0f}", f"{took:.0f}", f"{gallery:.0f}", f"{server:.0f}", memory
        )


if __name__ == "__main__":
    main()
