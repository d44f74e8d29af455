"""What `typing` keeps of `Base[int]`, `Annotated[int, Ge(1)]` and the like: it finds that again by what is equal.

A class that is made again may be taken for its successor, and so may an object of the project's own that annotations
are given: a fresh start has the new ones. All else stays, for modules share what has been made for them.
"""

from __future__ import annotations

import gc
import typing
from collections.abc import Iterable
from typing import Any

from pepperpy_reload.core.identity import identity
from pepperpy_reload.reloading.looking import is_a, is_atom
from pepperpy_reload.reloading.origins import is_own

_DEPTH = 3  # of tuples: a key is one of what was asked for, and of its types


def forget_equal(outgoing: Iterable[object]) -> None:
    """Have `typing` forget what might be taken for its successor. It only makes again then what it is asked for."""
    is_any = any(is_a(thing, type) and _goes_by_value(type(thing)) for thing in outgoing)
    known: dict[int, bool] = {}
    for clear in list(getattr(typing, "_cleanups", ())):
        asked = _asked_for(getattr(clear, "__self__", None))
        if is_any or any(_is_confusable(key, known) for key in asked):
            clear()


def _asked_for(cache: Any) -> Iterable[Any]:
    """What a cache of functools has been asked for: its keys are to be had by its references alone."""
    tables = [one for one in gc.get_referents(cache) if type(one) is dict]
    return [key for table in tables for key in list(table)]


def _is_confusable(key: Any, known: dict[int, bool], depth: int = _DEPTH) -> bool:
    """Whether there is an object of the project's own in it that others may be equal to; `known` are types of such."""
    kind = type(key)
    if kind is tuple:
        return depth > 0 and any(_is_confusable(item, known, depth - 1) for item in key)
    if kind is type or is_atom(key):
        return False
    found = known.get(identity(kind))
    if found is None:
        found = known[identity(kind)] = is_own(kind) and _goes_by_value(kind)
    return found


def _goes_by_value(kind: type) -> bool:
    """Whether objects of a type may be equal to others, and have a hash nevertheless."""
    layers = [vars(base) for base in kind.__mro__]
    found = [next(layer[name] for layer in layers if name in layer) for name in ("__eq__", "__hash__")]
    return found[1] is not None and found[0] is not vars(object)["__eq__"]
