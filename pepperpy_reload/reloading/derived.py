"""Classes that a library has made of others and has put into a module by itself, under a name that no source can say.

pydantic does so with `Page[Item]`, in the module that says so at its top. While that name is taken by an old class, the
new one would get another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from types import ModuleType
from typing import Any

from pepperpy_reload.reloading.looking import is_a

_DEEP = 4  # a dict, a tuple in it, and parameters of what is in that


def drop_derived(outgoing: Iterable[object], modules: Iterable[ModuleType]) -> None:
    """Take those away that were made of classes which are going to be made again: who asks for them does so again."""
    going = {id(one) for one in outgoing if is_a(one, type)}
    for module in modules if going else ():
        space = vars(module)
        for name in [one for one in space if type(one) is str and not one.isidentifier()]:
            if is_a(space[name], type) and _is_made_of(space[name], going):
                del space[name]


def _is_made_of(cls: type, going: Collection[int]) -> bool:
    if any(id(base) in going for base in cls.__mro__[1:]):
        return True
    return any(id(part) in going for value in list(vars(cls).values()) for part in _parts(value, _DEEP))


def _parts(value: Any, depth: int) -> Iterator[Any]:
    yield value
    if type(value) is dict:
        inner: Iterable[Any] = value.values()
    elif type(value) in (tuple, list):
        inner = value
    else:
        inner = getattr(value, "__args__", ()) if type(value).__module__ in ("types", "typing") else ()
    if depth and type(inner) is not str:
        for one in list(inner):
            yield from _parts(one, depth - 1)
