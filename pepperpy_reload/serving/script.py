"""A script or a module, run as `__main__` the way `python script.py` and `python -m module` do."""

from __future__ import annotations

import builtins
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from pepperpy_reload.errors import UsageError
from pepperpy_reload.importing.loaded import Loaded
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.gate import Gate, OpenGate
from pepperpy_reload.reloading.usercode import calling_user_code
from pepperpy_reload.serving.kinds import Kind
from pepperpy_reload.serving.program import AT_WORK, PlainSettle, Program
from pepperpy_reload.serving.session import Activity, Settle


@dataclass(frozen=True, slots=True)
class _Script:
    """What is run: its file, and its spec if it was found as a module."""

    path: str
    search: str
    spec: ModuleSpec | None = None


class ScriptSession:
    """A script (`path`) or a module (`module`), run once, with `arguments` in `sys.argv`."""

    def __init__(self, path: str = "", arguments: Sequence[str] = (), *, module: str = "") -> None:
        self._path = path
        self._module = module
        self._arguments = list(arguments)
        self._program = Program()
        self._running = ""
        self._former: ModuleType | None = None
        self.gate: Gate = OpenGate()
        self.settle: Settle = PlainSettle(lambda: self._running, recorded=False)

    @property
    def kind(self) -> Kind:
        """A script is called without arguments and ends, as a function does."""
        return Kind.FUNCTION

    def activity(self) -> Activity:
        """It is always at work."""
        return AT_WORK

    def run(self, on_ready: Callable[[], None]) -> int:
        """Run the script to its end; returns the status that it exits with."""
        script = self._find()
        with calling_user_code():
            source = Path(script.path).read_bytes()
            code = compile(source, script.path, "exec", dont_inherit=True)
        main = self._become_main(script, code, source)
        on_ready()
        self._running = "__main__"
        try:
            _, status = self._program.call(lambda: exec(code, main.__dict__))
        finally:
            self._running = ""
        return status or 0

    def stop(self, grace: float) -> None:  # noqa: ARG002 - a program ends when it ends
        """Raise KeyboardInterrupt in the script, wherever it is."""
        self._program.interrupt()

    def resign(self, done: Callable[[], None]) -> None:
        """It accepts nothing."""
        done()

    def stay(self) -> None:
        """It accepts nothing."""

    def _find(self) -> _Script:
        if self._module:
            return _find_module(self._module)
        path = Path(os.path.abspath(self._path))  # noqa: PTH100 - a link keeps its name, as with `python link.py`
        if path.is_dir():
            inner = path / "__main__.py"
            if not inner.is_file():
                raise UsageError(f"the directory {self._path} has no __main__.py to run")
            return _Script(str(inner), str(path), PathFinder.find_spec("__main__", [str(path)]))
        if not path.is_file():
            raise UsageError(f"there is no file {self._path}")
        return _Script(str(path), str(path.resolve().parent))

    def _become_main(self, script: _Script, code: CodeType, source: bytes) -> ModuleType:
        """Put a new `__main__` in place, as the interpreter sets it up."""
        main = ModuleType("__main__")
        names: dict[str, Any] = main.__dict__
        names["__builtins__"] = builtins
        names["__file__"] = script.path
        names["__cached__"] = None
        if script.spec is None:
            names["__loader__"] = SourceFileLoader("__main__", script.path)
        else:
            names["__spec__"], names["__loader__"] = script.spec, script.spec.loader
            names["__package__"] = script.spec.parent
        self._former = sys.modules.get("__main__")  # kept alive: its functions are still running
        sys.modules["__main__"] = main
        sys.argv = [script.path if self._module else self._path, *self._arguments]
        sys.path.insert(0, script.search)
        # Known to the recorder, so that a change of the script itself is seen; not recorded while it runs, for that
        # would go on for as long as the program does.
        recorder.importers.add("__main__")
        recorder.modules["__main__"] = Loaded("__main__", str(Path(script.path).resolve()), source, code, None)
        return main


def _find_module(name: str) -> _Script:
    with calling_user_code():
        try:
            spec = importlib.util.find_spec(name)
            if spec is not None and spec.submodule_search_locations is not None:
                spec = importlib.util.find_spec(f"{name}.__main__")
        except ModuleNotFoundError as error:
            if f"{name}.".startswith(f"{error.name}."):
                raise UsageError(f"there is no module {error.name!r} to run") from None
            raise
    if spec is None:
        raise UsageError(f"there is no module {name!r} to run, or it is a package without __main__.py")
    if not spec.origin or not spec.origin.endswith((".py", ".pyw")):
        raise UsageError(f"{name!r} is not a Python source file ({spec.origin or 'no file'}) and cannot be run")
    return _Script(spec.origin, str(Path.cwd()), spec)
