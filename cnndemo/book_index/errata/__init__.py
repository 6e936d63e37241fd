"""Where the book errs, each with a check that runs.

A check computes both what the book says and what is true, and returns what it computed. Importing this loads no
network library; the checks marked `keras` do when they run.
"""

from cnndemo.book_index.entries import LISTINGS
from cnndemo.book_index.errata import layers, networks, training
from cnndemo.book_index.errata.base import Erratum, Finding, undefined_names

LISTING_SECTIONS = {f"listing {entry.number}": entry.book_section for entry in LISTINGS}


def order(erratum: Erratum) -> tuple[float, ...]:
    """Place in the book, the chapter first; a listing comes where its section is."""
    return tuple(float(part) for part in LISTING_SECTIONS.get(erratum.place, erratum.place).split("."))


ERRATA: tuple[Erratum, ...] = tuple(sorted([*layers.ERRATA, *training.ERRATA, *networks.ERRATA], key=order))


def check(name: str) -> Finding:
    """Run one check by the name of its function."""
    return next(erratum for erratum in ERRATA if erratum.check.__name__ == name).check()


__all__ = ["ERRATA", "Erratum", "Finding", "check", "order", "undefined_names"]
