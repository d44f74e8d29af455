"""Live instances: they follow to the class that takes the place of theirs, or take a successor's contents."""

from __future__ import annotations

import gc
import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from types import CellType, FrameType, FunctionType, ModuleType
from typing import Any

from pepperpy_reload.reloading import contents, heap
from pepperpy_reload.reloading.classslots import setter_of
from pepperpy_reload.reloading.looking import is_a

Undo = Callable[[Callable[[], None]], None]

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE


class Census:
    """The live instances of classes that are going to be made again: one pass over the heap tells those of all."""

    def __init__(self) -> None:
        self._classes: dict[int, type] = {}
        self._found: dict[int, list[Any]] | None = None
        self._collections = 0

    def expect(self, cls: object) -> None:
        """A class is going to be made again."""
        if is_a(cls, type):
            self._classes[id(cls)] = cls  # type: ignore[assignment]

    def take(self, cls: type) -> list[Any]:
        """The instances of a class, each once; they are asked for once."""
        known = {id(thing): thing for thing in self._counted(cls)}
        # Whatever has been made since then is young.
        known.update((id(thing), thing) for thing in heap.youngest_instances(cls))
        self._classes.pop(id(cls), None)
        return list(known.values())

    def _counted(self, cls: type) -> list[Any]:
        if self._found is None or id(cls) not in self._found or self._collections != _old_collections():
            self._classes[id(cls)] = cls
            self._collections = _old_collections()
            found: dict[int, list[Any]] = {one: [] for one in self._classes}
            self._found = found
            for thing in heap.instances(self._classes.values()):
                found[id(type(thing))].append(thing)
        return self._found.pop(id(cls))


def _old_collections() -> int:
    """How often objects have been taken for old ones."""
    return sum(one["collections"] for one in gc.get_stats()[1:])


def migrate(things: Iterable[Any], new: type, undo: Undo) -> None:
    """Live instances of a class follow to the class that has taken its place, where their layout allows it."""
    for thing in things:
        old = type(thing)
        put: Any = setter_of(thing) if is_a(thing, type) else object.__setattr__  # whatever the class makes of it
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
    if type(old) is not type(new) or old is new or is_a(old, (type, ModuleType, FunctionType)):
        return False
    if type(old) not in (list, dict, set, deque) and not _is_all_dict(type(old)):
        return False
    if weakref.getweakrefcount(new):  # what is reached weakly cannot be pointed at another object
        return False
    # No closure here may capture `new`: its cell would be one more holder, and turning that would lose `new` for us.
    # Up to 3.11 a comprehension is a closure, too.
    turns: list[Callable[[Any], None]] = []
    for holder in heap.referrers([new]) if sys.getrefcount(new) > _ALONE else ():
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


def _alone() -> int:
    """The references to an object that is held by a namespace, and by a variable of who passes it to a function."""
    namespace: dict[str, list[object]] = {"name": []}
    now = namespace["name"]
    return _references(now)


def _references(new: object) -> int:
    return sys.getrefcount(new)


_ALONE = _alone()


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
    if keys and "__module__" in table and (owner := _class_of(table)) is not None:
        return partial(_put_on_class, owner, keys)
    return partial(_put_all, table, keys) if keys else None


def _class_of(table: dict[Any, Any]) -> type | None:
    """The class whose namespace a dict is: its cache of attributes goes on with what is gone if that is written to."""
    owners = (one for one in heap.referrers([table]) if isinstance(one, type))
    return next((one for one in owners if any(inner is table for inner in gc.get_referents(vars(one)))), None)


def _put_on_class(owner: type, names: list[str], thing: Any) -> None:
    for name in names:
        setter_of(owner)(owner, name, thing)


def _put_all(container: Any, places: list[Any], thing: Any) -> None:
    for place in places:
        container[place] = thing


def refill(old: Any, new: Any) -> None:
    """Give `old` the contents of `new`, another of its kind; nobody finds it empty meanwhile."""
    if type(old) in (list, dict, set, deque):
        contents.refill(old, type(new)(new))
    else:
        contents.refill(vars(old), {name: _at_home(value, new, old) for name, value in vars(new).items()})


def _at_home(value: Any, new: object, old: object) -> Any:
    """What an object holds, where `old` is in place of `new`: one that is named by its address has its own."""
    if type(value) is int:
        return id(old) if value == id(new) else value
    if type(value) is str:
        for form in ("x", "X", "d"):
            value = value.replace(format(id(new), form), format(id(old), form))
    return value
