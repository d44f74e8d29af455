"""What classes know of their own source, and is other now."""

from __future__ import annotations

import dis
import sys
from collections.abc import Container, Iterable, Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pepperpy_reload.core.identity import identity
from pepperpy_reload.reloading.heirs import heirs_of
from pepperpy_reload.reloading.looking import is_a
from pepperpy_reload.reloading.pairs import matched
from pepperpy_reload.reloading.patch import parts_of, value_of


def known_to_classes(
    module: ModuleType, old: CodeType, new: CodeType, several: Container[str]
) -> Iterator[tuple[type, str, Any]]:
    """What classes of a module know of their source and is other now: the class, the attribute and its right value.

    From 3.13 on classes know their line and the attributes that their methods set. Of the names in `several` there may
    be other classes than the one that the module holds: all classes are looked through for those.
    """
    if sys.version_info < (3, 13):
        return
    bodies: dict[str, dict[int, tuple[CodeType, CodeType]]] = {}
    waiting = [(old, new)]
    while waiting:
        for one, other in matched(*waiting.pop()):
            waiting.append((one, other))
            if not one.co_flags & 0x1:
                bodies.setdefault(one.co_qualname, {})[one.co_firstlineno] = one, other
    hidden = {name for name in bodies if name.partition(".")[0] in several}
    others = list(_classes(module.__name__, hidden)) if hidden else []
    inside = {name: found for name, found in bodies.items() if "<locals>" in name or _names_itself(found.values())}
    made = list(_made_in_functions(inside))
    for qualname, found in bodies.items():
        named = list(_with_predecessors(value_of(module, qualname), qualname, module.__name__))
        hiding = [
            *(one for one in others if one.__qualname__ == qualname),
            *(one for name, one in made if name == qualname),
        ]
        for number, cls in enumerate([*named, *hiding]):
            before, body = _bodies_of(cls, found) or (old, old)
            news = [(cls, name, value) for name, value in _known(cls, before, body) if vars(cls).get(name) != value]
            if news and _is_made_by(cls, module.__name__, qualname, before, named=number < len(named)):
                yield from news


def _known(cls: type, before: CodeType, body: CodeType) -> Iterator[tuple[str, object]]:
    """What a class knows of a new body that is in place of the one before."""
    if before is not body and "__firstlineno__" in vars(cls):
        yield "__firstlineno__", body.co_firstlineno
    if before is not body and _tuples(before) != _tuples(body):
        yield "__static_attributes__", _set_by_methods(body)


def _bodies_of(cls: type, bodies: Mapping[int, tuple[CodeType, CodeType]]) -> tuple[CodeType, CodeType] | None:
    """The old and the new body of a class among those of its name, by its line.

    Whoever sets the class's `__module__` takes its line away: then what its methods set tells, if that has changed.
    """
    line = vars(cls).get("__firstlineno__")
    if line is not None:
        return bodies.get(line)
    others = [both for both in bodies.values() if _tuples(both[0]) != _tuples(both[1])]
    found = [both for both in others if _set_by_methods(both[0]) == vars(cls).get("__static_attributes__")]
    return found[0] if len(found) == 1 else None


def _classes(module: str, qualnames: Container[str]) -> Iterator[type]:
    for cls in heirs_of(object):
        if vars(cls).get("__module__") == module and _qualname(cls) in qualnames:
            yield cls


def _made_in_functions(
    bodies: Mapping[str, Mapping[int, tuple[CodeType, CodeType]]],
) -> Iterator[tuple[str, type]]:
    """The living classes that functions may have made by class bodies that have moved, each with the body's name.

    A decorator that makes a class may name it after another one: its methods tell where it was written.
    """
    moved = {
        name: {
            line
            for line, (one, other) in found.items()
            if line != other.co_firstlineno or _tuples(one) != _tuples(other)
        }
        for name, found in bodies.items()
    }
    lines = frozenset[int]().union(*moved.values())
    for cls in heirs_of(object) if lines else ():
        line = vars(cls).get("__firstlineno__")
        if type(line) is int and line in lines:
            yield from ((name, cls) for name, known in moved.items() if line in known)


def _is_made_by(cls: type, module: str, qualname: str, body: CodeType, *, named: bool) -> bool:
    """Whether a class was made by a class body: its methods tell, or its name if it has none of its own.

    One that was found by its name may have been told since that it is of another module.
    """
    functions = [one for value in vars(cls).values() for one in (value, *parts_of(value)) if type(one) is FunctionType]
    homes = {(one.__code__.co_filename, one.__code__.co_qualname.rpartition(".")[0]) for one in functions}
    if (body.co_filename, qualname) in homes:
        return True
    others = any(".<locals>." in home and not home.endswith("<locals>") for _, home in homes)  # a decorator's class
    if others or any(home == qualname for _, home in homes):
        return False
    names = _names_given(body, module, qualname)
    now = (vars(cls).get("__module__"), _qualname(cls))
    if all(said in (None, is_now) for said, is_now in zip(names, now, strict=True)):
        return True
    return named and _qualname(cls) == qualname


def _names_itself(bodies: Iterable[tuple[CodeType, CodeType]]) -> bool:
    """Whether a class body that has moved says itself which module or name its class has."""
    return any(
        one.co_firstlineno != other.co_firstlineno and _names_given(one, "", one.co_qualname) != ("", one.co_qualname)
        for one, other in bodies
    )


def _names_given(body: CodeType, module: str, qualname: str) -> tuple[object, object]:
    """The module and the name that a class body says its class has; None for what it computes."""
    if not any(_may_be_stored_again(body, name) for name in _NAMES):
        return module, qualname
    given: dict[str, object] = {}
    before: object = None
    for instruction in dis.get_instructions(body):
        if instruction.opname == "STORE_NAME" and instruction.argval in _NAMES:
            is_first = instruction.argval not in given
            given[instruction.argval] = (module, qualname)[_NAMES.index(instruction.argval)] if is_first else before
        before = instruction.argval if instruction.opname == "LOAD_CONST" else None
    return given.get("__module__", module), given.get("__qualname__", qualname)


def _may_be_stored_again(body: CodeType, name: str) -> bool:
    """Whether a class body may bind a name more than the once that every class does: no instruction is looked at."""
    index = body.co_names.index(name) if name in body.co_names else -1
    if index < 0 or index >= _STORE:  # beyond, pairs of bytes could hide one another
        return index >= 0
    return body.co_code.count(bytes((_STORE, index))) > 1


_STORE, _LOAD = dis.opmap["STORE_NAME"], dis.opmap["LOAD_CONST"]
_SET = "__static_attributes__"
_NAMES = ("__module__", "__qualname__")
_qualname = type.__dict__["__qualname__"].__get__


def _tuples(body: CodeType) -> list[object]:
    """The constants of a class body one of which is what its methods set."""
    return [item for item in body.co_consts if type(item) is tuple]


def _set_by_methods(body: CodeType) -> object:
    """The value of `__static_attributes__` that a class body stores; None if it stores none."""
    if _SET not in body.co_names:
        return None
    code, wanted = body.co_code, body.co_names.index(_SET)
    for at in range(len(code) - 2, 0, -2):  # it is among the last ones
        if code[at] == _STORE:
            index, begin = _argument(code, at)
            if index == wanted:
                number, _ = _argument(code, begin - 2)
                return body.co_consts[number] if code[begin - 2] == _LOAD else None
    return None


def _argument(code: bytes, at: int) -> tuple[int, int]:
    """The argument of an instruction, and where what it is made of begins."""
    value, shift = code[at + 1], 8
    while at >= 2 and code[at - 2] == dis.EXTENDED_ARG:
        at -= 2
        value |= code[at + 1] << shift
        shift += 8
    return value, at


def _with_predecessors(value: Any, qualname: str, module: str) -> Iterator[type]:
    """A class, and those of its name that a decorator may have made it of.

    It is a subclass of them, its methods have closed over them, or it is a function around them. A metaclass may have
    made two of one body: the one has the other.
    """
    if type(value) is FunctionType:
        value = getattr(value, "__wrapped__", None)
    if not is_a(value, type):
        return
    found = {identity(value)}
    for cls in value.__mro__:
        home = vars(cls).get("__module__")
        if cls is value or (cls.__qualname__ == qualname and home in (module, value.__module__)):
            found.add(identity(cls))
            yield cls
    for item in [*vars(value).values()]:
        for inner in parts_of(item) if type(item) is FunctionType else (item,):
            if is_a(inner, type) and inner.__qualname__ == qualname and identity(inner) not in found:
                found.add(identity(inner))
                yield inner
