"""Modules, functions and classes in a portrait."""

from __future__ import annotations

import abc
import importlib
import sys
from collections.abc import Callable
from types import FunctionType, GetSetDescriptorType, ModuleType
from typing import Any

from pepperpy_reload.comparing.portrait import Node, Painter, Reference
from pepperpy_reload.comparing.values import qualname_of
from pepperpy_reload.importing.layout import held_in, namespace_of

_abc: Any = importlib.import_module("_abc")  # of no public interface; typing knows nothing of it
Refer = Callable[[Painter, Any], Reference]
_NOT_SOURCE = frozenset({"__builtins__", "__warningregistry__", "__spec__", "__loader__", "__cached__"})
_BOOKKEEPING = frozenset({"__dict__", "__weakref__", "_abc_impl", "__static_attributes__", "__annotations_cache__"})


def describe_module(painter: Painter, module: ModuleType, refer: Refer) -> Node:
    """A module: all its names, in alphabetical order."""
    namespace = object.__getattribute__(module, "__dict__")
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


def describe_function(painter: Painter, function: FunctionType, refer: Refer) -> Node:
    """A function: its code, where its globals live, and all that hangs on it."""
    detail: dict[str, Any] = {
        "name": [function.__name__, function.__qualname__],
        "code": painter.codes.name(function.__code__),
        "globals": painter.spaces.get(id(function.__globals__)) or _strangers(function),
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
        if name == "cache_token" and function.__module__ == "functools":
            continue  # how often anything has been registered with any abstract class: see `functools.singledispatch`
        # The compiler's own cell holds the class and is nobody's variable: which cell it is says nothing.
        held = held_in(cell) if name == "__class__" else None
        edges[f"closure {name}"] = refer(painter, cell if held is None else held)
    detail["edges"] = list(edges)
    return Node("function", detail, edges)


def _annotations(function: FunctionType) -> dict[str, Any]:
    return function.__annotations__ if isinstance(function.__annotations__, dict) else {}


def _strangers(function: FunctionType) -> str:
    name = function.__globals__.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    live = module is not None and module.__dict__ is function.__globals__
    return f"{name}, another module's" if live else f"a namespace that is no module's ({name})"


def describe_class(painter: Painter, cls: type, refer: Refer) -> Node:
    """A class: its bases, and what its own namespace holds, in alphabetical order."""
    namespace = namespace_of(cls)
    members = {name: value for name, value in sorted(namespace.items()) if _is_source(name, value)}
    detail: dict[str, Any] = {
        "name": [type.__dict__["__name__"].__get__(cls), qualname_of(cls)],
        "members": list(members),
    }
    detail["attributes set by methods"] = sorted(namespace.get("__static_attributes__", ()))
    edges: dict[str, Reference] = {f"base {index}": refer(painter, base) for index, base in enumerate(cls.__bases__)}
    edges["metaclass"] = refer(painter, type(cls))
    edges |= {f".{name}": refer(painter, value) for name, value in members.items()}
    if type(members.get("__parameters__")) is tuple:  # typing's own, and that of an alias which it may have kept
        edges[".__parameters__"] = painter.fresh(members["__parameters__"], _describe_parameters(refer))
    if issubclass(type(cls), abc.ABCMeta):
        edges |= {f"registered {name}": refer(painter, found) for name, found in sorted(_registered(cls).items())}
    return Node("class", detail, edges)


def _describe_parameters(refer: Refer) -> Callable[[Painter, Any], Node]:
    def describe(painter: Painter, things: Any) -> Node:
        return Node("parameters", {}, {f"[{index}]": refer(painter, item) for index, item in enumerate(things)})

    return describe


def _is_source(name: str, value: object) -> bool:
    return name not in _BOOKKEEPING and type(value) is not GetSetDescriptorType


def _registered(cls: Any) -> dict[str, Any]:
    """The virtual subclasses of an abstract class, those that are alive."""
    found = [reference() for reference in _abc._get_dump(cls)[0]]
    return {f"{item.__module__}.{item.__qualname__}": item for item in found if item is not None}
