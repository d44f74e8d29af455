"""What a worker runs, for another one that is to run the same, whatever the files hold by now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha1
from pathlib import Path

from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.supervising.channel import Message

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


def digests(paths: Iterable[str]) -> dict[str, str]:
    """What runs in this process of these files, by file, in short."""
    wanted = set(paths)
    return {
        one.path: sha1(one.source, usedforsecurity=False).hexdigest()
        for one in list(recorder.modules.values())
        if one.path in wanted
    }


def is_overtaken(expected: Mapping[str, str]) -> bool:
    """Whether one of these files does not hold any more what another process has of it: it is being saved again."""
    for path, digest in expected.items():
        try:
            if sha1(Path(path).read_bytes(), usedforsecurity=False).hexdigest() != digest:
                return True
        except OSError:
            return True
    return False


def taken_up(
    work: Callable[[], None], leave: Callable[[], None], paths: Iterable[str], expected: Mapping[str, str]
) -> Message:
    """Do the `work` on a batch of which others run `expected`, or `leave` it; what is to be said in the end.

    A file that is being saved again may be half of it: that is no version which anybody wants to have served.
    """
    if is_overtaken(expected):
        leave()
        return {"type": "done", "overtaken": True}
    work()
    has = digests(paths)
    overtaken = any(has.get(path, digest) != digest for path, digest in expected.items())
    return {"type": "done", "overtaken": overtaken, "digests": has}
