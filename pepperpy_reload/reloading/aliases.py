"""What `typing` keeps of `Base[int]`, `Annotated[int, Ge(1)]` and the like: it finds that again by what is equal.

A class may be taken for its successor, and so may what annotations are given: a fresh start has the new ones.
"""

from __future__ import annotations

import typing


def forget_equal() -> None:
    """Have `typing` forget what it knows. It only makes again then what it is asked for."""
    for clear in list(getattr(typing, "_cleanups", ())):
        clear()
