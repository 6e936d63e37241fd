"""Logs of trainings, a row an epoch, as CSV."""

from __future__ import annotations

import csv
from pathlib import Path

from cnndemo import weights


def read(file: Path) -> list[dict[str, float]]:
    """A CSV log as one dict an epoch; fields that are not numbers are left out."""
    with open(file, newline="", encoding="utf-8") as stream:
        return [{key: float(value) for key, value in row.items() if _number(value)} for row in csv.DictReader(stream)]


def write(file: Path, history: list[dict[str, float]]) -> None:
    """A log as CSV, with every column that occurs in any of its rows."""
    file.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(key for row in history for key in row))
    with weights.whole(file) as part, open(part, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: f"{value:.6g}" for key, value in row.items()} for row in history)


def cut(log: Path, epochs: int) -> None:
    """Leave in a log only the epochs that a checkpoint follows."""
    if log.exists():
        lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
        with weights.whole(log) as part:
            part.write_text("".join(lines[: epochs + 1 if epochs else 0]), encoding="utf-8")


def _number(text: str | None) -> bool:
    try:
        float(text)
    except (TypeError, ValueError):
        return False
    return True
