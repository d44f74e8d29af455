"""What code has asked about paths: whether something is there, and what kind of thing. It may change."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from stat import S_IFMT
from types import CodeType
from typing import Any

Look = tuple[str, str]
"""The function that was called, and the absolute path."""
_FILES = ("<frozen posixpath>", "<frozen genericpath>", os.path.__file__, str(os.path.exists.__code__.co_filename))
_ASKING = frozenset(("exists", "lexists", "isfile", "isdir", "islink", "realpath", "_joinrealpath", "_readlink_deep"))
"""Functions of `os.path` that tell no more of a path than what kind of thing it is, or where a link leads."""
_CALLED: Mapping[str, Callable[[str], object]] = {
    "stat": lambda path: S_IFMT(os.stat(path).st_mode),
    "lstat": lambda path: S_IFMT(os.lstat(path).st_mode),
    "readlink": os.readlink,
}


def look_of(code: CodeType, function: str, path: Any) -> Look | None:
    """What `code` is about to ask by calling a function of `posix`; None if it asks for more, or something else."""
    if function not in _CALLED or code.co_name not in _ASKING or code.co_filename not in _FILES:
        return None
    return (function, os.path.join(os.getcwd(), path)) if isinstance(path, str) else None


def answer_to(look: Look) -> object:
    """What is told now; None: nothing is there, or it is of another kind."""
    function, path = look
    try:
        return _CALLED[function](path)
    except (OSError, ValueError):
        return None
