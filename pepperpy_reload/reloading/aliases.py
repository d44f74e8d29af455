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
from pepperpy_reload.reloading.looking import is_a
from pepperpy_reload.reloading.origins import is_own

_DEPTH = 3  # of tuples: a key is one of what was asked for, and of its types


def forget_equal(outgoing: Iterable[object]) -> None:
    """Have `typing` forget what might be taken for its successor. It only makes again then what it is asked for."""
    is_any = any(is_a(thing, type) and _goes_by_value(type(thing)) for thing in outgoing)
    known: dict[int, bool] = {}
    for clear in list(getattr(typing, "_cleanups", ())):
        asked = _asked_for(getattr(clear, "__self__", None))
        if is_any or _are_confusable(asked, known):
            clear()


def _asked_for(cache: Any) -> Iterable[Any]:
    """What a cache of functools has been asked for: its keys are to be had by its references alone."""
    tables = [one for one in gc.get_referents(cache) if type(one) is dict]
    return [key for table in tables for key in list(table)]


def _are_confusable(keys: Iterable[Any], known: dict[int, bool]) -> bool:
    """Whether an object of the project's own is in keys that others may be equal to; `known` are types of such."""
    level = list(keys)
    for _ in range(_DEPTH + 1):
        kinds = list(map(type, level))
        for key, kind in dict(zip(map(identity, kinds), kinds, strict=True)).items():
            if key not in known:
                known[key] = kind is not tuple and is_own(kind) and _goes_by_value(kind)
            if known[key]:
                return True
        level = [item for one in level if type(one) is tuple for item in one]
    return False


def _goes_by_value(kind: type) -> bool:
    """Whether objects of a type may be equal to others, and have a hash nevertheless."""
    layers = [vars(base) for base in kind.__mro__]
    found = [next(layer[name] for layer in layers if name in layer) for name in ("__eq__", "__hash__")]
    return found[1] is not None and found[0] is not vars(object)["__eq__"]
