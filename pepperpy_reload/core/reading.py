"""A module's source read for its import statements, and for what becomes of the names that they bind."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pepperpy_reload.core.imports import Import, Name, Place, Reads, Source
from pepperpy_reload.core.registering import PLAIN_DECORATORS, called_by, deeds
from pepperpy_reload.core.statement import absolute, chain, first_line, never_at_import, postpones_annotations

_BARE = frozenset({ast.Load, ast.Store, ast.Del, ast.Constant, ast.Pass, ast.alias})

_NEVER = "if"
"""The root of what is not executed when the module is imported: no name."""


def read_source(module: str, path: str, text: bytes, *, is_package: bool) -> Source:
    """What a module's text says. Raises SyntaxError or ValueError for what is no Python."""
    tree = ast.parse(text)
    postponed = any(map(postpones_annotations, tree.body))
    walk = _Walk(module, module if is_package else module.rpartition(".")[0], postponed)
    walk.all(tree.body, _Context())
    exported = frozenset(_exported(tree))
    return Source(
        module,
        path,
        tuple(walk.imports),
        walk.reads(exported),
        frozenset(walk.attributes),
        tuple(deeds(tree)),
        is_package,
    )


@dataclass(frozen=True, slots=True)
class _Context:
    place: Place = Place.MODULE
    guarded: bool = False
    root: str = ""
    """The function or class at the top of the module that it is in, "" if it is executed with the module."""
    function: int = 0
    own: set[str] | None = None
    """The names that the function binds; None outside of functions."""
    outer: set[str] = field(default_factory=set)
    """Those of them that are no local variables (`global`, `nonlocal`)."""
    fields: bool = True
    """Whether nobody evaluates the annotations of what is assigned."""


class _Seen(NamedTuple):
    name: str
    line: int
    context: _Context


class _Walk:
    """One way through a module's tree."""

    def __init__(self, module: str, package: str, postponed: bool) -> None:
        self._module, self._package, self._postponed = module, package, postponed
        self.imports: list[Import] = []
        self.attributes: set[tuple[str, str]] = set()
        self._seen: list[_Seen] = []
        self._noted: set[str] = set()
        self._rebound: dict[str, int] = {}
        self._awkward: dict[str, int] = {}
        self._calls: dict[str, set[str]] = {}

    def all(self, nodes: Iterable[ast.AST], context: _Context) -> None:
        for node in nodes:
            self._node(node, context)

    def _node(self, node: ast.AST, context: _Context) -> None:
        kind = type(node)
        if kind in _BARE:
            return
        special = _SPECIAL.get(kind)
        if special is not None:
            special(self, node, context)
        else:
            self._inside(node, context)

    def _inside(self, node: ast.AST, context: _Context) -> None:
        for field_name in node._fields:
            value = getattr(node, field_name, None)
            if type(value) is list:
                for item in value:
                    if isinstance(item, ast.AST):
                        self._node(item, context)
            elif isinstance(value, ast.AST):
                self._node(value, context)

    def _guarded(self, node: ast.AST, context: _Context) -> None:
        self._inside(node, replace(context, guarded=True))

    def _call(self, node: ast.Call, context: _Context) -> None:
        if isinstance(node.func, ast.Name):
            self._calls.setdefault(context.root, set()).add(node.func.id)
        self._inside(node, context)

    def _attribute(self, node: ast.Attribute, context: _Context) -> None:
        if isinstance(node.value, ast.Name):
            self.attributes.add((node.value.id, node.attr))
        self._node(node.value, context)

    def _choosy(self, node: ast.AST, context: _Context) -> None:
        for other in _exact(node):
            self._awkward.setdefault(other.id, other.lineno)
        self._inside(node, context)

    def _name(self, node: ast.Name, context: _Context) -> None:
        if type(node.ctx) is ast.Load:
            self._seen.append(_Seen(node.id, node.lineno, context))
        elif context.own is not None:
            context.own.add(node.id)
        else:
            self._rebound.setdefault(node.id, node.lineno)

    def _import(self, node: ast.Import | ast.ImportFrom, context: _Context) -> None:
        found = tuple(self._imported(node, context))
        self.imports.extend(found)
        if context.own is not None:
            context.own.update(name.bound for one in found for name in one.names)

    def _declared(self, node: ast.Global | ast.Nonlocal, context: _Context) -> None:
        if context.own is not None:
            context.outer.update(node.names)
        for name in node.names if isinstance(node, ast.Global) else ():
            self._rebound.setdefault(name, node.lineno)

    def _if(self, node: ast.If, context: _Context) -> None:
        self._node(node.test, context)
        inside = replace(context, guarded=True)
        typing = chain(node.test)[-1:] == ("TYPE_CHECKING",)
        if typing or (never_at_import(node.test) and self._module != "__main__"):
            place = Place.TYPING if typing else Place.FUNCTION
            self.all(node.body, replace(inside, place=place, function=node.lineno, root=_NEVER))
        else:
            self.all(node.body, inside)
        self.all(node.orelse, inside)

    def _class(self, node: ast.ClassDef, context: _Context) -> None:
        if context.own is not None:
            context.own.add(node.name)
        self._decorators(node, context)
        self.all([*node.bases, *node.keywords], context)
        plain = not (node.decorator_list or node.bases or node.keywords)
        self.all(node.body, replace(context, fields=plain))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, context: _Context) -> None:
        arguments = node.args
        self.all([*arguments.defaults, *(one for one in arguments.kw_defaults if one)], context)
        is_plain = True
        if not isinstance(node, ast.Lambda):
            if context.own is not None:
                context.own.add(node.name)
            self._decorators(node, context)
            is_plain = all(
                chain(called_by(one))[-1:] and chain(called_by(one))[-1] in PLAIN_DECORATORS
                for one in node.decorator_list
            )
            for annotation in _annotations(node):
                self._annotation(annotation, context, is_plain)
        body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else [*node.body]
        line = node.lineno if isinstance(node, ast.Lambda) else first_line(node)
        place = Place.TYPING if context.place is Place.TYPING else Place.FUNCTION
        root = context.root or getattr(node, "name", "")
        own = {item.arg for item in ast.walk(arguments) if isinstance(item, ast.arg)}
        outer: set[str] = set()
        before = len(self._seen)
        self.all(body, _Context(place, root=root, function=line, own=own, outer=outer))
        local = own - outer
        self._seen[before:] = [one for one in self._seen[before:] if one.name not in local]

    def _decorators(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, context: _Context) -> None:
        for one in node.decorator_list:
            if isinstance(one, ast.Name):
                self._calls.setdefault(context.root, set()).add(one.id)
            self._node(one, context)

    def _annotated(self, node: ast.AnnAssign, context: _Context) -> None:
        if not context.function:
            self._annotation(node.annotation, context, context.fields)
        self._node(node.target, context)
        if node.value is not None:
            self._node(node.value, context)

    def _annotation(self, node: ast.expr, context: _Context, is_plain: bool) -> None:
        """Names in annotations that stay text are read by nobody, unless a decorator or a base class evaluates them."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and is_plain:
            self._note_text(node.value)
        elif self._postponed and is_plain:
            self._noted.update(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
            for inner in ast.walk(node):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    self._note_text(inner.value)
        else:
            self._node(node, context)
            for inner in ast.walk(node):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    self._seen.extend(_Seen(name, node.lineno, context) for name in _names_in(inner.value))

    def _note_text(self, text: str) -> None:
        self._noted.update(_names_in(text))

    def _imported(self, node: ast.Import | ast.ImportFrom, context: _Context) -> Iterator[Import]:
        last = node.end_lineno or node.lineno
        if isinstance(node, ast.Import):
            for one in node.names:
                bound = Name("", one.asname or one.name.partition(".")[0])
                yield Import(
                    self._module, one.name, (bound,), node.lineno, last, context.place, context.guarded, one.name,
                    len(node.names),
                )  # fmt: skip
            return
        names = tuple(Name(one.name, one.asname or one.name) for one in node.names)
        module = absolute(node.module, node.level, self._package)
        written = "." * node.level + (node.module or "")
        yield Import(
            self._module,
            module,
            names,
            node.lineno,
            last,
            context.place,
            context.guarded,
            written,
        )

    def reads(self, exported: frozenset[str]) -> dict[str, Reads]:
        """All names that are read or exported, by name."""
        loading = self._run_while_loading()
        first: dict[str, int] = {}
        functions: dict[str, dict[int, None]] = {}
        for name, line, context in self._seen:
            if context.place is Place.TYPING:
                self._noted.add(name)
            elif context.function and context.root not in loading:
                functions.setdefault(name, {})[context.function] = None
            elif name not in first:
                first[name] = line
        names = {*first, *functions, *self._noted, *exported, *self._rebound, *self._awkward}
        return {
            name: Reads(
                first.get(name, 0), tuple(functions.get(name, ())), name in self._noted, name in exported,
                self._rebound.get(name, 0), self._awkward.get(name, 0),
            )
            for name in names
        }  # fmt: skip

    def _run_while_loading(self) -> set[str]:
        """The functions and classes of the module that it calls itself while it is loaded."""
        found: set[str] = set()
        waiting = [] if self._module == "__main__" else [""]  # nobody waits for a script to be loaded
        while waiting:
            for name in self._calls.get(waiting.pop(), ()):
                if name not in found:
                    found.add(name)
                    waiting.append(name)
        return found


_SPECIAL: dict[type, Any] = {
    **dict.fromkeys((ast.Import, ast.ImportFrom), _Walk._import),
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda), _Walk._function),
    **dict.fromkeys((ast.Try, ast.TryStar, ast.With, ast.For, ast.While), _Walk._guarded),
    **dict.fromkeys((ast.ExceptHandler, ast.Compare, ast.MatchClass, ast.Raise), _Walk._choosy),
    **dict.fromkeys((ast.Global, ast.Nonlocal), _Walk._declared),
    ast.ClassDef: _Walk._class,
    ast.If: _Walk._if,
    ast.AnnAssign: _Walk._annotated,
    ast.Name: _Walk._name,
    ast.Call: _Walk._call,
    ast.Attribute: _Walk._attribute,
}


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    arguments = [item.annotation for item in ast.walk(node.args) if isinstance(item, ast.arg)]
    return (item for item in (*arguments, node.returns) if item is not None)


def _names_in(text: str) -> set[str]:
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError):
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _exact(node: ast.AST) -> Iterator[ast.Name]:
    """The names in a node for which nothing that stands for the object will do."""
    found: list[ast.expr] = []
    match node:
        case ast.ExceptHandler(type=ast.expr() as caught):
            found = caught.elts if isinstance(caught, ast.Tuple) else [caught]
        case ast.Compare(left=left, ops=ops, comparators=others) if any(isinstance(o, ast.Is | ast.IsNot) for o in ops):
            found = [left, *others]
        case ast.MatchClass(cls=cls):
            found = [cls]
        case ast.Raise(exc=ast.Name() as raised):
            found = [raised]
    return (one for one in found if isinstance(one, ast.Name))


def _exported(tree: ast.Module) -> Iterator[str]:
    """The names in `__all__`, and those that are imported under their own name on purpose (`import x as x`)."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name("__all__")], value=value) | ast.AugAssign(ast.Name("__all__"), _, value):
                texts = (one.value for one in ast.walk(value) if isinstance(one, ast.Constant))
                yield from (text for text in texts if isinstance(text, str))
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (one.name for one in names if one.asname == one.name)
