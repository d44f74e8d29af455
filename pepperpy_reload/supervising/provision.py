"""What a worker needs for its first reload and not before: loaded while nobody waits for it."""

from __future__ import annotations

import gc  # noqa: F401 - see below
from collections.abc import Callable
from importlib import import_module

# A file of the user's may have the name of a module of the standard library: what those parts take from there is loaded
# before that file can be found.
_PACKAGE = __name__.partition(".")[0]
_PARTS = (
    *("core.effects", "core.unit", "core.difference", "core.world", "core.start", "core.plan", "core.planner"),
    *("reloading.patch", "reloading.ledger", "reloading.live", "reloading.reading", "reloading.engine"),
    "reloading.reloader",
)


def provide(is_called: Callable[[], bool] = lambda: False) -> None:
    """Load it, part by part, until `is_called`: the rest comes with the first reload."""
    for part in _PARTS:
        if is_called():
            return
        import_module(f"{_PACKAGE}.{part}")
