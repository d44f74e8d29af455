"""What a star import finds in another module: all of its names, or what was there of a module that was half-way."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from pepperpy_reload.core.readers import Readers
from pepperpy_reload.core.unit import Unit
from pepperpy_reload.core.world import Place
from pepperpy_reload.errors import RestartNeeded
from pepperpy_reload.reloading.looking import is_a

_LIST = "__all__"


class Stars:
    """The star imports of a module, as a cold start would execute them now."""

    def __init__(self, module: ModuleType, scope: Readers) -> None:
        self._module = module
        self._scope = scope

    def finds(self, star: Unit, name: str) -> bool:
        """Whether a name is bound when the turn of a star import comes."""
        return self._scope.finds(self._place(star), name)

    def found(self, star: Unit, made: Mapping[str, Any]) -> dict[str, Any]:
        """What a star import takes that has bound all this now. Raises RestartNeeded if some of it comes too late."""
        source = _source(star)
        if _LIST in source and not self.finds(star, _LIST):
            return self.offered(star)
        for name in exported(source, is_listed=True) if _LIST in source else ():
            if not self.finds(star, name):
                where = f"{self._module.__name__}:{star.line}"
                raise RestartNeeded(f"{where} takes what {_name(star)} exports before {name} is bound")
        return {name: value for name, value in made.items() if self.finds(star, name)}

    def offered(self, star: Unit) -> dict[str, Any]:
        """What there is for a star import when its turn comes: all public names, if none are listed by then."""
        source = _source(star)
        names = exported(source, is_listed=_LIST in source and self.finds(star, _LIST))
        return {name: source[name] for name in names if self.finds(star, name)}

    def taken(self, star: Unit, once: Mapping[str, Any]) -> list[str]:
        """The names that a star import may have taken from a module which has held all this."""
        return exported(once, is_listed=_LIST in once and self._scope.took(self._place(star), _LIST))

    def _place(self, star: Unit) -> Place:
        return Place(self._module.__name__, star.index)


def _source(star: Unit) -> dict[str, Any]:
    return getattr(sys.modules.get(_name(star)), "__dict__", {})


def _name(star: Unit) -> str:
    return star.alias.module if star.alias is not None else ""


def exported(names: Mapping[str, Any], *, is_listed: bool) -> list[str]:
    """The names that a star import takes from a module: those that are listed by then, or all public ones."""
    listed: Any = names.get(_LIST) if is_listed else None
    if is_a(listed, (list, tuple)):
        return [name for name in listed if name in names]
    return [name for name in names if not name.startswith("_")]
