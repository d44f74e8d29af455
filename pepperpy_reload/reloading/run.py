"""Whole modules run again, each into the module object that is there already."""

from __future__ import annotations
import __future__

import ast
import importlib
import sys
from collections.abc import Collection, Iterable, Mapping
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any

from pepperpy_reload.core.effects import reflects
from pepperpy_reload.core.names import binds_first, bound_names, read_inside
from pepperpy_reload.core.statement import import_time
from pepperpy_reload.core.texts import Text, texts
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.arrivals import Arrivals
from pepperpy_reload.reloading.execute import Names
from pepperpy_reload.reloading.lookers import look_up

_bootstrap: Any = importlib._bootstrap
_IMPORT_ATTRIBUTES = frozenset(
    {"__name__", "__loader__", "__package__", "__spec__", "__path__", "__file__", "__cached__", "__builtins__"}
)


class Rerun:
    """How first-party modules are executed during a reload: an Execution for the finder.

    Names stay until they are replaced, so that no thread ever finds one missing; names that the new source no longer
    binds go at once, as class bodies and other modules must not find them any more, or at the end if a star import may
    bind them. A module that looks at namespaces as such, or that is in an import cycle, starts from an empty namespace
    instead, as in a new process: there what is not bound yet must not be seen. So does one in which a class reads what
    is bound below it.
    """

    def __init__(
        self, modules: dict[str, ModuleType], cyclic: Iterable[str], kept: dict[str, dict[str, Any]], arrivals: Arrivals
    ) -> None:
        self.modules = modules
        self._cyclic = frozenset(cyclic)
        self._kept = kept
        self._arrivals = arrivals
        self.dropped: list[str] = []

    def create(self, spec: ModuleSpec) -> ModuleType | None:
        """The live module object of that name."""
        module = self.modules.get(spec.name)
        if module is None:
            return None
        if type(module) is not ModuleType and issubclass(type(module), ModuleType):
            module.__class__ = ModuleType
        if spec.submodule_search_locations is None:
            vars(module).pop("__path__", None)
        _bootstrap._init_module_attrs(spec, module, override=True)
        return module

    def execute(self, code: CodeType, module: ModuleType) -> None:
        """Run the code into the module's live namespace."""
        if module.__name__ not in self.modules:
            _bootstrap._call_with_frames_removed(exec, code, vars(module))
            return
        namespace = vars(module)
        before = dict(namespace)
        kept = self._kept.get(module.__name__, {})
        tree = ast.parse(recorder.modules[module.__name__].source)
        if reflects(tree) or module.__name__ in self._cyclic or _looks_ahead(tree, code, module.__name__):
            for name in [name for name in namespace if not _stays(name, module, sys.modules)]:
                del namespace[name]
            self._arrivals.begin(module)
            namespace["__doc__"] = None
            _bootstrap._call_with_frames_removed(exec, code, namespace)
            self._arrivals.end(module)
            namespace.update(kept)
            gone = [name for name in before if name not in namespace]
        else:
            loaded = {**sys.modules, **self.modules}  # those that have not been run again yet are their package's, too
            stale = {name for name in namespace if not _stays(name, module, loaded)}
            unbound = _unbound(tree, stale)
            for name in unbound:
                del namespace[name]
            names = Names(namespace, stale - unbound, kept)
            _bootstrap._call_with_frames_removed(exec, code, namespace, names)
            gone = [name for name in names.stale if name in namespace and namespace[name] is before[name]]
            for name in gone:
                del namespace[name]
            gone += sorted(unbound - namespace.keys())
            namespace.setdefault("__doc__", None)
        self.dropped.extend(f"{module.__name__}.{name}" for name in gone if not name.startswith("__"))


def _looks_ahead(tree: ast.Module, code: CodeType, module: str) -> bool:
    """Whether class bodies, comprehensions or annotations read, in the live namespace, what is bound below them."""
    postponed = bool(code.co_flags & __future__.annotations.compiler_flag)
    every, bound = {*bound_names(tree.body)}, set[str]()
    for node in tree.body:
        own = {*bound_names([node])}
        said = list(texts(import_time(node), postponed=postponed))
        if any(_looked_up(text, module, own) & every - bound for text in said):
            return True
        inside = ({*read_inside(node, postponed=postponed)} & every) - bound
        if not all(binds_first(node, name) for name in inside):
            return True
        bound |= own
    return False


def _looked_up(text: Text, module: str, own: Collection[str]) -> set[str]:
    """The names in annotations that somebody may look up; `own` are those of what is made with them."""
    names = {names[0] for names in text.names}
    return {
        *(names.difference(own) if look_up(module, text.heads, None) else ()),
        *(names.intersection(own) if look_up(module, text.heads, None, itself=True) else ()),
    }


def _unbound(tree: ast.Module, names: Iterable[str]) -> set[str]:
    """The names that no statement of a module binds: none where a star import may bind any."""
    bound = {*bound_names(tree.body)}
    if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree)):
        return set()
    return {name for name in names if name not in bound and not name.startswith("__")}


def _stays(name: str, module: ModuleType, loaded: Mapping[str, ModuleType]) -> bool:
    """Whether a name belongs to the import system rather than to the module's source: submodules do too."""
    if name in _IMPORT_ATTRIBUTES:
        return True
    submodule = loaded.get(f"{module.__name__}.{name}")
    return submodule is not None and vars(module)[name] is submodule


def import_again(names: Iterable[str]) -> None:
    """Import modules that a reload has taken out of sys.modules; what they import comes first."""
    for name in names:
        if name not in sys.modules:
            importlib.import_module(name)
