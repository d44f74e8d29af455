"""The demonstration: a small web app that is written to a directory of the user's, to be edited and watched."""

from __future__ import annotations

import tempfile
from importlib.resources import files
from pathlib import Path

from pepperpy_reload.errors import UsageError

TARGET = "main:app"


def write(directory: str | None) -> Path:
    """Write the app's files to `directory`, or to a new temporary one, and return where they are.

    Files that are already there, perhaps edited, are left alone. UsageError if the directory cannot be written to, or
    holds something else.
    """
    folder = Path(directory) if directory else Path(tempfile.mkdtemp(prefix="pepperpy-reload-demo-"))
    sources = [entry for entry in files(__name__).joinpath("project").iterdir() if entry.name.endswith(".py")]
    names = {source.name for source in sources}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = {entry.name for entry in folder.iterdir() if not entry.name.startswith((".", "__pycache__"))}
        if there and not names <= there:
            raise UsageError(f"{folder} is not empty; name a new directory, or none for a temporary one")
        for source in sources:
            if source.name not in there:
                (folder / source.name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the demo cannot be written to {folder}: {error.strerror or error}") from None
    return folder.resolve()
