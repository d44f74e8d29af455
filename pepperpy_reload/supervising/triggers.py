"""Saved files that no worker can take up: the environment file, and what the user says so of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from pathspec import GitIgnoreSpec

_CODE = (".py", ".pyw")
_ENVIRONMENT = ".env"


class Triggers:
    """What a saved file means to the supervisor."""

    def __init__(self, roots: Sequence[str], patterns: Sequence[str], env_file: str = "") -> None:
        self._roots = roots
        self._patterns = GitIgnoreSpec.from_lines(patterns)
        self._env_files = {os.path.join(root, _ENVIRONMENT) for root in roots}  # noqa: PTH118 - strings in, strings out
        if env_file:
            self._env_files.add(os.path.realpath(env_file))

    def reason(self, paths: Iterable[str]) -> str:
        """Why a new worker is needed, or ""."""
        for path in sorted(paths):
            if path in self._env_files:
                return f"{self._shown(path)} changed, and the environment is read at the start"
            if self._patterns.match_file(self._shown(path)):
                return f"{self._shown(path)} changed, as --restart-on says"
        return ""

    def _shown(self, path: str) -> str:
        for root in self._roots:
            if path.startswith(root + os.sep):
                return path[len(root) + 1 :]
        return path


def not_our_output(paths: Iterable[str]) -> frozenset[str]:
    """The files without those that our own output goes to: telling of a save there would be the next one."""
    outputs = [status for status in map(_status_of, (1, 2)) if status is not None]
    return frozenset(path for path in paths if not _is_one_of(path, outputs))


def _status_of(file: int | str) -> os.stat_result | None:
    try:
        return os.stat(file)  # noqa: PTH116 - a descriptor is no path
    except OSError:
        return None


def _is_one_of(path: str, files: Sequence[os.stat_result]) -> bool:
    status = _status_of(path)
    return status is not None and any(os.path.samestat(status, file) for file in files)


def holds_code(paths: Iterable[str]) -> bool:
    """Whether a Python source is among the files."""
    return any(path.endswith(_CODE) for path in paths)
