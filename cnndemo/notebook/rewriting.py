"""Changing the text of Python where its syntax tree says so, and nothing beside."""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnndemo.notebook.modules import Outside, Symbol


@dataclass(frozen=True)
class Edit:
    """Replace what lies between two places, lines from 1 and columns in bytes of UTF-8; no end means whole lines."""

    line: int
    column: int
    last: int
    end: int | None
    text: str


def at(node: ast.expr, text: str) -> Edit:
    return Edit(node.lineno, node.col_offset, node.end_lineno, node.end_col_offset, text)


def rewritten(lines: Sequence[str], first: int, edits: Sequence[Edit]) -> list[str]:
    """Lines of a file, of which the first has this number, with all changes made."""
    found: list[bytes | None] = [line.encode() for line in lines]
    for edit in sorted(edits, key=lambda edit: (edit.line, edit.column), reverse=True):
        top, bottom = edit.line - first, edit.last - first
        if edit.end is None:
            indent = len(lines[top]) - len(lines[top].lstrip())
            found[top : bottom + 1] = [b" " * indent + edit.text.encode() if edit.text else None]
            found[top + 1 : top + 1] = [None] * (bottom - top)
            continue
        whole = found[top][: edit.column] + edit.text.encode() + found[bottom][edit.end :]
        found[top : bottom + 1] = [whole] + [None] * (bottom - top)
    return [line.decode() for line in found if line is not None]


def f_string(node: ast.JoinedStr, new: Mapping[int, str]) -> str:
    """The text of an f-string with parts replaced."""
    memo: dict[int, object] = {}
    changed = copy.deepcopy(node, memo)
    replaced = {id(memo[old]): text for old, text in new.items()}

    class Replace(ast.NodeTransformer):
        def visit(self, each: ast.AST) -> ast.AST:
            if id(each) in replaced:
                return ast.Name(replaced[id(each)], ast.Load())
            return self.generic_visit(each)

    return ast.unparse(Replace().visit(changed))


def import_lines(things: Sequence[Outside], names: Mapping[Symbol | Outside, str]) -> list[str]:
    """Import statements in the usual order: the standard library, an empty line, the other packages."""
    plain = [each.line(names[each]) for each in things if not each.member]
    parts: dict[str, list[str]] = {}
    for each in things:
        if each.member:
            known = "" if names[each] == each.member else f" as {names[each]}"
            parts.setdefault(each.module, []).append(f"{each.member}{known}")
    lines = plain + [f"from {module} import {', '.join(sorted(members))}" for module, members in parts.items()]
    standard = [line for line in lines if line.split()[1].split(".")[0] in sys.stdlib_module_names]
    others = [line for line in lines if line not in standard]
    groups = [sorted(group, key=lambda line: (line.startswith("from"), line)) for group in (standard, others)]
    return [line for group in groups if group for line in ("", *group)]
