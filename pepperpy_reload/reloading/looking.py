"""Objects looked at as they are: no code of the user's runs, whatever their classes make of attributes.

Proxies (of a request, of a lazy setting) forward `__class__` and `__dict__`, and raise where there is nothing behind.
"""

from __future__ import annotations

from typing import Any

from pepperpy_reload.core.identity import identity
from pepperpy_reload.importing.layout import dict_getter

Kinds = type | tuple[type, ...]
_ATOMS = (int, float, complex, bool, str, bytes, range, type(None), type(Ellipsis), type(NotImplemented))
_ATOM_IDS = frozenset(map(identity, _ATOMS))  # to hash a type may run code of its metaclass


def is_a(thing: object, kinds: Kinds) -> bool:
    """`isinstance`, by the type that an object really has."""
    return issubclass(type(thing), kinds)


def is_atom(thing: object) -> bool:
    """Whether it is of one of Python's own types of values that hold nothing, and not of a class derived from one."""
    return identity(type(thing)) in _ATOM_IDS


def plain_attribute(value: Any, name: str) -> Any:
    """`__module__` or `__qualname__` of a function or class of Python's own sorts; None for anything else."""
    if is_a(value, type) or type(value).__module__ in ("builtins", "functools"):
        return getattr(value, name, None)
    return None


def instance_dict(thing: object) -> dict[str, Any]:
    """The `__dict__` of an object; an empty one if it has none, or none that is a plain dict."""
    getter = dict_getter(type(thing))
    inside = getter.__get__(thing) if getter is not None else None
    return inside if type(inside) is dict else {}


def attribute_of(value: Any, name: str, default: Any = None) -> Any:
    """An attribute of an object or a class as the dictionaries have it."""
    inside = instance_dict(value) if not is_a(value, type) else {}
    if name in inside:
        return inside[name]
    kind = value if is_a(value, type) else type(value)
    return next((vars(layer)[name] for layer in kind.__mro__ if name in vars(layer)), default)


def wrapped(thing: Any) -> Any:
    """The function behind a static, class or bound method, behind a partial or a cache; anything else is itself."""
    for name in ("__func__", "func"):
        inner = part_of(thing, name)
        if inner is not None:
            return inner
    return thing


def part_of(thing: Any, name: str) -> Any:
    """An attribute of an object of Python's own, or what the `__dict__` of any other has under that name; else None."""
    kind = type(thing)
    if kind.__module__ in ("builtins", "functools") and not is_a(thing, type):
        return getattr(thing, name, None)
    return instance_dict(thing).get(name)
