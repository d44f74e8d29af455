"""Modules, functions and classes in a portrait."""

from __future__ import annotations

import abc
import sys
from collections.abc import Callable
from types import CodeType, FunctionType, GetSetDescriptorType, ModuleType
from typing import Any

from pepperpy_reload.replaying.portrait import Node, Painter, Reference

Refer = Callable[[Painter, Any], Reference]
_NOT_SOURCE = frozenset({"__builtins__", "__warningregistry__", "__spec__", "__loader__", "__cached__"})
_BOOKKEEPING = frozenset({"__dict__", "__weakref__", "_abc_impl", "__static_attributes__", "__annotations_cache__"})
_HEAPTYPE = 1 << 9


def describe_module(painter: Painter, module: ModuleType, refer: Refer) -> Node:
    """A module: all its names, in alphabetical order."""
    namespace = module.__dict__
    name = namespace.get("__name__")
    detail: dict[str, Any] = {
        "name": name,
        "type": type(module).__qualname__,
        "live": sys.modules.get(name) is module if isinstance(name, str) else False,
        "imported as": _import_attributes(namespace),
        "names": sorted(str(key) for key in namespace if key not in _NOT_SOURCE),
    }
    edges = {f".{key}": refer(painter, value) for key, value in sorted(namespace.items()) if key not in _NOT_SOURCE}
    return Node("module", detail, edges)


def _import_attributes(namespace: dict[str, Any]) -> dict[str, Any]:
    spec = namespace.get("__spec__")
    return {
        "cached": namespace.get("__cached__"),
        "loader": type(namespace.get("__loader__")).__name__,
        "spec": [getattr(spec, name, None) for name in ("name", "origin", "parent", "has_location")],
        "spec's loader": type(getattr(spec, "loader", None)).__name__,
        "same loader": getattr(spec, "loader", None) is namespace.get("__loader__"),
        "builtins": "__builtins__" in namespace,
    }


def is_known_elsewhere(painter: Painter, thing: Any) -> list[Any] | None:
    """How a function or class that is none of the portrayed modules' own is named; None if it has to be described.

    What another module's name leads to goes by that name. What none leads to (made by a function there, say a
    decorator's wrapper) is described.
    """
    home, qualname = _plain(thing, "__module__"), thing.__qualname__
    if isinstance(thing, type) and not thing.__flags__ & _HEAPTYPE:
        return ["class", home, qualname]
    if isinstance(thing, FunctionType) and (painter.own(thing.__code__.co_filename) or id(thing.__globals__) in painter.spaces):
        return None
    if isinstance(home, str) and home not in painter.modules and _lookup(home, qualname) is thing:
        return ["class" if isinstance(thing, type) else "function", home, qualname]
    return None


def _plain(thing: Any, name: str) -> Any:
    if isinstance(thing, type):
        found = type.__dict__["__dict__"].__get__(thing).get(name)
        return found if isinstance(found, str) else type.__getattribute__(thing, name) if found is None else found
    return getattr(thing, name, None)


def _lookup(home: str, qualname: str) -> Any:
    found: Any = sys.modules.get(home)
    for part in qualname.split("."):
        inside = found.__dict__ if isinstance(found, ModuleType) else type.__dict__["__dict__"].__get__(found)
        found = inside.get(part)
        if not isinstance(found, type | ModuleType) and part != qualname.rpartition(".")[2]:
            return None
    return found


def describe_function(painter: Painter, function: FunctionType, refer: Refer) -> Node:
    """A function: its code, where its globals live, and all that hangs on it."""
    detail: dict[str, Any] = {
        "name": [function.__name__, function.__qualname__],
        "code": _code(painter, function.__code__),
        "globals": painter.spaces.get(id(function.__globals__)) or _strangers(painter, function),
        "defaults": len(function.__defaults__ or ()),
        "cells": len(function.__closure__ or ()),
    }
    edges = {"__module__": refer(painter, function.__module__), "__doc__": refer(painter, function.__doc__)}
    edges |= {f"default {index}": refer(painter, item) for index, item in enumerate(function.__defaults__ or ())}
    edges |= {f"default {name}": refer(painter, item) for name, item in (function.__kwdefaults__ or {}).items()}
    edges |= {f"annotation {name}": refer(painter, item) for name, item in _annotations(function).items()}
    edges |= {f".{name}": refer(painter, item) for name, item in sorted(function.__dict__.items())}
    for index, item in enumerate(getattr(function, "__type_params__", ())):
        edges[f"type parameter {index}"] = refer(painter, item)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        edges[f"closure {name}"] = refer(painter, cell)
    detail["edges"] = list(edges)
    return Node("function", detail, edges)


def _annotations(function: FunctionType) -> dict[str, Any]:
    return function.__annotations__ if isinstance(function.__annotations__, dict) else {}


def _code(painter: Painter, code: CodeType) -> str:
    return painter.codes.name(code)


def _strangers(painter: Painter, function: FunctionType) -> str:
    name = function.__globals__.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    live = module is not None and module.__dict__ is function.__globals__
    return f"{name}, another module's" if live else f"a namespace that is no module's ({name})"


def describe_class(painter: Painter, cls: type, refer: Refer) -> Node:
    """A class: its bases, and what its own namespace holds, in alphabetical order."""
    namespace = type.__dict__["__dict__"].__get__(cls)
    members = {name: value for name, value in sorted(namespace.items()) if _is_source(name, value)}
    detail: dict[str, Any] = {"name": [cls.__name__, cls.__qualname__], "members": list(members)}
    detail["attributes set by methods"] = sorted(namespace.get("__static_attributes__", ()))
    edges: dict[str, Reference] = {f"base {index}": refer(painter, base) for index, base in enumerate(cls.__bases__)}
    edges["metaclass"] = refer(painter, type(cls))
    edges |= {f".{name}": refer(painter, value) for name, value in members.items()}
    if isinstance(cls, abc.ABCMeta):
        edges |= {f"registered {name}": refer(painter, found) for name, found in sorted(_registered(cls).items())}
    return Node("class", detail, edges)


def _is_source(name: str, value: object) -> bool:
    return name not in _BOOKKEEPING and not (type(value) is GetSetDescriptorType)


def _registered(cls: Any) -> dict[str, Any]:
    """The virtual subclasses of an abstract class, those that are alive."""
    import _abc

    found = [reference() for reference in _abc._get_dump(cls)[0]]  # type: ignore[attr-defined]
    return {f"{item.__module__}.{item.__qualname__}": item for item in found if item is not None}


__all__ = ["describe_class", "describe_function", "describe_module", "is_known_elsewhere"]
