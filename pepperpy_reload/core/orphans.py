"""Modules that nobody imports any more: a fresh start would not load them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from pepperpy_reload.core.scope import Scope
from pepperpy_reload.core.unit import Alias, Unit


def orphans(scope: Scope, edited: Iterable[str], dropped: Collection[str]) -> list[str]:
    """The loaded modules that were imported through what is gone, and cannot be reached from any root now.

    `edited` modules have new sources, `dropped` ones are gone. What a function imported later stays.
    """
    lost = set(_lost(scope, edited, dropped))
    if not lost:
        return []
    reached = _reach(scope, [name for name in scope.world.roots() if name not in dropped], set(edited), dropped)
    return sorted(_reach(scope, lost - reached, set(edited), reached | set(dropped)))


def _lost(scope: Scope, edited: Iterable[str], dropped: Iterable[str]) -> Iterator[str]:
    """What the imports led to that are not as they were."""
    for name in edited:
        module = scope.module(name)
        if module is not None:
            same = set(module.alignment.unchanged_olds)
            gone = [unit for unit in module.alignment.old if unit.index not in same]
            yield from _named(gone)
            indexes = {unit.index for unit in gone}
            yield from (imported for imported, index in scope.world.edges(name) if index in indexes)
    for name in dropped:
        yield from (imported for imported, _ in scope.world.edges(name))


def _reach(scope: Scope, names: Iterable[str], edited: Collection[str], without: Collection[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or name in without or scope.module(name) is None:
            continue
        found.add(name)
        waiting.extend(_imported(scope, name, is_edited=name in edited))
        waiting.extend(_parents(name))
    return found


def _imported(scope: Scope, name: str, *, is_edited: bool) -> Iterator[str]:
    """What a module imports, as the edits leave it."""
    module = scope.module(name)
    assert module is not None
    kept = module.alignment.olds
    for imported, index in scope.world.edges(name):
        if not is_edited or index < 0 or (index in kept and not _names_import(module.alignment.old[index])):
            yield imported
    if is_edited:
        yield from _named(module.alignment.units)


def _names_import(unit: Unit) -> bool:
    return unit.alias is not None or bool(unit.imports)


def _named(units: Iterable[Unit]) -> Iterator[str]:
    """The modules that import statements name, whether or not they are modules."""
    for unit in units:
        for alias in (*unit.imports, *([unit.alias] if unit.alias else [])):
            yield from _targets(alias)


def _targets(alias: Alias) -> Iterator[str]:
    yield alias.module
    yield from _parents(alias.module)
    if alias.name:
        yield f"{alias.module}.{alias.name}"


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name
