"""Code objects before and after an edit: which belong together, and what is other in them."""

from __future__ import annotations

import dis
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import CodeType
from typing import NamedTuple
from weakref import ref

from pepperpy_reload.core.difference import Alignment
from pepperpy_reload.core.identity import identity
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.reloading import heap

InForce = Mapping[int, tuple[ref[CodeType], ...]]


class Pair(NamedTuple):
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
        return self.changed or not _stand_alike(self.old, self.new) or not same_code(self.old, self.new)

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
            _aligned(one, other, alignment) if one is old and alignment else matched(one, other)
        ):
            waiting.append((inner_one, inner_other))
            if inner_one.co_flags & 0x1:  # CO_OPTIMIZED: a function, not a class body
                earlier = [one() for one in (in_force or {}).get(identity(inner_one), ())]
                olds = (inner_one, *(code for code in earlier if code is not None))
                yield Pair(inner_one, inner_other, not same_code(inner_one, inner_other, inside=False), olds)


def codes_in_force(code: CodeType) -> dict[int, tuple[ref[CodeType], ...]]:
    """The code objects that live functions of a module have, where somebody else has compiled it.

    `code` is the same module compiled again; the answer goes by the ids of the code objects in it.
    """
    live: dict[tuple[str, int], dict[int, CodeType]] = {}
    for function in heap.functions():
        one = function.__code__
        if one.co_filename == code.co_filename:
            live.setdefault((one.co_qualname, one.co_firstlineno), {})[identity(one)] = one
    found: dict[int, tuple[ref[CodeType], ...]] = {}
    waiting = [code]
    while waiting:
        for inner in waiting.pop().co_consts:
            if isinstance(inner, CodeType):
                waiting.append(inner)
                equal = live.get((inner.co_qualname, inner.co_firstlineno), {}).values()
                found[identity(inner)] = tuple(ref(one) for one in equal if one is not inner and same_code(one, inner))
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


def matched(one: CodeType, other: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """The codes directly inside two codes that belong together."""
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


def _stand_alike(one: CodeType, other: CodeType) -> bool:
    """Whether two functions stand in the same place, and the functions inside them: a column may be all that moves."""
    if one.co_firstlineno != other.co_firstlineno or one.co_linetable != other.co_linetable:
        return False
    ours, theirs = ([item for item in code.co_consts if isinstance(item, CodeType)] for code in (one, other))
    return len(ours) == len(theirs) and all(map(_stand_alike, ours, theirs))


def _same_but_docstring(one: CodeType, other: CodeType) -> bool:
    """Whether two versions of a function do the same. A docstring that comes or goes moves all other constants."""
    if docstring_of(one) == docstring_of(other) or len(one.co_code) != len(other.co_code):
        return False
    steps = zip(dis.get_instructions(one), dis.get_instructions(other), strict=False)
    return _parts(one)[1:] == _parts(other)[1:] and all(_same_step(before, after) for before, after in steps)


def _same_step(one: dis.Instruction, other: dis.Instruction) -> bool:
    if one.opcode in dis.hasconst and one.opcode == other.opcode:
        return _same_constant(one.argval, other.argval, inside=False)
    return (one.opcode, one.arg) == (other.opcode, other.arg)


def docstring_of(code: CodeType) -> str | None:
    """The docstring that a function with this code is made with."""
    # Up to 3.13 the first constant is the docstring or None; 3.14 has a flag, CO_HAS_DOCSTRING.
    first = code.co_consts[0] if code.co_consts else None
    if sys.version_info >= (3, 14) and not code.co_flags & 0x4000000:
        return None
    return first if isinstance(first, str) else None
