"""Live instances: they follow to the class that takes the place of theirs, or take a successor's contents."""

from __future__ import annotations

import gc
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from types import CellType, FrameType, FunctionType, ModuleType
from typing import Any

from pepperpy_reload.reloading.stroke import at_one_stroke

Undo = Callable[[Callable[[], None]], None]

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE


def migrate(old: type, new: type, undo: Undo) -> None:
    """Live instances of a class follow to the class that has taken its place, where their layout allows it."""
    for thing in gc.get_referrers(old):
        if type(thing) is not old:
            continue
        put = type.__setattr__ if isinstance(thing, type) else object.__setattr__  # whatever the class makes of it
        try:
            put(thing, "__class__", new)
        except TypeError:
            continue
        undo(partial(put, thing, "__class__", old))


def take_contents(old: Any, new: Any, namespace: dict[str, Any], undo: Undo) -> bool:
    """Make `old` hold what its successor `new`, just made by the same statement, holds; whoever has `old` has it then.

    Possible if all that an instance is stands in its `__dict__`, or it is a plain list, dict, set or deque, and if what
    `new` refers to it by (closures, other objects) can be pointed at `old`. Otherwise nothing is done: False.
    """
    if type(old) is not type(new) or old is new or isinstance(old, type | ModuleType | FunctionType):
        return False
    if type(old) not in (list, dict, set, deque) and not _is_all_dict(type(old)):
        return False
    if weakref.getweakrefcount(new):  # what is reached weakly cannot be pointed at another object
        return False
    # No closure here may capture `new`: its cell would be one more holder, and turning that would lose `new` for us.
    # Up to 3.11 a comprehension is a closure, too.
    turns: list[Callable[[Any], None]] = []
    for holder in gc.get_referrers(new):
        if holder is not namespace and not isinstance(holder, FrameType):
            put = turn(holder, new)
            if put is None:
                return False
            turns.append(put)
    for put in turns:
        put(old)
        undo(partial(put, new))
    refill(old, new)
    return True


class _Plain:
    """As large as an instance is whose class was made by a class statement and has no slots."""


def _is_all_dict(kind: type) -> bool:
    """Whether instances have no state outside their `__dict__`."""
    return (
        kind.__dictoffset__ != 0
        and kind.__basicsize__ <= _Plain.__basicsize__
        and all(
            base is object or (base.__flags__ & _HEAP_TYPE and not vars(base).get("__slots__")) for base in kind.__mro__
        )
    )


def turn(holder: Any, target: Any) -> Callable[[Any], None] | None:
    """How to make a holder of `target` hold another object instead; None if it cannot be made to."""
    if isinstance(holder, CellType):
        return partial(setattr, holder, "cell_contents")
    if type(holder) is list:
        return partial(_put_all, holder, [index for index, item in enumerate(holder) if item is target])
    table = holder if type(holder) is dict else getattr(holder, "__dict__", None)
    if type(table) is not dict or isinstance(holder, type):
        return None
    keys = [key for key, value in table.items() if value is target]
    return partial(_put_all, table, keys) if keys else None


def _put_all(container: Any, places: list[Any], thing: Any) -> None:
    for place in places:
        container[place] = thing


def refill(old: Any, new: Any) -> None:
    """Give `old` the contents of `new`, another of its kind; nobody finds it empty meanwhile."""
    if type(old) is list:
        old[:] = new
    elif type(old) in (set, deque):
        put = partial(old.update if type(old) is set else old.extend, list(new))
        at_one_stroke([old.clear, put])
    else:
        target, source = (old, new) if type(old) is dict else (vars(old), dict(vars(new)))
        target.update(source)
        for key in [key for key in target if key not in source]:
            del target[key]
