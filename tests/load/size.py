"""What a host downloads, installs and holds, lean and full: `make size`. Needs a network, and minutes."""

from __future__ import annotations

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.bench_visitors import all_pages
from tests.benchmarks.visitor import Visitor
from tests.browser.gallery import serve
from tests.conftest import ROOT
from tests.deploy.recipe import ignored
from tests.load.measure import Report, children, megabytes

FLAVOURS = {"lean": "requirements-lean.txt", "full": "requirements.txt"}
UNITS = {"kB": 1e-3, "MB": 1.0, "GB": 1e3}
GALLERY = ("app.py", "cnndemo", "pages", "train", "weights", ".streamlit")


@dataclass(frozen=True)
class Installed:
    """A fresh environment: its Python, megabytes downloaded and installed, and seconds that took."""

    python: Path
    downloads: float
    installs: float
    seconds: float


def taken(files: Iterable[Path]) -> float:
    """Megabytes of files."""
    return sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink()) / 1e6


def gallery() -> float:
    """Megabytes of the gallery itself, as it travels to a host."""
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    places = [ROOT / name for name in GALLERY]
    files = [file for place in places for file in ([place] if place.is_file() else place.rglob("*"))]
    return taken(file for file in files if not ignored(str(file.relative_to(ROOT)), rules))


def downloaded(said: str) -> float:
    """Megabytes that pip has downloaded, or found on this machine, by what it said."""
    found = re.findall(r"Downloading \S+ \(([\d.]+) (kB|MB|GB)\)", said)
    local = re.findall(r"Processing (?:file://)?(\S+\.whl)", said)
    return sum(float(number) * UNITS[unit] for number, unit in found) + taken(map(Path, local))


@contextmanager
def installed(requirements: Path) -> Iterator[Installed]:
    """An environment with these requirements, until the end of the block.

    Raises:
        RuntimeError: pip cannot.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        before, started = taken(folder.rglob("*")), time.monotonic()
        pip = [folder / "bin/pip", "install", "--no-cache-dir", "--progress-bar", "off", "-r", requirements]
        said = subprocess.run(pip, capture_output=True, text=True)
        if said.returncode:
            raise RuntimeError(said.stderr[-500:])
        seconds = time.monotonic() - started
        yield Installed(folder / "bin/python", downloaded(said.stdout), taken(folder.rglob("*")) - before, seconds)


def held(python: Path) -> tuple[float, float]:
    """Megabytes of a server that has shown every page, and of Keras after a proof; 0 where there is none."""
    with serve(python=str(python)) as server:
        asyncio.run(all_pages(server.url))
        seen = megabytes(server.pid)

        async def prove() -> float:
            async with Visitor(server.url) as visitor:
                await visitor.open("layer_lab")
                await visitor.rest(20)
            return max([0.0, *map(megabytes, children(server.pid))])

        return seen, asyncio.run(prove())


def sizes(report: Report, flavours: Iterable[str]) -> None:
    """A row for each, measured in an environment of its own."""
    report.section(
        "What a host downloads, installs and holds",
        "Fresh environments. Memory of a server that has shown every page once, and of Keras after a proof.",
    )
    report.head("", "downloads, MB", "installs, MB", "takes, s", "gallery, MB", "server, MB", "Keras while it runs, MB")
    for flavour in flavours:
        with installed(ROOT / FLAVOURS[flavour]) as found:
            server, keras = held(found.python)
        numbers = (found.downloads, found.installs, found.seconds, gallery(), server)
        report.row(flavour, *(f"{number:.0f}" for number in numbers), f"{keras:.0f}" if keras else "–")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("flavours", nargs="*", metavar="flavour", help="lean, full; both if none is named")
    parser.add_argument("--out", type=Path, help="a file in which the section is written, such as docs/load.md")
    wanted = parser.parse_args()
    if unknown := set(wanted.flavours) - set(FLAVOURS):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(FLAVOURS)}")
    report = Report()
    sizes(report, wanted.flavours or FLAVOURS)
    if wanted.out:
        report.write(wanted.out)


if __name__ == "__main__":
    main()
