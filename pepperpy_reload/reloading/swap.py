"""Functions of edited modules get their new code where they are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from types import FunctionType

from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.unit import Kind, Unit
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger, patch
from pepperpy_reload.reloading.attempt import Attempt, Prepared
from pepperpy_reload.reloading.bodies import known_to_classes
from pepperpy_reload.reloading.classslots import setter_of
from pepperpy_reload.reloading.pairs import Pair, unpatchable
from pepperpy_reload.reloading.reading import Edited


def swap_codes(attempt: Attempt, names: Collection[str]) -> None:
    """Swap the code of all live functions of edited modules."""
    edited = attempt.prepared.reading.edited
    moved = {name: list(_moved(attempt.prepared, name)) for name in names}
    found, captured = patch.live_functions((sys.modules.get(name), pairs) for name, pairs in moved.items())
    for name, pairs in moved.items():
        _swap(attempt, pairs, found)
        _tell_classes(attempt, edited[name])
        for pair in edited[name].pairs:
            if pair.changed:
                attempt.changed.update((CodeKey.of(pair.old), CodeKey.of(pair.new)))
    others = [pair for pairs in moved.values() for pair in pairs if not captured.isdisjoint(map(identity, pair.olds))]
    if others and any(ledger.captures_code(other) for other in recorder.modules):
        patch.swap_captured(others, [sys.modules[other] for other in recorder.modules], attempt.transaction.undo)


def _moved(prepared: Prepared, name: str) -> Iterator[Pair]:
    """The functions of an edited module that get other code in place.

    Not those that get other parameters from their statement: it has their defaults as well, and not before.
    """
    made_again = {identity(pair) for pair in prepared.executed_in(name) if pair.takes_others}
    for pair in prepared.reading.edited[name].pairs:
        if pair.moved and identity(pair) not in made_again and not unpatchable(pair):
            yield pair


def _swap(attempt: Attempt, moved: Iterable[Pair], found: patch.Found) -> None:
    """Give live functions their new code."""
    for pair in moved:
        for code in pair.olds:
            for function in found.get(identity(code), ()):
                attempt.transaction.undo(_putting_back(function))
                patch.put(function, pair)


def _tell_classes(attempt: Attempt, edited: Edited) -> None:
    several = _not_defined_once(edited.alignment.old)
    known = list(known_to_classes(sys.modules[edited.name], edited.loaded.code, edited.code, several))
    copies = list(_copies()) if known else []
    for cls, attribute, value in known:
        before = vars(cls)[attribute]
        attempt.transaction.undo(partial(setter_of(cls), cls, attribute, before))
        setter_of(cls)(cls, attribute, value)
        for wrapped, function in copies:
            if wrapped is cls and vars(function).get(attribute) is before:
                attempt.transaction.undo(partial(setattr, function, attribute, before))
                setattr(function, attribute, value)


def _copies() -> Iterator[tuple[object, FunctionType]]:
    """The functions that `functools.wraps` has given all that a class knows, each with the class."""
    for name, copies in ledger.with_copies():
        names = getattr(sys.modules.get(name), "__dict__", {})
        for function in map(names.get, copies):
            if type(function) is FunctionType:
                yield getattr(function, "__wrapped__", None), function


def _not_defined_once(units: Iterable[Unit]) -> set[str]:
    """The names of which a module may hold several classes at once: bound twice, or in a loop."""
    once: set[str] = set()
    others: set[str] = set()
    for unit in units:
        plain = unit.kind in (Kind.FUNCTION, Kind.CLASS)
        others |= (unit.binds & once) if plain else unit.binds
        once |= unit.binds
    return others


def _putting_back(function: FunctionType) -> Callable[[], None]:
    code, documentation = function.__code__, function.__doc__

    def put_back() -> None:
        function.__code__ = code
        function.__doc__ = documentation

    return put_back
