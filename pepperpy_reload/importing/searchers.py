"""Who is asked where a module is: mostly Python itself, but it may be the project's own code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

from pepperpy_reload.core.identity import identity


class Searchers:
    """The finders and path hooks of the process."""

    def __init__(self, is_first_party: Callable[[str], bool]) -> None:
        self._is_first_party = is_first_party
        self._asked: tuple[object, ...] = ()
        self._identities: tuple[int, ...] = ()
        self._answer = False

    def are_first_party(self, name: str) -> bool:
        """Whether finding module `name` may run first-party code."""
        asked = (*sys.meta_path, *sys.path_hooks)
        identities = tuple(map(identity, asked))  # some compare themselves with others in their own way
        if identities != self._identities:
            self._asked, self._identities = asked, identities  # those that are kept lose no identity to others
            self._answer = any(self._is_first_party(_file_of(one)) for one in asked)
        package = name.rpartition(".")[0]
        return self._answer or (bool(package) and _answers_itself(sys.modules.get(package)))


def _file_of(searcher: object) -> str:
    """The file of the module in which a finder's class or a path hook is defined."""
    return str(getattr(sys.modules.get(str(getattr(searcher, "__module__", ""))), "__file__", None) or "<unknown>")


def _answers_itself(package: ModuleType | None) -> bool:
    """Whether asking a package for its path, or giving it a submodule, may call a function of its own."""
    return package is not None and (type(package) is not ModuleType or "__getattr__" in vars(package))
