"""Names that were bound at a prompt by import statements, and what becomes of them when their modules are reloaded."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from pepperpy_reload.errors import UserCodeError
from pepperpy_reload.reloading.usercode import calling_user_code

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Origin:
    """What an import statement bound: an attribute of a module, or with "" the module itself."""

    module: str
    attribute: str = ""

    def value(self) -> object:
        """What the same import would bind now, or a marker if it would fail. Imports nothing."""
        module = sys.modules.get(self.module)
        if module is None:
            return _MISSING
        if not self.attribute:
            return module
        submodule = sys.modules.get(f"{self.module}.{self.attribute}", _MISSING)
        try:
            with calling_user_code():  # a module may have a __getattr__
                return getattr(module, self.attribute, submodule)
        except UserCodeError:
            return _MISSING


@dataclass(frozen=True, slots=True)
class Followed:
    """What a reload meant for a namespace."""

    renewed: tuple[str, ...] = ()
    """Names that are bound to another object now."""
    gone: tuple[str, ...] = ()
    """Names that could not be imported any more. They keep what they have."""


class ImportedNames:
    """The names in a namespace that hold what an import statement gave them.

    A name that was bound otherwise since, in whatever way, is left alone for good.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._held: dict[str, tuple[Origin, object]] = {}
        self._stars: dict[str, None] = {}

    def note(self, source: str) -> None:
        """`source` has just been executed in the namespace, at least its beginning."""
        try:
            bindings = _Bindings()
            bindings.visit(ast.parse(source))
        except (SyntaxError, ValueError):
            return
        self._stars.update(dict.fromkeys(bindings.stars))
        for name, origin in bindings.found.items():
            self.track(name, origin)

    def track(self, name: str, origin: Origin | None) -> None:
        """`name` is said to have been imported from `origin` (None: it was bound otherwise). Believed if it is so."""
        held = self._namespace.get(name, _MISSING)
        if origin is None or held is _MISSING or held is not origin.value():
            self._held.pop(name, None)
        else:
            self._held[name] = (origin, held)

    def follow(self, modules: Collection[str]) -> Followed:
        """These modules have been reloaded: bind the names that were imported from them to what is there now."""
        renewed: list[str] = []
        gone: list[str] = []
        for name, (origin, held) in list(self._held.items()):
            if self._namespace.get(name, _MISSING) is not held:
                del self._held[name]
            elif origin.module in modules:
                now = origin.value()
                if now is _MISSING:
                    gone.append(name)
                elif now is not held:
                    self._bind(name, origin, now)
                    renewed.append(name)
        return Followed((*renewed, *self._follow_stars(modules)), tuple(gone))

    def _follow_stars(self, modules: Collection[str]) -> Iterator[str]:
        """A star import binds names that are new in its module, too; nothing of the user's is overwritten."""
        for module in self._stars:
            for name in _exported(module) if module in modules else ():
                if name not in self._namespace:
                    origin = Origin(module, name)
                    self._bind(name, origin, origin.value())
                    yield name

    def _bind(self, name: str, origin: Origin, value: object) -> None:
        self._namespace[name] = value
        self._held[name] = (origin, value)


def _exported(module: str) -> list[str]:
    """The names that `from module import *` binds, as far as they are there."""
    namespace = getattr(sys.modules.get(module), "__dict__", {})
    names = namespace.get("__all__") or [name for name in namespace if not name.startswith("_")]
    return [name for name in names if isinstance(name, str) and Origin(module, name).value() is not _MISSING]


class _Bindings(ast.NodeVisitor):
    """The names that an input binds in its namespace; None stands for all that is not an import.

    A function's body binds names of its own, and what it does to global ones shows when the values are compared.
    """

    def __init__(self) -> None:
        self.found: dict[str, Origin | None] = {}
        self.stars: list[str] = []

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            first = alias.name.partition(".")[0]
            self.found[alias.asname or first] = Origin(alias.name if alias.asname else first)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level or not node.module:  # a prompt belongs to no package
            return
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(node.module)
                self.found.update((name, Origin(node.module, name)) for name in _exported(node.module))
            else:
                self.found[alias.asname or alias.name] = Origin(node.module, alias.name)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.found[node.id] = None

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._bound_otherwise(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self._bound_otherwise(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        self._bound_otherwise(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self._bound_otherwise(node.rest)
        self.generic_visit(node)

    def _visit_definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self._bound_otherwise(node.name)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _visit_definition  # noqa: N815 - so ast calls them

    def _visit_inner_scope(self, node: ast.AST) -> None:
        for inner in ast.walk(node):
            if isinstance(inner, ast.NamedExpr):  # the one thing that leaves a comprehension
                self._bound_otherwise(inner.target.id)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_inner_scope  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        pass

    def _bound_otherwise(self, name: str | None) -> None:
        if name:
            self.found[name] = None
