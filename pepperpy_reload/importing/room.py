"""Room on the interpreter's stack for imports within imports.

CPython keeps the frames of Python functions in chunks of 16 KB and gives one back as soon as its first frame has
ended. Where the frames of an import fill a chunk, each call further on takes one from the system and gives it back:
thousands of times, in a project of a thousand modules. Who calls a function that may need a large frame has a large
chunk, as long as it runs; of it only what is used becomes memory.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

_SLOTS = 1 << 16
"""As many again are left to those that are called: enough for imports a hundred deep."""


def _call(function: Callable[[], object]) -> None:
    function()


call_with_room: Any = FunctionType(_call.__code__.replace(co_stacksize=_SLOTS), globals())
"""Call a function of no arguments."""
