"""Who looks up what annotations say that are text, while a class or a function is made."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from pepperpy_reload.core.effects import Chain
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ledger
from pepperpy_reload.reloading.looking import attribute_of, is_a

_SILENT = frozenset(
    "_pytest abc asyncio attr attrs builtins click collections contextlib ctypes dataclasses enum functools pytest "
    "types typing typing_extensions unittest warnings".split()
)
"""Homes of what makes classes and functions without asking what their annotations mean."""
_LOOKING = frozenset(
    {"get_type_hints", "get_annotations", "__annotations__", "signature", "getfullargspec", "ForwardRef", "eval"}
)
_NOTHING = object()


def look_up(module: str, heads: Iterable[Chain]) -> bool:
    """Whether one of these, a base, a metaclass or a decorator, may do so, as the names in a module say now."""
    return any(_looks_up(_meant(module, head)) for head in heads)


def _meant(module: str, names: Chain) -> Any:
    value: Any = _NOTHING
    for number, name in enumerate(names):
        if number == 0:
            space = getattr(sys.modules.get(module), "__dict__", {})
            value = space.get(name, getattr(builtins, name, _NOTHING))
        elif value is not _NOTHING:
            value = vars(value).get(name, _NOTHING) if is_a(value, ModuleType) else attribute_of(value, name, _NOTHING)
    return value


def _looks_up(value: Any) -> bool:
    if value is _NOTHING:
        return True
    if is_a(value, type):
        metaclass = value if issubclass(value, type) else type(value)
        told = [base for base in value.__mro__ if "__init_subclass__" in vars(base)]
        return not all(map(_is_silent, (metaclass, *told)))
    return not _is_silent(value if is_a(value, (FunctionType, BuiltinFunctionType)) else type(value))


def _is_silent(thing: Any) -> bool:
    home = thing.__module__
    if home in recorder.modules:
        return ledger.names_in_code(home).isdisjoint(_LOOKING)
    return isinstance(home, str) and home.partition(".")[0] in _SILENT
