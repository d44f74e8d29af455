"""What the objects of a portrait hold."""

from __future__ import annotations

import collections
import functools
import gc
import re
import types
import typing
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from types import FunctionType, ModuleType
from typing import Any

from pepperpy_reload.comparing.definitions import describe_class, describe_function, describe_module
from pepperpy_reload.comparing.members import in_order, slot_values
from pepperpy_reload.comparing.portrait import Node, Painter, Reference
from pepperpy_reload.comparing.values import home_of, is_alias, is_closed, qualname_of, value_of
from pepperpy_reload.reloading.looking import instance_dict

_TYPING = ("typing", "typing_extensions")
_PARAMETERS = ("TypeVar", "ParamSpec", "TypeVarTuple", "TypeAliasType", "ParamSpecArgs", "ParamSpecKwargs")


def refer(painter: Painter, thing: Any) -> Reference:
    """A reference to anything: its value if it has no identity worth comparing, else its node."""
    if type(thing) is str and painter.living.found_in(thing):
        return painter.fresh(thing, _describe_text)
    value = value_of(painter, thing)
    if value is not None:
        return value
    return painter.fresh(thing, _describe_alias) if is_alias(thing) else painter.number(thing, _describe)


def _describe_text(painter: Painter, thing: str) -> Node:
    """A text that tells where objects live: it says the same where it tells of the same objects."""
    edges: dict[str, Reference] = {}
    for address, target in painter.living.found_in(thing):
        thing = thing.replace(address, "@")
        edges[f"@{len(edges)}"] = refer(painter, target)
    return Node("str", {"value": thing}, edges)


def describe_table(painter: Painter, modules: Mapping[str, ModuleType]) -> Node:
    """The root of a portrait: the modules by name."""
    return Node("modules", {"names": list(modules)}, {name: refer(painter, module) for name, module in modules.items()})


def _describe(painter: Painter, thing: Any) -> Node:
    kind = type(thing)
    describe = _BY_TYPE.get(kind)
    if describe is not None:
        return describe(painter, thing)
    if issubclass(kind, type):
        return describe_class(painter, thing, refer)
    if issubclass(kind, ModuleType):
        return describe_module(painter, thing, refer)
    if home_of(kind) in _TYPING and kind.__name__ in _PARAMETERS:
        return _describe_parameter(painter, thing)
    return _describe_instance(painter, thing)


# --- typing


def _describe_alias(painter: Painter, thing: Any) -> Node:
    origin = getattr(thing, "__origin__", None)
    is_union = type(thing) is types.UnionType or origin is typing.Union
    arguments = in_order(thing.__args__) if is_union else thing.__args__
    edges = {"origin": ["union"] if is_union else refer(painter, origin)}
    for label, items in (("", arguments), ("metadata ", getattr(thing, "__metadata__", ()))):
        for index, item in enumerate(items):
            edges[f"[{label}{index}]"] = (
                painter.fresh(item, _describe_list) if type(item) is list else refer(painter, item)
            )
    return Node("union" if is_union else "alias", {"kind": "" if is_union else type(thing).__name__}, edges)


def _describe_list(painter: Painter, thing: list[Any]) -> Node:
    return Node("arguments", {}, {f"[{index}]": refer(painter, item) for index, item in enumerate(thing)})


def _describe_parameter(painter: Painter, thing: Any) -> Node:
    """A TypeVar and its like. A bound that is only evaluated when it is asked for may fail: then it is left out."""
    edges: dict[str, Reference] = {}
    for name in ("__module__", "__bound__", "__constraints__", "__default__", "__origin__", "__value__"):
        try:
            edges[name] = refer(painter, getattr(thing, name, None))
        except Exception:  # noqa: BLE001 - a name that is only there for a type checker, an operator that text has not
            edges[name] = ["unknown"]
    flags = [bool(getattr(thing, f"__{name}__", False)) for name in ("covariant", "contravariant", "infer_variance")]
    return Node(type(thing).__name__, {"name": getattr(thing, "__name__", ""), "variance": flags}, edges)


# --- wrappers and references


def _describe_function(painter: Painter, thing: FunctionType) -> Node:
    return describe_function(painter, thing, refer)


def _describe_parts(painter: Painter, thing: Any) -> Node:
    """Static methods, properties, bound methods, partials: what they are made of."""
    node = Node(type(thing).__name__)
    _add_parts(painter, thing, node)
    return node


def _add_parts(painter: Painter, thing: Any, node: Node) -> None:
    for kind, names in _PARTS.items():
        if issubclass(type(thing), kind):
            node.edges |= {name: refer(painter, getattr(thing, name, None)) for name in names}
    if issubclass(type(thing), functools.partial):
        node.edges |= {f"args[{index}]": refer(painter, item) for index, item in enumerate(thing.args)}
        node.edges |= {f"keywords[{name}]": refer(painter, item) for name, item in thing.keywords.items()}


def _describe_cached(painter: Painter, thing: Any) -> Node:
    inside = {f".{name}": refer(painter, value) for name, value in sorted(instance_dict(thing).items())}
    return Node("lru_cache", {"parameters": repr(thing.cache_parameters())}, inside)


def _describe_cell(painter: Painter, thing: types.CellType) -> Node:
    try:
        return Node("cell", {}, {"contents": refer(painter, thing.cell_contents)})
    except ValueError:
        return Node("empty cell")


def _describe_weak(painter: Painter, thing: Any) -> Node:
    target = thing()
    return Node("weakref", {"alive": target is not None}, {} if target is None else {"()": refer(painter, target)})


def _describe_weak_keys(painter: Painter, thing: Any) -> Node:
    """A dictionary whose entries go with their keys: where one stands says who came first, and who is gone."""
    pairs = [(key(), value) for key, value in list(thing.data.items())]
    node = Node("WeakKeyDictionary")
    for index, (key, value) in enumerate(in_order([pair for pair in pairs if pair[0] is not None])):
        node.edges |= {f"[key {index}].key": refer(painter, key), f"[key {index}]": refer(painter, value)}
    return node


def _describe_proxy(painter: Painter, thing: Any) -> Node:
    return Node("mappingproxy", {}, {"of": refer(painter, gc.get_referents(thing)[0])})


def _describe_variable(painter: Painter, thing: ContextVar[Any]) -> Node:
    value = thing.get(_NOTHING)
    return Node("ContextVar", {"name": thing.name}, {} if value is _NOTHING else {"value": refer(painter, value)})


_NOTHING = object()


# --- instances


def _describe_instance(painter: Painter, thing: Any) -> Node:
    kind = type(thing)
    home = home_of(kind)
    node = Node("instance", {"of": f"{home}.{qualname_of(kind)}"}, {"type": refer(painter, kind)})
    if is_closed(kind):
        return node
    names: Iterable[str] = instance_dict(thing)
    if home == "logging" and "manager" in names:  # loggers know one another; what matters is what this one was given
        names = ("name", "level", "propagate", "disabled", "handlers", "filters")
    for part, add in _CONTENTS.items():
        if issubclass(kind, part):
            add(painter, thing, node)
    inside = instance_dict(thing)
    names = [name for name in names if not _is_counted(kind, name, inside.get(name))]
    node.detail["names"] = [str(name) for name in names]
    node.edges |= {f".{name}": refer(painter, inside[name]) for name in names if name in inside}
    node.edges |= {f".{name}": refer(painter, value) for name, value in slot_values(thing)}
    return node


def _is_counted(kind: type, name: str, value: object) -> bool:
    """Whether an attribute is a name with a number that tells how many such objects the process has had so far."""
    known = _COUNTED.get(name)
    if known is None or not isinstance(value, str) or re.fullmatch(known[1], value) is None:
        return False
    return any((home_of(base), qualname_of(base)) == known[0] for base in kind.__mro__)


_COUNTED = {
    "_thread_name_prefix": (("concurrent.futures.thread", "ThreadPoolExecutor"), r"ThreadPoolExecutor-\d+"),
    "_name": (("threading", "Thread"), r"Thread-\d+( \(.*\))?"),
}


def _add_items(painter: Painter, items: Iterable[Any], node: Node) -> None:
    for index, item in enumerate(items):
        node.edges[f"[{index}]"] = refer(painter, item)


def _add_mapping(painter: Painter, thing: dict[Any, Any], node: Node) -> None:
    keys = []
    for index, (key, value) in enumerate(dict.items(thing)):
        told = refer(painter, key)
        if isinstance(told, int):
            keys.append(f"key {index}")
            node.edges[f"[key {index}].key"] = told
        else:
            keys.append(told[-1] if len(told) == 2 else str(told))
        node.edges[f"[{keys[-1]}]"] = refer(painter, value)
    node.detail["keys"] = keys


def _add_members(painter: Painter, things: Iterable[Any], node: Node) -> None:
    """A set: plain values sorted, the others by what they are and hold, for hashes are addresses."""
    items = list(things)
    node.detail["members"] = sorted(
        (value for item in items if (value := value_of(painter, item)) is not None), key=repr
    )
    others = [item for item in items if value_of(painter, item) is None]
    _add_items(painter, in_order(others), node)


def _add_text(_: Painter, thing: Any, node: Node) -> None:
    base: Any = next(kind for kind in _TEXTS if issubclass(type(thing), kind))
    node.detail["value"] = base.__repr__(thing)


_TEXTS = (str, bytes, int, float, complex, bytearray)
_PARTS: dict[type, tuple[str, ...]] = {
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    property: ("fget", "fset", "fdel", "__doc__"),
    types.MethodType: ("__func__", "__self__"),
    types.BuiltinMethodType: ("__self__", "__name__"),
    types.MethodWrapperType: ("__self__", "__name__"),
    types.MethodDescriptorType: ("__objclass__", "__name__"),
    types.WrapperDescriptorType: ("__objclass__", "__name__"),
    types.ClassMethodDescriptorType: ("__objclass__", "__name__"),
    functools.partial: ("func",),
}
_CONTENTS: dict[Any, Callable[[Painter, Any, Node], None]] = {
    tuple(_PARTS): _add_parts,
    _TEXTS: _add_text,
    dict: _add_mapping,
    list: lambda painter, thing, node: _add_items(painter, list.__iter__(thing), node),
    tuple: lambda painter, thing, node: _add_items(painter, tuple.__iter__(thing), node),
    collections.deque: lambda painter, thing, node: _add_items(painter, collections.deque.__iter__(thing), node),
    set: lambda painter, thing, node: _add_members(painter, set.__iter__(thing), node),
    frozenset: lambda painter, thing, node: _add_members(painter, frozenset.__iter__(thing), node),
}
_BY_TYPE: dict[type, Callable[[Painter, Any], Node]] = {
    FunctionType: _describe_function,
    **dict.fromkeys(_PARTS, _describe_parts),
    type(functools.lru_cache(lambda: None)): _describe_cached,
    types.CellType: _describe_cell,
    weakref.ref: _describe_weak,
    weakref.WeakMethod: _describe_weak,
    weakref.KeyedRef: _describe_weak,
    weakref.WeakKeyDictionary: _describe_weak_keys,
    types.MappingProxyType: _describe_proxy,
    ContextVar: _describe_variable,
}
