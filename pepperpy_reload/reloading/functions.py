"""The functions of a loaded module, found by its code: what they may say, and what their own lines say they do.

The whole source need not be read for that.
"""

from __future__ import annotations

import ast
import dis
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import CodeType

from pepperpy_reload.core.deeds import SETTING
from pepperpy_reload.core.facts import FunctionFacts, function_facts
from pepperpy_reload.core.names import Function, local_names
from pepperpy_reload.core.revision import one_function
from pepperpy_reload.core.statement import first_line, says_no_encoding
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.loaded import Loaded

_BINDING = frozenset({dis.opmap["STORE_GLOBAL"], dis.opmap["DELETE_GLOBAL"]})
_functions: dict[str, Functions] = {}


class Functions:
    """The functions in the code of one module."""

    def __init__(self, loaded: Loaded, package: str, before: Functions | None) -> None:
        self.code = loaded.code
        self._source, self._package = loaded.source, package
        self._paths: dict[tuple[str, int], list[tuple[int, ...]]] = {}
        """Where the code of each is: no code object is held here, for who else may hold one is told by counting."""
        self._names: dict[tuple[str, int], frozenset[str]] = {}
        self._facts: dict[tuple[str, int], FunctionFacts | None] = {}
        self._ends: dict[tuple[str, int], int] = {}
        """Where those end whose facts are known, if they are in no other one."""
        self._once = before._said() if before is not None and before._package == package else {}
        waiting: list[tuple[CodeType, tuple[int, ...]]] = [(loaded.code, ())]
        while waiting:
            around, path = waiting.pop()
            for index, inner in enumerate(around.co_consts):
                if isinstance(inner, CodeType):
                    self._paths.setdefault((inner.co_qualname, inner.co_firstlineno), []).append((*path, index))
                    waiting.append((inner, (*path, index)))

    def _codes(self, place: tuple[str, int]) -> list[CodeType]:
        found = []
        for path in self._paths.get(place, ()):
            code = self.code
            for index in path:
                code = code.co_consts[index]
            found.append(code)
        return found

    def may_say(self, key: CodeKey, names: frozenset[str]) -> bool:
        """Whether the code of a function uses one of these names, or has it as a text; True if it is not known."""
        words = self.words(key)
        return words is None or not names.isdisjoint(words)

    def words(self, key: CodeKey) -> frozenset[str] | None:
        """All names that the code of a function uses, or has as texts; None if they are not known."""
        place = key.qualname, key.line
        if place not in self._paths:
            return None
        if place not in self._names:
            parts = [part for code in self._codes(place) for part in _parts(code)]
            texts = (text for part in parts for text in part.co_consts if isinstance(text, str))
            used = (said for part in parts for name in part.co_names for said in _spelled(name))
            self._names[place] = frozenset((*texts, *used))
        return self._names[place]

    def may_bind(self, key: CodeKey) -> bool:
        """Whether a function may bind names of its module."""
        codes = self._codes((key.qualname, key.line))
        return not codes or any(not _BINDING.isdisjoint(one.co_code[::2]) for code in codes for one in _parts(code))

    def facts(self, key: CodeKey) -> FunctionFacts | None:
        """What a function that stands in no other one does, by its lines alone; None if it takes more to tell."""
        place = key.qualname, key.line
        if place not in self._facts:
            self._facts[place] = self._read(key)
        return self._facts[place]

    def _read(self, key: CodeKey) -> FunctionFacts | None:
        outermost, _, inside = key.qualname.partition(".<locals>")
        known = self._codes((key.qualname, key.line))
        around = list(self._around(outermost, key.line)) if inside else [(code, key.line) for code in known]
        if len(known) != 1 or len(around) != 1 or "<" in outermost or not says_no_encoding(self._source):
            return None
        code, line = around[0]
        end = last_line(code)
        lines = self._lines[line - 1 : end]  # what comes after its code does nothing
        text, facts = self._once.get(key.qualname, (b"", None))
        if facts is None or text != b"".join(lines):
            node = one_function(lines, line)
            prefix = outermost.rpartition(".")[0]
            wanted = () if node is None else functions_on(ast.Module([node], []), prefix and f"{prefix}.", (), key.line)
            found = [nodes for qualname, nodes in wanted if (qualname, first_line(nodes[-1])) == key[1:]]
            facts = facts_in(found[0], self._package) if len(found) == 1 else None
        if not inside:
            self._ends[key.qualname, key.line] = end
        return facts

    def _around(self, qualname: str, line: int) -> Iterator[tuple[CodeType, int]]:
        for name, first in self._paths:
            if name == qualname and first <= line:
                yield from ((code, first) for code in self._codes((name, first)) if last_line(code) >= line)

    @property
    def _lines(self) -> list[bytes]:
        source, lines = _split[0]
        if source is not self._source:
            lines = self._source.splitlines(keepends=True)
            _split[0] = self._source, lines
        return lines

    def _said(self) -> dict[str, tuple[bytes, FunctionFacts]]:
        """The lines of the functions whose facts are known, with these."""
        found = {}
        for (qualname, line), end in self._ends.items():
            if (facts := self._facts.get((qualname, line))) is not None:
                found[qualname] = b"".join(self._lines[line - 1 : end]), facts
        return found


_split: list[tuple[bytes, list[bytes]]] = [(b"", [])]
"""The source whose lines have been asked for last, and these."""


def functions_of(loaded: Loaded, package: Callable[[Loaded], str]) -> Functions:
    """Those of a loaded module, whose relative imports are relative to what `package` tells."""
    known = _functions.get(loaded.name)
    if known is None or known.code is not loaded.code:
        known = _functions[loaded.name] = Functions(loaded, package(loaded), known)
    return known


def forget_functions(name: str) -> None:
    """A module is gone."""
    _functions.pop(name, None)


def facts_in(nodes: Sequence[Function], package: str) -> FunctionFacts:
    """The facts of the last one of some functions, each of which is in the one before."""
    outer: frozenset[str] = frozenset()
    for function in nodes[:-1]:
        outer = local_names(function, outer)
    return function_facts(nodes[-1], package, outer)


def functions_on(
    node: ast.AST, prefix: str, around: tuple[Function, ...], line: int
) -> Iterator[tuple[str, tuple[Function, ...]]]:
    """The functions of a tree on a line, with their qualified names (PEP 3155), each with the functions around it."""
    for inner in ast.iter_child_nodes(node):
        if not _first_line(inner) <= line <= (getattr(inner, "end_lineno", None) or line):
            continue
        if isinstance(inner, ast.ClassDef):
            yield from functions_on(inner, f"{prefix}{inner.name}.", around, line)
        elif isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            name = prefix + getattr(inner, "name", "<lambda>")
            yield name, (*around, inner)
            yield from functions_on(inner, f"{name}.<locals>.", (*around, inner), line)
        else:
            yield from functions_on(inner, prefix, around, line)


def _first_line(node: ast.AST) -> int:
    return first_line(node) if hasattr(node, "lineno") else 0  # arguments, handlers of a match: they have no place


def last_line(code: CodeType) -> int:
    """The last line with code of a function, or of one inside it."""
    lines = [last for _, last, _, _ in code.co_positions() if last is not None]
    return max([*lines, *(last_line(inner) for inner in code.co_consts if isinstance(inner, CodeType))])


def _parts(code: CodeType) -> Iterator[CodeType]:
    """What is executed together with a code object: comprehensions and class bodies, not the functions inside it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType) and (_is_class(inner) or inner.co_name[:1] == "<"):
            yield from _parts(inner)


def _is_class(code: CodeType) -> bool:
    return not code.co_flags & 0x1  # CO_OPTIMIZED: a function


@dataclass(frozen=True)
class Said:
    """The names in the code that is executed with a module: what functions do when they are called is no part of it."""

    outside: frozenset[str]
    """Outside class bodies."""
    classes: dict[int, frozenset[str]]
    """In the body of each class, by the line at which that begins."""
    loaded: frozenset[str]
    """In any of it, but for those that are only imported; `*` if there is a star import."""
    set: frozenset[str]
    """Those of attributes that are set in any of it, and those that may set others (`SETTING`)."""

    def has(self, name: str) -> bool:
        """Whether a name is said at all."""
        return name in self._every

    @cached_property
    def _every(self) -> frozenset[str]:
        return self.outside.union(*self.classes.values())

    @property
    def all(self) -> frozenset[str]:
        """All of them."""
        return self.outside.union(*self.classes.values())


def said_at_import(source: bytes, code: CodeType) -> Said:
    """What the code of a module says; all functions are part of it if they cannot be told apart (PEP 695, PEP 649)."""
    if _LAZY.search(source) is not None or sys.version_info >= (3, 14):
        every = list(_all(code))
        names = frozenset(name for part in every for name in _said(part))
        return Said(names, {}, names, names)
    inside = [one for one in code.co_consts if isinstance(one, CodeType)]
    classes = [one for one in inside if _is_class(one)]
    bodies = {one.co_firstlineno: list(_parts(one)) for one in classes}
    outside = [code, *(part for one in inside if one.co_name[:1] == "<" for part in _parts(one))]
    every = [*outside, *(part for body in bodies.values() for part in body)]
    loaded = frozenset(name for part in every for name in (*_named_by(part, _LOADS), *_texts(part)))
    return Said(
        frozenset(name for part in outside for name in _said(part)),
        {line: frozenset(name for part in body for name in _said(part)) for line, body in bodies.items()},
        loaded,
        frozenset(name for part in every for name in _named_by(part, _STORES)) | (loaded & SETTING),
    )


_LAZY = re.compile(rb"^[ \t]*(?:type[ \t]+\w+[^=\n]*=|(?:async[ \t]+def|def|class)[ \t]+\w+[ \t]*\[)", re.MULTILINE)
_WORD = re.compile(r"\w+")


def _all(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _all(inner)


def _said(code: CodeType) -> Iterator[str]:
    for name in code.co_names:
        yield from _spelled(name)
    yield from _texts(code)


def _spelled(name: str) -> Iterator[str]:
    """The names in a source that one in the code may stand for."""
    yield from name.split(".")  # a module that is imported
    if name.startswith("_") and "__" in name[1:]:
        yield name[name.index("__", 1) :]  # private to a class


def _texts(code: CodeType) -> Iterator[str]:
    """The words in the texts of a code object, which may be annotations; `*` if there is a star import."""
    imported = set(_arguments_before(code, _IMPORTS))
    for place, constant in enumerate(code.co_consts):
        for text in constant if isinstance(constant, tuple) else (constant,):
            if isinstance(text, str) and (text == "*" if place in imported else _may_be_code(text)):
                yield from _WORD.findall(text) if place not in imported else "*"


def _named_by(code: CodeType, kinds: Mapping[bytes, int]) -> Iterator[str]:
    """The names that instructions of some kinds name."""
    operations, arguments = code.co_code[::2], code.co_code[1::2]
    for kind, shift in kinds.items():
        for at in _places(operations, kind):
            yield from _spelled(code.co_names[_argument(operations, arguments, at) >> shift])


def _arguments_before(code: CodeType, kind: bytes) -> Iterator[int]:
    """The arguments of the instructions before those of a kind."""
    operations, arguments = code.co_code[::2], code.co_code[1::2]
    for at in _places(operations, kind):
        before = at - 1
        while before >= 0 and operations[before] == _EXTENDED:
            before -= 1
        yield _argument(operations, arguments, before)


def names_fetched(code: CodeType) -> Iterator[tuple[int, str]]:
    """The names that import statements fetch from a module that they have loaded, each with its offset."""
    operations, arguments = code.co_code[::2], code.co_code[1::2]
    for at in _places(operations, _FETCH):
        yield 2 * at, code.co_names[_argument(operations, arguments, at)]


def _places(operations: bytes, kind: bytes) -> Iterator[int]:
    at = operations.find(kind)
    while at >= 0:
        yield at
        at = operations.find(kind, at + 1)


def _argument(operations: bytes, arguments: bytes, at: int) -> int:
    found, size = arguments[at], 8
    while at and operations[at - 1] == _EXTENDED:
        found, size, at = found | arguments[at - 1] << size, size + 8, at - 1
    return found


def _instructions(shifts: Mapping[str, int]) -> dict[bytes, int]:
    return {bytes([dis.opmap[name]]): shift for name, shift in shifts.items() if dis.opmap.get(name, 256) < 256}


_FETCH = bytes([dis.opmap["IMPORT_FROM"]])
_EXTENDED = dis.opmap["EXTENDED_ARG"]
_LOADS = _instructions(
    {
        "LOAD_NAME": 0,
        "LOAD_GLOBAL": 1,
        "LOAD_ATTR": int(sys.version_info >= (3, 12)),
        "LOAD_METHOD": 0,
        "LOAD_SUPER_ATTR": 2,
        "LOAD_FROM_DICT_OR_GLOBALS": 0,
        "DELETE_NAME": 0,
    }
)
"""Instructions that load what a name means, and by how much their arguments are shifted."""
_IMPORTS = bytes([dis.opmap["IMPORT_NAME"]])
_STORES = _instructions({"STORE_ATTR": 0, "DELETE_ATTR": 0})


def _may_be_code(text: str) -> bool:
    """Whether a text may be an annotation: long ones of several lines document something."""
    return len(text) < 200 or "\n" not in text
