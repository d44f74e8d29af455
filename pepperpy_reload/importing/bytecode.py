"""From a source file to a code object, without the stale bytecode trap.

CPython takes a `.pyc` for fresh if the source's size and its time in whole seconds agree (CPython issue 75953), so two
saves within a second may leave the first one's bytecode in force. Here the file is read once, and a `.pyc` counts only
if it was written for these very bytes: a checked hash-based `.pyc` (PEP 552). Ours are of that kind too, so every other
Python process validates them by content as well.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from types import CodeType

_CHECKED_HASH = 0b11
_KIND = importlib.util.MAGIC_NUMBER + _CHECKED_HASH.to_bytes(4, "little")
_HEADER = 16  # bytes: magic number, flags, source hash


_PLAIN_READING = SourceFileLoader.get_data
_CHUNK = 1 << 16
_EMPTIED, _EMPTY = 0.5, 0.1  # seconds: editors that save in place empty the file first
_LOOK = 0.002
_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
"""0 where that cannot be said of a file that is opened."""
_read_ahead: dict[str, tuple[bytes, CodeType]] = {}
"""By file: its content, and the code of that."""
_lent: Mapping[str, bytes] = {}
_postponed: list[tuple[str, bytes, CodeType, str]] | None = None


def read_source(loader: SourceFileLoader) -> bytes:
    """What `loader` reads its file as, at the least price unless somebody has changed how that is done."""
    if is_read_otherwise(loader):
        return loader.get_data(loader.path)
    lent = _lent.get(loader.path) if _lent else None
    return read_saved(loader.path) if lent is None else lent


def is_read_otherwise(loader: SourceFileLoader) -> bool:
    """Whether somebody has changed how `loader` reads its file."""
    return getattr(loader.get_data, "__func__", None) is not _PLAIN_READING


def read_unless_link(path: str) -> bytes | None:
    """The bytes of a source file; None if it is a link, or has to be looked at more closely, or cannot be read."""
    if not NO_LINKS or _lent:
        return None
    try:
        return read_file(path, os.O_RDONLY | _FLAGS | NO_LINKS) or None  # an empty one may be being written
    except OSError:
        return None


def read_saved(path: str, before: bytes = b"") -> bytes:
    """The bytes of a source file; one that has been emptied a moment ago is being written, and is waited for.

    That takes longer if something is known to have been in it `before`: then it is hardly meant to be empty.
    """
    data, patience = read_file(path), _EMPTIED if before else _EMPTY
    while not data and abs(time.time() - os.stat(path).st_mtime) < patience:  # it may be written right now
        time.sleep(_LOOK)
        data = read_file(path)
    return data


def read_file(path: str, flags: int = os.O_RDONLY | _FLAGS) -> bytes:
    """The bytes of a file, at the least price."""
    descriptor = os.open(path, flags)  # a file object costs as much as all the rest
    try:
        data = os.read(descriptor, _CHUNK)
        if len(data) < _CHUNK:  # nothing shorter is returned of a plain file unless it ends there
            return data
        parts = [data]
        while data := os.read(descriptor, _CHUNK):
            parts.append(data)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def compile_source(loader: SourceFileLoader, source: bytes, cached: str | None = None) -> CodeType:
    """The module's code object for exactly these bytes, from bytecode if that was made of the same bytes.

    `cached` is the path of the bytecode, where it is known.
    Raises what compiling raises: SyntaxError, or ValueError and UnicodeDecodeError as SyntaxError does.
    """
    read = _read_ahead.pop(loader.path, None)
    if read is not None and read[0] == source:
        return read[1]
    digest = importlib.util.source_hash(source)
    cached = _cache_path(loader.path) if cached is None else cached
    if cached is not None and (code := _load(cached, digest)) is not None:
        return code
    code = loader.source_to_code(source, loader.path)
    if cached is not None and not sys.dont_write_bytecode:
        if _postponed is None:
            _save(cached, digest, code, loader.path)
        else:
            _postponed.append((cached, digest, code, loader.path))
    return code


def read_ahead(paths: Iterable[str]) -> None:
    """Have the code of these files at hand, as long as they are what they are now: their bytecode is read already."""
    for path in paths:
        with suppress(OSError):
            source = read_file(path)
            cached = _cache_path(path)
            code = None if cached is None else _load(cached, importlib.util.source_hash(source))
            if code is not None:
                _read_ahead[path] = source, code


def lend(texts: Mapping[str, bytes]) -> None:
    """Take these files, from now on, for holding that, whatever they hold."""
    global _lent
    _lent = texts


def is_lent() -> bool:
    """Whether files are taken for holding something else."""
    return bool(_lent)


def postpone_writing() -> None:
    """Write no bytecode until `write_postponed`: to replace a file may take longer than to run what is in it."""
    global _postponed
    _postponed = []


def write_postponed() -> None:
    """Write all that was postponed; from now on bytecode is written at once, and read when it is wanted."""
    global _postponed
    _read_ahead.clear()
    postponed, _postponed = _postponed, None
    for one in postponed or ():
        _save(*one)


def _cache_path(path: str) -> str | None:
    try:
        return importlib.util.cache_from_source(path)
    except NotImplementedError:  # sys.implementation.cache_tag is None: no bytecode at all
        return None


def _load(cached: str, digest: bytes) -> CodeType | None:
    try:
        data = read_file(cached)
    except OSError:
        return None
    if not data.startswith(_KIND) or data[len(_KIND) : _HEADER] != digest:
        return None
    try:
        code = marshal.loads(memoryview(data)[_HEADER:])
    except (EOFError, ValueError, TypeError):  # cut off or damaged: the source is there
        return None
    return code if isinstance(code, CodeType) else None


def _save(cached: str, digest: bytes, code: CodeType, path: str) -> None:
    data = _KIND + digest + marshal.dumps(code)
    partial = f"{cached}.{os.getpid()}.tmp"
    # A read-only tree, a full disk: bytecode is a convenience, the import goes on without it.
    with suppress(OSError):
        os.makedirs(os.path.dirname(cached), exist_ok=True)
        try:
            mode = os.stat(path).st_mode | 0o200
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode & 0o666)
            with open(descriptor, "wb") as file:
                file.write(data)
            os.replace(partial, cached)
        except OSError:
            with suppress(OSError):
                os.unlink(partial)
