"""The first-party functions that calling a value runs, or making a subclass of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any

from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.looking import attribute_of, is_a, part_of, wrapped

_MAKING = ("__init__", "__new__", "__post_init__", "__init_subclass__", "__set_name__", "__call__")
_MAKING_CLASSES = ("__new__", "__init__", "__call__", "__prepare__", "__mro_entries__")


def run_by_calling(value: Any) -> Iterator[CodeKey]:
    """The function behind a callable value, or what making an instance of a class runs, with those inside of it."""
    if is_a(value, type):
        made = [vars(kind).get(name) for kind in value.__mro__ for name in _MAKING]
    else:
        made = [value, attribute_of(type(value), "__call__")]
    yield from own_keys(made)


def told_of_heirs(value: Any) -> Iterator[CodeKey]:
    """What a class statement runs by itself that has the value as a base, or as its metaclass."""
    kinds = value.__mro__ if is_a(value, type) else ()
    above = kinds if is_a(value, type) and issubclass(value, type) else type(value).__mro__
    told = [vars(kind).get("__init_subclass__") for kind in kinds]
    yield from own_keys([*told, *(vars(kind).get(name) for kind in above for name in _MAKING_CLASSES)])


def own_keys(callables: Iterable[Any]) -> Iterator[CodeKey]:
    """The first-party functions behind callables, however they are wrapped, with those inside of them."""
    for item in callables:
        function = wrapped(item)
        while function is not None:
            if type(function) is FunctionType and function.__code__.co_filename in recorder.roots:
                yield from _keys_in(function.__code__)
            function = part_of(function, "__wrapped__")


def _keys_in(code: CodeType) -> Iterator[CodeKey]:
    """The keys of a function and of those inside it, which it may call or return."""
    yield CodeKey.of(code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _keys_in(constant)
