"""Files that show something: what they are called, and writing them."""

from __future__ import annotations

import sys
from pathlib import Path

from pepperpy_reload.errors import UsageError

_ENDINGS = {
    "html": (".html", ".htm"),
    "svg": (".svg",),
    "dot": (".dot", ".gv"),
    "json": (".json",),
    "speedscope": (".json",),
    "perfetto": (".json", ".trace"),
}


def check_name(kind: str, file: str) -> None:
    """Refuse, before anything has been done, a name that says something else than `kind` does, and a missing folder.

    "-" is standard output, and a name without an ending says nothing. Raises UsageError.
    """
    if file == "-":
        return
    path, endings = Path(file), _ENDINGS[kind]
    if path.suffix and path.suffix.lower() not in endings:
        raise UsageError(f"--{kind} writes {' or '.join(endings)} files, and {file} is called something else")
    check_folder(f"--{kind}", file)


def check_folder(option: str, file: str) -> None:
    """Refuse, before anything has been done, a file that cannot be written; "" is none. Raises UsageError."""
    path = Path(file)
    if file and path.is_dir():
        raise UsageError(f"{option}: {file} is a directory, not a file")
    if not path.parent.is_dir():
        raise UsageError(f"{option}: there is no directory {path.parent} to write {path.name} to")


def write(kind: str, file: str, text: str) -> None:
    """Write a file, or to standard output. Raises UsageError if the system does not let us."""
    if file == "-":
        sys.stdout.write(text)
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--{kind}: {file} cannot be written: {error.strerror or error}") from None
