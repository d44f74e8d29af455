"""Functions in place: live functions get the code of the new source and stay the same objects."""

from __future__ import annotations

import functools
import sys
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from inspect import CO_GENERATOR, CO_ITERABLE_COROUTINE
from types import CodeType, FunctionType, ModuleType
from typing import Any, get_overloads
from weakref import getweakrefs, ref

from pepperpy_reload.core.identity import identity
from pepperpy_reload.reloading import bygone, heap
from pepperpy_reload.reloading.looking import instance_dict, is_a
from pepperpy_reload.reloading.pairs import Pair, docstring_of
from pepperpy_reload.reloading.stroke import at_one_stroke

_MANY = 100  # codes: from here on one pass over all objects is cheaper than asking for the referrers of each
_LRU = type(functools.lru_cache(lambda: None))
_SHALLOW = (int, float, complex, str, bytes, list, dict, set, tuple, type(None))
_FUNCTION, _METHOD = vars(staticmethod)["__func__"], vars(classmethod)["__func__"]
_ACCESSORS = (vars(property)["fget"], vars(property)["fset"], vars(property)["fdel"])
_TRANSIENT = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")  # made and called at once: nobody holds them

_REFERENT: Callable[[Any], object] = ref.__call__

Undo = Callable[[Callable[[], None]], None]
Found = dict[int, list[FunctionType]]


def live_functions(edits: Iterable[tuple[ModuleType | None, Iterable[Pair]]]) -> tuple[Found, set[int]]:
    """The live functions of the pairs of some modules, by the id of their code object; and the ids of those code
    objects that somebody else may hold as well.

    A function that a statement defines is looked up under its name, through decorators. A pass over the heap is made
    only if somebody holds a code object who has not been found so: a closure, a function that has lost its name.
    """
    found: Found = {}
    left: dict[int, CodeType] = {}
    held: dict[int, int] = {}
    known_weakly: set[int] = set()
    for module, every in edits:
        pairs = list(every)
        known_weakly |= {identity(code) for pair in pairs for code in pair.olds if _is_known_weakly(code)}
        counts = _counts(pairs)
        _find_named(module, counts, found)
        _find_coroutines(module, pairs, found)
        if module is not None and any(len(found.get(identity(code), ())) < count for _, code, count in counts):
            _find_elsewhere(module, {identity(code) for _, code, _ in counts}, found)
        held.update({identity(code): count for _, code, count in counts})
        left.update({identity(code): code for _, code, count in counts if len(found.get(identity(code), ())) < count})
    for code in left:
        found.pop(code, None)
    for candidate in heap.referrers(list(left.values())) if len(left) <= _MANY else heap.functions():
        if type(candidate) is FunctionType and identity(candidate.__code__) in left:
            found.setdefault(identity(candidate.__code__), []).append(candidate)
    return found, {code for code, count in held.items() if len(found.get(code, ())) < count} | known_weakly


def _counts(pairs: Iterable[Pair]) -> list[tuple[str, CodeType, int]]:
    """The code objects that somebody may hold, each with its name and by how many it is held, at most."""
    listed = [pair for pair in pairs if pair.old.co_name not in _TRANSIENT]
    inside = _references_of_ours(listed)
    held = [(pair, _held(pair, inside)) for pair in listed]
    return [
        (pair.old.co_qualname, code, count)
        for pair, counts in held
        for code, count in zip(pair.olds, counts, strict=True)
        if count > 0
    ]


def _find_named(module: ModuleType | None, counts: Iterable[tuple[str, CodeType, int]], found: Found) -> None:
    by_name: dict[str, set[int]] = {}
    for qualname, code, _ in counts:
        by_name.setdefault(qualname, set()).add(identity(code))
    for qualname, wanted in by_name.items():
        for function in _named(module, qualname, wanted) if module is not None else ():
            _note(found, function)


def _find_coroutines(module: ModuleType | None, pairs: Iterable[Pair], found: Found) -> None:
    """Generators that `types.coroutine` has marked: what they have is a copy of their code with another flag."""
    for pair in pairs:
        if pair.old.co_flags & CO_GENERATOR and module is not None:
            function = value_of(module, pair.old.co_qualname)
            code = function.__code__ if type(function) is FunctionType else pair.old
            if code is not pair.old and code.replace(co_flags=code.co_flags & ~CO_ITERABLE_COROUTINE) == pair.old:
                found.setdefault(identity(pair.old), []).append(function)


def _is_known_weakly(code: CodeType) -> bool:
    """Whether somebody besides ourselves knows a code object by a weak reference."""
    return any(type(one) is not ref or one.__callback__ is not None for one in getweakrefs(code))


def _find_elsewhere(module: ModuleType, wanted: Container[int], found: Found) -> None:
    """Functions that have no name of their own, or another one: what a module's names and its classes' lead to.

    Nobody leads to a class that was made again, and yet its functions are there as long as it is.
    """
    values = list(vars(module).values())
    classes = [value for value in values if is_a(value, type) and value.__module__ == module.__name__]
    classes += [cls for cls in bygone.bygone() if vars(cls).get("__module__") == module.__name__]
    members = [member for cls in classes for member in vars(cls).values()]
    for value in (*values, *members):
        for function in _all_inside(value, 2):
            if identity(function.__code__) in wanted:
                _note(found, function)


def _note(found: Found, function: FunctionType) -> None:
    known = found.setdefault(identity(function.__code__), [])
    if not any(one is function for one in known):
        known.append(function)


def _references_of_ours(pairs: Iterable[Pair]) -> Counter[int]:
    """How often codes of earlier versions are constants of such codes; by their ids."""
    earlier = [code for pair in pairs for code in pair.olds[1:]]
    return Counter(identity(item) for code in earlier for item in code.co_consts if isinstance(item, CodeType))


def _held(pair: Pair, inside: Mapping[int, int]) -> list[int]:
    """By how many each code object of a pair is held, at most, beyond the code that it is in and the pair itself."""
    if _KNOWN is None:
        return [sys.maxsize for _ in pair.olds]
    # The first is a constant of the code around it, and the pair has it twice; the others it has once.
    counts = _references(pair)
    known = [_KNOWN, *(_KNOWN - 2 + inside[identity(code)] for code in pair.olds[1:])]
    return [count - expected for count, expected in zip(counts, known, strict=True)]


def _references(pair: Pair) -> list[int]:
    return [sys.getrefcount(code) for code in pair.olds]


def _known_references() -> int | None:
    """The references to a code object of which there is no function; None if this Python does not count them."""
    one, other = (compile("def probe(): pass", "<probe>", "exec") for _ in range(2))
    pair = Pair(one.co_consts[0], other.co_consts[0], changed=False, olds=(one.co_consts[0],))
    before = _references(pair)[0]
    function = FunctionType(pair.old, {})
    return before if function and _references(pair)[0] == before + 1 else None


_KNOWN = _known_references()


def _named(module: ModuleType, qualname: str, wanted: Container[int]) -> Iterator[FunctionType]:
    """The functions of that name, from inside whatever has been put around them; overloads are under it, too."""
    value = value_of(module, qualname)
    function = _inside(value, wanted, 4)
    if function is not None:
        yield function
    if type(value) is FunctionType:
        overloads = [one for one in get_overloads(value) if type(one) is FunctionType]
        yield from (one for one in overloads if identity(one.__code__) in wanted)


def value_of(module: ModuleType, qualname: str) -> Any:
    """What a qualified name leads to in a module, past classes only; None if it leads nowhere."""
    value: Any = module
    for name in qualname.split("."):
        value = vars(value).get(name) if is_a(value, (ModuleType, type)) else None
    return value


def _inside(value: Any, wanted: Container[int], depth: int) -> FunctionType | None:
    if type(value) is FunctionType and identity(value.__code__) in wanted:
        return value
    if not depth or is_a(value, (*_SHALLOW, ModuleType, type)):
        return None
    for inner in parts_of(value):
        function = _inside(inner, wanted, depth - 1)
        if function is not None:
            return function
    return None


def _all_inside(value: Any, depth: int) -> Iterator[FunctionType]:
    if type(value) is FunctionType:
        yield value
    if depth and not is_a(value, (*_SHALLOW, ModuleType, type)):
        for inner in parts_of(value):
            yield from _all_inside(inner, depth - 1)


def parts_of(value: Any) -> Iterator[Any]:
    """What a decorator may have put the function into: cells, attributes, what descriptors wrap."""
    if type(value) is FunctionType:
        for cell in value.__closure__ or ():
            with suppress(ValueError):  # an empty cell
                yield cell.cell_contents
    elif is_a(value, staticmethod):
        yield _FUNCTION.__get__(value)
    elif is_a(value, classmethod):
        yield _METHOD.__get__(value)
    elif is_a(value, property):
        yield from (part.__get__(value) for part in _ACCESSORS)
    elif type(value) is functools.partial:
        yield value.func
    yield from list(instance_dict(value).values())


def put(function: FunctionType, pair: Pair) -> None:
    """Give a function its new code, and its new docstring unless somebody has set another."""
    documentation: object = function.__doc__
    if (documentation is None or type(documentation) is str) and documentation == docstring_of(pair.old):
        function.__doc__ = docstring_of(pair.new)
    marked = function.__code__.co_flags & CO_ITERABLE_COROUTINE
    function.__code__ = pair.new.replace(co_flags=pair.new.co_flags | marked) if marked else pair.new


def swap_captured(pairs: Iterable[Pair], modules: Iterable[ModuleType | None], undo: Undo) -> None:
    """Put the new code objects where user code has put the old ones: into containers that names of modules lead to."""
    news = {identity(old): pair.new for pair in pairs for old in pair.olds}
    for module in modules:
        for value in list(vars(module).values()) if module is not None else ():
            inside = vars(value) if is_a(value, type) else instance_dict(value)
            for container in (value, *inside.values()):
                _swap(container, news, undo)


def _swap(container: Any, news: Mapping[int, CodeType], undo: Undo) -> None:
    if type(container) in (set, list) and any(identity(item) in news for item in container):
        before = list(container)
        undo(lambda: _refill(container, before))
        _refill(container, [news.get(identity(item), item) for item in before])
    elif type(container) is dict and any(
        _knows(key, news) or identity(item) in news for key, item in container.items()
    ):
        entries = dict(container)
        undo(lambda: _refill(container, entries))
        _refill(container, {_instead(key, news): news.get(identity(item), item) for key, item in entries.items()})


def _knows(key: object, news: Mapping[int, CodeType]) -> bool:
    return identity(key) in news or (is_a(key, ref) and identity(_REFERENT(key)) in news)


def _instead(key: Any, news: Mapping[int, CodeType]) -> Any:
    """The key for a new code object, as one is for an old one: itself, or a weak reference of the same sort."""
    if is_a(key, ref) and identity(_REFERENT(key)) in news:
        return type(key)(news[identity(_REFERENT(key))], key.__callback__)
    return news.get(identity(key), key)


def _refill(container: Any, content: Any) -> None:
    put = container.extend if type(container) is list else container.update
    at_one_stroke([container.clear, functools.partial(put, content)])


def names_of_copies(module: ModuleType | None) -> tuple[str, ...]:
    """The names of functions of a module that `functools.wraps` has given all that a class knows, its line, too."""
    names = getattr(module, "__dict__", {})
    functions = [(name, value) for name, value in list(names.items()) if type(value) is FunctionType]
    return tuple(name for name, value in functions if is_a(getattr(value, "__wrapped__", None), type))
