"""The functions that code of the gallery calls, with all that those call, as plain cells without the gallery.

The source is taken as it stands. What modules keep apart comes into one namespace, the notebook's: `images.sample`
becomes `sample`, and where two modules mean different things by a name, one gets its module's name in front.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cnndemo.notebook.modules import CannotCollect, Library, Module, Outside, Statement, Symbol
from cnndemo.notebook.rewriting import Edit, at, f_string, import_lines, rewritten
from cnndemo.notebook.scopes import Reference, own_import

CELLS = "cells"  # the module that the notebook's own cells are
DROPPED = {Symbol("cnndemo.gate", "heavy")}  # decorators that mean nothing to one who works alone
BY_NAME = {Symbol("cnndemo.worker", "ask"), Symbol("cnndemo.worker", "steps")}  # take a function by its name
NOT_HERE = {"train.common", "train.engine", "train.events", "streamlit"}  # what a notebook cannot have
HEAVY = {"keras", "tensorflow"}  # are imported where they are needed, and not before
_SILENT = {"numpy", "PIL", *sys.stdlib_module_names}  # are imported even if only annotations name them
_TAKEN = frozenset(dir(builtins)) | {"display", "get_ipython"}


@dataclass
class Collection:
    """What a notebook needs.

    Attributes:
        modules: module -> its statements, in an order in which they can run.
        imports: lines that import other packages.
        heavy: lines that import Keras, for the cell that needs it first.
        packages: the other packages, those that functions import too.
        cells: the notebook's own code, rewritten.
        left_out: what was wanted but cannot be taken out of the gallery -> why.
        used: what the cells call, directly or not.
    """

    modules: dict[str, list[str]]
    imports: list[str]
    heavy: list[str]
    packages: set[str]
    cells: list[str]
    left_out: dict[str, str] = field(default_factory=dict)
    used: frozenset[Symbol] = frozenset()


def collect(
    cells: Sequence[str],
    wanted: Sequence[Symbol] = (),
    stand_ins: Mapping[Symbol, Symbol] | None = None,
    library: Library | None = None,
) -> Collection:
    """Collect what code needs.

    Args:
        cells: Python as it runs beside the gallery; all share one namespace.
        wanted: functions and classes that are to be shown in any case.
        stand_ins: what takes the place of a definition.
        library: the modules, where they are no files.

    Raises:
        CannotCollect: a cell uses what cannot be taken out of the gallery.
    """
    return _Collector(stand_ins or {}, library or Library()).collect(cells, wanted)


class _Collector:
    def __init__(self, stand_ins: Mapping[Symbol, Symbol], library: Library):
        self.stand_ins, self.library = stand_ins, library
        self.statements: dict[str, dict[int, Statement]] = {}  # module -> first line -> statement
        self.symbols: dict[Symbol, None] = {}
        self.hidden: dict[Symbol | Outside, set[str]] = {}  # names that a thing cannot have, where it is used
        self.outside: dict[Outside, None] = {}
        self.needs: dict[str, dict[str, None]] = {}  # module -> modules
        self.names: dict[Symbol | Outside, str] = {}
        self.imports: dict[str, dict[str, str | Outside]] = {}  # of the cells

    def collect(self, cells: Sequence[str], wanted: Sequence[Symbol]) -> Collection:
        modules = [Module(f"{CELLS}.{number}", text) for number, text in enumerate(cells)]
        stored: set[str] = set()
        known: dict[str, str | Outside] = {}  # what a cell imports, later cells know
        for module in modules:
            self.library.add(module)
            stored |= {name for each in module.statements for name in each.names}
            for thing in module.imports.values():
                if isinstance(thing, Outside):
                    self.outside[thing] = None
            self.imports[module.name] = dict(known | module.imports)
            known |= module.imports
        for module in modules:
            for statement in module.statements:
                self._take(module.name, statement)
        used = frozenset(self.symbols)
        left_out = {}
        for symbol in wanted:
            try:
                self._all_of(symbol, _Trial(self))
            except CannotCollect as error:
                left_out[str(symbol).removeprefix("cnndemo.")] = str(error)
        order = self._order()
        self._name_all(order, stored)
        packages = {each.module.split(".")[0] for each in self.outside}
        for module in self.statements.values():
            packages |= {name for each in module.values() for name in each.outside}
        return Collection(
            {
                name: [self._text(name, each) for _, each in sorted(self.statements[name].items())]
                for name in order
                if not name.startswith(CELLS)
            },
            *self._imports(),
            {name for name in packages if name not in sys.stdlib_module_names},
            [self._cell(module) for module in modules],
            left_out,
            used,
        )

    # --- what is needed ---------------------------------------------------------------------------------------------

    def _all_of(self, symbol: Symbol, trial: _Trial) -> None:
        """Take a definition, or nothing of it."""
        try:
            self._want(self.stand_ins.get(symbol, symbol))
        except CannotCollect:
            trial.undo(self)
            raise

    def _want(self, symbol: Symbol) -> None:
        if symbol in self.symbols:
            return
        if symbol.module in NOT_HERE:
            raise CannotCollect("it starts the gallery's training scripts")
        self.symbols[symbol] = None
        for statement in self.library.read(symbol.module).defined[symbol.name]:
            self._take(symbol.module, statement)

    def _take(self, module: str, statement: Statement) -> None:
        taken = self.statements.setdefault(module, {})
        if statement.first in taken:
            return
        if gone := statement.outside & NOT_HERE:
            raise CannotCollect(f"it needs {', '.join(sorted(gone))}")
        if any(
            "import_module" in (getattr(node, "attr", ""), getattr(node, "id", "")) for node in ast.walk(statement.node)
        ):
            raise CannotCollect("it looks for modules of the gallery by their name")
        taken[statement.first] = statement
        for name in statement.names:
            if not module.startswith(CELLS) and name not in self.library.read(module).imports:
                self._want(Symbol(module, name))
        dropped = self._dropped(module, statement)
        for reference in statement.references:
            if any(reference.node in ast.walk(decorator) for decorator in dropped):
                continue
            found = self._resolve(module, reference)
            if found is None:
                continue
            thing, _ = found
            self.hidden.setdefault(thing, set()).update(reference.around)
            if isinstance(thing, Outside):
                if not reference.annotation or thing.module.split(".")[0] in _SILENT:
                    if thing.module.split(".")[0] in NOT_HERE:
                        raise CannotCollect(f"it needs {thing.module}")
                    self.outside[thing] = None
            elif not reference.annotation:
                self.needs.setdefault(module, {})[thing.module] = None
                self._want(thing)
        for _, symbol in self._by_name(module, statement):
            self.needs.setdefault(module, {})[symbol.module] = None
            self._want(symbol)

    def _resolve(self, module: str, reference: Reference) -> tuple[Symbol | Outside, int] | None:
        """What a reference means, and how many attributes of its chain that takes; None for builtins and own names."""
        first, *rest = reference.chain
        here = self.library.read(module)
        if reference.target:
            found = self.library.enter(reference.target)
        elif first in (imports := self.imports.get(module, here.imports)):
            target = imports[first]
            found = self.library.enter(target) if isinstance(target, str) else target
        elif first in here.defined:
            if module.startswith(CELLS):
                return None
            found = Symbol(module, first)
        elif first == "__file__":
            raise CannotCollect("it reads files of the gallery")
        else:
            return None
        used = 0
        if isinstance(found, str):
            if reference.annotation and not rest:
                return None
            found, used = self.library.follow(found, tuple(rest))
        if isinstance(found, Symbol):
            found = self.stand_ins.get(found, found)
        return found, used

    def _dropped(self, module: str, statement: Statement) -> list[ast.expr]:
        """The decorators of a statement, and of what it holds, that are left away."""
        every = [each for node in ast.walk(statement.node) for each in getattr(node, "decorator_list", [])]
        return [each for each in every if self._means(module, statement, each) in DROPPED]

    def _means(self, module: str, statement: Statement, node: ast.expr) -> Symbol | Outside | None:
        for reference in statement.references:
            if reference.node is node:
                first, *rest = reference.chain
                here = self.library.read(module)
                target = reference.target or self.imports.get(module, here.imports).get(first)
                if isinstance(target, str):
                    found = self.library.enter(target)
                    return self.library.follow(found, tuple(rest))[0] if isinstance(found, str) else found
        return None

    def _by_name(self, module: str, statement: Statement) -> Iterator[tuple[ast.Constant, Symbol]]:
        """Functions that are called by their name in a text, and where the text stands."""
        for node in ast.walk(statement.node):
            named = isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
            if named and self._means(module, statement, node.func) in BY_NAME:
                home, _, name = node.args[0].value.partition(":")
                yield node.args[0], Symbol(home, name)

    # --- in which order, and under which names ----------------------------------------------------------------------

    def _order(self) -> list[str]:
        """The modules, those before that others need."""
        first = {each.module: None for each in self.stand_ins.values()}  # they need nobody when they are defined
        done = {name: None for name in first if name in self.statements}

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in done or name in path:
                return
            for other in self.needs.get(name, {}):
                visit(other, (*path, name))
            done[name] = None

        for name in [*first, *self.statements]:
            for other in [*self.needs.get(name, {}), name]:
                if other in self.statements:
                    visit(other, ())
        return list(done)

    def _name_all(self, order: Sequence[str], stored: set[str]) -> None:
        """Give each thing a name that nothing else has, and that nothing hides where it is used."""
        taken = set(stored)
        replaced = {new: old.module for old, new in self.stand_ins.items()}  # is named after what it replaces
        for thing in self.outside:
            candidates = [thing.name, f"{thing.module.split('.')[-1]}_{thing.name}", f"{thing.name}_"]
            self._name(thing, candidates, taken)
        for module in reversed(order):  # topics come last and keep their names
            for symbol in self.symbols:
                if symbol.module == module:
                    package, tail = f".{replaced.get(symbol, module)}".split(".")[-2:]
                    lead = "_" if symbol.name.startswith("_") else ""
                    bare = symbol.name.lstrip("_")
                    upper = bare.isupper()
                    fronts = [tail, f"{package}_{tail}"]
                    fronts = [front.upper() if upper else front for front in fronts]
                    self._name(symbol, [symbol.name, *(f"{lead}{front}_{bare}" for front in fronts)], taken | _TAKEN)
                    taken.add(self.names[symbol])

    def _name(self, thing: Symbol | Outside, candidates: list[str], taken: set[str]) -> None:
        hidden = self.hidden.get(thing, set())
        free = [name for name in candidates if name not in taken and name not in hidden]
        if not free:
            raise CannotCollect(f"no name is free for {thing}")
        self.names[thing] = free[0]
        taken.add(free[0])

    def _imports(self) -> tuple[list[str], list[str]]:
        """Lines that import other packages: at first, and where Keras is needed."""
        at_first = {
            each
            for module, statements in self.statements.items()
            if not module.startswith(CELLS)
            for statement in statements.values()
            for each in self._at_once(module, statement)
        }
        heavy = [each for each in self.outside if each.module.split(".")[0] in HEAVY and each not in at_first]
        light = [each for each in self.outside if each not in heavy]
        return import_lines(light, self.names), import_lines(heavy, self.names)

    def _at_once(self, module: str, statement: Statement) -> Iterator[Symbol | Outside]:
        """What must be there when a statement runs."""
        for reference in statement.references:
            if reference.at_once and not reference.annotation and (found := self._resolve(module, reference)):
                yield found[0]

    # --- its text ---------------------------------------------------------------------------------------------------

    def _text(self, module: str, statement: Statement) -> str:
        """The statement with its comment, names as the notebook has them."""
        lines = self.library.read(module).lines[statement.first - 1 : statement.last]
        return "\n".join(rewritten(lines, statement.first, self._edits(module, statement)))

    def _cell(self, module: Module) -> str:
        """A cell of the notebook, without its imports."""
        edits: list[Edit] = []
        for statement in module.statements:
            edits += self._edits(module.name, statement)
        for node in module.tree.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):  # those of other packages stand in a cell of their own
                edits.append(Edit(node.lineno, 0, node.end_lineno, None, ""))
        return "\n".join(rewritten(module.lines, 1, edits)).strip("\n")

    def _edits(self, module: str, statement: Statement) -> list[Edit]:
        edits: list[Edit] = []
        dropped = self._dropped(module, statement)
        for decorator in dropped:
            edits.append(Edit(decorator.lineno, 0, decorator.end_lineno, None, ""))
        changed: dict[int, tuple[ast.JoinedStr, dict[int, str]]] = {}
        for reference in statement.references:
            found = None if any(reference.node in ast.walk(each) for each in dropped) else self._new(module, reference)
            if not found:
                continue
            node, new = found
            if reference.text is None:
                edits.append(at(node, new))
            else:
                changed.setdefault(id(reference.text), (reference.text, {}))[1][id(node)] = new
        edits += [at(text, f_string(text, new)) for text, new in changed.values()]
        edits += [at(node, self.names[symbol]) for node, symbol in self._by_name(module, statement)]
        if not module.startswith(CELLS):
            edits += self._definition(module, statement)
        for node in ast.walk(statement.node):
            body = getattr(node, "body", [])
            for each in body if isinstance(body, list) else []:
                if isinstance(each, ast.stmt) and own_import(each):
                    alone = len(body) == 1
                    edits.append(Edit(each.lineno, 0, each.end_lineno, None, "pass" if alone else ""))
        return edits

    def _new(self, module: str, reference: Reference) -> tuple[ast.expr, str] | None:
        """The part of a reference that changes, and what it becomes."""
        found = self._resolve(module, reference)
        if found is None:
            return None
        thing, used = found
        if thing not in self.names:
            return None
        node = reference.node
        for _ in range(len(reference.chain) - 1 - used):
            node = node.value
        new = self.names[thing]
        return None if used == 0 and new == reference.chain[0] else (node, new)

    def _definition(self, module: str, statement: Statement) -> list[Edit]:
        """The change of the name of a function or class itself."""
        node = statement.node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return []
        new = self.names[Symbol(module, node.name)]
        if new == node.name:
            return []
        line = self.library.read(module).lines[node.lineno - 1]
        start = line.index(node.name, line.index("class" if isinstance(node, ast.ClassDef) else "def") + 3)
        before = len(line[:start].encode())
        return [Edit(node.lineno, before, node.lineno, before + len(node.name.encode()), new)]


class _Trial:
    """What a collector knew before it tried something."""

    def __init__(self, collector: _Collector):
        self.statements = {module: dict(taken) for module, taken in collector.statements.items()}
        self.symbols, self.outside = dict(collector.symbols), dict(collector.outside)
        self.needs = {module: dict(others) for module, others in collector.needs.items()}

    def undo(self, collector: _Collector) -> None:
        collector.statements, collector.symbols = self.statements, self.symbols
        collector.outside, collector.needs = self.outside, self.needs
