"""Which names of a module a piece of code refers to: the scopes of Python, read from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

PACKAGES = frozenset({"cnndemo", "train"})  # whose source is taken
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Reference:
    """A name of the module, or a chain of attributes that begins with one.

    Attributes:
        node: the whole of `images.sample`.
        chain: ("images", "sample").
        target: what an import within a function made of the first name, such as "cnndemo.images"; else "".
        around: names that the scopes around it have bound: there, a global of such a name cannot be seen.
        at_once: whether it is looked up when the statement runs, and not when a function of it is called.
        annotation: whether it only says of what type something is.
        text: the f-string that it stands in, whose parts have no trustworthy places before Python 3.12.
    """

    node: ast.expr
    chain: tuple[str, ...]
    target: str
    around: frozenset[str]
    at_once: bool
    annotation: bool
    text: ast.JoinedStr | None


@dataclass
class _Scope:
    bound: set[str]
    imported: dict[str, str] = field(default_factory=dict)
    of_class: bool = False


@dataclass(frozen=True)
class _Place:
    """Where the walk is."""

    scopes: tuple[_Scope, ...] = ()
    at_once: bool = True
    annotation: bool = False
    text: ast.JoinedStr | None = None

    def within(self, scope: _Scope, at_once: bool | None = None) -> _Place:
        """One scope deeper; what a class binds is not seen by its functions."""
        outer = self.scopes if scope.of_class else tuple(each for each in self.scopes if not each.of_class)
        return _Place((*outer, scope), self.at_once if at_once is None else at_once, self.annotation, self.text)


def own_import(node: ast.stmt) -> dict[str, str]:
    """What an import statement takes from the package: name -> "cnndemo.images", or "cnndemo.images:sample"."""
    if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] in PACKAGES:
        return {alias.asname or alias.name: f"{node.module}:{alias.name}" for alias in node.names}
    if isinstance(node, ast.Import):
        found = [(alias, alias.name.split(".")[0]) for alias in node.names]
        return {a.asname or top: a.name if a.asname else top for a, top in found if top in PACKAGES}
    return {}


def bound(nodes: list[ast.AST]) -> tuple[set[str], dict[str, str]]:
    """The names that statements bind in their own scope, and those of them that come from the package."""
    names: set[str] = set()
    imported: dict[str, str] = {}
    free: set[str] = set()
    todo: list[ast.AST] = list(nodes)
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, _COMPREHENSIONS):  # of its names only those given by := are seen outside
            names |= {each.target.id for each in ast.walk(node) if isinstance(each, ast.NamedExpr)}
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imported |= own_import(node)
            names |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            names.add(node.id)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            free |= set(node.names)
        for name in ("name", "rest"):  # of `except … as name`, and of patterns
            if isinstance(getattr(node, name, None), str):
                names.add(getattr(node, name))
        todo += ast.iter_child_nodes(node)
    return names - free, {name: target for name, target in imported.items() if name not in free}


def references(node: ast.AST) -> Iterator[Reference]:
    """All references of a top-level statement to names of its module, in no particular order."""
    yield from _walk(node, _Place())


def _walk(node: ast.AST, place: _Place) -> Iterator[Reference]:
    if isinstance(node, (ast.Name, ast.Attribute)):
        yield from _name(node, place)
    elif isinstance(node, _FUNCTIONS):
        yield from _function(node, place)
    elif isinstance(node, ast.ClassDef):
        yield from _each([*node.decorator_list, *node.bases, *node.keywords], place)
        yield from _each(node.body, place.within(_Scope(*bound(node.body), of_class=True)))
    elif isinstance(node, _COMPREHENSIONS):
        targets = {each.id for part in node.generators for each in ast.walk(part.target) if isinstance(each, ast.Name)}
        yield from _walk(node.generators[0].iter, place)
        inner = _Place((*place.scopes, _Scope(targets)), place.at_once, place.annotation, place.text)
        rest = [getattr(node, name) for name in ("elt", "key", "value") if hasattr(node, name)]
        rest += [part.target for part in node.generators] + [part.iter for part in node.generators[1:]]
        yield from _each(rest + [test for part in node.generators for test in part.ifs], inner)
    elif isinstance(node, ast.AnnAssign):
        yield from _each([node.target, *([node.value] if node.value else [])], place)
        yield from _walk(node.annotation, _Place(place.scopes, place.at_once, True, place.text))
    elif isinstance(node, ast.JoinedStr):
        yield from _each(node.values, _Place(place.scopes, place.at_once, place.annotation, place.text or node))
    elif not isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from _each(ast.iter_child_nodes(node), place)


def _each(nodes, place: _Place) -> Iterator[Reference]:
    for node in nodes:
        yield from _walk(node, place)


def _function(node, place: _Place) -> Iterator[Reference]:
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    yield from _each([*given.defaults, *filter(None, given.kw_defaults), *getattr(node, "decorator_list", [])], place)
    types = [each.annotation for each in every] + [getattr(node, "returns", None)]
    yield from _each(filter(None, types), _Place(place.scopes, place.at_once, True, place.text))
    body = node.body if isinstance(node.body, list) else [node.body]
    names, imported = bound(body)
    names |= {each.arg for each in every}
    yield from _each(body, place.within(_Scope(names, imported), at_once=False))


def _name(node: ast.expr, place: _Place) -> Iterator[Reference]:
    chain: list[str] = []
    base = node
    while isinstance(base, ast.Attribute):
        chain.insert(0, base.attr)
        base = base.value
    if not isinstance(base, ast.Name):
        yield from _walk(base, place)
        return
    target = ""
    for scope in reversed(place.scopes):
        if base.id in scope.bound:
            if base.id not in scope.imported:
                return
            target = scope.imported[base.id]
            break
    around = frozenset().union(*(scope.bound - set(scope.imported) for scope in place.scopes))
    yield Reference(node, (base.id, *chain), target, around, place.at_once, place.annotation, place.text)
