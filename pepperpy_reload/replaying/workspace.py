"""A copy of the user's project in a temporary directory: what is tried there touches nothing of theirs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from pepperpy_reload.watching.ignore import IgnoreRules

_SMALL = 1 << 20
"""Bytes up to which an ignored file is copied, too: code may be generated, settings may be nobody else's business."""


class Workspace:
    """Copies of directories. Those that the watcher would not enter are left out (`.git`, environments, caches)."""

    def __init__(self, folder: Path, tops: Sequence[str]) -> None:
        self._places = {top: folder / str(index) / Path(top).name for index, top in enumerate(_outermost(tops))}
        for top, place in self._places.items():
            _copy(top, place)

    @property
    def copies(self) -> list[tuple[str, str]]:
        """The directories, and where their copies are."""
        return [(top, os.fspath(place)) for top, place in self._places.items()]

    def inside(self, path: str) -> str:
        """Where `path` is in here; the path itself if it was not copied."""
        for top, place in self._places.items():
            if path == top or path.startswith(top.rstrip(os.sep) + os.sep):
                return os.fspath(place / os.path.relpath(path, top)) if path != top else os.fspath(place)
        return path

    def told(self, text: str) -> str:
        """`text` with the user's own paths in place of those in here."""
        for top, place in self._places.items():
            text = text.replace(os.fspath(place), top)
        return text

    def write(self, path: str, content: bytes | None) -> None:
        """Have a file, given by the user's own path, hold this; None: it is not there."""
        place = Path(self.inside(path))
        if content is None:
            place.unlink(missing_ok=True)
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def _outermost(tops: Sequence[str]) -> list[str]:
    found: list[str] = []
    for top in sorted(set(tops), key=len):
        if not any(f"{top}/".startswith(f"{other}/") for other in found):
            found.append(top)
    return found


def _copy(top: str, place: Path) -> None:
    rules = IgnoreRules(top)
    for folder, names in _walk(rules, top):
        to = place / os.path.relpath(folder, top)
        to.mkdir(parents=True, exist_ok=True)
        for name in names:
            source = Path(folder, name)
            if source.is_symlink():
                _copy_link(source, to / name, top)
            elif source.is_file() and _is_wanted(rules, source):
                with suppress(OSError):  # what we may not read, an import could not read either
                    shutil.copy2(source, to / name)


def _walk(rules: IgnoreRules, top: str) -> Iterator[tuple[str, list[str]]]:
    for folder, folders, names in os.walk(top):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and not rules.prunes(os.path.join(folder, name))]  # noqa: PTH118 - strings in and out
        yield folder, [*names, *links]


def _copy_link(source: Path, to: Path, top: str) -> None:
    target = source.parent / source.readlink()
    leads_out = not os.path.normpath(target).startswith(top.rstrip(os.sep) + os.sep)
    to.symlink_to(target if leads_out else source.readlink())


def _is_wanted(rules: IgnoreRules, source: Path) -> bool:
    if not rules.ignores(os.fspath(source)) or source.name.endswith(tuple(EXTENSION_SUFFIXES)):
        return True
    return source.suffix != ".pyc" and source.stat().st_size <= _SMALL
