"""The fresh process that imports what is to be profiled: a program. What it saw goes to a descriptor, marshalled.

It imports nothing that an interpreter has not loaded by itself: whatever it loaded would be missing from the profile.
Every load of a module goes through `importlib._bootstrap._find_and_load`, whoever asks for it: import statements,
`import_module`, extension modules. CPython looks the function up at each load, so one in its place sees them all, each
on its own thread (`-X importtime` keeps one nesting for all threads, and prints negative times).

What is seen goes out raw, for `profiling.testimony` to read: work that is left to the reader is no time of the target.
Loads, by number, as `[name, thread, parent, importer, code, start, end, memory, error, compiled, before, after, kind,
origin]` in the order in which they began, where `parent` is the number of the load that they happened in, -1 at the
top, `code` is where they were asked for, and `before` and `after` count what the process has. Uses, one behind the
other and marshalled by the hundred, for that is no work for garbage collection and keeps no code alive: `place,
instruction, name, names, level, before, after` for each import statement that ran, where `before` and `after` are
moments on its thread, as twice the number of the load that began last, one more if that had ended; None if there was
none. Times are nanoseconds of work from the start, without what recording loads took (a statement costs less than a
microsecond more than plain); memory is in pages.
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
_of_bootstrap, _of_external, _ours = vars(_bootstrap), vars(_external), globals()

loads: dict[int, list[Any]] = {}
_number = iter(range(sys.maxsize)).__next__
uses: list[bytes] = []
_ENOUGH = 700  # items of uses that wait
called: list[object] = []
_seen: set[tuple[object, ...]] = set()
_threads: dict[int, _Thread] = {}
_under_way: set[str] = set()
births: list[tuple[int, int]] = []
_watching = False


class _Thread:
    """What one thread is loading: the numbers of the loads, and the nanoseconds that recording them has cost it.

    `waiting` are the uses that are not marshalled yet. `last` is the moment when it last began or ended a load:
    statements ask no clock, which would cost more than all else here. `place` is that of the last statement at module
    level, if it was run by `table` in `space` since then.
    """

    __slots__ = ("ident", "last", "lost", "note", "place", "space", "stack", "table", "waiting")

    def __init__(self, ident: int) -> None:
        self.ident = ident
        self.stack: list[int] = []
        self.lost = 0
        self.last: int | None = None
        self.place: tuple[Any, ...] = ()
        self.table: bytes | None = None
        self.space: object = None
        self.waiting: list[object] = []
        self.note = self.waiting.extend

    def flush(self) -> None:
        uses.append(_marshalled(self.waiting))
        self.waiting.clear()


def _marshalled(data: Any) -> bytes:
    try:
        return marshal.dumps(data)
    except ValueError:  # a name of a type of its own, such as a member of an enum
        return marshal.dumps(_plain(data))


def _plain(data: Any) -> Any:
    if isinstance(data, (tuple, list)):
        return [_plain(one) for one in data] if type(data) is list else tuple(map(_plain, data))
    if isinstance(data, str):
        return "".join(data)  # exactly a string
    return data if data is None or type(data) in (int, bool, bytes) else repr(data)


def _thread_here() -> _Thread:
    ident = _ident()
    found = _threads.get(ident)
    if found is None:
        births.append((ident, _clock()))
        found = _threads[ident] = _Thread(ident)
    return found


def _memory(now: int) -> int:
    """Resident memory in pages; 0 where the system does not tell. It is not read again within half a ms."""
    if _statm >= 0 and now - _read[0] > 500_000:
        _read[:] = now, int(os.pread(_statm, 64, 0).split()[1])
    return _read[1]


_read = [-500_001, 0]


try:
    _statm = os.open("/proc/self/statm", os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
except OSError:
    _statm = -1


def _asker(frame: FrameType | None) -> FrameType | None:
    """The frame that wants the import: the first one that is not importlib's or ours."""
    while frame is not None:
        space = frame.f_globals
        if not (
            space is _ours or space is _of_bootstrap or space is _of_external or space.get("__name__") == "importlib"
        ):
            return frame
        frame = frame.f_back
    return None


def _state() -> tuple[int, ...]:
    """What of the whole process a module may change when it is loaded, counted."""
    exits = getattr(_loaded.get("atexit"), "_ncallbacks", None)
    filters = getattr(_loaded.get("warnings"), "filters", ())
    counts = (_thread._count(), len(sys.meta_path) + len(sys.path_hooks), len(_variables), len(filters))
    return (*counts, exits() if exits is not None else 0)


_variables: Any = getattr(os.environ, "_data", os.environ)  # itself it counts in Python


def _load(name: str, import_: object) -> object:
    began = _clock()
    here = _threads.get(_ident()) or _thread_here()
    if name in _loaded:  # somebody else is loading it, and we wait
        return _plain_load(name, import_)
    asker = _asker(_frame(1))
    stack = here.stack
    parent = stack[-1] if stack else -1
    importer, code = (asker.f_globals.get("__name__", ""), _place(asker)) if asker is not None else ("", None)
    state = _state() if _watching else ()
    row: list[Any] = [name, here.ident, parent, importer, code, 0, 0, _memory(began), "", False, state, state]
    number = _number()
    loads[number] = row
    stack.append(number)
    here.last = 2 * number
    here.table = here.space = None
    start = _clock()
    here.lost += start - began
    _under_way.add(name)
    row[5] = start - here.lost
    try:
        return _plain_load(name, import_)
    except BaseException as error:
        row[8] = f"{type(error).__name__}: {error}"
        raise
    finally:
        end = _clock()
        row[6] = end - here.lost
        _under_way.discard(name)
        row[7] = _memory(end) - row[7]
        if _watching:
            row[11] = _state()
        stack.pop()
        here.last = 2 * number + 1
        here.table = here.space = None
        if len(here.waiting) > _ENOUGH:
            here.flush()
        here.lost += _clock() - end


def _place(frame: FrameType) -> tuple[str, bytes, int, int]:
    """Where a frame is, for somebody who has the time to look the line up: from here it costs most in long modules."""
    code = frame.f_code
    return (code.co_filename, code.co_linetable, code.co_firstlineno, frame.f_lasti)


def _statement(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> object:
    here = _threads.get(_ident()) or _thread_here()
    before = here.last
    module = _plain_statement(name, globals, locals, fromlist, level)
    frame = _frame(1)
    code = frame.f_code
    if (code.co_linetable is not here.table or globals is not here.space) and not _moved(here, frame, code, globals):
        return module
    if fromlist and (level or name in _under_way) and (missing := _missing(module, fromlist)):
        name = (name, missing)  # type: ignore[assignment]
    here.note((here.place, frame.f_lasti, name, fromlist, level, before, here.last))
    return module


def _moved(here: _Thread, frame: FrameType, code: CodeType, globals: Any) -> bool:
    """Have a thread know where this statement is; whether that is to be noted."""
    importer = frame.f_globals.get("__name__", "")
    inside = here.stack[-1] if here.stack else -1
    here.table = here.space = None
    function = code.co_name
    if function == "<module>":  # that runs once
        function = ""
        if importer == (loads[inside][0] if inside >= 0 else "__main__"):
            here.table, here.space = code.co_linetable, globals
    else:
        key = (importer, code.co_filename, code.co_firstlineno, frame.f_lasti, inside)
        if key in _seen:
            return False
        _seen.add(key)
    package = (globals or {}).get("__package__") or ""
    where = (code.co_filename, code.co_linetable, code.co_firstlineno)
    here.place = (importer, *where, function, package, here.ident, inside)
    return True


def _missing(module: object, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names that a module has not bound yet, if it is still being executed."""
    try:
        spec = module.__spec__  # type: ignore[attr-defined]
        if not spec._initializing or "__getattr__" in vars(module):  # it may give what it has not bound
            return ()
    except AttributeError:
        return ()
    return tuple(one for one in names if one not in vars(module) and one != "*" and f"{spec.name}.{one}" not in _loaded)


def _by_name(name: str, package: Any = None, level: int = 0) -> object:
    asker = _asker(_frame(1))
    if asker is not None:
        here = _threads.get(_ident()) or _thread_here()
        full = _bootstrap._resolve_name(name, package, level) if level else name
        function = "" if asker.f_code.co_name == "<module>" else asker.f_code.co_name
        *where, instruction = _place(asker)
        inside = here.stack[-1] if here.stack else -1
        place = (asker.f_globals.get("__name__", ""), *where, function, "", here.ident, inside)
        here.note((place, instruction, full, (), 0, here.last, here.last))
    return _plain_by_name(name, package, level)


def _to_code(self: object, *arguments: object, **options: object) -> object:
    stack = _thread_here().stack
    if stack:
        loads[stack[-1]][9] = True
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
    ran, disable = called.extend, monitoring.DISABLE

    def starts(code: CodeType, _offset: int) -> object:
        if code.co_flags & 0x1:  # a function's: neither a module's nor a class's
            ran((code.co_filename, code.co_firstlineno))
        return disable

    monitoring.register_callback(tool, monitoring.events.PY_START, starts)
    monitoring.set_events(tool, monitoring.events.PY_START)


_KINDS = {"BuiltinImporter": "built-in", "FrozenImporter": "frozen", "ExtensionFileLoader": "extension"}
_KINDS |= {"NamespaceLoader": "namespace", "SourcelessFileLoader": "bytecode"}


def _kind(module: object, compiled: object) -> str:
    spec = getattr(module, "__spec__", None)
    loader = getattr(spec, "loader", None)
    if loader is None:
        return "namespace" if spec is not None else "other"
    if isinstance(loader, _external.SourceLoader):
        return "source" if compiled else "bytecode"
    return _KINDS.get(loader.__name__ if isinstance(loader, type) else type(loader).__name__, "other")


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
    for thread in list(_threads.values()):
        thread.flush()
    rows = sorted(loads.items())
    for _, row in rows:
        module = _loaded.get(row[0])
        row.append(_kind(module, row[9]))
        row.append(getattr(module, "__file__", None) or "")
    page = os.sysconf("SC_PAGE_SIZE") if _statm >= 0 else 0
    seen = (began, rows, uses, called, list(_loaded), births, error, page)
    data = memoryview(_marshalled(seen))
    while data:
        data = data[os.write(output, data) :]
    _flush()
    os._exit(0)  # without what the target's threads and exit handlers would do


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), sys.argv[4:], sys.argv[3])
