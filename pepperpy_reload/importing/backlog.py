"""What was noted in passing and is put in order when somebody asks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any


class Backlog:
    """Notes of `size` items each, from all threads, taken by `take` in the order in which they came.

    There is no tuple around a note: that would be work for garbage collection. It is added by one `+=` on `items`.
    """

    def __init__(self, size: int, take: Callable[..., object]) -> None:
        self.items: deque[Any] = deque()
        self.lock = threading.RLock()
        """Held while notes are taken, never while anything is imported."""
        self._size = size
        self._take = take
        self._taking = False

    def settle(self) -> None:
        """Take all notes."""
        with self.lock:
            if self._taking:  # a signal's handler, on the same thread
                return
            self._taking = True
            try:
                while self.items:
                    self._take(*(self.items[at] for at in range(self._size)))
                    for _ in range(self._size):  # only now: who finds nothing to do here finds all of it there
                        self.items.popleft()
            finally:
                self._taking = False
