"""Several changes at one stroke: another thread sees all of them or none."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from operator import call


def at_one_stroke(changes: Iterable[Callable[[], object]]) -> None:
    """Make changes, each a `partial` of a built-in function, without a moment between them for other threads.

    The interpreter lets other threads in between two instructions of Python code. Here there are none: one built-in
    function calls the next.
    """
    deque(map(call, [*changes]), maxlen=0)
