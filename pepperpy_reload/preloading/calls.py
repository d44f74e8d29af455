"""Listens to the functions of the interpreter's own that Python code calls: who asks the world outside gets no answer.

What is told differently at another time, or to another process, must not be asked before a process has begun; and what
has an effect outside must not have it twice. Such a call raises before anything is done.
"""

from __future__ import annotations

import _random
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial, reduce
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, Self

from pepperpy_reload.importing.looks import Look, answer_to, look_of

_TOOLS = (3, 4)
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_FROZEN = tuple(f"<frozen {name}>" for name in ("posixpath", "ntpath", "genericpath", "os"))
_STDLIB = (os.path.dirname(os.__file__) + os.sep, *_FROZEN)
_OUTSIDE = frozenset(
    "time posix nt _socket _posixsubprocess select _signal signal _uuid fcntl resource pwd grp spwd _ssl _sqlite3 mmap "
    "_ctypes readline termios _curses faulthandler _tracemalloc _locale syslog _multiprocessing _posixshmem gc _winapi "
    "_interpreters _asyncio _thread sys atexit _warnings msvcrt winreg _overlapped _scproxy".split()
)
_ALLOWED: Mapping[str, frozenset[str]] = {
    "posix": frozenset(("fspath", "getcwd", "_path_normpath", "_path_splitroot", "_path_splitroot_ex")),
    "nt": frozenset(("fspath", "getcwd", "_path_normpath", "_path_splitroot", "_path_splitroot_ex")),
    "_thread": frozenset(("allocate_lock", "allocate", "RLock", "get_ident", "lock")),
    "sys": frozenset(
        "intern getdefaultencoding getfilesystemencoding getfilesystemencodeerrors getrecursionlimit getsizeof audit "
        "exc_info exception is_finalizing _is_gil_enabled _getframe _getframemodulename".split()
    ),
    "_warnings": frozenset(("_acquire_lock", "_release_lock", "_filters_mutated_lock_held", "_filters_mutated")),
    "atexit": frozenset(("register", "_ncallbacks")),  # it is counted
}
_PURE = frozenset(("_pydantic_core", "pydantic_core", "markupsafe", "orjson", "rpds"))
"""Extensions of libraries that compute, and nothing else."""
_SAID = frozenset(("open", "input", "print", "breakpoint"))
_FRAMES = frozenset(("_getframe", "_getframemodulename"))
_NOW = frozenset(("now", "utcnow", "today"))
_STREAMS = frozenset(("FileIO", "BufferedReader", "BufferedWriter", "BufferedRandom", "TextIOWrapper"))
_MAKING_OUTSIDE = _OUTSIDE - {"sys", "_thread", "time", "_asyncio", "_warnings", "_interpreters"} | {"socket"}
_KNOWN: tuple[Any, ...] = (FunctionType, MethodType, type(str.join), type("".__str__), type(str.__str__))
_CALLING = (map, filter, reduce)
"""What calls others that it is given."""
_MRO: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
IS_POSSIBLE = sys.version_info >= (3, 12)
"""Whether the interpreter tells of them beside all else that listens."""


class Asked(BaseException):
    """The world outside was asked. Nothing that the code of a module is likely to catch."""


class Calls:
    """While it is entered, calls are heard; `fault` says what has tried to ask the world outside, or is ""."""

    def __init__(self, is_own: Callable[[str], bool]) -> None:
        self.fault = ""
        self.looks: dict[Look, object] = {}
        """What has been asked about paths, and what was told: that can be asked again."""
        self._is_own = is_own
        self._tool: int | None = None
        self._types: dict[type, bool] = {}
        self._outside: dict[type, bool] = {}
        self._methods: dict[tuple[type, str], bool] = {}

    def __enter__(self) -> Self:
        if sys.version_info < (3, 12):
            self.fault = "this Python does not tell what is called"
            return self
        free = [tool for tool in _TOOLS if sys.monitoring.get_tool(tool) is None]
        if not free:
            self.fault = "no free sys.monitoring tool id"
            return self
        self._tool = free[0]
        sys.monitoring.use_tool_id(self._tool, "pepperpy-reload calls")
        sys.monitoring.register_callback(self._tool, sys.monitoring.events.CALL, self._called)
        sys.monitoring.set_events(self._tool, sys.monitoring.events.CALL)
        return self

    def __exit__(self, *_: object) -> None:
        if sys.version_info >= (3, 12) and self._tool is not None:
            sys.monitoring.set_events(self._tool, sys.monitoring.events.NO_EVENTS)
            sys.monitoring.register_callback(self._tool, sys.monitoring.events.CALL, None)
            sys.monitoring.free_tool_id(self._tool)
            self._tool = None

    def _called(self, code: CodeType, _offset: int, function: Any, first: Any) -> None:
        if any(function is one for one in _CALLING) and type(first) in (BuiltinFunctionType, partial):
            function = first
        while type(function) is partial:
            function = function.func
        kind = type(function)
        if kind is FunctionType or kind is MethodType:
            return
        file = code.co_filename
        if file.startswith(("<frozen importlib", _OURS)):  # to import is allowed, and what we do has no effect
            return
        if kind is BuiltinFunctionType:
            reason = self._of_builtin(function, file)
            if reason and function.__module__ == "posix" and (look := look_of(code, function.__name__, first)):
                self.looks.setdefault(look, answer_to(look))
                return
        elif isinstance(function, type):
            reason = f"makes a {function.__name__}" if self._leads_outside(function) else ""
        else:
            known = self._is_known(kind) and not self._leads_outside(kind)
            reason = "" if known else f"calls an object of type {kind.__name__}"
        if reason and not _is_asked_by_us(sys._getframe(1)):
            self.fault = self.fault or reason
            raise Asked(reason)

    def _of_builtin(self, function: Any, file: str) -> str:
        owner, name = function.__self__, function.__name__
        if owner is None or type(owner) is ModuleType:
            module = str(function.__module__ or getattr(owner, "__name__", ""))
            if module in _OUTSIDE:
                allowed = name in _ALLOWED.get(module, ()) and not (name in _FRAMES and self._is_own(file))
                return "" if allowed else f"calls {module.lstrip('_')}.{name}"
            if module in ("builtins", "_io", "io"):
                return f"calls {name}" if name in _SAID or (module != "builtins" and name == "open_code") else ""
            top = module.partition(".")[0]
            known = not module or top in sys.stdlib_module_names or top in _PURE  # of no module: str.maketrans
            return "" if known else f"calls {module}.{name}, of which nothing is known"
        if isinstance(owner, type):
            return f"calls {owner.__name__}.{name}" if name in _NOW else ""
        if isinstance(owner, _random.Random):
            return "draws random numbers"
        kind = type(owner)
        if (kind, name) not in self._methods:
            home = next((one for one in _MRO(kind) if name in vars(one)), kind)
            top = str(vars(home).get("__module__", "builtins")).partition(".")[0]
            known = top in sys.stdlib_module_names or top in _PURE
            self._methods[kind, name] = known and not self._leads_outside(kind)
        return "" if self._methods[kind, name] else f"uses a {kind.__name__}"

    def _leads_outside(self, kind: type) -> bool:
        known = self._outside.get(kind)
        if known is None:
            known = self._outside[kind] = any(map(_is_of_outside, _MRO(kind)))
        return known

    def _is_known(self, kind: type) -> bool:
        """Whether what is called when an instance is shows itself, or is part of Python."""
        if kind in _KNOWN:
            return True
        if kind not in self._types:
            call = next((vars(one)["__call__"] for one in _MRO(kind) if "__call__" in vars(one)), None)
            is_pythons = str(kind.__module__).partition(".")[0] in sys.stdlib_module_names
            self._types[kind] = type(call) is FunctionType or is_pythons
        return self._types[kind]


def _is_asked_by_us(frame: FrameType | None) -> bool:
    """Whether it is our own work for which the standard library calls something."""
    while frame is not None and (file := frame.f_code.co_filename).startswith(_STDLIB) and "site-packages" not in file:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(_OURS)


def _is_of_outside(kind: type) -> bool:
    """Whether a type stands for something outside of the process, or draws random numbers."""
    if kind is _random.Random:
        return True
    module = str(vars(kind).get("__module__", ""))
    if module in ("_io", "io"):
        return kind.__name__ in _STREAMS
    return module in _MAKING_OUTSIDE
