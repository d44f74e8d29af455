"""Whether a library's function leaves all alone but what it is given: read from its source, when a plan needs to know.

A decorator that only wraps what it is given may be called again, one that puts it on a list may not.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import textwrap
from collections import ChainMap
from collections.abc import Mapping
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from pepperpy_reload.core.effects import HARMLESS, Chain
from pepperpy_reload.core.purity import Terms, terms_of
from pepperpy_reload.reloading.looking import is_a, plain_attribute

_DEEP = 4  # calls inside calls: of what is called further inside nothing is said
_PLAIN = (int, float, complex, str, bytes, bool, type(None), ModuleType, FunctionType, BuiltinFunctionType, type)
_known: dict[tuple[int, bool], tuple[CodeType, Terms | None]] = {}
"""By the identity of a code object, which is kept."""


def is_pure(function: object, harmless: frozenset[str], depth: int = _DEEP, *, returned: bool = False) -> bool:
    """Whether calling a function changes nothing but what it is given; `harmless` are modules of which all do so.

    With `returned`, calling what it gives does not either, if that is a function that is written in it.
    """
    if is_a(function, type):
        return _makes_purely(function, harmless, depth)
    home = str(plain_attribute(function, "__module__"))
    if home == "builtins":
        return plain_attribute(function, "__name__") in HARMLESS
    if home.partition(".")[0] in harmless:
        return True
    if type(function) is not FunctionType or not depth:
        return False
    terms = _terms(function.__code__, returned=returned)
    if terms is None:
        return False
    names = ChainMap(_closed_over(function), function.__globals__, vars(builtins))
    given = (_meant(names, one) for one in terms.given)
    called = (_meant(names, one) for one in terms.called)
    return all(map(_is_plain, given)) and all(is_pure(one, harmless, depth - 1) for one in called)


def _is_plain(value: object) -> bool:
    """Whether nothing can be changed of it that matters."""
    return is_a(value, _PLAIN) or type(value).__module__ == "typing"


def _makes_purely(kind: Any, harmless: frozenset[str], depth: int) -> bool:
    """The same for a class that is called."""
    if type(kind) is not type:
        return False
    if kind.__module__ == "builtins":
        return kind.__name__ in HARMLESS or issubclass(kind, BaseException)
    makers = [found for name in ("__new__", "__init__") if (found := _inherited(kind, name)) is not None]
    return all(is_pure(getattr(one, "__func__", one), harmless, depth - 1) for one in makers)


def _inherited(kind: type, name: str) -> object:
    """A method of a class that is written in Python; None if there is none."""
    found = next((vars(cls)[name] for cls in kind.__mro__ if name in vars(cls)), None)
    return found if is_a(found, (FunctionType, staticmethod)) else None


def _terms(code: CodeType, *, returned: bool) -> Terms | None:
    known = _known.get((id(code), returned))
    if known is None:
        known = _known[id(code), returned] = (code, _read(code, returned=returned))
    return known[1]


def _read(code: CodeType, *, returned: bool) -> Terms | None:
    lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
    try:
        tree = ast.parse(textwrap.dedent("".join(inspect.getblock(lines))))
    except (SyntaxError, ValueError, IndexError):
        return None
    node = tree.body[0] if tree.body else None
    is_it = isinstance(node, ast.FunctionDef) and node.name == code.co_name
    return terms_of(node, returned=returned) if is_it and isinstance(node, ast.FunctionDef) else None


def _closed_over(function: FunctionType) -> dict[str, Any]:
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            continue
    return found


def _meant(names: Mapping[str, Any], path: Chain) -> object:
    """What a path of names means, as far as the dictionaries of modules and classes tell; itself if they do not."""
    value = names.get(path[0], path)
    for name in path[1:]:
        value = vars(value).get(name, path) if is_a(value, (ModuleType, type)) else path
    return getattr(value, "__func__", value) if is_a(value, (staticmethod, classmethod)) else value
