"""Suggestions as a patch file: for a person to read and apply, never applied here."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from pathlib import Path

from pepperpy_reload.core.suggestions import Change, Suggestion
from pepperpy_reload.errors import UsageError


def patch(suggestions: Iterable[Suggestion], folder: str) -> str:
    """The safe ones that save time as a unified diff, with paths relative to `folder`; for `patch -p1`, `git apply`."""
    by_path: dict[str, list[Change]] = {}
    for one in suggestions:
        if one.is_safe and not one.used:
            for change in one.changes:
                by_path.setdefault(change.path, []).append(change)
    return "".join(_of_file(path, changes, folder) for path, changes in sorted(by_path.items()))


def write_patch(file: str, text: str) -> None:
    """Write a patch. Raises UsageError if that cannot be done."""
    try:
        Path(file).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}", file) from None


def _of_file(path: str, changes: list[Change], folder: str) -> str:
    with open(path, encoding="utf-8", newline="") as file:  # noqa: PTH123 - line ends stay as they are
        old = file.read().splitlines(keepends=True)
    new = list(old)
    done = [one for one in sorted(changes, key=lambda one: -one.statement.line) if _stands_alone(one, old)]
    if not done:
        return ""
    end = "\r\n" if old[0].endswith("\r\n") else "\n"
    for one in done:
        new[one.statement.line - 1 : one.statement.last_line] = [f"{line}{end}" for line in one.today]
    needed = sorted({line for one in done for line in one.needs}, reverse=True)  # ours after typing's
    first = done[-1].statement.line - 1
    new[first:first] = [f"{line}{end}" for line in needed if not any(known.rstrip() == line for known in old[:first])]
    name = os.path.relpath(os.path.realpath(path), os.path.realpath(folder)).replace(os.sep, "/")
    return "".join(difflib.unified_diff(old, new, f"a/{name}", f"b/{name}"))


def _stands_alone(change: Change, lines: list[str]) -> bool:
    """Whether there is nothing else on its lines."""
    one = change.statement
    text = "".join(lines[one.line - 1 : one.last_line])
    return text.startswith(("import ", "from ")) and ";" not in text and text.endswith("\n")
