"""What this process has loaded, as far as an audit asks."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from pepperpy_reload.auditing.places import WHOLE
from pepperpy_reload.comparing.values import ATOMS
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import state

Source = tuple[str, bytes]
"""A file, and what it held when it was loaded."""


def hashes() -> dict[str, str]:
    """By first-party module, what tells its source from any other."""
    return {name: hashlib.sha256(source).hexdigest() for name, (_, source) in sources().items()}


def sources() -> dict[str, Source]:
    """By first-party module, the file and the source that it was made of."""
    return {name: (loaded.path, loaded.source) for name, loaded in list(recorder.modules.items())}


def modules() -> list[str]:
    """The first-party modules in the order in which they began to be run: so a fresh start imports them."""
    return sorted((name for name in list(recorder.modules) if name in sys.modules and name != "__main__"), key=_rank)


def _rank(name: str) -> int:
    return recorder.rank.get(name, sys.maxsize)


def is_on_disk(name: str) -> bool:
    """Whether the file of a module holds what was loaded."""
    known = recorder.modules.get(name)
    if known is None:
        return False
    try:
        return Path(known.path).read_bytes() == known.source
    except OSError:
        return False


def kept() -> dict[str, list[str]]:
    """What the user has declared to survive reloads, by module: it is other than in a fresh start on purpose."""
    values = {id(value) for value in state.kept_values() if type(value) not in ATOMS}
    found = {}
    for name in list(recorder.modules):
        module = sys.modules.get(name)
        namespace = {} if module is None else dict(vars(module))
        if namespace.get("__reload__") == "never":
            found[name] = [WHOLE]
        elif module is not None:
            found[name] = [*state.kept_names(module), *(key for key, value in namespace.items() if id(value) in values)]
    return found


def has_hooks() -> bool:
    """Whether a reload runs code that a fresh start does not."""
    if any(state.disposers().values()):
        return True
    modules = [vars(sys.modules[name]) for name in list(recorder.modules) if name in sys.modules]
    return any(hook in names for names in modules for hook in ("__before_reload__", "__after_reload__"))
