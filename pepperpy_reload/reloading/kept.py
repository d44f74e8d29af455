"""What libraries keep of the objects that the project has of their classes.

A metric, a table or a figure may be put on a list as it is made. If it is made again, the list has both, or the second
one is refused; if it goes, the list has it still. That is no fresh start.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from types import FunctionType, ModuleType
from typing import Any

from pepperpy_reload.core.identity import identity
from pepperpy_reload.importing.layout import namespace_of
from pepperpy_reload.reloading.foreign import PURE_LIBRARIES
from pepperpy_reload.reloading.looking import instance_dict, is_a, is_atom
from pepperpy_reload.reloading.memory import lead_to, modules_of
from pepperpy_reload.reloading.origins import home_of, is_own, library_of

_FAR = 100_000  # objects looked at: who leads to something by such a way has not put it on a list
_DEEP = 3  # what a container or an object of the project's holds, and what that holds
_MANY = 200  # objects of one value
_CONTAINERS = (list, tuple, set, frozenset)
Asked = dict[str, list[tuple[Any, type]]]
"""By library: objects that it may keep, each with its class."""

_forgotten: dict[tuple[int, str], weakref.ref[type]] = {}
"""Classes, by their identity and with a library that was found to keep no object of theirs; some are made for each."""


def kept_by(value: Any) -> str:
    """The library that leads to a value, or to something that it holds, by its own names; "" if none does.

    Of a class of the project's that is what its namespace holds, and the libraries that it is derived from count, too.
    """
    return next((package for package, things in _asked([value]).items() if _is_kept(package, things)), "")


def can_be_kept(value: Any) -> bool:
    """Whether it is worth asking for a value."""
    return not is_atom(value) and not is_a(value, FunctionType)


class Inquiry:
    """Finds out which libraries keep nothing of all that modules have made: it takes one walk through what each has.

    The objects are not held meanwhile. If another one has come in the place of one of them and is kept, it is asked for
    again.
    """

    def __init__(self) -> None:
        self._marks: dict[str, set[int]] = {}
        self._kinds: dict[str, dict[int, weakref.ref[type]]] = {}

    def add(self, values: Iterable[Any]) -> None:
        """Ask for these as well."""
        for package, things in _asked(filter(can_be_kept, values)).items():
            self._marks.setdefault(package, set()).update(identity(thing) for thing, _ in things)
            self._kinds.setdefault(package, {}).update((identity(kind), weakref.ref(kind)) for _, kind in things)

    def answers(self) -> Iterator[str]:
        """The libraries, each when it has been looked through."""
        for package, marks in self._marks.items():
            if not lead_to(marks, modules_of([package]), [package], far=_FAR):
                _forgotten.update({(key, package): known for key, known in self._kinds[package].items()})
            yield package


def _asked(values: Iterable[Any]) -> Asked:
    asked: Asked = {}
    for value in values:
        _ask(value, asked)
    return asked


def _ask(value: Any, asked: Asked) -> None:
    """Add the objects in a value that libraries may keep, by these; not those of which it is known that none does."""
    above = list(map(_package, type.mro(value))) if is_a(value, type) and is_own(value) else []
    for thing, kind in _of_libraries(namespace_of(value) if above else value):
        for package in dict.fromkeys([*above, _package(kind)]):
            known = _forgotten.get((identity(kind), package))
            if package and package not in PURE_LIBRARIES and (known is None or known() is not kind):
                asked.setdefault(package, []).append((thing, kind))


def _is_kept(package: str, things: Sequence[tuple[Any, type]]) -> bool:
    """Whether a library leads to one of some objects; if not it is remembered of their classes."""
    if lead_to({identity(thing) for thing, _ in things}, modules_of([package]), [package], far=_FAR):
        return True
    _forgotten.update({(identity(kind), package): weakref.ref(kind) for _, kind in things})
    return False


def _of_libraries(value: Any) -> Iterator[tuple[Any, type]]:
    """The objects in a value that are of a library's class, or of one derived from it; each with that class."""
    level, seen = [value], set[int]()
    for _ in range(_DEEP):
        inside: list[Any] = []
        for thing in level:
            if is_atom(thing) or is_a(thing, (type, ModuleType, FunctionType)) or identity(thing) in seen:
                continue
            seen.add(identity(thing))
            kind = next((one for one in type.mro(type(thing)) if _package(one)), None)
            if kind is not None:
                if not _is_sign(thing):
                    yield thing, kind
            else:
                inside += _held(thing)
        level = inside[:_MANY]


def _is_sign(thing: Any) -> bool:
    """Whether an object holds nothing: libraries have such ones to mean something by them."""
    return all(one is type(thing) or (type(one) is dict and not one) for one in gc.get_referents(thing))


def _held(thing: Any) -> list[Any]:
    if type(thing) in _CONTAINERS:
        return list(islice(thing, _MANY))
    table: Any = thing if type(thing) in (dict, _NAMESPACE) else instance_dict(thing)
    return list(islice(table.values(), _MANY))


def _package(kind: type) -> str:
    return library_of(home_of(kind))


_NAMESPACE = type(vars(type))
