"""What probes have found out, kept on the disk for each environment: interpreter, installed packages, lock files."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pepperpy_reload.core.preload import Deed, Record
from pepperpy_reload.preloading.places import is_library_path

_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "requirements.txt", "pixi.lock")
_FORM = 1  # of what is kept
_MOST = 20  # environments


@dataclass(slots=True)
class Verdicts:
    """By module: its record, and the environment variables that it looked at; and what files were read meanwhile."""

    records: dict[str, Record] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What a probe has written."""
        found = cls(files=list(data["files"]))
        for name, (deeds, requires, keys) in data["modules"].items():
            found.records[name] = Record(frozenset(map(Deed, deeds)), tuple(requires))
            if keys:
                found.keys[name] = list(keys)
        return found


class Environment:
    """The installed packages that imports find, and where the verdicts on them are kept."""

    def __init__(self, roots: Sequence[str]) -> None:
        entries = [entry for entry in sys.path if entry and is_library_path(entry)]
        locks = [os.path.join(root, name) for root in roots for name in _LOCKS]
        self.places = (*entries, *locks, os.path.join(sys.prefix, "pyvenv.cfg"))
        """The directories and files whose change means that something else may be installed."""

    def load(self) -> Verdicts:
        """What is known of this environment as it is now."""
        try:
            file = self._file()
            if not (_is_ours(file) and _is_ours(file.parent)):
                return Verdicts()
            return Verdicts.from_json(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return Verdicts()

    def store(self, found: str) -> None:
        """Keep what a probe has written, if there is a place for it."""
        file = self._file()
        with suppress(OSError):
            file.parent.parent.mkdir(parents=True, exist_ok=True)
            file.parent.mkdir(mode=0o700, exist_ok=True)
            if not _is_ours(file.parent):
                return
            file.parent.chmod(0o700)
            temporary = file.with_name(f"{file.name}.{os.getpid()}")
            temporary.unlink(missing_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(found)
            temporary.replace(file)
            old = sorted(file.parent.glob("preload-*.json"), key=lambda one: one.stat().st_mtime)
            for one in old[:-_MOST]:
                one.unlink()

    def _file(self) -> Path:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        return Path(home, "pepperpy-reload", f"preload-{self._digest()}.json")

    def _digest(self) -> str:
        ours = os.path.dirname(os.path.dirname(__file__))
        state = [_FORM, sys.executable, sys.version, repr(sys.flags), *map(_state, (ours, *self.places))]
        return hashlib.sha256(repr(state).encode()).hexdigest()[:24]


def _is_ours(path: Path) -> bool:
    """Whether nobody else could have written it: what stands there decides what is imported ahead."""
    status = path.stat()
    return not hasattr(os, "geteuid") or (status.st_uid == os.geteuid() and not status.st_mode & 0o022)


def _state(path: str) -> tuple[str, int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return path, 0, 0
    return path, status.st_mtime_ns, status.st_size
