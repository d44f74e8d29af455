"""Which modules come from where nobody edits them: the standard library, site-packages, the interpreter itself."""

from __future__ import annotations

import os
from functools import cache
from types import ModuleType

from pepperpy_reload.importing.roots import standard_library

_PARTS = frozenset({"site-packages", "dist-packages"})
_STDLIB = tuple({os.path.realpath(path) + os.sep for path in standard_library()})
_OURS = os.path.realpath(os.path.join(os.path.dirname(__file__), os.pardir)) + os.sep


def is_library(module: ModuleType) -> bool:
    """Whether a module is the standard library's, a library's, or ours. Editable installs are none of them."""
    spec = getattr(module, "__spec__", None)
    origin = getattr(spec, "origin", None)
    if origin in ("built-in", "frozen"):
        return True
    if isinstance(origin, str):
        return is_library_path(origin)
    places = list(getattr(spec, "submodule_search_locations", None) or ())  # a namespace package
    return bool(places) and all(map(_is_below, places))


def is_library_path(path: str) -> bool:
    """Whether a file or directory is part of a library."""
    if os.path.islink(path):
        path = os.path.realpath(path)
    return _is_below(os.path.dirname(path)) or _is_below(path)


@cache
def _is_below(directory: str) -> bool:
    real = os.path.realpath(directory) + os.sep
    return real.startswith((*_STDLIB, _OURS)) or not _PARTS.isdisjoint(real.split(os.sep))
