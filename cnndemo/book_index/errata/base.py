"""What an erratum is, and how a module of checks registers its own."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["wrong", "unclear", "outdated"]


@dataclass(frozen=True)
class Finding:
    """What a check computed: name -> value in words, and whether it confirms the correction."""

    confirmed: bool
    computed: dict[str, str]


@dataclass(frozen=True)
class Erratum:
    """One mistake of the book.

    Args:
        place: section or listing, such as `"3.3.2"` or `"listing 4.1"`.
        kind: wrong, unclear, or true when it was written.
        says: what the book says, in short.
        right: what is right.
        stem: topic on whose page it matters.
        check: computes the evidence.
        keras: whether the check builds a network, and so takes seconds.
    """

    place: str
    kind: Kind
    says: str
    right: str
    stem: str
    check: Callable[[], Finding]
    keras: bool = False


Register = Callable[[Callable[[], Finding]], Callable[[], Finding]]


def registry(keras: bool = False) -> tuple[list[Erratum], Callable[..., Register]]:
    """An empty list of errata and the decorator that adds to it: the function below checks this erratum."""
    errata: list[Erratum] = []

    def erratum(place: str, kind: Kind, stem: str, says: str, right: str) -> Register:
        def register(check: Callable[[], Finding]) -> Callable[[], Finding]:
            errata.append(Erratum(place, kind, says, right, stem, check, keras))
            return check

        return register

    return errata, erratum


def undefined_names(code: str) -> list[str]:
    """Names that a listing reads but never defines, imports or takes as an argument, in the order of reading."""
    tree = ast.parse(code)
    known = set(dir(builtins))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            known.add(node.id)
        elif isinstance(node, ast.arg):
            known.add(node.arg)
        elif isinstance(node, ast.FunctionDef):
            known.add(node.name)
        elif isinstance(node, ast.alias):
            known.add((node.asname or node.name).split(".")[0])
    read = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    return [name for name in dict.fromkeys(read) if name not in known]
