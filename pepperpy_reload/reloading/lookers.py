"""Who looks up what annotations say that are text, while a class or a function is made."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.texts import LOOKING
from pepperpy_reload.core.world import Key
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger
from pepperpy_reload.reloading.looking import attribute_of, is_a, plain_attribute
from pepperpy_reload.reloading.origins import library_of

_SILENT = frozenset(
    "_pytest abc asyncio attr attrs builtins click collections contextlib ctypes dataclasses enum functools pytest "
    "types typing typing_extensions unittest warnings".split()
)
"""Homes of what makes classes and functions without asking what their annotations mean."""
_KNOWING = frozenset({"pydantic._internal._model_construction"})
"""Homes of metaclasses that take a class's own name for that class, whatever its module has under it."""
_NOTHING = object()


def look_up(module: str, heads: Iterable[Chain], ran: Iterable[Key] | None, *, itself: bool = False) -> bool:
    """Whether one of these, a base, a metaclass or a decorator, may do so, as the names in a module say now.

    `ran` are the functions that have run meanwhile, None if that is not known: then it may be any that those have at
    hand. With `itself`, what is looked up is the name of what they make.
    """
    made = [_meant(module, head) for head in heads]
    if not any(_looks_up(value, itself=itself) for value in made):
        return any(map(_may_call, map(_home, made))) if ran is None else any(map(_says, ran))
    return True


def asks(module: str, called: Iterable[Chain], ran: Iterable[Key]) -> bool:
    """Whether one of these functions and classes may look up what annotations of what it is given say.

    Nobody knows what a library does with it; what `ran` meanwhile may have given it to one.
    """
    return not all(_is_quiet(_meant(module, one)) for one in called) or any(
        _says(key) or _has_libraries(key) for key in ran
    )


def _is_quiet(value: Any) -> bool:
    return value is not _NOTHING and _is_silent(
        value if is_a(value, (type, FunctionType, BuiltinFunctionType)) else type(value)
    )


def _has_libraries(key: Key) -> bool:
    """Whether the module of a function imports a library of which it is not known that it looks up no such things."""
    homes = recorder.modules.at(key.file) if isinstance(key, CodeKey) else ()
    imported = {library_of(one) for home in homes for one in recorder.graph.imports_of(home)}
    return not imported <= {"", *_SILENT}


def _home(value: Any) -> str:
    return str(plain_attribute(value if is_a(value, (type, FunctionType)) else type(value), "__module__"))


def _may_call(home: str) -> bool:
    """Whether functions that look up what annotations say are to be had for those of a module."""
    homes = recorder.graph.dependencies(home) if home in recorder.modules else ()
    return not all(ledger.names_in_code(one).isdisjoint(LOOKING) for one in homes if one in recorder.modules)


def _says(key: Key) -> bool:
    if not isinstance(key, CodeKey):
        return True
    for name in recorder.modules.at(key.file):
        looking = ledger.names_in_code(name) & LOOKING
        if looking and ledger.may_say(name, key, looking):
            return True
    return False


def _meant(module: str, names: Chain) -> Any:
    value: Any = _NOTHING
    for number, name in enumerate(names):
        if number == 0:
            space = getattr(sys.modules.get(module), "__dict__", {})
            value = space.get(name, getattr(builtins, name, _NOTHING))
        elif value is not _NOTHING:
            value = vars(value).get(name, _NOTHING) if is_a(value, ModuleType) else attribute_of(value, name, _NOTHING)
    return value


def _looks_up(value: Any, *, itself: bool) -> bool:
    if value is _NOTHING:
        return True
    if is_a(value, type):
        metaclass = value if issubclass(value, type) else type(value)
        told = [base for base in value.__mro__ if "__init_subclass__" in vars(base)]
        is_known = itself and metaclass.__module__ in _KNOWING
        return not all(map(_is_silent, told if is_known else (metaclass, *told)))
    return not _is_silent(value if is_a(value, (FunctionType, BuiltinFunctionType)) else type(value))


def _is_silent(thing: Any) -> bool:
    home = thing.__module__
    if home in recorder.modules:
        return ledger.names_in_code(home).isdisjoint(LOOKING)
    return isinstance(home, str) and home.partition(".")[0] in _SILENT
