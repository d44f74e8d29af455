"""The fresh process that imports what is to be profiled: a program. What it saw goes to a descriptor, marshalled.

It imports nothing that an interpreter has not loaded by itself: whatever it loaded would be missing from the profile.
Every load of a module goes through `importlib._bootstrap._find_and_load`, whoever asks for it: import statements,
`import_module`, extension modules. CPython looks the function up at each load, so one in its place sees them all, each
on its own thread (`-X importtime` keeps one nesting for all threads, and prints negative times).

What is seen: loads, as tuples `(name, thread, parent, importer, file, line, start, end, memory, error, compiled, kind,
origin, deeds)` in the order in which they began, where `parent` is the number of the load that they happened in, -1 at
the top; uses, `importer, file, line, function, name, names, level, package, thread, time, missing, ended, inside` for
each import statement that ran, all in one flat list: that is no work for garbage collection. Times are nanoseconds of
work from the start, without what recording loads took (a statement costs about a microsecond more than plain); memory
is in pages.
"""

from __future__ import annotations

import _thread
import builtins
import marshal
import os
import sys
import time

TYPE_CHECKING = False  # `typing` may not be loaded here
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

_bootstrap: Any = sys.modules["_frozen_importlib"]
_external: Any = sys.modules["_frozen_importlib_external"]
_clock, _ident, _frame, _loaded = time.perf_counter_ns, _thread.get_ident, sys._getframe, sys.modules
_IMPORTLIB = ("<frozen importlib", f"importlib{os.sep}__init__.py")

loads: list[list[Any]] = []
uses: list[object] = []
_note = uses.extend
called: set[tuple[str, int]] = set()
_seen: set[tuple[object, ...]] = set()
_threads: dict[int, _Thread] = {}
_watching = False


class _Thread:
    """What one thread is loading: the numbers of the loads, and the nanoseconds that recording them has cost it.

    `last` is when it last began or ended a load: statements ask no clock, which would cost more than all else here.
    """

    __slots__ = ("ident", "last", "lost", "stack")

    def __init__(self, ident: int) -> None:
        self.ident = ident
        self.stack: list[int] = []
        self.lost = 0
        self.last = _clock()


def _thread_here() -> _Thread:
    ident = _ident()
    found = _threads.get(ident)
    if found is None:
        found = _threads[ident] = _Thread(ident)
    return found


def _memory(now: int) -> int:
    """Resident memory in pages; 0 where the system does not tell. It is not read again within a fifth of a ms."""
    if _statm >= 0 and now - _read[0] > 200_000:
        _read[:] = now, int(os.pread(_statm, 64, 0).split()[1])
    return _read[1]


_read = [-200_001, 0]


try:
    _statm = os.open("/proc/self/statm", os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
except OSError:
    _statm = -1


def _asker(frame: FrameType | None) -> FrameType | None:
    """The frame that wants the import: the first one that is not importlib's or ours."""
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(_IMPORTLIB[0]) and not name.endswith(_IMPORTLIB[1]):
            return frame if name != __file__ else None
        frame = frame.f_back
    return None


def _state() -> tuple[int, ...]:
    """What of the whole process a module may change when it is loaded, counted."""
    exits = getattr(_loaded.get("atexit"), "_ncallbacks", None)
    filters = getattr(_loaded.get("warnings"), "filters", ())
    counts = (_thread._count(), len(sys.meta_path) + len(sys.path_hooks), len(_variables), len(filters))
    return (*counts, exits() if exits is not None else 0)


_variables: Any = getattr(os.environ, "_data", os.environ)  # itself it counts in Python

_DEEDS = (
    "starts threads", "adds import hooks", "sets environment variables", "adds filters for warnings",
    "registers exit handlers",
)  # fmt: skip


def _deeds(number: int, inner: dict[int, list[int]]) -> list[str]:
    """What a module did itself, without those that were loaded inside of it."""
    own = [done - before for done, before in zip(loads[number][12], loads[number][11], strict=True)]
    for child in inner.get(number, ()):
        for place, (done, before) in enumerate(zip(loads[child][12], loads[child][11], strict=True)):
            own[place] -= done - before
    return [text for text, count in zip(_DEEDS, own, strict=False) if count > 0]  # nothing if nobody watched


def _load(name: str, import_: object) -> object:
    began = _clock()
    here = _thread_here()
    if name in _loaded:  # somebody else is loading it, and we wait
        return _plain_load(name, import_)
    asker = _asker(_frame(1))
    row: list[Any] = [name, _ident(), here.stack[-1] if here.stack else -1]
    row += [asker.f_globals.get("__name__", ""), asker.f_code.co_filename, asker.f_lineno] if asker else ["", "", 0]
    row += [0, 0, _memory(began), "", False, _state() if _watching else (), ()]
    here.stack.append(len(loads))
    loads.append(row)
    start = _clock()
    here.lost += start - began
    row[6] = start - here.lost
    here.last = row[6] + 1
    try:
        return _plain_load(name, import_)
    except BaseException as error:
        row[9] = f"{type(error).__name__}: {error}"
        raise
    finally:
        end = _clock()
        row[7] = end - here.lost
        here.last = row[7] + 1
        row[8] = _memory(end) - row[8]
        if _watching:
            row[12] = _state()
        here.stack.pop()
        here.lost += _clock() - end


def _statement(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> object:
    here = _threads.get(_ident()) or _thread_here()
    now = here.last
    module = _plain_statement(name, globals, locals, fromlist, level)
    inside = here.stack[-1] if here.stack else -1
    frame = _frame(1)
    code = frame.f_code
    importer = frame.f_globals.get("__name__", "")
    function = code.co_name
    if function == "<module>":  # that runs once
        function = ""
    else:
        key = (importer, code.co_filename, code.co_firstlineno, frame.f_lasti, inside)
        if key in _seen:
            return module
        _seen.add(key)
    missing: tuple[str, ...] = ()
    if fromlist and here.stack and getattr(getattr(module, "__spec__", None), "_initializing", False):
        missing = _missing(module, fromlist)
    package = ((globals or {}).get("__package__") or "") if level else ""
    _note((importer, code.co_filename, frame.f_lineno, function, name, fromlist or (), level, package, here.ident, now,
           missing, here.last, inside))  # fmt: skip
    return module


def _missing(module: object, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names that a module which is still being executed has not bound yet."""
    spec = getattr(module, "__spec__", None)
    if "__getattr__" in vars(module):  # it may give what it has not bound
        return ()
    home = spec.name if spec is not None else ""
    return tuple(one for one in names if one not in vars(module) and one != "*" and f"{home}.{one}" not in _loaded)


def _by_name(name: str, package: Any = None, level: int = 0) -> object:
    asker = _asker(_frame(1))
    if asker is not None:
        here = _thread_here()
        full = _bootstrap._resolve_name(name, package, level) if level else name
        function = "" if asker.f_code.co_name == "<module>" else asker.f_code.co_name
        where = (asker.f_globals.get("__name__", ""), asker.f_code.co_filename, asker.f_lineno, function)
        inside = here.stack[-1] if here.stack else -1
        _note((*where, full, (), 0, "", here.ident, here.last, (), 0, inside))
    return _plain_by_name(name, package, level)


def _to_code(self: object, *arguments: object, **options: object) -> object:
    stack = _thread_here().stack
    if stack:
        loads[stack[-1]][10] = True
    return _plain_to_code(self, *arguments, **options)


def _disguise(function: Any) -> Any:
    """Have Python leave a function out of tracebacks and of what `warnings` counts, as it does with importlib's own."""
    function.__code__ = function.__code__.replace(co_filename="<frozen importlib._bootstrap>")
    return function


_plain_load, _plain_statement = _bootstrap._find_and_load, builtins.__import__
_plain_by_name, _plain_to_code = _bootstrap._gcd_import, _external.SourceLoader.source_to_code


def _watch_calls() -> None:
    """Note which functions run, by file and first line (3.12 and newer; each code object tells once)."""
    monitoring = sys.monitoring  # type: ignore[attr-defined]
    tool = next((one for one in (4, 3) if monitoring.get_tool(one) is None), None)
    if tool is None:
        return
    monitoring.use_tool_id(tool, "pepperpy-reload profile")

    def starts(code: CodeType, _offset: int) -> object:
        if code.co_flags & 0x1:  # a function's: neither a module's nor a class's
            called.add((code.co_filename, code.co_firstlineno))
        return monitoring.DISABLE

    monitoring.register_callback(tool, monitoring.events.PY_START, starts)
    monitoring.set_events(tool, monitoring.events.PY_START)


def _kind(name: str, compiled: object) -> str:
    module = _loaded.get(name)
    spec = getattr(module, "__spec__", None)
    loader = getattr(spec, "loader", None)
    if loader is None:
        return "namespace" if spec is not None else "other"
    kind = loader.__name__ if isinstance(loader, type) else type(loader).__name__
    known = {"BuiltinImporter": "built-in", "FrozenImporter": "frozen", "ExtensionFileLoader": "extension"}
    known |= {"NamespaceLoader": "namespace", "SourcelessFileLoader": "bytecode"}
    if isinstance(loader, _external.SourceLoader):
        return "source" if compiled else "bytecode"
    return known.get(kind, "other")


class Missing(Exception):  # noqa: N818 - its name is told
    """The target names something that is not there."""


def _run(target: str) -> None:
    """Import a module, resolve `module:attribute`, or run a script as `__main__`."""
    if target.endswith(".py") or os.sep in target:
        sys.argv = [target]
        with open(target, "rb") as file:  # noqa: PTH123 - `pathlib` may not be loaded here
            code = compile(file.read(), target, "exec")
        main = _loaded["__main__"] = type(sys)("__main__")  # ours stays as it is: it is still needed
        vars(main).update({"__file__": target, "__builtins__": builtins})
        exec(code, vars(main))
        return
    name, _, attribute = target.partition(":")
    _plain_statement(name)  # this is no import of anybody's
    found = _loaded[name]
    for part in attribute.split(".") if attribute else ():
        if not hasattr(found, part):
            raise Missing(f"{name} has no attribute {attribute}")
        found = getattr(found, part)


def _outcome(target: str) -> tuple[BaseException | None, int]:
    """What the target raised, None if nothing, and when it began."""
    began = _clock()
    try:
        _run(target)
    except SystemExit:
        return None, began
    except BaseException as problem:  # noqa: BLE001 - whatever the target raises is told
        return problem, began
    return None, began


def _show(problem: BaseException) -> None:
    """Write the target's traceback; one that has not begun leaves none, and its error says it all."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, "<frozen importlib._bootstrap>"):
        trace = trace.tb_next
    if trace is not None:
        sys.excepthook(type(problem), problem.with_traceback(trace), trace)


def _flush() -> None:
    """What the target has printed is not lost with the process."""
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105 - `contextlib` may not be loaded here
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass


def _main(target: str, output: int, search: list[str], how: str) -> None:
    global _watching
    _watching = how == "watched"
    sys.path[:0] = search
    _loaded.pop("__future__", None)  # only this file wanted it
    if how == "plain":
        problem, _ = _outcome(target)
        if problem is not None:
            _show(problem)
        _flush()
        os._exit(int(problem is not None))
    _bootstrap._find_and_load = _disguise(_load)
    _bootstrap._gcd_import = _disguise(_by_name)
    builtins.__import__ = _disguise(_statement)
    _external.SourceLoader.source_to_code = _disguise(_to_code)
    if _watching and hasattr(sys, "monitoring"):
        _watch_calls()
    problem, began = _outcome(target)
    builtins.__import__, _bootstrap._find_and_load = _plain_statement, _plain_load
    if problem is not None and type(problem) is not Missing:
        _show(problem)
    error = "" if problem is None else f"{type(problem).__name__}: {problem}"
    for row in loads:
        row.append(_kind(str(row[0]), row[10]))
        row.append(getattr(_loaded.get(str(row[0])), "__file__", None) or "")
    inner: dict[int, list[int]] = {}
    for number, row in enumerate(loads):
        row[12] = row[12] or row[11]  # it never ended
        inner.setdefault(row[2], []).append(number)
    rows = [(*row[:11], *row[13:], _deeds(number, inner)) for number, row in enumerate(loads)]
    modules = list(_loaded)
    seen = (began, rows, uses, sorted(called), modules, error, os.sysconf("SC_PAGE_SIZE") if _statm >= 0 else 0)
    data = memoryview(marshal.dumps(seen))
    while data:
        data = data[os.write(output, data) :]
    _flush()
    os._exit(0)  # without what the target's threads and exit handlers would do


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), sys.argv[4:], sys.argv[3])
