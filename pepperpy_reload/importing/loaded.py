"""A first-party module that has been run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any
from weakref import ref

from pepperpy_reload.importing.footprint import CodeKey

NOTHING: Mapping[Any, Any] = {}
"""Of most modules there is nothing to be known: a dictionary for each would be work for garbage collection."""


@dataclass(slots=True)
class Loaded:
    """What is known of a first-party module that has been run.

    `code` is the compiled module whose nested code objects the live functions have; `ran` the functions that ran while
    it was executed, by offset of the statement (see Activity), None where that could not be recorded; `reads` the
    files that it opened meanwhile. `adopted` modules were loaded before we were: their source is what was on the disk
    when we came.
    """

    name: str
    path: str
    source: bytes
    code: CodeType
    ran: Mapping[int, set[CodeKey]] | None
    reads: Mapping[int, set[str]] = field(default_factory=lambda: NOTHING)
    by_unit: bool = False
    """Whether `ran` and `reads` go by the index of the unit instead: so it is once a reload has sorted them."""
    trigger: tuple[str, int] | None = None
    """The module whose import statement loaded this one, and the offset of that statement in its bytecode."""
    in_force: Mapping[int, tuple[ref[CodeType], ...]] = field(default_factory=lambda: NOTHING)
    """By the id of a code object in `code`: equal ones of earlier versions, as long as live functions have them."""
    adopted: bool = False

    @property
    def footprint(self) -> set[CodeKey]:
        """All functions that ran while the module was executed."""
        return set().union(*(self.ran or {}).values())

    @property
    def files(self) -> set[str]:
        """All files that were opened while the module was executed."""
        return set().union(*self.reads.values())
