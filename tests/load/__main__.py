"""`python -m tests.load`: loads the gallery on loopback, and writes what came of it to docs/load.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.conftest import ROOT
from tests.load import crowd, faults, long
from tests.load.measure import Report

PARTS = ("classes", "cost", "uploads", "keras", "faults", "soak")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--short", action="store_true", help="a trial of a few minutes, written nowhere unless --out")
    parser.add_argument("--runs", type=int, help="of the soak, default 20,000 (--short: 200)")
    parser.add_argument("--out", type=Path, help="default docs/load.md, for all parts at full length only")
    wanted = parser.parse_args()
    if unknown := set(wanted.parts) - set(PARTS):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(PARTS)}")
    short, parts = wanted.short, wanted.parts or PARTS
    report = Report(short)
    out = wanted.out or (ROOT / "docs" / "load.md" if not short and not wanted.parts else None)

    def costs() -> None:
        crowd.thousand(report, crowd.cost(report, *((1, 5.0) if short else (3, 60.0))))

    work = {
        "classes": lambda: crowd.classes(report, (5,) if short else (20, 50)),
        "cost": costs,
        "uploads": lambda: long.uploads(report, 20 if short else 1000),
        "keras": lambda: long.keras(report, 4 if short else 10),
        "faults": lambda: faults.faults(report, 3 if short else 10, 20 if short else 200),
        "soak": lambda: long.soak(report, wanted.runs or (200 if short else 20_000)),
    }
    for part in parts:
        work[part]()
        if out:
            report.write(out)  # after each: what is measured stays if the rest is cut short


if __name__ == "__main__":
    main()
