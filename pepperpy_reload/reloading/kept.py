"""What libraries keep of the objects that the project has of their classes.

A metric, a table or a figure may be put on a list as it is made. If it is made again, the list has both, or the second
one is refused; if it goes, the list has it still. That is no fresh start.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
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
_forgotten: dict[tuple[int, str], weakref.ref[type]] = {}
"""Classes, by their identity and with a library that was found to keep no object of theirs; some are made for each."""


def kept_by(value: Any) -> str:
    """The library that leads to a value, or to something that it holds, by its own names; "" if none does.

    Of a class of the project's that is what its namespace holds, and the libraries that it is derived from count, too.
    """
    asked: dict[str, list[tuple[Any, type]]] = {}
    above = list(map(_package, type.mro(value))) if is_a(value, type) and is_own(value) else []
    for thing, kind in _of_libraries(namespace_of(value) if above else value):
        for package in dict.fromkeys([*above, _package(kind)]):
            known = _forgotten.get((identity(kind), package))
            if package and package not in PURE_LIBRARIES and (known is None or known() is not kind):
                asked.setdefault(package, []).append((thing, kind))
    for package, things in asked.items():
        if lead_to([thing for thing, _ in things], modules_of([package]), [package], far=_FAR):
            return package
        _forgotten.update({(identity(kind), package): weakref.ref(kind) for _, kind in things})
    return ""


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
