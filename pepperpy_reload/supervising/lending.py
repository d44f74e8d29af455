"""What a worker runs and the disk does not hold any more, for another one that is to run the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pepperpy_reload.importing.recorder import recorder

_BYTES = "latin-1"  # each of them is a letter: the channel takes texts


def differing() -> dict[str, str]:
    """The sources that run in this process, by file, of those whose file holds something else or is gone."""
    found = {}
    for loaded in list(recorder.modules.values()):
        try:
            is_same = Path(loaded.path).read_bytes() == loaded.source
        except OSError:
            is_same = False
        if not is_same:
            found[loaded.path] = loaded.source.decode(_BYTES)
    return found


def received(texts: Mapping[str, str]) -> dict[str, bytes]:
    """What `differing` has told in another process."""
    return {path: text.encode(_BYTES) for path, text in texts.items()}
