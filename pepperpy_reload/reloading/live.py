"""The one reader of live objects: answers the planner's questions about this process."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from pepperpy_reload.core import effects
from pepperpy_reload.core.effects import Chain, Effects
from pepperpy_reload.core.world import Tie
from pepperpy_reload.importing.footprint import CodeKey
from pepperpy_reload.importing.recorder import Loaded, recorder

_IMMUTABLE = (
    int, float, complex, str, bytes, bool, type(None), tuple, frozenset, range, ModuleType, FunctionType,
    BuiltinFunctionType, MethodType, type,
)
_OUTSIDE_EFFECTS = frozenset(
    {
        "atexit.register", "signal.signal", "codecs.register", "sys.addaudithook", "sys.setprofile", "sys.settrace",
        "threading.settrace", "os.register_at_fork", "faulthandler.register", "weakref.finalize",
    }
)  # fmt: skip
_REPEATABLE_MODULES = ("builtins", "logging", "warnings", "dotenv", "typing", "dataclasses", "functools", "enum")


class LiveWorld:
    """This process, as a World for the planner. `sources` are the new contents of changed files, by module."""

    def __init__(self, sources: dict[str, bytes], missing: frozenset[str] = frozenset()) -> None:
        self._sources = sources
        self._missing = missing
        self._trees: dict[tuple[str, bytes], ast.Module | None] = {}

    # --- World

    def importers(self, module: str) -> Iterator[Tie]:
        """Who imported `module` while being run, or tried to; the package above a submodule is not meant."""
        for importer in recorder.graph.importers_of(module, deferred=False):
            if importer in recorder.modules or importer == "__main__":
                edge = recorder.graph.edge(importer, module)
                line = f" ({os.path.basename(edge.file)}:{edge.line})" if edge and edge.file else ""
                yield Tie(importer, f"imports {module}{line}")

    def changed_by(self, module: str) -> Iterator[Tie]:
        """The modules that own what running `module` again would change, judged by its old and its new source."""
        loaded = recorder.modules.get(module)
        if loaded is None:
            return
        for source in {loaded.source, self._sources.get(module, loaded.source)}:
            tree = self._tree(module, source)
            if tree is not None:
                yield from self._ties(module, effects.module_effects(tree), loaded.path, excluded=module)
        for key in loaded.footprint:
            yield from self._ties_of_function(key, module)

    def refusal(self, module: str) -> str:
        """Why the module cannot be run again here."""
        live = sys.modules.get(module)
        if module == "__main__":
            return "__main__ is running and cannot be run again"
        wish = getattr(live, "__dict__", {}).get("__reload__")
        if wish == "restart":
            return f'{module} asks for a restart (__reload__ = "restart")'
        loaded = recorder.modules.get(module)
        if loaded is None or live is None:
            return ""
        tree = self._tree(module, self._sources.get(module, loaded.source))
        found = effects.module_effects(tree) if tree is not None else Effects()
        for callee, line in found.calls:
            outside = self._outside_effect(module, callee)
            if outside:
                return f"{os.path.basename(loaded.path)}:{line} {outside}"
        return ""

    def rank(self, module: str) -> int:
        """The place of `module` in the order in which modules began to be run."""
        return recorder.rank.get(module, len(recorder.rank))

    # --- what else the reloader asks

    def modules_that_ran(self, keys: Iterable[CodeKey]) -> dict[str, CodeKey]:
        """The modules that ran one of these functions while they were executed."""
        wanted = set(keys)
        found = {}
        for name, loaded in recorder.modules.items():
            hit = wanted & loaded.footprint
            if hit:
                found[name] = min(hit)
        return found

    def modules_that_read(self, path: str) -> list[str]:
        """The modules that opened the file while they were executed."""
        return [name for name, loaded in recorder.modules.items() if path in loaded.reads]

    # --- inside

    def _tree(self, module: str, source: bytes) -> ast.Module | None:
        key = (module, source)
        if key not in self._trees:
            try:
                self._trees[key] = ast.parse(source)
            except (SyntaxError, ValueError):
                self._trees[key] = None
        return self._trees[key]

    def _ties(self, module: str, found: Effects, path: str, *, excluded: str = "") -> Iterator[Tie]:
        for chain, line in found.changes:
            for owner in self._owners(module, chain, excluded):
                yield Tie(owner, f"{module} changes {'.'.join(chain)} ({os.path.basename(path)}:{line})")

    def _ties_of_function(self, key: CodeKey, runner: str) -> Iterator[Tie]:
        loaded = next((item for item in recorder.modules.values() if item.path == key.file), None)
        tree = self._tree(loaded.name, loaded.source) if loaded is not None else None
        if loaded is None or tree is None:
            return
        node = effects.find_function(tree, key.qualname.rpartition(".")[2], key.line)
        if node is None:
            return
        local = _local_names(node)
        yield from self._ties(loaded.name, effects.function_effects(node, local), loaded.path)
        if key.qualname.rpartition(".")[2] in ("__init_subclass__", "__new__", "__init__", "__set_name__"):
            yield from self._ties_of_bases(runner, node, local)

    def _ties_of_bases(self, runner: str, node: ast.AST, parameters: Iterable[str]) -> Iterator[Tie]:
        """A base class or metaclass may keep a record of the classes made from it."""
        loaded = recorder.modules.get(runner)
        tree = self._tree(runner, loaded.source) if loaded is not None else None
        if tree is None or not effects.changes_parameters(node, parameters):
            return
        for chain, line in effects.module_effects(tree).bases:
            base = self._resolve(runner, chain)
            owner = getattr(base, "__module__", "")
            if isinstance(base, type) and owner in recorder.modules and owner != runner:
                yield Tie(owner, f"{'.'.join(chain)} keeps a record of its subclasses ({runner}:{line})")

    def _resolve(self, module: str, chain: Chain) -> Any:
        namespace = vars(sys.modules[module]) if module in sys.modules else {}
        found = namespace.get(chain[0])
        for name in chain[1:]:
            if not isinstance(found, ModuleType | type):
                break
            found = vars(found).get(name)
        return found

    def _owners(self, module: str, chain: Chain, excluded: str) -> list[str]:
        """The first-party modules that made the object which a chain of names in `module` means."""
        if isinstance(target := self._resolve(module, chain), ModuleType) and target.__name__ in recorder.modules:
            return [target.__name__] if target.__name__ != excluded else []
        if target is None or isinstance(target, _IMMUTABLE):
            return []
        owners = []
        for name, loaded in recorder.modules.items():
            if name == excluded or name not in sys.modules:
                continue
            bound = [key for key, value in list(vars(sys.modules[name]).items()) if value is target]
            if bound and not set(bound) <= self._imported(loaded):
                owners.append(name)
        return owners

    def _imported(self, loaded: Loaded) -> frozenset[str]:
        tree = self._tree(loaded.name, loaded.source)
        return effects.imported_names(tree) if tree is not None else frozenset()

    def _outside_effect(self, module: str, callee: Chain) -> str:
        """What running a call for its effect alone would double outside first-party code, or ""."""
        namespace = vars(sys.modules[module])
        if callee[0] not in namespace:
            return ""
        holder = self._holder(namespace[callee[0]], callee[1:-1])
        function = getattr(holder, callee[-1], None) if len(callee) > 1 else namespace[callee[0]]
        name = f"{getattr(function, '__module__', None)}.{getattr(function, '__qualname__', '')}"
        if name in _OUTSIDE_EFFECTS or ".".join(callee) in _OUTSIDE_EFFECTS:
            return f"calls {'.'.join(callee)}, which running again would do twice"
        if len(callee) > 1 and isinstance(holder, _foreign_registry()):
            return f"changes {'.'.join(callee[:-1])}, which lives outside the project"
        return ""

    def _holder(self, start: Any, names: Iterable[str]) -> Any:
        for name in names:
            if not isinstance(start, ModuleType | type):
                break
            start = vars(start).get(name)
        return start


def _foreign_registry() -> tuple[type, ...]:
    """Types whose instances are process-wide and remember what they were given."""
    logging = sys.modules.get("logging")
    return (logging.Logger,) if logging is not None else ()


def _local_names(node: ast.AST) -> set[str]:
    """The parameters and local variables of a function, and of those inside it."""
    names: set[str] = set()
    declared: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.arg):
            names.add(inner.arg)
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            names.add(inner.id)
        elif isinstance(inner, ast.Global):
            declared.update(inner.names)
        elif isinstance(inner, ast.ExceptHandler) and inner.name:
            names.add(inner.name)
    return names - declared
