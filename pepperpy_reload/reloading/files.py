"""What files hold at the moment, and which of them are no longer what was loaded from them."""

from __future__ import annotations

from collections.abc import Iterable

from pepperpy_reload.importing.cache import content_of
from pepperpy_reload.importing.recorder import recorder

Contents = dict[str, bytes | None]
"""By path; None for one that is not there, or cannot be read."""


def contents_of(paths: Iterable[str]) -> Contents:
    """What these files hold now."""
    return {path: content_of(path) for path in paths}


def overtaken() -> list[str]:
    """The files of modules that hold something else than what was loaded from them."""
    return [loaded.path for loaded in list(recorder.modules.values()) if content_of(loaded.path) != loaded.source]
