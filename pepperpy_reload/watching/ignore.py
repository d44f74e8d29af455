"""Which files and directories are none of our business: defaults, `.gitignore` at every level, own globs.

In this order, the first that has an opinion decides:

1. `exclude` globs: ignored.
2. `include` globs: not ignored, whatever follows.
3. What no project means as its source: `.git`, virtual environments, caches, editors' temporary files.
4. `.gitignore` files, the deepest first, up to the one at the top of the repository, and `.git/info/exclude`.
5. What programs write while they run: logs and SQLite files. `!app.db` in a `.gitignore` brings one back.

Globs are written as in a `.gitignore`, relative to the root. A directory that is ignored is not entered, unless an
`include` glob that starts with its path (`build/generated/*.py`) points into it.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it is loaded for the first pattern that is more than a path
    from pathspec import GitIgnoreSpec

DIRECTORIES = frozenset(
    {
        *(".git", ".hg", ".svn", ".jj", ".bzr", ".venv", "venv", "site-packages", "node_modules"),
        *("bower_components", "__pycache__", "__pypackages__", ".mypy_cache", ".pytest_cache", ".ruff_cache"),
        *(".hypothesis", ".pytype", ".pyre", ".tox", ".nox", ".eggs", ".cache", ".direnv", ".terraform"),
        *(".idea", ".vscode", ".vs", ".ipynb_checkpoints", ".sass-cache", ".parcel-cache", ".next", ".nuxt"),
        *(".svelte-kit", ".turbo"),
    }
)
NAMES = (
    *("*.py[cod]", "*.egg-info", "*.dist-info", ".coverage", ".coverage.*", ".DS_Store", "Thumbs.db", "desktop.ini"),
    *("*.swp", "*.swo", "*.swx", "4913", "*~", ".#*", "#*#", "*___jb_tmp___", "*___jb_old___", "*.tmp", "*.temp"),
    *("*.part", "*.crdownload", ".goutputstream-*", ".~lock.*", "*.kate-swp", ".fuse_hidden*", ".nfs????*"),
)
WRITTEN_BY_PROGRAMS = (
    *("*.log", "*.log.*", "*.pid", "*.db", "*.sqlite", "*.sqlite3", "*.db-*"),
    *("*-wal", "*-journal", "*-shm", "nohup.out"),
)


_PATH = re.compile(r"(/[\w.@+,=-]+)+")
"""A glob that stands for one path, and for what is below it."""


def _any_of(globs: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(glob) for glob in globs))


_NAMES = _any_of(NAMES)
_WRITTEN_BY_PROGRAMS = _any_of(WRITTEN_BY_PROGRAMS)


class _Patterns:
    """The patterns of one `.gitignore`, relative to its directory. Asking is cheap when nothing matches."""

    def __init__(self, base: str, lines: Sequence[str]) -> None:
        self._base = len(base.rstrip(os.sep)) + 1
        self._paths = tuple(lines) if all(map(_PATH.fullmatch, lines)) else None
        self._spec = None if self._paths is not None else _spec_of(lines)
        self._quick = None if self._spec is None else self._one_pattern(self._spec)

    @staticmethod
    def _one_pattern(spec: GitIgnoreSpec) -> re.Pattern[str] | None:
        """All patterns as one: what it does not find, none of them would. None if they do not mix."""
        texts = [pattern.regex.pattern for pattern in spec.patterns if pattern.regex]
        try:
            return re.compile("|".join(f"(?:{re.sub(r'[?]P<[a-z_]+>', '?:', str(text))})" for text in texts) or "(?!)")
        except re.error:
            return None

    def ignores(self, path: str, *, directory: bool) -> bool | None:
        """True, False (brought back by a `!` pattern) or None: nothing said."""
        relative = path[self._base :].replace(os.sep, "/") + ("/" if directory else "")
        if self._spec is None:
            return any(f"/{relative}/".startswith(f"{each}/") for each in self._paths or ()) or None
        if self._quick is not None and not self._quick.search(relative):
            return None
        return self._spec.check_file(relative).include


@dataclass(frozen=True, slots=True)
class _Scope:
    """What holds for the entries of one directory. In an ignored one only what `include` names is seen."""

    levels: tuple[_Patterns, ...]
    only_included: bool = False


class IgnoreRules:
    """The rules below one root. What has been asked about directories is remembered until `forget`."""

    def __init__(self, root: str, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        self.root = root
        self._prefix = root.rstrip(os.sep) + os.sep
        own = [self._relative(glob) for glob in include]
        self._globs = (include, exclude)
        self._include = _Patterns(root, own) if own else None
        self._exclude = _Patterns(root, [self._relative(glob) for glob in exclude]) if exclude else None
        self._included_below = [_literal_part(glob) for glob in own]
        self._scopes: dict[str, _Scope | None] = {}

    def _relative(self, glob: str) -> str:
        glob = glob.replace(os.sep, "/")
        prefix = self._prefix.replace(os.sep, "/")
        return "/" + glob.removeprefix(prefix) if glob.startswith(prefix) else glob.removeprefix("./")

    def moved_to(self, root: str) -> IgnoreRules:
        """The same globs for another root."""
        return IgnoreRules(root, *self._globs)

    def forget(self) -> None:
        """Read the `.gitignore` files again."""
        self._scopes.clear()

    def ignores(self, path: str) -> bool:
        """Whether the file `path`, somewhere below the root, is ignored, by itself or with its directory."""
        scope = self._scope(_parent(path))
        return scope is None or self._decide(scope, path, directory=False)

    def prunes(self, directory: str) -> bool:
        """Whether nothing in `directory` is of interest."""
        return self._scope(directory) is None

    def _scope(self, directory: str) -> _Scope | None:
        try:
            return self._scopes[directory]
        except KeyError:
            scope = self._scopes[directory] = self._work_out(directory)
            return scope

    def _work_out(self, directory: str) -> _Scope | None:
        if directory == self.root or not directory.startswith(self._prefix):
            levels = (*_patterns_above(self.root), *_patterns_in(self.root))
            return _Scope(levels)
        scope = self._scope(_parent(directory))
        if scope is None:
            return None
        if self._decide(scope, directory, directory=True):
            return _Scope((), only_included=True) if self._is_included_below(directory) else None
        if scope.only_included:
            return scope
        return _Scope((*scope.levels, *_patterns_in(directory)))

    def _decide(self, scope: _Scope, path: str, *, directory: bool) -> bool:
        if self._exclude is not None and self._exclude.ignores(path, directory=directory):
            return True
        if self._include is not None and self._include.ignores(path, directory=directory):
            return False
        name = path.rpartition(os.sep)[2]
        if scope.only_included or _NAMES.match(name):
            return True
        if directory and (name in DIRECTORIES or Path(path, "pyvenv.cfg").exists()):
            return True
        for level in reversed(scope.levels):
            verdict = level.ignores(path, directory=directory)
            if verdict is not None:
                return verdict
        return not directory and _WRITTEN_BY_PROGRAMS.match(name) is not None

    def _is_included_below(self, directory: str) -> bool:
        relative = directory[len(self._prefix) :].replace(os.sep, "/") + "/"
        return any(part.startswith(relative) or relative.startswith(part) for part in self._included_below if part)


def _parent(path: str) -> str:
    return path.rpartition(os.sep)[0] or os.sep


def _literal_part(glob: str) -> str:
    """The directories of a glob up to its first wildcard: "build/gen/" of "build/gen/*.py"; "" if it has none."""
    directories = glob.removeprefix("/").split("/")[:-1]
    wild = next((at for at, part in enumerate(directories) if re.search(r"[*?\[!\\]", part)), len(directories))
    return "".join(f"{part}/" for part in directories[:wild])


def _spec_of(lines: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(lines)


def _patterns_in(directory: str) -> tuple[_Patterns, ...]:
    return _patterns_of(Path(directory, ".gitignore"), directory)


def _patterns_of(file: Path, base: str) -> tuple[_Patterns, ...]:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    return (_Patterns(base, [line for line in lines if _is_pattern(line)]),)


def _is_pattern(line: str) -> bool:
    """Whether a line can be read: git passes over those that make no sense, pathspec does not."""
    try:
        _spec_of([line])
    except (ValueError, re.error):
        return False
    return True


def _patterns_above(root: str) -> tuple[_Patterns, ...]:
    """The `.gitignore` files between the top of the repository and the root; none if they ignore the root itself."""
    levels: tuple[_Patterns, ...] = ()
    for directory in [root, *map(str, Path(root).parents)]:
        if directory != root:
            levels = (*_patterns_in(directory), *levels)
        if Path(directory, ".git").exists():
            levels = (*_patterns_of(Path(directory, ".git", "info", "exclude"), directory), *levels)
            break
    else:
        return ()
    return () if any(level.ignores(root, directory=True) for level in levels) else levels
