"""Which lines of the project's functions run while a statement is executed."""

from __future__ import annotations

import dis
import sys
from collections.abc import Container, Iterator
from types import CodeType, FrameType, TracebackType
from typing import Any, Self

from pepperpy_reload.importing.footprint import CodeKey


class Lines:
    """The lines that run in this thread in functions of `files`, while it is entered.

    Nothing is known if somebody else traces this thread: a debugger, a measurement of coverage.
    """

    def __init__(self, files: Container[str]) -> None:
        self._files = files
        self._seen: set[tuple[str, int]] = set()
        self._known = False

    def __contains__(self, place: tuple[str, int]) -> bool:
        """Whether a line may have run."""
        return not self._known or place in self._seen

    def __enter__(self) -> Self:
        if sys.gettrace() is None:
            self._known = True
            sys.settrace(self._on_call)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._known:
            self._known = sys.gettrace() == self._on_call
            if self._known:
                sys.settrace(None)

    def _on_call(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self._on_line if frame.f_code.co_filename in self._files else None

    def _on_line(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        self._seen.add((frame.f_code.co_filename, frame.f_lineno))
        return self._on_line


def lines_reading(code: CodeType, key: CodeKey, name: str) -> set[int]:
    """The lines at which a function of a module, given by its code, loads a name, itself or in what is inside it."""
    found = (one for one in _codes(code) if CodeKey.of(one) == key)
    steps = (step for function in found for inner in _codes(function) for step in dis.get_instructions(inner))
    lines = (step.positions.lineno for step in steps if step.argval == name and step.positions is not None)
    return {line for line in lines if line is not None}


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A code object and all inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
