"""What `typing` keeps of `Base[int]` and the like: it finds that again by equal classes, be they made anew or not."""

from __future__ import annotations

import typing
from collections.abc import Iterable

from pepperpy_reload.reloading.looking import is_a


def forget_equal(outgoing: Iterable[object]) -> None:
    """Have `typing` forget what it knows if a class that is going to be made again may be taken for its successor.

    It only makes again then what it is asked for.
    """
    if any(is_a(thing, type) and _goes_by_value(type(thing)) for thing in outgoing):
        for clear in list(getattr(typing, "_cleanups", ())):
            clear()


def _goes_by_value(metaclass: type) -> bool:
    """Whether its classes may be equal to others, and have a hash nevertheless."""
    layers = [vars(base) for base in metaclass.__mro__]
    found = [next(layer[name] for layer in layers if name in layer) for name in ("__eq__", "__hash__")]
    return found[1] is not None and found[0] is not vars(object)["__eq__"]
