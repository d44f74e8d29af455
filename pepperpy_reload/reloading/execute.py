"""Statements executed one at a time in their module's live namespace."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from enum import EnumType
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pepperpy_reload.core.certainty import surely_bound
from pepperpy_reload.core.plan import Action, Step
from pepperpy_reload.core.unit import Kind, Unit
from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.importing.footprint import Activity
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import bygone, classes, instances, members, memory
from pepperpy_reload.reloading.looking import is_a
from pepperpy_reload.reloading.stars import Stars
from pepperpy_reload.reloading.stroke import at_one_stroke
from pepperpy_reload.reloading.table import Table

Undo = Callable[[Callable[[], None]], None]


class Names(MutableMapping[str, Any]):
    """A module's names while statements of it are executed again: writes go through to the live namespace.

    A stale name, one that a statement is still going to bind, is as good as missing for the module's own statements,
    while functions and other threads, which look into the live namespace, go on finding the old value.
    """

    def __init__(self, namespace: dict[str, Any], stale: set[str], kept: dict[str, Any] | None = None) -> None:
        self.namespace = namespace
        self._kept = kept or {}
        self.stale = stale

    def __getitem__(self, name: str) -> Any:
        if name in self.stale:
            if name == "__annotations__":  # asked for before it is made
                raise KeyError(name)
            try:
                return getattr(builtins, name)
            except AttributeError:
                raise NameError(f"name {name!r} is not defined", name=name) from None
        return self.namespace[name]

    def is_asked(self, asked: Collection[str], bound: Collection[str]) -> bool:
        """Whether it is not the same to have the namespace itself, for who asks for and binds these names."""
        return not (self.stale.isdisjoint(asked) and self._kept.keys().isdisjoint(bound))

    def __setitem__(self, name: str, value: Any) -> None:
        self.stale.discard(name)
        self.namespace[name] = self._kept.get(name, value)

    def __delitem__(self, name: str) -> None:
        if name in self.stale:
            raise KeyError(name)
        del self.namespace[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in list(self.namespace) if name not in self.stale)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Scratch(Names):
    """The same, but what is bound goes to `made` and leaves the live namespace alone."""

    def __init__(self, namespace: dict[str, Any], stale: set[str]) -> None:
        super().__init__(namespace, stale)
        self.made: dict[str, Any] = {}

    def __setitem__(self, name: str, value: Any) -> None:
        self.made[name] = value

    def __getitem__(self, name: str) -> Any:
        return self.made[name] if name in self.made else super().__getitem__(name)


def _names_of(thing: object, namespace: Mapping[str, Any]) -> set[str]:
    """The names by which a namespace has an object; not where its contents are taken, whose holders are counted."""
    return {name for name, held in namespace.items() if held is thing}


def _become(table: dict[str, Any], other: dict[str, Any]) -> None:
    at_one_stroke([table.clear, partial(table.update, other)])


class Executor:
    """Executes the steps of one module, in the order in which they come."""

    def __init__(
        self,
        module: ModuleType,
        path: str,
        code: CodeType,
        units: list[Unit],
        old: list[Unit],
        olds: list[int],
        stars: Stars,
        undo: Undo,
        before: Callable[[str], dict[str, Any]],
        census: instances.Census,
        remade: list[object],
    ) -> None:
        self.module = module
        self.units = units
        self.activities: dict[int, Activity] = {}
        self._remade = remade
        """Gets the objects that are the same and yet were made again."""
        self.survived: dict[int, list[str]] = {}
        """The names that a statement has bound to the same object again, by its index."""
        self._path = path
        self._table = Table(code)
        self._old = old
        self._olds = olds
        self._stars = stars
        self._undo = undo
        self._before = before
        self._census = census
        self.names = Names(vars(module), set())
        self._expected: set[int] = set()
        self._waiting: set[int] = set()
        """The star imports that are still to come: what they bind is not known yet."""

    @property
    def postpones_annotations(self) -> bool:
        """Whether annotations of the module stay text (PEP 563)."""
        return self._table.postpones_annotations

    def expect(self, step: Step) -> None:
        """A step that is going to come: what it binds is stale until then."""
        unit = self.units[step.index]
        if step.action is Action.EXECUTE:
            self.names.stale.update(unit.binds)
            self._expected.add(step.index)
            if unit.kind is Kind.CLASS:
                self._census.expect(vars(self.module).get(unit.statement.name))
        if unit.alias is not None and unit.alias.bound == "*":
            self._waiting.add(step.index)

    def take(self, step: Step, unseen: Collection[str], hidden: Mapping[str, object]) -> None:
        """Take one step. `unseen` names are what they are by what comes later: it neither imports nor binds them.

        What is `hidden` has been taken out of the namespace for the time being.
        """
        unit = self.units[step.index]
        code = self._table.compile(unit, self._path)
        activity = Activity(self.module.__name__, None, step.index, unit.line)
        self.activities[step.index] = activity
        self._save_annotations(unit)
        recorder.watch.enter(activity)
        try:
            if step.action is Action.EXECUTE:
                self._execute(code, unit, unseen, hidden, again=step.again)
            else:
                self._take_over(code, unit, self._old[self._olds[step.index]], step.dirty)
        finally:
            recorder.watch.leave()
            activity.disown(code)

    def execute_plainly(self, unit: Unit) -> None:
        """Execute a statement that runs no code but its own, and binds names to what it computes: see `Takeovers`."""
        exec(self._table.compile(unit, self._path), self.names.namespace, self.names)

    def execute_anew(self, unit: Unit) -> None:
        """The same in a module with a new source: what its statement ran and read before is no longer so."""
        self.activities[unit.index] = Activity(self.module.__name__, None, unit.index, unit.line)
        self.execute_plainly(unit)

    def _save_annotations(self, unit: Unit) -> None:
        """What a module annotates is put back whether or not other objects are."""
        table = vars(self.module).get("__annotations__")
        if type(table) is dict and unit.annotates:
            self._save(table)

    def _save(self, table: dict[str, Any]) -> None:
        self._undo(partial(_become, table, dict(table)))

    def _execute(
        self, code: CodeType, unit: Unit, unseen: Collection[str], hidden: Mapping[str, object], *, again: bool
    ) -> None:
        namespace = vars(self.module)
        before = {name: hidden.get(name, namespace.get(name)) for name in unit.binds}
        if unit.alias is not None and unit.alias.bound == "*":
            self._execute_star(code, unit, unseen)
        else:
            self._execute_in(namespace, code, unit)
            self._leave_to_branches(unit)
        for name, value in before.items():
            if name in unseen:
                namespace[name] = value
            now = None if name in self.names.stale else namespace.get(name)
            if now is value:
                self.survived.setdefault(unit.index, []).append(name)
            if again and instances.take_contents(value, now, namespace, self._undo):
                # A function that it ran may have bound another name to the same object (`global`).
                namespace.update(dict.fromkeys((name, *(_names_of(now, namespace) - before.keys())), value))
                self._remade.append(value)
            if unit.kind is Kind.CLASS:
                self._follow(self._predecessor(unit, name, value), now)

    def _leave_to_branches(self, unit: Unit) -> None:
        """What a statement has not bound, as its branch is not taken, is what the other branch has bound it to."""
        for name in unit.binds & self.names.stale if unit.statement.guards else ():
            others = (one for one in self.units if name in one.binds and one.index not in self._expected)
            if any(unit.statement.excludes(one.statement) for one in others):
                self.names.stale.discard(name)

    def _predecessor(self, unit: Unit, name: str, value: Any) -> Any:
        """What a statement had made, as far as that is known: `value` is what the name has held until now.

        Of several statements that bind a name only the last one's object is known by it, from before the reload; and
        what came from another module by an import was made by none of them.
        """
        binders = [one.index for one in self.units if name in one.binds]
        stars = any(one.alias is not None and one.alias.bound == "*" for one in self.units)
        if len(binders) == 1 and not stars and self._olds[unit.index] >= 0:
            return value
        found = self._before(self.module.__name__).get(name) if unit.index == binders[-1] else None
        return found if is_a(found, type) and found.__module__ == self.module.__name__ else None

    def _follow(self, old: Any, new: Any) -> None:
        """The instances of a class follow to the one that has been made in its place, and so do members of an enum."""
        if is_a(old, type) and is_a(new, type) and old is not new and type(old) is type(new):
            if is_a(old, EnumType):
                members.keep_members(old, new, self._undo)
            things = self._census.take(old)
            if classes.remembers(old) and any(memory.knows(thing, old) for thing in things):
                raise RestartNeeded(f"an object of class {old.__qualname__} is in use, and knows its class by itself")
            instances.migrate(things, new, self._undo)

    def _execute_in(self, namespace: dict[str, Any], code: CodeType, unit: Unit) -> None:
        """In the module's own namespace, as an import does, if no stale name is asked for: libraries look at frames."""
        bound = surely_bound(unit)
        if bound is None or self.names.is_asked(unit.firsts | (set(code.co_names) - bound), bound):
            exec(code, namespace, self.names)
        else:
            exec(code, namespace)
            self.names.stale -= bound

    def _execute_star(self, code: CodeType, star: Unit, unseen: Collection[str]) -> None:
        """A star import: names that it used to bind and no longer does go, unless another star import binds them."""
        assert star.alias is not None
        namespace = vars(self.module)
        bound = {name for unit in self.units for name in unit.binds}
        once = self._before(star.alias.module)
        taken = self._stars.taken(star, once)
        used = {name for name in taken if name in namespace and namespace[name] is once[name]} - bound
        scratch = Scratch(namespace, self.names.stale)
        exec(code, namespace, scratch)
        made = self._stars.found(star, scratch.made)
        scratch.made = {name: value for name, value in made.items() if name not in unseen}
        self._waiting.discard(star.index)
        others = self._other_stars(star)
        for name, value in scratch.made.items():
            if not any(index > star.index for index, names in others if name in names):
                self.names[name] = value
        for name in used - scratch.made.keys():
            values = [names[name] for _, names in others if name in names]
            if values:
                self.names[name] = values[-1]
            else:
                self.drop(name)

    def _other_stars(self, star: Unit) -> list[tuple[int, dict[str, Any]]]:
        """What the other star imports of this module bind, in their order."""
        found = []
        for unit in self.units:
            if unit.index in self._waiting or unit is star:
                continue
            if unit.alias is not None and unit.alias.bound == "*":
                found.append((unit.index, self._stars.offered(unit)))
        return found

    def _take_over(self, code: CodeType, unit: Unit, old: Unit, dirty: frozenset[str]) -> None:
        namespace = vars(self.module)
        scratch = Scratch(namespace, self.names.stale)
        name = unit.statement.name
        live = namespace[name]
        if unit.kind is Kind.CLASS and old.kind is Kind.CLASS:
            with classes.Hushed(live) as hushed:
                exec(code, namespace, scratch)
            bygone.note(scratch.made[name])
            if classes.has_other_bases(live, scratch.made[name], unit.statement):
                raise RestartNeeded(f"{self.module.__name__}.{name} would have other bases now")
            classes.take_over(live, scratch.made[name], old.statement, unit.statement, dirty, self._undo)
            hushed.tell()
            return
        exec(code, namespace, scratch)
        made = scratch.made[name]
        if is_a(made, FunctionType):
            classes.take_definition(live, made, self._undo)

    def drop_unbound(self) -> list[str]:
        """Names that no statement has bound again, all steps being taken, go; which these were."""
        left = sorted(name for name in self.names.stale if name in vars(self.module) and name != "__annotations__")
        self.names.stale.clear()
        for name in left:
            self.drop(name)
        return left

    def tidy_annotations(self) -> None:
        """What `__annotations__` knows is what the statements annotate, in their order (up to 3.13, see PEP 649)."""
        namespace = vars(self.module)
        table = namespace.get("__annotations__")
        if type(table) is not dict:
            return
        names = dict.fromkeys(name for unit in self.units for name in unit.annotates)
        if not names:
            del namespace["__annotations__"]
        elif list(table) != (wanted := [name for name in names if name in table]):
            self._save(table)
            _become(table, {name: table[name] for name in wanted})

    def drop(self, name: str) -> None:
        """A name that nothing binds any more goes; the name of a submodule is that submodule again."""
        namespace = vars(self.module)
        submodule = sys.modules.get(f"{self.module.__name__}.{name}")
        if submodule is not None:
            namespace[name] = submodule
        elif name == "__doc__":
            namespace[name] = None
        else:
            namespace.pop(name, None)
