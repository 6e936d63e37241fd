"""Where the book errs, each with a check that runs.

A check computes both what the book says and what is true, and returns what it computed. Importing this loads no
network library; the checks marked `keras` do when they run.
"""

from cnndemo.book_index.errata import layers, networks, training
from cnndemo.book_index.errata.base import Erratum, Finding, undefined_names

ERRATA: tuple[Erratum, ...] = tuple(
    sorted([*layers.ERRATA, *training.ERRATA, *networks.ERRATA], key=lambda erratum: erratum.order)
)


def check(name: str) -> Finding:
    """Run one check by the name of its function."""
    return next(erratum for erratum in ERRATA if erratum.check.__name__ == name).check()


__all__ = ["ERRATA", "Erratum", "Finding", "check", "undefined_names"]
