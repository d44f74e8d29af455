"""Code objects as plain values: what they do and where they stand, never which object they are."""

from __future__ import annotations

import hashlib
from types import CodeType
from typing import Any

_PLAIN = (
    *("co_name", "co_qualname", "co_firstlineno", "co_filename", "co_flags", "co_argcount", "co_posonlyargcount"),
    *("co_kwonlyargcount", "co_names", "co_varnames", "co_freevars", "co_cellvars"),
)


class Codes:
    """The code objects that were met: a short name for each that is equal where they are, and what it stands for."""

    def __init__(self) -> None:
        self.table: dict[str, dict[str, Any]] = {}
        self._known: dict[int, tuple[CodeType, str]] = {}

    def name(self, code: CodeType) -> str:
        """The same text for code objects that are the same in bytecode, constants, names and line numbers."""
        known = self._known.get(id(code))
        if known is not None:
            return known[1]
        parts: dict[str, Any] = {name: _listed(getattr(code, name)) for name in _PLAIN}
        parts["bytecode"] = code.co_code.hex()
        parts["exceptions"] = code.co_exceptiontable.hex()
        parts["lines"] = [list(entry) for entry in code.co_positions()]
        parts["constants"] = [self.constant(item) for item in code.co_consts]
        digest = hashlib.sha1(repr(parts).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:16]
        text = f"{code.co_qualname}:{code.co_firstlineno} {digest}"
        parts["lines"] = _lines(code)
        self.table[text] = parts
        self._known[id(code)] = (code, text)
        return text

    def constant(self, value: object) -> Any:
        """A compile-time constant by its value: the compiler merges equal ones, so which object it is says nothing."""
        if isinstance(value, CodeType):
            return ["code", self.name(value)]
        if isinstance(value, tuple):
            return ["tuple", *(self.constant(item) for item in value)]
        if isinstance(value, frozenset):
            return ["frozenset", *sorted((self.constant(item) for item in value), key=repr)]
        return [type(value).__name__, repr(value)]


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _lines(code: CodeType) -> list[list[int | None]]:
    """Where each line's bytecode begins: enough to tell a person what has moved."""
    return [[start, line] for start, _, line in code.co_lines()]
