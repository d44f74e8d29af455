"""What an object is to a portrait: a value in itself, or a node with what it holds."""

from __future__ import annotations

import collections
import functools
import gc
import itertools
import operator
import re
import types
import typing
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import CodeType, FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any

from pepperpy_reload.replaying.definitions import describe_class, describe_function, describe_module, is_known_elsewhere
from pepperpy_reload.replaying.portrait import Node, Painter, Reference

_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented), range, slice})
_TYPING_HOMES = ("typing", "typing_extensions")
_ALIASES = (types.GenericAlias, types.UnionType, type(list[int]), type(typing.Optional[int]), type(typing.List[int]))
_BUILTIN = (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType,
            types.ClassMethodDescriptorType)  # fmt: skip
_DESCRIPTORS = (GetSetDescriptorType, MemberDescriptorType)
_TOLD_BY_REPR = (itertools.count, operator.attrgetter, operator.itemgetter, operator.methodcaller)
_REPR_HOMES = frozenset({"datetime", "decimal", "fractions", "uuid", "pathlib", "pathlib._local", "ipaddress", "_decimal", "zoneinfo"})
_CLOSED_HOMES = frozenset(
    "_thread threading _io io asyncio selectors socket _socket ssl _ssl tempfile subprocess multiprocessing codecs random "
    "_random _frozen_importlib _frozen_importlib_external importlib zipimport pkgutil _contextvars contextvars".split()
)
"""Homes of types whose instances live on what a process does, not on what its source says."""


def refer(painter: Painter, thing: Any) -> Reference:
    """A reference to anything: its value if it has no identity worth comparing, else its node."""
    value = _value(painter, thing)
    return value if value is not None else painter.number(thing, _describe)


def describe_table(painter: Painter, modules: Mapping[str, ModuleType]) -> Node:
    """The root of a portrait: the modules by name."""
    return Node("modules", {"names": list(modules)}, {name: refer(painter, module) for name, module in modules.items()})


# --- values


def _value(painter: Painter, thing: Any) -> list[Any] | None:
    """What has no identity: constants, code, aliases of types, things of other modules that go by a name."""
    kind = type(thing)
    if kind in _ATOMS:
        return [kind.__name__, repr(thing)]
    if kind is CodeType:
        return ["code", painter.codes.name(thing)]
    if kind is re.Pattern:
        return ["pattern", repr(thing.pattern), thing.flags]
    if kind is tuple or kind is frozenset:
        return _plain_collection(painter, thing)
    if isinstance(thing, ModuleType) and kind.__module__ != "builtins":
        return None
    if isinstance(thing, ModuleType):
        name = thing.__dict__.get("__name__")
        return None if painter.modules.get(name) is thing or _is_dead(painter, thing) else ["module", name]
    if isinstance(thing, type) or kind is FunctionType:
        known = is_known_elsewhere(painter, thing)
        return None if known is None else [*known]
    if isinstance(thing, _BUILTIN):
        return _builtin(painter, thing)
    if isinstance(thing, _DESCRIPTORS):
        return ["descriptor", thing.__name__, thing.__objclass__.__name__]
    if kind in _TOLD_BY_REPR or (kind.__module__ in _REPR_HOMES and not hasattr(kind, "__dictoffset__x")):
        return ["value", kind.__name__, repr(thing)]
    if is_alias(thing):
        return _alias(painter, thing)
    return None


def _is_dead(painter: Painter, module: ModuleType) -> bool:
    file = module.__dict__.get("__file__")
    return isinstance(file, str) and painter.own(file)


def _plain_collection(painter: Painter, things: Iterable[Any]) -> list[Any] | None:
    """A tuple or frozenset of nothing but values is a value: the compiler merges equal constants."""
    found: list[Any] = []
    for item in things:
        if type(item) not in _ATOMS and type(item) not in (tuple, frozenset, CodeType):
            return None
        value = _value(painter, item)
        if value is None:
            return None
        found.append(value)
    return [type(things).__name__, *(found if type(things) is tuple else sorted(found, key=repr))]


def _builtin(painter: Painter, thing: Any) -> list[Any] | None:
    owner = getattr(thing, "__objclass__", None) or getattr(thing, "__self__", None)
    name = getattr(thing, "__qualname__", getattr(thing, "__name__", ""))
    if owner is None or isinstance(owner, ModuleType):
        return ["builtin", getattr(thing, "__module__", None), name]
    if isinstance(owner, type) and is_known_elsewhere(painter, owner) is not None:
        return ["builtin", owner.__module__, owner.__qualname__, name]
    return None


def is_alias(thing: Any) -> bool:
    """Whether something is a parametrised type: typing caches these, so which object it is says nothing."""
    kind = type(thing)
    if isinstance(thing, type) and kind is not types.GenericAlias:
        return False
    return kind in _ALIASES or (kind.__module__ in _TYPING_HOMES and kind.__name__.endswith("Alias") and hasattr(thing, "__args__"))


def _alias(painter: Painter, thing: Any) -> list[Any]:
    origin = getattr(thing, "__origin__", None)
    arguments = [_argument(painter, item) for item in thing.__args__]
    if type(thing) is types.UnionType or origin is typing.Union:
        return ["union", *sorted(arguments, key=lambda item: repr(_without_numbers(painter, item)))]
    extra = [_argument(painter, item) for item in getattr(thing, "__metadata__", ())]
    return ["alias", type(thing).__name__, refer(painter, origin), arguments, extra]


def _argument(painter: Painter, thing: Any) -> Reference:
    if isinstance(thing, list | tuple):  # Callable[[int], str], Literal[("a", "b")]
        return [type(thing).__name__, *(_argument(painter, item) for item in thing)]
    return refer(painter, thing)


def _without_numbers(painter: Painter, reference: Reference) -> object:
    return painter.name_of(reference) if isinstance(reference, int) else reference


# --- nodes


def _describe(painter: Painter, thing: Any) -> Node:
    if isinstance(thing, type):
        return describe_class(painter, thing, refer)
    for kinds, describe in _BY_TYPE.items():
        if type(thing) in kinds:
            return describe(painter, thing)
    if isinstance(thing, ModuleType):
        return describe_module(painter, thing, refer)
    return _describe_instance(painter, thing)


def _describe_function(painter: Painter, thing: FunctionType) -> Node:
    return describe_function(painter, thing, refer)


def _describe_wrapper(painter: Painter, thing: Any) -> Node:
    """Staticmethods, properties, bound methods, partials: what they are made of."""
    names = _PARTS[type(thing)]
    edges = {name: refer(painter, getattr(thing, name, None)) for name in names}
    if type(thing) is functools.partial:
        edges |= {f"args[{index}]": refer(painter, item) for index, item in enumerate(thing.args)}
        edges |= {f"keywords[{name}]": refer(painter, item) for name, item in thing.keywords.items()}
    return Node(type(thing).__name__, {}, edges)


def _describe_cached(painter: Painter, thing: Any) -> Node:
    inside = {f".{name}": refer(painter, value) for name, value in sorted(_instance_dict(thing).items())}
    return Node("lru_cache", {"parameters": repr(thing.cache_parameters())}, inside)


def _describe_cell(painter: Painter, thing: types.CellType) -> Node:
    try:
        return Node("cell", {}, {"contents": refer(painter, thing.cell_contents)})
    except ValueError:
        return Node("empty cell")


def _describe_weak(painter: Painter, thing: Any) -> Node:
    target = thing()
    return Node("weakref", {"alive": target is not None}, {} if target is None else {"()": refer(painter, target)})


def _describe_mapping_proxy(painter: Painter, thing: Any) -> Node:
    return Node("mappingproxy", {}, {"of": refer(painter, gc.get_referents(thing)[0])})


def _describe_instance(painter: Painter, thing: Any) -> Node:
    kind = type(thing)
    home = str(kind.__module__)
    node = Node("instance", {"of": f"{home}.{kind.__qualname__}"}, {"type": refer(painter, kind)})
    if home.partition(".")[0] in _CLOSED_HOMES or home in _CLOSED_HOMES:
        return node
    if home == "logging":
        return _describe_logger(painter, thing, node)
    for part in _CONTENTS:
        if isinstance(thing, part):
            _CONTENTS[part](painter, thing, node)
    for name, value in _instance_dict(thing).items():
        node.edges[f".{name}"] = refer(painter, value)
    node.detail["names"] = [name for name in node.edges if name.startswith(".")]
    for name, value in _slots(thing):
        node.edges[f".{name}"] = refer(painter, value)
    return node


def _describe_logger(painter: Painter, thing: Any, node: Node) -> Node:
    """Loggers know one another; what matters is what this one was given."""
    inside = _instance_dict(thing)
    for name in ("name", "level", "propagate", "disabled", "handlers", "filters"):
        if name in inside:
            node.edges[f".{name}"] = refer(painter, inside[name])
    return node


def _add_items(painter: Painter, items: Iterable[Any], node: Node) -> None:
    for index, item in enumerate(items):
        node.edges[f"[{index}]"] = refer(painter, item)


def _add_mapping(painter: Painter, thing: dict[Any, Any], node: Node) -> None:
    for index, (key, value) in enumerate(dict.items(thing)):
        told = refer(painter, key)
        if isinstance(told, int):
            node.edges[f"key {index}"] = told
            node.edges[f"[key {index}]"] = refer(painter, value)
        else:
            node.detail.setdefault("keys", []).append(told)
            node.edges[f"[{told[-1] if len(told) == 2 else told}]"] = refer(painter, value)


def _add_members(painter: Painter, thing: Iterable[Any], node: Node) -> None:
    """A set: plain values sorted, the others in the order of their names, for hashes are addresses."""
    values, others = [], []
    for item in thing:
        value = _value(painter, item)
        (values if value is not None else others).append(value if value is not None else item)
    node.detail["members"] = sorted(values, key=repr)
    _add_items(painter, sorted(others, key=signature), node)


def _add_text(painter: Painter, thing: Any, node: Node) -> None:
    base = next(kind for kind in (str, bytes, int, float, complex) if isinstance(thing, kind))
    node.detail["value"] = base.__repr__(thing)  # type: ignore[arg-type]


_CONTENTS: dict[Any, Callable[[Painter, Any, Node], None]] = {
    (str, bytes, int, float, complex): _add_text,
    dict: _add_mapping,
    list: lambda painter, thing, node: _add_items(painter, list.__iter__(thing), node),
    tuple: lambda painter, thing, node: _add_items(painter, tuple.__iter__(thing), node),
    collections.deque: lambda painter, thing, node: _add_items(painter, collections.deque.__iter__(thing), node),
    set: lambda painter, thing, node: _add_members(painter, set.__iter__(thing), node),
    frozenset: lambda painter, thing, node: _add_members(painter, frozenset.__iter__(thing), node),
    bytearray: lambda _, thing, node: node.detail.update(value=bytearray.__repr__(thing)),
}
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
_BY_TYPE: dict[tuple[type, ...], Callable[[Painter, Any], Node]] = {
    (FunctionType,): _describe_function,
    tuple(_PARTS): _describe_wrapper,
    (type(functools.lru_cache(lambda: None)),): _describe_cached,
    (types.CellType,): _describe_cell,
    (weakref.ref, weakref.WeakMethod, weakref.KeyedRef): _describe_weak,
    (types.MappingProxyType,): _describe_mapping_proxy,
    (types.GeneratorType, types.CoroutineType, types.FrameType, types.TracebackType): lambda _, thing: Node(
        type(thing).__name__
    ),
}


def signature(thing: Any) -> str:
    """A text by which objects of a set are sorted: the same in every process that has the same objects."""
    if isinstance(thing, type) or isinstance(thing, FunctionType):
        line = thing.__code__.co_firstlineno if isinstance(thing, FunctionType) else 0
        return f"{thing.__module__}.{thing.__qualname__}:{line}"
    kind = type(thing)
    inside = {name: value for name, value in _instance_dict(thing).items() if type(value) in _ATOMS}
    slots = {name: value for name, value in _slots(thing) if type(value) in _ATOMS}
    items = [signature(item) if type(item) not in _ATOMS else repr(item) for item in thing] if kind is tuple else []
    target = signature(thing()) if kind is weakref.ref and thing() is not None else ""
    return f"{kind.__module__}.{kind.__qualname__} {inside!r} {slots!r} {items!r} {target}"


def _instance_dict(thing: Any) -> dict[str, Any]:
    """The `__dict__` of an object, past whatever its class makes of that name."""
    for kind in type(thing).__mro__:
        found = type.__dict__["__dict__"].__get__(kind).get("__dict__")
        if type(found) is GetSetDescriptorType:
            inside = found.__get__(thing)
            return inside if type(inside) is dict else {}
    return {}


def _slots(thing: Any) -> Iterator[tuple[str, Any]]:
    for kind in type(thing).__mro__:
        if not kind.__flags__ & (1 << 9):  # Py_TPFLAGS_HEAPTYPE: others keep their members to themselves
            continue
        for name, found in sorted(vars(kind).items()):
            if type(found) is MemberDescriptorType:
                try:
                    yield name, found.__get__(thing)
                except AttributeError:  # not set
                    continue
