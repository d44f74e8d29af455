"""Objects looked at as they are: no code of the user's runs, whatever their classes make of attributes.

Proxies (of a request, of a lazy setting) forward `__class__` and `__dict__`, and raise where there is nothing behind.
"""

from __future__ import annotations

from types import GetSetDescriptorType
from typing import Any

Kinds = type | tuple[type, ...]


def is_a(thing: object, kinds: Kinds) -> bool:
    """`isinstance`, by the type that an object really has."""
    return issubclass(type(thing), kinds)


def instance_dict(thing: object) -> dict[str, Any]:
    """The `__dict__` of an object; an empty one if it has none, or none that is a plain dict."""
    for kind in type(thing).__mro__:
        found = type.__dict__["__dict__"].__get__(kind).get("__dict__")
        if type(found) is GetSetDescriptorType:
            inside = found.__get__(thing)
            return inside if type(inside) is dict else {}
    return {}


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
