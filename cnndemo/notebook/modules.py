"""The modules of the package as text and syntax trees: what each of them defines, and what its names stand for."""

from __future__ import annotations

import ast
import threading
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from cnndemo.notebook import scopes
from cnndemo.notebook.scopes import PACKAGES

ROOT = Path(__file__).resolve().parents[2]


class CannotCollect(Exception):
    """The source of something cannot be taken out of the package; the message says why."""


@dataclass(frozen=True)
class Symbol:
    """Something that a module defines."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True)
class Outside:
    """Something from another package: `import numpy as np` is ("numpy", "", "np")."""

    module: str
    member: str
    name: str

    def line(self, name: str) -> str:
        """The statement that imports a module under this name."""
        return f"import {self.module}" if name == self.module else f"import {self.module} as {name}"


@dataclass(frozen=True)
class Statement:
    """A statement of a module with the comment above it and the words below it.

    Attributes:
        node: its syntax tree.
        first, last: its lines, from 1.
        names: what it defines.
        references: to other names of the module.
        outside: what it imports from other packages when it runs.
    """

    node: ast.stmt
    first: int
    last: int
    names: frozenset[str]
    references: tuple[scopes.Reference, ...]
    outside: frozenset[str]


_parser = threading.Lock()


def parsed(text: str) -> ast.Module:
    """The syntax tree of code, one at a time: threads share the count by which Python 3.11 bounds how deep it goes.

    Two at once fail with "AST constructor recursion depth mismatch" (CPython's issue 106905).
    """
    with _parser:
        return ast.parse(text)


@dataclass(frozen=True)
class Module:
    """A module that is read, not imported.

    Attributes:
        name: "cnndemo.images", or one that stands for the cells of a notebook.
        lines: its text.
        tree: its syntax tree.
    """

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return parsed(self.text)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def imports(self) -> dict[str, str | Outside]:
        """What its imports call other things: a dotted name within the package, or something outside."""
        found: dict[str, str | Outside] = {}
        for node in self._top():
            found |= scopes.own_import(node)
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.asname or alias.name.split(".")[0]
                    whole = alias.name if alias.asname else alias.name.split(".")[0]
                    found.setdefault(name, Outside(whole, "", name))
            elif isinstance(node, ast.ImportFrom) and not scopes.own_import(node) and node.module != "__future__":
                for alias in node.names:
                    name = alias.asname or alias.name
                    found.setdefault(name, Outside(node.module or "", alias.name, name))
        return found

    @cached_property
    def only_types(self) -> frozenset[str]:
        """Names that are imported for type checkers alone."""
        bodies = [node.body for node in self.tree.body if isinstance(node, ast.If) and _for_types(node)]
        return frozenset(name for body in bodies for name in scopes.bound(body)[0])

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Its statements, imports and docstring aside, in their order."""
        found: list[Statement] = []
        for node in self.tree.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)) or _for_types(node):
                continue
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                if found and found[-1].names:  # words on the name above
                    found[-1] = Statement(**{**vars(found[-1]), "last": node.end_lineno})
                continue
            decorators = getattr(node, "decorator_list", [])
            first = min([node.lineno, *(each.lineno for each in decorators)])
            while first > 1 and self.lines[first - 2].startswith("#"):
                first -= 1
            names, _ = scopes.bound([node])
            found.append(
                Statement(
                    node, first, node.end_lineno or node.lineno, frozenset(names), tuple(scopes.references(node)),
                    frozenset(_imported(node)),
                )
            )  # fmt: skip
        return tuple(found)

    @cached_property
    def defined(self) -> dict[str, list[Statement]]:
        """Name -> the statements that make it: several where it is made in steps, or filled in later."""
        found: dict[str, list[Statement]] = {}
        for each in self.statements:
            for name in each.names - set(self.imports):
                found.setdefault(name, []).append(each)
        for each in self.statements:
            if not each.names:  # such as TABLE["x"] = … or TABLE.update(…)
                for reference in each.references:
                    if reference.at_once and not reference.target and reference.chain[0] in found:
                        found[reference.chain[0]].append(each)
                        break
        return found

    def _top(self):
        """Its imports, those under `try` and `if` too, but for those that type checkers alone see."""
        todo = list(reversed(self.tree.body))
        while todo:
            node = todo.pop()
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                yield node
            elif isinstance(node, (ast.Try, ast.If)) and not _for_types(node):
                parts = [node.body, node.orelse, getattr(node, "finalbody", [])]
                todo += [each for part in parts for each in part]


def _for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _imported(node: ast.AST) -> set[str]:
    """The packages outside that are imported within a statement."""
    found: set[str] = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Import):
            found |= {alias.name.split(".")[0] for alias in each.names}
        elif isinstance(each, ast.ImportFrom):
            found.add((each.module or "").split(".")[0])
    return found - PACKAGES


@lru_cache(maxsize=1024)
def path(name: str) -> Path | None:
    """The file of a module of the package; None if there is no such module."""
    base = ROOT.joinpath(*name.split("."))
    files = (base.with_suffix(".py"), base / "__init__.py")
    return next((file for file in files if file.is_file()), None) if name.split(".")[0] in PACKAGES else None


class Library:
    """The modules that one notebook needs, each read once; afterwards they are let go, since trees are large."""

    def __init__(self) -> None:
        self._modules: dict[str, Module] = {}

    def add(self, module: Module) -> None:
        """Know a module that is no file."""
        self._modules[module.name] = module

    def read(self, name: str) -> Module:
        """A module by its name.

        Raises:
            CannotCollect: there is none.
        """
        if name not in self._modules:
            file = path(name)
            if file is None:
                raise CannotCollect(f"there is no module {name}")
            self._modules[name] = Module(name, file.read_text(encoding="utf-8"))
        return self._modules[name]

    def follow(self, module: str, chain: tuple[str, ...]) -> tuple[Symbol | Outside, int]:
        """What a chain of attributes of a module ends at, and how many of its names that takes.

        `("cnndemo.filters", ("apply",))` is a `Symbol` of `cnndemo.filters.kernels`, and takes one.

        Raises:
            CannotCollect: it ends at a module, or at nothing.
        """
        for used, name in enumerate(chain, start=1):
            found = self._member(module, name)
            if not isinstance(found, str):
                return found, used
            module = found
        raise CannotCollect(f"the module {module} is used as a value")

    def enter(self, target: str) -> str | Symbol | Outside:
        """What an import means: of "cnndemo.images" the module, of "cnndemo.images:sample" its function."""
        module, _, name = target.partition(":")
        return self._member(module, name) if name else module

    def _member(self, module: str, name: str) -> str | Symbol | Outside:
        here = self.read(module)
        target = here.imports.get(name)
        if target is not None and target != f"{module}:{name}":  # a package may import its own modules
            return self.enter(target) if isinstance(target, str) else target
        if name in here.defined:
            return Symbol(module, name)
        if f"{module}.{name}" in self._modules or path(f"{module}.{name}"):
            return f"{module}.{name}"
        raise CannotCollect(f"{module} has no {name}")
