"""Small programs as values: modules of statements, each statement with the names that it binds and of what kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

Sources = dict[str, str]
"""The files of a program: text by path."""


@dataclass(frozen=True, slots=True)
class Stmt:
    """One or a few lines that belong together.

    `binds` tells the kind of each name: int, list, dict, func, class, enum, object, wrap, reg, or `module:x.y`.
    """

    text: str
    binds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Module:
    """A module of a program."""

    name: str
    is_package: bool = False
    statements: tuple[Stmt, ...] = ()

    @property
    def path(self) -> str:
        """Its file, relative to the program's directory."""
        return self.name.replace(".", "/") + ("/__init__.py" if self.is_package else ".py")

    @property
    def text(self) -> str:
        """Its source."""
        return "".join(f"{statement.text}\n" for statement in self.statements)

    @property
    def package(self) -> str:
        """What its relative imports are relative to."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def binds(self, end: int | None = None) -> dict[str, str]:
        """What its statements bind, or those before the one of index `end`."""
        found: dict[str, str] = {}
        for statement in self.statements[:end]:
            found |= statement.binds
        return found

    def with_statements(self, statements: list[Stmt]) -> Module:
        """The same module with other statements."""
        return replace(self, statements=tuple(statements))


Program = dict[str, Module]
"""The modules by name, those that others are likely to import first."""

ENTRY = "app"


def sources(program: Program) -> Sources:
    """The files of a program."""
    return {module.path: module.text for module in program.values()}


def visible(program: Program, module: Module, end: int | None = None) -> Iterator[tuple[str, str]]:
    """The expressions that a statement at `end` can use, with their kinds: names, and names of imported modules."""
    for name, kind in module.binds(end).items():
        yield name, kind
        target = program.get(kind.removeprefix("module:")) if kind.startswith("module:") else None
        if target is not None:
            yield from ((f"{name}.{inner}", what) for inner, what in target.binds().items() if "." not in inner)
