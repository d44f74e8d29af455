"""Functions that bear a name which some other statement than their own has given them.

A class decorator may write its class's name on every function that it finds there, a module's own function included:
the last class to do so wins. Running some of these statements again may leave another name than a fresh start does.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from types import FunctionType, ModuleType

from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.importing.recorder import recorder


class Names:
    """The names and homes of the modules' functions, before statements run again.

    What a class that is going to be made again has given is taken back first: it has to be given anew. The transaction
    knows the names that functions had.
    """

    def __init__(self, modules: Iterable[ModuleType], classes: Container[str]) -> None:
        self._classes = classes
        self._before: list[tuple[ModuleType, str, FunctionType, tuple[str, str]]] = []
        for module in modules:
            space = vars(module)
            functions = [(name, value) for name, value in list(space.items()) if type(value) is FunctionType]
            for name, value in functions:
                if value.__globals__ is not space or not _is_defined_as(value, name):
                    continue
                self._before.append((module, name, value, _names(value)))
                own = (module.__name__, name)
                if _names(value) != own and value.__qualname__.rpartition(".")[0] in classes:
                    _rename(value, own)

    def check(self, time_of: Callable[[str, str], tuple[object, ...] | None]) -> None:
        """See that these functions, where they are still in use, are called what a fresh start calls them.

        The last class to give a name wins: one that was not made again, and comes after those that were, still does.
        `time_of` tells when the class of a module and a name is made; None if that is not known, or it was made again.
        Raises RestartNeeded where it cannot be told who wins.
        """
        for module, name, function, before in self._before:
            now = _names(function)
            if vars(module).get(name) is not function or before in (now, (module.__name__, name)):
                continue  # nobody else had given it a name: the last to do so now is the last of all
            then, since = time_of(before[0], _owner(before)), time_of(now[0], _owner(now))
            if then is None or since is None or _owner(before) in self._classes:
                raise RestartNeeded(f"{module.__name__}.{name} is named by classes that use it, one of them made again")
            if then > since:
                _rename(function, before)


def _owner(names: tuple[str, str]) -> str:
    """The class that a function is named after."""
    return names[1].rpartition(".")[0]


def _is_defined_as(function: FunctionType, name: str) -> bool:
    code = function.__code__  # asked for once: that is seen by every audit hook
    return code.co_qualname == name and code.co_filename in recorder.roots


def _names(function: FunctionType) -> tuple[str, str]:
    return function.__module__, function.__qualname__


def _rename(function: FunctionType, names: tuple[str, str]) -> None:
    function.__module__, function.__qualname__ = names
