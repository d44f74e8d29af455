"""The one reader of live objects: answers the planner's questions about this process."""

from __future__ import annotations

import re
import sys
import types
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cached_property, partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, NewType, ParamSpec, TypeVar

from pepperpy_reload.core.difference import Alignment
from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.facts import FunctionFacts
from pepperpy_reload.core.mentions import Mentions
from pepperpy_reload.core.reflection import SWEEPING
from pepperpy_reload.core.unit import Kind, Unit
from pepperpy_reload.core.world import Cell, Given, Key, Place
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.layout import namespace_of
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import classes, ledger, memory
from pepperpy_reload.reloading.caches import caches_of
from pepperpy_reload.reloading.callables import run_by_calling, told_of_heirs
from pepperpy_reload.reloading.classstate import ClassState
from pepperpy_reload.reloading.getters import Getters, live_getters, why_displaced
from pepperpy_reload.reloading.heirs import with_bases
from pepperpy_reload.reloading.holders import (
    Holders,
    can_change,
    changed_with,
    contained,
    has_attributes,
    is_marked,
    led_to,
    parts_of,
)
from pepperpy_reload.reloading.holdings import is_plain_logger, is_silent
from pepperpy_reload.reloading.kept import can_be_kept, kept_by
from pepperpy_reload.reloading.lending import asked_for, lent_objects
from pepperpy_reload.reloading.lookers import asks, look_up
from pepperpy_reload.reloading.looking import attribute_of, is_a, is_atom
from pepperpy_reload.reloading.operators import Operators
from pepperpy_reload.reloading.origins import library_of
from pepperpy_reload.reloading.pairs import Pair
from pepperpy_reload.reloading.reaching import Reaching

_IMMUTABLE: tuple[type, ...] = (
    int, float, complex, str, bytes, bool, type(None), tuple, frozenset, range, ModuleType, FunctionType,
    BuiltinFunctionType, MethodType, type, Enum, re.Pattern, types.GenericAlias, types.UnionType, TypeVar, ParamSpec,
    types.WrapperDescriptorType, types.MethodDescriptorType, types.MethodWrapperType, types.ClassMethodDescriptorType,
    types.GetSetDescriptorType, types.MemberDescriptorType, NewType, *type(typing.Callable[..., int]).__mro__[:-1],
)  # fmt: skip
"""Types of what others are not expected to change; nor a bare `object()`."""
_NO_FUNCTIONS: Mapping[Key, FunctionFacts] = {}


class LiveWorld(Reaching):
    """This process, as a World for the planner.

    `alignments` and `pairs` are those of the edited modules: their units, and their functions before and after.
    """

    def __init__(
        self, alignments: Mapping[str, Alignment] | None = None, pairs: Mapping[str, Iterable[Pair]] | None = None
    ) -> None:
        super().__init__(alignments or {}, pairs or {})
        self._holders: Holders | None = None
        self._left_alone: dict[Cell, bool] = {}
        self._ran_by_file: dict[str, list[CodeKey]] | None = None
        self._mentions: dict[str, Mentions] = {}
        """By module: which of its functions may say a name."""
        self._class_state: dict[Key, list[Cell]] = {}
        self._why_not: dict[Place, str] = {}

    # --- source

    def caches(self) -> Iterator[tuple[Cell, CodeKey]]:
        """The cells that hold a function behind an lru_cache, or a class with one, each with the function."""
        for name, bounds in ledger.with_caches():
            for bound, _, function in caches_of(sys.modules.get(name), bounds):
                if function.__code__.co_filename == recorder.modules[name].path:
                    yield Cell(name, bound), CodeKey.of(function.__code__)

    def functions(self, module: str, saying: frozenset[str] | None) -> Mapping[Key, FunctionFacts]:
        """The functions of a module's old source that ran while some module was executed, and may say some names."""
        keys = self._keys_ran(module)
        if not keys:
            return _NO_FUNCTIONS
        if saying is None:
            return self._facts_of(module, keys)
        if module not in self._mentions:
            self._mentions[module] = Mentions(SWEEPING)
        found = self._mentions[module].of(saying, partial(map, partial(ledger.words_in_function, module), keys))
        if found is None:
            return self._facts_of(module, (key for key in keys if ledger.may_say(module, key, saying)))
        return self._facts_of(module, (keys[index] for index in found))

    def binding(self, module: str) -> Mapping[Key, FunctionFacts]:
        """Those that may bind names of their module."""
        keys = self._keys_ran(module)
        return self._facts_of(module, (key for key in keys if ledger.may_bind(module, key))) if keys else _NO_FUNCTIONS

    def _keys_ran(self, module: str) -> Sequence[CodeKey]:
        if self._ran_by_file is None:
            self._ran_by_file = ledger.ran_by_file()
        return self._ran_by_file.get(recorder.by_name[module].path, ())

    @staticmethod
    def _facts_of(module: str, keys: Iterable[CodeKey]) -> Mapping[Key, FunctionFacts]:
        return {key: facts for key in keys if (facts := ledger.facts(module, key)) is not None}

    def facts(self, key: Key) -> tuple[str, FunctionFacts] | None:
        """Where a function is defined, and what it does."""
        if isinstance(key, CodeKey):
            for name in recorder.modules.at(key.file):
                facts = ledger.facts(name, key)
                if facts is not None:
                    return name, facts
        return None

    # --- what ran

    def ran(self, module: str, old: int) -> frozenset[Key]:
        """The footprint of an old unit."""
        page = ledger.page(module)
        return frozenset(page.ran[old]) if page is not None and 0 <= old < len(page.ran) else frozenset()

    def runners(self, key: Key) -> Iterator[tuple[str, int]]:
        """The old units in whose footprint a function is."""
        for name in sorted(recorder.runners.get(key, ()), key=self._rank) if isinstance(key, CodeKey) else ():
            page = ledger.page(name)
            for index, found in enumerate(page.ran if page is not None else ()):
                if key in found:
                    yield name, index

    def readers_of_file(self, path: str) -> Iterator[Place]:
        """The units that opened a file while they were executed, by their new indexes."""
        for name, loaded in list(recorder.modules.items()):
            if path in loaded.files and (page := ledger.page(name)) is not None:
                for index, found in enumerate(page.reads):
                    if path in found and (place := self.place(name, index)) is not None:
                        yield place

    def class_state(self, key: Key, facts: FunctionFacts) -> Iterable[Cell]:
        """The classes that hold by themselves what a function may change of its parameters: a list, a counter."""
        if key not in self._class_state:
            self._class_state[key] = []
            if isinstance(key, CodeKey):
                homes = recorder.modules.at(key.file)
                found = {cell for name in homes for cell in self._classes.of(key, name, facts)}
                self._class_state[key] = sorted(found)
        return self._class_state[key]

    def having_parts(self, cell: Cell, names: Collection[str]) -> Iterable[Cell]:
        """The cells that lead to what the cell's value has as attributes of these names."""
        things = list(parts_of(self.value(cell), names))
        direct, around = self._index().of(things) if things else ((), ())
        return [*direct, *around]

    def has_class_state(self, cell: Cell) -> bool:
        """Whether a cell holds a first-party class that holds by itself what may change."""
        return is_a(value := self.value(cell), type) and self._classes.has(value)

    @cached_property
    def _classes(self) -> ClassState:
        return ClassState()

    def fetched(self) -> Mapping[Cell, Sequence[Place]]:
        """Where values come from that import statements were given by a module's `__getattr__`: who has them."""
        return self._given.fetched()

    def given_by_getters(self) -> Mapping[str, Given]:
        """What such functions have kept in the namespaces of their modules."""
        return self._given.kept()

    @property
    def _given(self) -> Getters:
        return Getters(self._getters, self.alignment, self.value)  # kept, it would keep us until garbage is collected

    @cached_property
    def _getters(self) -> Mapping[str, FunctionType]:
        return live_getters()

    def callees(self, cell: Cell, rest: Chain) -> Iterable[CodeKey]:
        """The first-party functions behind a callable value: the function, or what making an instance runs."""
        return run_by_calling(self._meant(cell, rest))

    def operators(self, cell: Cell, rest: Chain) -> Mapping[str, frozenset[Key]]:
        """The first-party methods of a value that run without being called."""
        return self._operators.of(led_to(self.value(cell), rest))

    @cached_property
    def _operators(self) -> Operators:
        return Operators()

    def told_of_heirs(self, cell: Cell, rest: Chain) -> Iterable[CodeKey]:
        """The first-party functions that making a subclass of a value runs."""
        return told_of_heirs(self._meant(cell, rest))

    def look_up(self, module: str, heads: Iterable[Chain], old: int, *, itself: bool = False) -> bool:
        """Whether one of these bases and decorators looks up what annotations say."""
        return look_up(module, heads, self.ran(module, old) if old >= 0 else None, itself=itself)

    def asks(self, module: str, called: Iterable[Chain], old: int) -> bool:
        """Whether one of these, or of the functions that ran meanwhile, may look up what annotations say."""
        return asks(module, called, self.ran(module, old) if old >= 0 else ())

    # --- live values

    def holds(self, cell: Cell, constant: object) -> bool:
        """Whether the cell's value is a constant."""
        value = self.value(cell)
        return type(value) is type(constant) and value == constant and cell.name in vars(sys.modules[cell.module])

    def is_mutable(self, cell: Cell, rest: Chain) -> bool:
        """Whether what `rest` means on a cell's value can be changed by passing it about."""
        value = self._part(cell, rest)
        is_fixed = is_a(value, _IMMUTABLE) and not has_attributes(value)
        return type(value) is not object and not is_fixed and not is_plain_logger(value)

    def _part(self, cell: Cell, rest: Chain) -> object:
        value = self.value(cell)
        for name in rest:
            if not is_a(value, (ModuleType, type)):
                break
            value = next((vars(kind)[name] for kind in _layers(value) if name in vars(kind)), None)
        return value

    def marked(self, cell: Cell, rest: Chain, names: Collection[str]) -> Iterable[Cell]:
        """The cells of what has such attributes: of a value, or of what it contains."""
        value = self._part(cell, rest)
        if is_marked(value, names):
            yield cell
        for inner in filter(lambda one: is_marked(one, names), contained(value)):
            if is_a(inner, (FunctionType, type)):
                home = Cell(inner.__module__, inner.__qualname__)
                yield from (home,) if self.knows(home.module) and self.value(home) is inner else ()
            else:
                yield from self._index().of([inner])[0]

    def holds_atom(self, cell: Cell) -> bool:
        """Whether a cell's value is of one of Python's own types of values that hold nothing."""
        return is_atom(self.value(cell))

    def is_silent(self, logger: str) -> bool:
        """Whether the logger of that name has a handler of Python's own that does nothing."""
        return is_silent(logger)

    def is_iterator(self, cell: Cell) -> bool:
        """Whether going through a cell's live value uses it up."""
        kind = type(self.value(cell))
        if kind is ModuleType:
            return False
        # A proxy has every method that there is, and is no iterator for that.
        return attribute_of(kind, "__next__") is not None and attribute_of(kind, "__getattr__") is None

    def holders(self, cell: Cell, rest: Chain, *, called: bool) -> tuple[Iterable[Cell], Iterable[Cell]]:
        """The cells that hold what `rest` means, as their values and inside of them."""
        values = led_to(self.value(cell), rest)
        things = [thing for value in values for thing in changed_with(value, called=called)]
        return self._index().of(things) if things else ((), ())

    def lent(self, cell: Cell, rest: Chain) -> Iterable[tuple[Iterable[Cell], Iterable[Cell]]]:
        """The same for each object that `rest` may mean, which goes through calls."""
        starts = asked_for(cell.module, self.facts) if self.is_asked_for(cell) else [self.value(cell)]
        for start in starts:
            for value in lent_objects(start, rest, self.facts):
                if things := list(changed_with(value, called=False)):
                    yield self._index().of(things)
                    if not is_a(start, (FunctionType, type, ModuleType)):  # what a function reads is known of its users
                        yield (cell,), ()

    def is_asked_for(self, cell: Cell) -> bool:
        """Whether a module has no such name, and its own `__getattr__` is asked for it."""
        names = getattr(sys.modules.get(cell.module), "__dict__", {})
        return cell.name not in names and "__getattr__" in names

    def was_left_alone(self, cell: Cell, by: str) -> bool:
        """Whether what a module had left in a cell is as it was: `by` was executed later, or else it tells nothing."""
        if self._is_loaded_by(by, cell.module):
            return False
        if cell not in self._left_alone:
            value = self.value(cell)
            self._left_alone[cell] = all(
                recorder.settled.is_as_left(module, name, one) for module, name, one in with_bases(cell, value)
            )
        return self._left_alone[cell]

    def keepers(self, key: Key) -> Iterable[Cell]:
        """The cells that lead to a function, if its calls may leave something for the next one."""
        return self._index().of_function(key) if isinstance(key, CodeKey) else ()

    def _index(self) -> Holders:
        if self._holders is None:
            self._holders = Holders()
        return self._holders

    def can_refit(self, place: Place) -> bool:
        """Whether a plain def's live value is the function that it made."""
        unit, value = self._unit_value(place)
        return (
            type(value) is FunctionType
            and value.__globals__ is vars(sys.modules[place.module])
            and value.__qualname__ == unit.statement.name
            and value.__closure__ is None
            and value.__code__.co_filename == recorder.modules[place.module].path
        )

    def why_not_transplant(self, place: Place) -> str:
        """Why a live class cannot take over what changes."""
        if place not in self._why_not:
            self._why_not[place] = self._find_why_not(place)
        return self._why_not[place]

    def _find_why_not(self, place: Place) -> str:
        unit, value = self._unit_value(place)
        alignment = self.alignment(place.module)
        assert alignment is not None
        old = alignment.old[alignment.olds[place.index]] if alignment.olds[place.index] >= 0 else None
        if old is None or not is_a(value, type):
            return "there is no live class"
        if any(self.look_up(place.module, text.heads, old.index, itself=True) for text in unit.naming_itself):
            return "its name is looked up while it is made"
        bare = unit.kind is old.kind is Kind.CLASS and not (unit.decorated or old.decorated)
        return classes.why_not(value, old.statement, unit.statement, self._tells_again, bare=bare)

    def _tells_again(self, base: type) -> bool:
        """Whether the hook of a base class may be called again for a subclass: it changes nothing of that."""
        hook = getattr(vars(base)["__init_subclass__"], "__func__", None)
        if type(hook) is not FunctionType:
            return False
        key = CodeKey.of(hook.__code__)
        if any(pair.changed and CodeKey.of(pair.old) == key for pair in self._pairs.get(base.__module__, ())):
            return False
        known = self.facts(key)
        return known is not None and not known[1].changes_first

    def foreign_bases(self, place: Place) -> tuple[Iterable[Cell], str]:
        """Which bases of a class remember their subclasses by means that are not the project's."""
        unit = self._unit(place)
        keepers: list[Cell] = []
        for base in unit.bases:
            value = self.value(Cell(place.module, base[0]))
            for name in base[1:]:
                value = vars(value).get(name) if is_a(value, ModuleType) else attribute_of(value, name)
            if is_a(value, type) and (why := classes.remembers(value)):
                found, reason = self._keepers_among(place, base, value)
                if reason:
                    return (), f"makes a subclass of {base[-1]}, which remembers its subclasses ({why})"
                keepers += found
            elif not is_a(value, type) and classes.may_remember(value):
                keepers.append(Cell(place.module, base[0]))
        return keepers, ""

    def _keepers_among(self, place: Place, base: Chain, value: type) -> tuple[list[Cell], str]:
        """What to make again for a class with a base that may remember it, and why that is not enough, or ""."""
        own = Cell(value.__module__, value.__name__)
        if own.module in recorder.modules and self.value(own) is value:
            return [own], ""
        if own.module not in recorder.modules and memory.found(value) is value:
            return [], memory.why_remembered(value)
        # It was made by a call, and may be told of in what others have given for it.
        direct, around = self._index().of(part for part in namespace_of(value).values() if can_change(part))
        return [Cell(place.module, base[0]), *sorted(direct | around)], ""

    def is_key(self, cell: Cell, rest: Chain, by: Cell, inner: Chain) -> bool:
        """Whether an object has an item under the value of another cell: names of classes are no such values."""
        table, key = self.value(cell), self.value(by)
        for name in rest:
            table = attribute_of(table, name)
        for name in inner:
            key = attribute_of(key, name)
        if key is None or inner[-1:] in (("__name__",), ("__qualname__",), ("__module__",)):
            return False
        if not is_a(table, dict):
            return True
        same = (one for one in list(table) if type(one) is type(key))
        return any(one is key or (is_atom(key) and one == key) for one in same)

    def is_made_by_a_library(self, cell: Cell) -> bool:
        """Whether a class has a library's metaclass, which may look at the classes that the class names."""
        value = self.value(cell)
        return is_a(value, type) and bool(library_of(type(value).__module__))

    def kept(self, cell: Cell) -> str:
        """The library that goes on keeping what a cell holds, or ""."""
        value = self.value(cell)
        return kept_by(value) if can_be_kept(value) else ""

    def _unit(self, place: Place) -> Unit:
        alignment = self.alignment(place.module)
        assert alignment is not None
        return alignment.units[place.index]

    def _unit_value(self, place: Place) -> tuple[Unit, Any]:
        unit = self._unit(place)
        return unit, self.value(Cell(place.module, unit.statement.name))

    # --- refusals

    def refusal(self, module: str) -> str:
        """Why no code of a module can be run again here."""
        if module == "__main__":
            return "__main__ is running and cannot be run again"
        wish = getattr(sys.modules.get(module), "__dict__", {}).get("__reload__")
        return f'{module} asks for a restart (__reload__ = "restart")' if wish == "restart" else why_displaced(module)


def _layers(value: Any) -> Iterable[Any]:
    return value.__mro__ if is_a(value, type) else (value,)
