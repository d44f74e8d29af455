"""The journal of a reload, and its way back: after a failure everything is what and where it was."""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from types import ModuleType
from typing import Any

from pepperpy_reload.importing.loaded import Loaded
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.contents import Contents, refill
from pepperpy_reload.reloading.stroke import at_one_stroke


class Transaction:
    """Everything that a reload may touch, as it was; `rollback` puts it back.

    Deep: the names of all these modules, the environment, and all that is known of modules; and from `deepen` on the
    contents of every container, instance and class that can be reached from them. Else only what is patched of these
    modules: what it takes does not depend on how many others there are.
    """

    def __init__(self, modules: Mapping[str, ModuleType], *, deep: bool) -> None:
        chosen = list(modules.values())
        self._undo: list[Callable[[], None]] = []
        self._table = dict(sys.modules) if deep else None
        self._spaces = [(module, dict(vars(module)), type(module)) for module in chosen]
        self._record = recorder.memory() if deep else recorder.part(modules)
        self._lines = dict(linecache.cache) if deep else None
        self.contents: Contents | None = None
        """What objects held, once it has been kept."""
        self._environment = dict(os.environ) if deep else None

    def deepen(self) -> None:
        """Something is about to be executed that may change what objects hold: keep that.

        What has been done until now is taken back after it. Raises RestartNeeded if there is too much of it.
        """
        if self.contents is None:
            starts = [value for _, names, _ in self._spaces for value in names.values()]
            self.contents = Contents([*starts, sys.path], _is_first_party_class)
            self.undo(self.contents.restore)

    def before(self, name: str) -> dict[str, Any]:
        """The names of a module as they were when the transaction began; {} if it was not loaded."""
        return self._before.get(name, {})

    @cached_property
    def _before(self) -> dict[str, dict[str, Any]]:
        return {module.__name__: names for module, names, _ in reversed(self._spaces)}

    @property
    def known(self) -> Mapping[str, Loaded]:
        """What was known of the modules when the transaction began."""
        return self._record.modules

    def undo(self, action: Callable[[], None]) -> None:
        """`action` takes back what is about to be done."""
        self._undo.append(action)

    def rollback(self) -> None:
        """Put everything back: single steps backwards, contents, namespaces, the table of modules and its order."""
        for action in reversed(self._undo):
            action()
        self._undo.clear()
        if self._environment is not None and os.environ != self._environment:
            _restore_environment(self._environment)
        for module, names, kind in self._spaces:
            if type(module) is not kind:
                module.__class__ = kind
            refill(vars(module), names)
        if self._lines is not None:
            linecache.cache.clear()
            linecache.cache.update(self._lines)
        if self._table is not None:
            self._drop_new_modules(self._table)
            restore_table(self._table)
        recorder.restore(self._record)

    def _drop_new_modules(self, table: Mapping[str, ModuleType]) -> None:
        """Modules that came meanwhile leave their packages; the table itself is put back as a whole."""
        for name in [name for name in sys.modules if name not in table]:
            package, _, attribute = name.rpartition(".")
            holder = table.get(package)
            if holder is not None and vars(holder).get(attribute) is sys.modules[name]:
                delattr(holder, attribute)


def _restore_environment(environment: dict[str, str]) -> None:
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)


def restore_table(table: dict[str, ModuleType]) -> None:
    """Make sys.modules what it was, in the order that it had."""
    if list(sys.modules.items()) != list(table.items()):
        at_one_stroke([partial(dict.clear, sys.modules), partial(dict.update, sys.modules, table)])


def pin_lines(path: str, source: bytes) -> None:
    """Tracebacks of the code that goes on running show the text that it was made of, whatever the file holds now.

    Entries without a time are left alone by `linecache.checkcache`.
    """
    text = source.decode("utf-8", "replace")
    lines = text.splitlines(keepends=True)
    linecache.cache[path] = (len(text), None, lines, path)


def _is_first_party_class(cls: type) -> bool:
    return cls.__module__ in recorder.importers
