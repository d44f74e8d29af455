"""Profiles in files, and what has changed since."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pepperpy_reload.core.comparison import Tolerance, compare
from pepperpy_reload.drawing.budget import comparison_lines
from pepperpy_reload.drawing.terminal import encodable
from pepperpy_reload.errors import UsageError


def saved_profile(file: str, target: str) -> dict[str, Any]:
    """The profile of a target that `save_profile` has kept. Raises UsageError for a file that has none of it."""
    try:
        plain: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8"))
        compare(plain, plain, Tolerance())
        of = str(plain["target"])
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", file) from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{file} is not what profile --save writes", file) from None
    if of != target:
        raise UsageError(f"{file} is a profile of {of}, not of {target}", file)
    return plain


def is_slower(before: Mapping[str, Any], now: Mapping[str, Any], tolerance: Tolerance) -> bool:
    """Write to standard error what has changed since a profile was saved; whether it is slower."""
    seen = compare(before, now, tolerance)
    for line in comparison_lines(seen):
        sys.stderr.write(f"{encodable(line, sys.stderr)}\n")
    return seen.is_slower


def save_profile(file: str, plain: Mapping[str, Any]) -> None:
    """Keep a profile. Raises UsageError if the file cannot be written."""
    try:
        Path(file).write_text(f"{json.dumps(plain)}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}", file) from None
