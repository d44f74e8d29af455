"""Which lines of the project's functions run while a statement is executed."""

from __future__ import annotations

import sys
from collections.abc import Container
from types import FrameType, TracebackType
from typing import Any, Self


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
