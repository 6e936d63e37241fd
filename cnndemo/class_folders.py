"""Which folders of an archive are classes: below those that wrap all others, and below `train/` and `val/`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SPLITS = ("train", "training", "val", "valid", "validation", "dev", "test", "testing")
MAX_NAME = 40  # letters of a class's name


@dataclass(frozen=True)
class Entry:
    """A file of the archive: its folders, its own name, its place in the list."""

    folders: tuple[str, ...]
    name: str
    place: int
    size: int


def order(split: str) -> int:
    """Training comes before validation, validation before test."""
    return SPLITS.index(split.lower()) if split else -1


def find(pictures: list[Entry], depth: int = 0, split: str = "") -> tuple[list[tuple[str, int, Entry]], list[Entry]]:
    """Find the folders that are classes, below those that wrap all others and those that are splits.

    Returns:
        (split, depth, entry): `entry.folders[depth]` is its class; and the entries that lie beside the class folders.
    """
    inside = [entry for entry in pictures if len(entry.folders) > depth]
    loose = [entry for entry in pictures if len(entry.folders) <= depth]
    deeper = [entry for entry in inside if len(entry.folders) > depth + 1]
    tops = {entry.folders[depth] for entry in inside}
    if deeper and not split and all(top.lower() in SPLITS for top in tops):
        found = []
        for top in sorted(tops):
            part = [entry for entry in inside if entry.folders[depth] == top]
            below, beside = find(part, depth + 1, top)
            found, loose = found + below, loose + beside
        return found, loose
    below = {entry.folders[depth + 1] for entry in deeper}
    if len(tops) == 1 and 2 * len(deeper) >= len(inside) and (len(below) > 1 or 2 * len(deeper) > len(inside)):
        found, beside = find(inside, depth + 1, split)
        return found, loose + beside
    return [(split, depth, entry) for entry in inside], loose


def names(folders: Iterable[str]) -> dict[str, str]:
    """Folder -> class name: readable, short, and never the same for two folders."""
    taken: dict[str, str] = {}
    for folder in sorted(folders):
        name, number = readable(folder, MAX_NAME), 2
        while name in taken.values():
            end = f" ({number})"
            name, number = readable(folder, MAX_NAME - len(end)) + end, number + 1
        taken[folder] = name
    return taken


def readable(name: str, limit: int) -> str:
    """A name that can be shown: printable, no Markdown, at most `limit` letters."""
    clean = "".join(letter if letter.isprintable() and letter not in "`*[]<>$|" else "_" for letter in name)
    clean = " ".join(clean.split())
    return (clean if len(clean) <= limit else clean[: limit - 1] + "…") or "_"
