"""What a server takes: processor time, memory; and the table that is written of it."""

from __future__ import annotations

import os
import platform
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


def processor_seconds(pid: int) -> float:
    """Seconds of all cores that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    """Resident memory of a process (Linux)."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


def children(pid: int) -> list[int]:
    """Processes that a process has started (Linux)."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def machine() -> str:
    """The machine in words."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores of {model.strip()}, {memory:.0f} GB, Python {sys.version.split()[0]}"


def seconds(values: list[float]) -> str:
    """Median and 95th percentile."""
    if not values:
        return "–"
    return f"{np.median(values):.2f} / {np.percentile(values, 95):.2f}"


def sections(text: str) -> dict[str, str]:
    """Title -> what stands under it, up to the next one."""
    _, *parts = f"\n{text}".split("\n## ")
    return {title: words.rstrip("\n") + "\n" for title, _, words in (part.partition("\n") for part in parts)}


@dataclass
class Report:
    """Sections of a table each, with the day and the machine, printed as they come and written at the end.

    Attributes:
        short: whether the numbers are those of a trial, not of a measurement.
    """

    short: bool = False
    lines: list[str] = field(default_factory=list)

    def say(self, line: str = "") -> None:
        print(line, flush=True)
        self.lines.append(line)

    def section(self, title: str, *words: str) -> None:
        self.say(f"\n## {title}\n")
        self.say(f"{time.strftime('%Y-%m-%d')}, {machine()}.\n")
        for line in words:
            self.say(line)

    def head(self, *columns: str) -> None:
        self.say()
        self.row(*columns)
        self.row(*["--"] * len(columns))

    def row(self, *cells: object) -> None:
        self.say("| " + " | ".join(map(str, cells)) + " |")

    def write(self, file: Path) -> None:
        """Write it; what the file has of other parts stays."""
        there = file.read_text(encoding="utf-8") if file.exists() and not self.short else ""
        kept = sections(there) | sections("\n".join(self.lines))
        first = (
            "# What the gallery bears\n\nWritten by `make load`, which loads a server on loopback by visitors without "
            "browsers, and breaks things. They share the cores with the server.\n\n"
            f"{'**A short trial, no measurement.** ' * self.short}Each part says when and where it was measured. "
            "Seconds are median / 95th percentile.\n"
        )
        text = "\n".join(f"## {title}\n{words}" for title, words in kept.items())
        file.write_text(f"{first}\n{text}\n", encoding="utf-8")
        print(f"\nWritten: {file}")
