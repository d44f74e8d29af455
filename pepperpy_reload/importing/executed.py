"""Code that `exec` and `eval` execute: whether it can see more of the user's modules than it has been given."""

from __future__ import annotations

import dis
from collections.abc import Callable, Mapping
from types import CodeType, FrameType

from pepperpy_reload.core.reflection import EXECUTED, SWEEPING

SOMEWHERE = compile("", "<executed>", "exec")
"""Stands for code of which nobody knows what it sees."""
_IMPORT = dis.opmap["IMPORT_NAME"]
_ASKING = SWEEPING | {"import_module", "sys", "importlib", "__builtins__"}
_SPEC, _FILE = "__spec__", "__file__"

__all__ = ["EXECUTED", "SOMEWHERE", "sees_a_module"]


def sees_a_module(frame: FrameType, is_first_party: Callable[[str], bool]) -> bool:
    """Whether code that begins to be executed sees a first-party module as a whole, or perhaps.

    It sees its namespaces, and what it imports. Those of libraries are no matter of ours, nor are they when they are
    being loaded themselves.
    """
    space, names = frame.f_globals, frame.f_locals
    if not (_is_apart(space, is_first_party) and (names is space or _is_apart(names, is_first_party))):
        return True
    return _SPEC not in space and _asks(frame.f_code)


def _is_apart(space: Mapping[str, object], is_first_party: Callable[[str], bool]) -> bool:
    """Whether a namespace is a library's, or nobody's. A copy of a module's has a module's own names."""
    if space.__class__ is not dict:
        return False
    if _SPEC in space or _FILE in space:
        file = space.get(_FILE)
        return file.__class__ is str and not is_first_party(str(file))
    return True


def _asks(code: CodeType) -> bool:
    """Whether code imports anything, or asks for modules by other names than its own."""
    if not _ASKING.isdisjoint(code.co_names) or _IMPORT in code.co_code[::2]:
        return True
    return any(_asks(inner) for inner in code.co_consts if isinstance(inner, CodeType))
