"""Functions in place: live functions get the code of the new source and stay the same objects."""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType

_MANY = 6  # codes: from here on one pass over all objects is cheaper than asking for the referrers of each
_LRU = type(functools.lru_cache(lambda: None))


@dataclass(frozen=True, slots=True)
class Pair:
    """The code of one function before and after an edit.

    `changed` if more than its position differs, functions inside it aside: they are pairs of their own. `olds` are all
    code objects that live functions may have of it: equal ones of earlier versions too.
    """

    old: CodeType
    new: CodeType
    changed: bool
    olds: tuple[CodeType, ...] = ()

    @property
    def moved(self) -> bool:
        """Whether live functions need the new code object: for what it does, or for its line numbers."""
        return self.changed or _position(self.old) != _position(self.new) or not same_code(self.old, self.new)


def pair_codes(
    old: CodeType, new: CodeType, in_force: Mapping[int, tuple[CodeType, ...]] | None = None
) -> Iterator[Pair]:
    """The functions of two versions of a module, matched by where they are defined.

    Among functions of one name in one place the first goes with the first, and so on. A function that has no
    counterpart is left out.
    """
    waiting = [(old, new)]
    while waiting:
        one, other = waiting.pop()
        for inner_one, inner_other in _matched(one, other):
            waiting.append((inner_one, inner_other))
            if inner_one.co_flags & 0x1:  # CO_OPTIMIZED: a function, not a class body
                olds = (inner_one, *(in_force or {}).get(id(inner_one), ()))
                yield Pair(inner_one, inner_other, not same_code(inner_one, inner_other, inside=False), olds)


def same_code(one: CodeType, other: CodeType, *, inside: bool = True) -> bool:
    """Whether two code objects do the same, wherever they stand; without `inside`, whatever functions in them do."""
    return _parts(one) == _parts(other) and _same_constants(one.co_consts, other.co_consts, inside)


def unpatchable(pair: Pair) -> bool:
    """Whether a live function cannot take the new code: it would need other cells."""
    return len(pair.old.co_freevars) != len(pair.new.co_freevars)


def live_functions(codes: Iterable[CodeType]) -> dict[int, list[FunctionType]]:
    """The live functions that have one of these code objects, by the id of the code object."""
    wanted = {id(code): code for code in codes}
    found: dict[int, list[FunctionType]] = {}
    candidates = gc.get_objects() if len(wanted) > _MANY else gc.get_referrers(*wanted.values()) if wanted else []
    for candidate in candidates:
        if type(candidate) is FunctionType and id(candidate.__code__) in wanted:
            found.setdefault(id(candidate.__code__), []).append(candidate)
    return found


def put(function: FunctionType, pair: Pair) -> None:
    """Give a function its new code, and its new docstring unless somebody has set another."""
    documentation: object = function.__doc__
    if (documentation is None or type(documentation) is str) and documentation == _docstring(pair.old):
        function.__doc__ = _docstring(pair.new)
    function.__code__ = pair.new


def clear_caches(module: ModuleType, patched: Mapping[int, FunctionType]) -> None:
    """Empty the lru_caches around patched functions (by id), at module level and in its classes."""
    for value in list(vars(module).values()):
        members = list(vars(value).values()) if isinstance(value, type) and value.__module__ == module.__name__ else []
        for item in (value, *members):
            raw = getattr(item, "__func__", item)
            if type(raw) is _LRU and id(getattr(raw, "__wrapped__", None)) in patched:
                raw.cache_clear()


def _matched(one: CodeType, other: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    by_name: dict[str, list[CodeType]] = {}
    for constant in other.co_consts:
        if isinstance(constant, CodeType):
            by_name.setdefault(constant.co_name, []).append(constant)
    for constant in one.co_consts:
        if isinstance(constant, CodeType) and by_name.get(constant.co_name):
            yield constant, by_name[constant.co_name].pop(0)


def _parts(code: CodeType) -> tuple[object, ...]:
    return (
        code.co_code,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_flags,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_exceptiontable,
    )


def _same_constants(one: tuple[object, ...], other: tuple[object, ...], inside: bool) -> bool:
    if len(one) != len(other):
        return False
    return all(_same_constant(first, second, inside) for first, second in zip(one, other, strict=True))


def _same_constant(first: object, second: object, inside: bool) -> bool:
    if type(first) is not type(second):
        return False
    if isinstance(first, CodeType) and isinstance(second, CodeType):
        return _same_inner(first, second, inside)
    if isinstance(first, tuple) and isinstance(second, tuple):
        return _same_constants(first, second, inside)
    if isinstance(first, frozenset):
        return first == second
    return repr(first) == repr(second)  # 0.0 and -0.0 are equal, and not the same


def _same_inner(one: CodeType, other: CodeType, inside: bool) -> bool:
    if one.co_name != other.co_name or one.co_freevars != other.co_freevars:
        return False
    is_function = one.co_flags & 0x1 and not one.co_name.startswith("<")  # comprehensions run with their function
    return same_code(one, other, inside=inside) if inside or not is_function else one.co_flags == other.co_flags


def _position(code: CodeType) -> tuple[int, bytes]:
    return (code.co_firstlineno, code.co_linetable)


def _docstring(code: CodeType) -> str | None:
    # Up to 3.12 the first constant is the docstring or None; 3.13 has a flag, CO_HAS_DOCSTRING.
    first = code.co_consts[0] if code.co_consts else None
    if sys.version_info >= (3, 13) and not code.co_flags & 0x4000000:
        return None
    return first if isinstance(first, str) else None
