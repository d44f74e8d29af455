"""Statements that bind names and change no object, as what they read is plain: nothing has to be kept for the way back.

Operators of Python's own types run no code of the user's, and leave what they are given as it is.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Mapping
from types import BuiltinFunctionType, EllipsisType, ModuleType, NoneType, NotImplementedType
from typing import Any

from pepperpy_reload.core.computing import PURE, computes_or_calls, only_defines, only_gathers
from pepperpy_reload.core.doings import Alias
from pepperpy_reload.core.effects import Chain
from pepperpy_reload.core.unit import Unit

_ATOMS = frozenset({int, float, complex, bool, str, bytes, range, NoneType, EllipsisType, NotImplementedType})
_COLLECTIONS = frozenset({tuple, list, set, frozenset})
_TYPES = frozenset({*_ATOMS, *_COLLECTIONS, dict, type, object, bytearray})
_SPECIAL = frozenset({"_SpecialForm", "_AnyMeta", "_SpecialGenericAlias", "_TupleType", "_CallableType"})
"""The types in `typing` of what stands in annotations."""
_PURE = frozenset(vars(builtins)[name] for name in PURE)
_MOST = 1_000
"""Objects that are looked at: to look at more takes longer than it spares."""
_UNKNOWN = object()


def may_only_bind(unit: Unit) -> bool:
    """Whether a statement is of a kind that changes no object, if what it reads is plain."""
    if unit.alias is not None:
        return unit.alias.bound != "*" and is_at_hand(unit.alias)
    return computes_or_calls(unit) or only_defines(unit)


def only_binds(unit: Unit, names: Mapping[str, Any]) -> bool:
    """Whether it changes none now; `names` are those of its module, and it is one that `may_only_bind`."""
    if unit.alias is not None:
        return may_only_bind(unit) and type(sys.modules[unit.alias.module]) is ModuleType
    if only_gathers(unit):
        return all(_found(chain, names) is not _UNKNOWN for chain in unit.evaluated)
    return all(_is_plain(_found(chain, names, plain=True)) for chain in unit.evaluated)


def is_at_hand(alias: Alias) -> bool:
    """Whether an import has nothing to load: a name that its module has not may be that of a submodule."""
    found = sys.modules.get(alias.module)
    return found is not None and (not alias.name or alias.name in getattr(found, "__dict__", {}))


def _found(chain: Chain, names: Mapping[str, Any], *, plain: bool = False) -> object:
    """What a chain of names leads to, through modules, or _UNKNOWN; of what is `plain` every attribute is, too."""
    try:
        value = names[chain[0]]
    except (KeyError, NameError):
        value = getattr(builtins, chain[0], _UNKNOWN)
    for name in chain[1:]:
        if type(value) is not ModuleType:
            return value if plain else _UNKNOWN
        value = vars(value).get(name, _UNKNOWN)
    return value


def _is_plain(value: object) -> bool:
    """Whether a value, and all that it consists of, is of Python's own types."""
    waiting: list[Any] = [value]
    left = _MOST
    while waiting:
        thing = waiting.pop()
        kind = type(thing)
        left -= 1
        if kind is dict or kind in _COLLECTIONS:
            left -= len(thing)
            if left > 0:
                waiting.extend([*thing, *thing.values()] if kind is dict else thing)
        elif kind not in _ATOMS and not _is_pythons(thing, kind):
            return False
        if left < 0:
            return False
    return True


def _is_pythons(thing: Any, kind: type) -> bool:
    """Whether it is a type or a pure function of Python's own, or something that stands in annotations."""
    if kind is type:
        return thing in _TYPES
    if kind is BuiltinFunctionType:
        return thing in _PURE
    return kind.__module__ == "typing" and kind.__name__ in _SPECIAL
