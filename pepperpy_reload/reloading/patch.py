"""Functions in place: live functions get the code of the new source and stay the same objects."""

from __future__ import annotations

import dis
import functools
import gc
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from inspect import CO_GENERATOR, CO_ITERABLE_COROUTINE
from types import CodeType, FunctionType, ModuleType
from typing import Any, get_overloads
from weakref import getweakrefs, ref

from pepperpy_reload.core.difference import Alignment
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.reloading.looking import instance_dict, is_a, wrapped
from pepperpy_reload.reloading.stroke import at_one_stroke

_MANY = 6  # codes: from here on one pass over all objects is cheaper than asking for the referrers of each
_LRU = type(functools.lru_cache(lambda: None))
_SHALLOW = (int, float, complex, str, bytes, list, dict, set, tuple, type(None))
_FUNCTION, _METHOD = vars(staticmethod)["__func__"], vars(classmethod)["__func__"]
_ACCESSORS = (vars(property)["fget"], vars(property)["fset"], vars(property)["fdel"])
_TRANSIENT = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")  # made and called at once: nobody holds them

_REFERENT: Callable[[Any], object] = ref.__call__

Undo = Callable[[Callable[[], None]], None]
Found = dict[int, list[FunctionType]]
InForce = Mapping[int, tuple[ref[CodeType], ...]]


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

    @property
    def does_otherwise(self) -> bool:
        """Whether more than its docstring has changed: whoever has called it might have got something else."""
        return self.changed and not _same_but_docstring(self.old, self.new)

    @property
    def takes_others(self) -> bool:
        """Whether it has other parameters."""
        return _parameters(self.old) != _parameters(self.new)


def pair_codes(
    old: CodeType,
    new: CodeType,
    in_force: InForce | None = None,
    alignment: Alignment | None = None,
) -> Iterator[Pair]:
    """The functions of two versions of a module, matched by where they are defined.

    At the top a function goes with one of the statement that its own goes with. Among functions of one name in one
    place the first goes with the first, and so on. A function that has no counterpart is left out.
    """
    waiting = [(old, new)]
    while waiting:
        one, other = waiting.pop()
        for inner_one, inner_other in (
            _aligned(one, other, alignment) if one is old and alignment else _matched(one, other)
        ):
            waiting.append((inner_one, inner_other))
            if inner_one.co_flags & 0x1:  # CO_OPTIMIZED: a function, not a class body
                earlier = [one() for one in (in_force or {}).get(id(inner_one), ())]
                olds = (inner_one, *(code for code in earlier if code is not None))
                yield Pair(inner_one, inner_other, not same_code(inner_one, inner_other, inside=False), olds)


def codes_in_force(code: CodeType) -> dict[int, tuple[ref[CodeType], ...]]:
    """The code objects that live functions of a module have, where somebody else has compiled it.

    `code` is the same module compiled again; the answer goes by the ids of the code objects in it.
    """
    live: dict[tuple[str, int], dict[int, CodeType]] = {}
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__.co_filename == code.co_filename:
            one = thing.__code__
            live.setdefault((one.co_qualname, one.co_firstlineno), {})[id(one)] = one
    found: dict[int, tuple[ref[CodeType], ...]] = {}
    waiting = [code]
    while waiting:
        for inner in waiting.pop().co_consts:
            if isinstance(inner, CodeType):
                waiting.append(inner)
                equal = live.get((inner.co_qualname, inner.co_firstlineno), {}).values()
                found[id(inner)] = tuple(ref(one) for one in equal if one is not inner and same_code(one, inner))
    return found


def same_code(one: CodeType, other: CodeType, *, inside: bool = True) -> bool:
    """Whether two code objects do the same, wherever they stand; without `inside`, whatever functions in them do."""
    if one == (other if one.co_firstlineno == other.co_firstlineno else _moved_to(other, one.co_firstlineno)):
        return True
    return _parts(one) == _parts(other) and _same_constants(one.co_consts, other.co_consts, inside)


def _moved_to(code: CodeType, line: int) -> CodeType:
    """A copy that begins in another line; functions inside it stay where they are."""
    return code.replace(co_firstlineno=line)


def unpatchable(pair: Pair) -> bool:
    """Whether a live function cannot take the new code: it would need other cells."""
    return len(pair.old.co_freevars) != len(pair.new.co_freevars)


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
        known_weakly |= {id(code) for pair in pairs for code in pair.olds if _is_known_weakly(code)}
        counts = _counts(pairs)
        _find_named(module, counts, found)
        _find_coroutines(module, pairs, found)
        if module is not None and any(len(found.get(id(code), ())) < count for _, code, count in counts):
            _find_elsewhere(module, {id(code) for _, code, _ in counts}, found)
        held.update({id(code): count for _, code, count in counts})
        left.update({id(code): code for _, code, count in counts if len(found.get(id(code), ())) < count})
    for code in left:
        found.pop(code, None)
    for candidate in _holders(left):
        if type(candidate) is FunctionType and id(candidate.__code__) in left:
            found.setdefault(id(candidate.__code__), []).append(candidate)
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
        by_name.setdefault(qualname, set()).add(id(code))
    for qualname, wanted in by_name.items():
        for function in _named(module, qualname, wanted) if module is not None else ():
            _note(found, function)


def _find_coroutines(module: ModuleType | None, pairs: Iterable[Pair], found: Found) -> None:
    """Generators that `types.coroutine` has marked: what they have is a copy of their code with another flag."""
    for pair in pairs:
        if pair.old.co_flags & CO_GENERATOR and module is not None:
            function = _value(module, pair.old.co_qualname)
            code = function.__code__ if type(function) is FunctionType else pair.old
            if code is not pair.old and code.replace(co_flags=code.co_flags & ~CO_ITERABLE_COROUTINE) == pair.old:
                found.setdefault(id(pair.old), []).append(function)


def _is_known_weakly(code: CodeType) -> bool:
    """Whether somebody besides ourselves knows a code object by a weak reference."""
    return any(type(one) is not ref or one.__callback__ is not None for one in getweakrefs(code))


def _find_elsewhere(module: ModuleType, wanted: Container[int], found: Found) -> None:
    """Functions that have no name of their own, or another one: what a module's names and its classes' lead to."""
    values = list(vars(module).values())
    classes = [value for value in values if is_a(value, type) and value.__module__ == module.__name__]
    members = [member for cls in classes for member in vars(cls).values()]
    for value in (*values, *members):
        for function in _all_inside(value, 2):
            if id(function.__code__) in wanted:
                _note(found, function)


def _note(found: Found, function: FunctionType) -> None:
    known = found.setdefault(id(function.__code__), [])
    if not any(one is function for one in known):
        known.append(function)


def _references_of_ours(pairs: Iterable[Pair]) -> Counter[int]:
    """How often codes of earlier versions are constants of such codes; by their ids."""
    earlier = [code for pair in pairs for code in pair.olds[1:]]
    return Counter(id(item) for code in earlier for item in code.co_consts if isinstance(item, CodeType))


def _held(pair: Pair, inside: Mapping[int, int]) -> list[int]:
    """By how many each code object of a pair is held, at most, beyond the code that it is in and the pair itself."""
    if _KNOWN is None:
        return [sys.maxsize for _ in pair.olds]
    # The first is a constant of the code around it, and the pair has it twice; the others it has once.
    counts = _references(pair)
    known = [_KNOWN, *(_KNOWN - 2 + inside[id(code)] for code in pair.olds[1:])]
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


def _holders(codes: Mapping[int, CodeType]) -> Iterable[object]:
    if not codes:
        return ()
    return gc.get_objects() if len(codes) > _MANY else gc.get_referrers(*codes.values())


def _named(module: ModuleType, qualname: str, wanted: Container[int]) -> Iterator[FunctionType]:
    """The functions of that name, from inside whatever has been put around them; overloads are under it, too."""
    value = _value(module, qualname)
    function = _inside(value, wanted, 4)
    if function is not None:
        yield function
    if type(value) is FunctionType:
        overloads = [one for one in get_overloads(value) if type(one) is FunctionType]
        yield from (one for one in overloads if id(one.__code__) in wanted)


def _value(module: ModuleType, qualname: str) -> Any:
    value: Any = module
    for name in qualname.split("."):
        value = vars(value).get(name) if is_a(value, (ModuleType, type)) else None
    return value


def _inside(value: Any, wanted: Container[int], depth: int) -> FunctionType | None:
    if type(value) is FunctionType and id(value.__code__) in wanted:
        return value
    if not depth or is_a(value, (*_SHALLOW, ModuleType, type)):
        return None
    for inner in _parts_of(value):
        function = _inside(inner, wanted, depth - 1)
        if function is not None:
            return function
    return None


def _all_inside(value: Any, depth: int) -> Iterator[FunctionType]:
    if type(value) is FunctionType:
        yield value
    if depth and not is_a(value, (*_SHALLOW, ModuleType, type)):
        for inner in _parts_of(value):
            yield from _all_inside(inner, depth - 1)


def _parts_of(value: Any) -> Iterator[Any]:
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


def known_to_classes(
    module: ModuleType, old: CodeType, new: CodeType, several: Container[str]
) -> Iterator[tuple[type, str, Any]]:
    """What classes of a module know of their source and is other now: the class, the attribute and its right value.

    From 3.13 on classes know their line and the attributes that their methods set. Of the names in `several` there may
    be other classes than the one that the module holds: all classes are looked through for those.
    """
    bodies: dict[str, dict[int, tuple[CodeType, CodeType]]] = {}
    waiting = [(old, new)]
    while waiting:
        for one, other in _matched(*waiting.pop()):
            waiting.append((one, other))
            if not one.co_flags & 0x1:
                bodies.setdefault(one.co_qualname, {})[one.co_firstlineno] = one, other
    hidden = {name for name in bodies if name.partition(".")[0] in several}
    others = list(_classes(module.__name__, hidden)) if hidden and sys.version_info >= (3, 13) else []
    for qualname, found in bodies.items():
        named = _with_predecessors(_value(module, qualname), qualname)
        for cls in [*named, *(one for one in others if one.__qualname__ == qualname)]:
            bodies_of = found.get(vars(cls).get("__firstlineno__", -1))
            if bodies_of is not None:
                before, body = bodies_of
                known: dict[str, object] = {"__firstlineno__": body.co_firstlineno}
                if _tuples(before) != _tuples(body):
                    known["__static_attributes__"] = _set_by_methods(body)
                yield from ((cls, name, value) for name, value in known.items() if vars(cls).get(name) != value)


def _classes(module: str, qualnames: Container[str]) -> Iterator[type]:
    for thing in gc.get_objects():
        if is_a(thing, type) and vars(thing).get("__module__") == module and thing.__qualname__ in qualnames:
            yield thing


def _tuples(body: CodeType) -> list[object]:
    """The constants of a class body one of which is what its methods set."""
    return [item for item in body.co_consts if type(item) is tuple]


def _set_by_methods(body: CodeType) -> object:
    """The value of `__static_attributes__` that a class body stores; None if it stores none."""
    before: object = None
    for instruction in dis.get_instructions(body):
        if instruction.opname == "STORE_NAME" and instruction.argval == "__static_attributes__":
            return before
        before = instruction.argval if instruction.opname == "LOAD_CONST" else None
    return None


def _with_predecessors(value: Any, qualname: str) -> Iterator[type]:
    """A class, and those of its name that a decorator may have made it of.

    It is a subclass of them, its methods have closed over them, or it is a function around them.
    """
    if type(value) is FunctionType:
        value = getattr(value, "__wrapped__", None)
    if not is_a(value, type):
        return
    found = {id(value)}
    for cls in value.__mro__:
        if cls is value or (cls.__qualname__ == qualname and vars(cls).get("__module__") == value.__module__):
            found.add(id(cls))
            yield cls
    for function in [item for item in vars(value).values() if type(item) is FunctionType]:
        for inner in _parts_of(function):
            if is_a(inner, type) and inner.__qualname__ == qualname and id(inner) not in found:
                found.add(id(inner))
                yield inner


def put(function: FunctionType, pair: Pair) -> None:
    """Give a function its new code, and its new docstring unless somebody has set another."""
    documentation: object = function.__doc__
    if (documentation is None or type(documentation) is str) and documentation == _docstring(pair.old):
        function.__doc__ = _docstring(pair.new)
    marked = function.__code__.co_flags & CO_ITERABLE_COROUTINE
    function.__code__ = pair.new.replace(co_flags=pair.new.co_flags | marked) if marked else pair.new


def swap_captured(pairs: Iterable[Pair], modules: Iterable[ModuleType | None], undo: Undo) -> None:
    """Put the new code objects where user code has put the old ones: into containers that names of modules lead to."""
    news = {id(old): pair.new for pair in pairs for old in pair.olds}
    for module in modules:
        for value in list(vars(module).values()) if module is not None else ():
            inside = vars(value) if is_a(value, type) else instance_dict(value)
            for container in (value, *inside.values()):
                _swap(container, news, undo)


def _swap(container: Any, news: Mapping[int, CodeType], undo: Undo) -> None:
    if type(container) in (set, list) and any(id(item) in news for item in container):
        before = list(container)
        undo(lambda: _refill(container, before))
        _refill(container, [news.get(id(item), item) for item in before])
    elif type(container) is dict and any(_knows(key, news) or id(item) in news for key, item in container.items()):
        entries = dict(container)
        undo(lambda: _refill(container, entries))
        _refill(container, {_instead(key, news): news.get(id(item), item) for key, item in entries.items()})


def _knows(key: object, news: Mapping[int, CodeType]) -> bool:
    return id(key) in news or (is_a(key, ref) and id(_REFERENT(key)) in news)


def _instead(key: Any, news: Mapping[int, CodeType]) -> Any:
    """The key for a new code object, as one is for an old one: itself, or a weak reference of the same sort."""
    if is_a(key, ref) and id(_REFERENT(key)) in news:
        return type(key)(news[id(_REFERENT(key))], key.__callback__)
    return news.get(id(key), key)


def _refill(container: Any, content: Any) -> None:
    put = container.extend if type(container) is list else container.update
    at_one_stroke([container.clear, functools.partial(put, content)])


def names_of_caches(module: ModuleType | None) -> tuple[str, ...]:
    """The names of a module that lead to lru_caches."""
    names = getattr(module, "__dict__", {})
    wanted = (_LRU, staticmethod, classmethod, functools.partial)
    found = (
        name
        for name, value in list(names.items())
        if type(value) in wanted or (is_a(value, type) and not set(map(type, vars(value).values())).isdisjoint(wanted))
    )
    return tuple(name for name in found if any(True for _ in caches_of(module, (name,))))


def names_of_copies(module: ModuleType | None) -> tuple[str, ...]:
    """The names of functions of a module that `functools.wraps` has given all that a class knows, its line, too."""
    names = getattr(module, "__dict__", {})
    functions = [(name, value) for name, value in list(names.items()) if type(value) is FunctionType]
    return tuple(name for name, value in functions if is_a(getattr(value, "__wrapped__", None), type))


def caches_of(module: ModuleType | None, names: Iterable[str]) -> Iterator[tuple[str, Any, FunctionType]]:
    """The lru_caches that some names of a module hold, or classes there: the name, the cache, the function in it."""
    for name in names:
        value = getattr(module, "__dict__", {}).get(name)
        mine = is_a(value, type) and vars(value).get("__module__") == getattr(module, "__name__", None)
        for item in (value, *(list(vars(value).values()) if mine else ())):
            cache = wrapped(item) if type(item) in (staticmethod, classmethod, functools.partial) else item
            function = getattr(cache, "__wrapped__", None) if type(cache) is _LRU else None
            if type(function) is FunctionType:
                yield name, cache, function


def _aligned(one: CodeType, other: CodeType, alignment: Alignment) -> Iterator[tuple[CodeType, CodeType]]:
    before, after = _by_unit(one, alignment.old), _by_unit(other, alignment.units)
    for index, old in enumerate(alignment.olds):
        yield from _matched_codes(before.get(old, []), after.get(index, []))


def _by_unit(code: CodeType, units: Sequence[Unit]) -> dict[int, list[CodeType]]:
    """The code objects directly in a module, by the unit that they are in."""
    found: dict[int, list[CodeType]] = {}
    starts = [unit.line for unit in units]
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            place = bisect_right(starts, inner.co_firstlineno) - 1
            found.setdefault(place, []).append(inner)
    return found


def _matched(one: CodeType, other: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    yield from _matched_codes(
        [item for item in one.co_consts if isinstance(item, CodeType)],
        [item for item in other.co_consts if isinstance(item, CodeType)],
    )


def _matched_codes(ones: Iterable[CodeType], others: Iterable[CodeType]) -> Iterator[tuple[CodeType, CodeType]]:
    by_name: dict[str, list[CodeType]] = {}
    for code in others:
        by_name.setdefault(code.co_name, []).append(code)
    for code in ones:
        if by_name.get(code.co_name):
            yield code, by_name[code.co_name].pop(0)


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


def _parameters(code: CodeType) -> tuple[object, ...]:
    named = code.co_argcount + code.co_kwonlyargcount
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    return (*counts, code.co_varnames[:named], code.co_flags & 0x0C)  # CO_VARARGS and CO_VARKEYWORDS


def _position(code: CodeType) -> tuple[object, ...]:
    """Where a function stands, and the functions inside it: a column may be all that moves."""
    inside = (_position(item) for item in code.co_consts if isinstance(item, CodeType))
    return (code.co_firstlineno, code.co_linetable, *inside)


def _same_but_docstring(one: CodeType, other: CodeType) -> bool:
    """Whether two versions of a function do the same. A docstring that comes or goes moves all other constants."""
    if _docstring(one) == _docstring(other) or len(one.co_code) != len(other.co_code):
        return False
    steps = zip(dis.get_instructions(one), dis.get_instructions(other), strict=False)
    return _parts(one)[1:] == _parts(other)[1:] and all(_same_step(before, after) for before, after in steps)


def _same_step(one: dis.Instruction, other: dis.Instruction) -> bool:
    if one.opcode in dis.hasconst and one.opcode == other.opcode:
        return _same_constant(one.argval, other.argval, inside=False)
    return (one.opcode, one.arg) == (other.opcode, other.arg)


def _docstring(code: CodeType) -> str | None:
    # Up to 3.13 the first constant is the docstring or None; 3.14 has a flag, CO_HAS_DOCSTRING.
    first = code.co_consts[0] if code.co_consts else None
    if sys.version_info >= (3, 14) and not code.co_flags & 0x4000000:
        return None
    return first if isinstance(first, str) else None
