"""What a plan does outside the project: an effect that cannot be taken back, or must not be had twice, is a restart."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator

from pepperpy_reload.core.deeds import Sort
from pepperpy_reload.core.difference import Alignment, Fate
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.tree import walk
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.core.world import Cell, Key, Place, Reach

Reaches = dict[str, Reach]
"""What is reached outside, by the text of the code that does so."""


class Outside:
    """The effects of units on what is not the project's own.

    `edited` are the modules with a new source, `changed` the functions with another one.
    """

    def __init__(self, traces: Traces, edited: Iterable[str], changed: Collection[Key]) -> None:
        self._traces = traces
        self._world = traces.world
        self._changed = changed
        self._functions: dict[Key, Reaches] = {}
        self._old: dict[str, Reaches] = {}
        self._new: dict[str, Reaches] = {}
        self._keys: dict[str, set[Key]] = {}
        for name in edited:
            self._read(name)

    def _read(self, name: str) -> None:
        module = self._traces.module(name)
        if module is None:
            return
        alignment = module.alignment
        new = [unit for unit in alignment.units if alignment.fates[unit.index] in (Fate.NEW, Fate.CHANGED)]
        old = [alignment.old[alignment.olds[unit.index]] for unit in new if alignment.olds[unit.index] >= 0]
        self._new[name] = {text: one for unit in new for text, one in self._of(name, unit).items()}
        self._old[name] = {text: one for unit in (*old, *alignment.gone) for text, one in self._of(name, unit).items()}

    def _soon(self, name: str) -> set[Key]:
        """The functions that what is new in a module is going to run, as far as can be told: it is seldom asked."""
        if name not in self._keys:
            module = self._traces.module(name)
            units = module.alignment.units if module is not None and name in self._new else ()
            fates = module.alignment.fates if module is not None else ()
            new = [unit for unit in units if fates[unit.index] in (Fate.NEW, Fate.CHANGED)]
            self._keys[name] = {key for unit in new for key in self._traces.predicted(name, unit)}
        return self._keys[name]

    def lost(self, name: str, *, whole: bool) -> Iterator[str]:
        """What an edited module (or one that goes, `whole`) had done outside, and would not have done now."""
        module = self._traces.module(name)
        if module is None:
            return
        alignment = module.alignment
        yield from () if whole else self._told_in_another_order(name, alignment)
        pairs = zip(alignment.olds, alignment.fates, strict=True)
        stays = {old for old, fate in pairs if fate in _SAME and not whole}
        for unit in alignment.old:
            if unit.index in stays:
                continue
            yield from self._kept(name, unit)
            for text, one in self._of(name, unit).items():
                if whole or text not in self._new.get(name, {}):
                    yield f"{one}, which cannot be taken back"
            for key in self._world.ran(name, unit.index):
                for one in self._in_function(key).values():
                    if whole or key not in self._soon(name) or not one.fixed:
                        yield f"{one}, called by {_at(name, unit)}, which cannot be taken back"
                    elif one.twice and not one.watched:
                        yield f"{one}, called by {_at(name, unit)}, which would be done again"

    def _told_in_another_order(self, name: str, alignment: Alignment) -> Iterator[str]:
        known = [old for old in alignment.olds if old >= 0]
        if known == sorted(known):
            return
        old, new = (
            [text for unit in units for text, one in self._of(name, unit).items() if one.about]
            for units in (alignment.old, alignment.units)
        )
        if [text for text in old if text in new] != [text for text in new if text in old]:
            yield f"{name} tells a library things in another order, which cannot be taken back"

    def begun(self, name: str) -> Iterator[str]:
        """What an edited module is going to do outside that it has not done, and that others may have missed."""
        for text, one in self._new.get(name, {}).items():
            if text not in self._old.get(name, {}):
                if one.seen:
                    yield f"{one}, which was not so from the start"
            elif one.twice and not one.watched and not one.about:
                yield f"{one}, which would then be done twice"

    def again(self, place: Place, *, dirty: Callable[[Place], bool]) -> Iterator[str]:
        """What executing a unit once more would do, or do otherwise. Is what it reads `dirty`?"""
        if self._traces.fate(place) not in _SAME:
            return
        unit, is_dirty = self._traces.unit(place), None
        yield from self._kept(place.module, unit)
        for one in self._of(place.module, unit).values():
            if one.watched or one.about or (one.undone and not repeats(unit)):
                continue
            is_dirty = dirty(place) if is_dirty is None else is_dirty
            if one.twice:
                yield f"{one}, which would then be done twice"
            elif is_dirty and not one.fixed:
                yield f"{one}, and may do it otherwise now"
        for key in self._world.ran(place.module, self._traces.old_index(place)):
            for text, one in self._in_function(key).items():
                is_dirty = dirty(place) if is_dirty is None else is_dirty
                if key in self._changed and text not in self._texts_now(key):
                    yield f"{one}, which cannot be taken back"
                elif not one.watched and (one.twice or (is_dirty and not one.fixed)):
                    yield f"{one}, called by {_at(place.module, unit)}, which would be done again"

    def _kept(self, name: str, unit: Unit) -> Iterator[str]:
        """What a unit has made that its library would have still, beside what it makes now."""
        for bound in sorted(unit.binds - _only_imported(unit)) if unit.alias is None else ():
            if library := self._world.kept(Cell(name, bound)):
                yield f"{_at(name, unit)} has made {bound}, which {library} goes on keeping"

    def _of(self, name: str, unit: Unit) -> Reaches:
        found: Reaches = {}
        for deed in unit.deeds:
            one = self._traces.reach(name, deed, unit.imports)
            if one is not None:
                found[_text(deed.text, deed.sort)] = one
        return found

    def _in_function(self, key: Key) -> Reaches:
        if key not in self._functions:
            found = self._functions[key] = {}
            known = self._world.facts(key)
            for deed in known[1].deeds if known is not None else ():
                one = self._traces.reach(known[0], deed, known[1].imports) if known is not None else None
                if one is not None and not one.library:
                    found[_text(deed.text, deed.sort)] = one
        return self._functions[key]

    def _texts_now(self, key: Key) -> set[str]:
        """What the edited module of a function does anywhere, now."""
        known = self._world.facts(key)
        module = self._traces.module(known[0]) if known is not None else None
        units = module.alignment.units if module is not None else ()
        return {_text(deed.text, deed.sort) for unit in units for deed in unit.all_deeds}


_SAME = (Fate.SAME, Fate.BODY)
_NAMED = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar,
)  # fmt: skip
_LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _only_imported(unit: Unit) -> set[str]:
    """The names that import statements inside a unit bind, and nothing else in it: it has made none of these."""
    found = {alias.bound for alias in unit.imports}
    for node in walk(unit.statement.node) if found else ():
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.discard(node.id)
        elif isinstance(node, _NAMED):
            found.discard(getattr(node, "name", None) or "")
        elif isinstance(node, ast.MatchMapping):
            found.discard(node.rest or "")
    return found


def repeats(unit: Unit) -> bool:
    """Whether a unit may do the same several times."""
    return any(isinstance(node, _LOOPS) for node in walk(unit.statement.node))


def _text(text: str, sort: Sort) -> str:
    return f"{sort} {text}"


def _at(name: str, unit: Unit) -> str:
    return f"{name}:{unit.line}"
