"""The console of `pepperpy-reload repl`: IPython where it is installed, Python's own otherwise."""

from __future__ import annotations

import code
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from pepperpy_reload.errors import SurroundingsError
from pepperpy_reload.integrations.prompt import HANDLE, Prompt, check_name, print_line

PLAIN = "PYTHON_BASIC_REPL"  # Python's own variable for the same wish, since 3.13


def run_console(module: str | None, roots: Sequence[str] | None = None, *, plain: bool | None = None) -> int:
    """Open a console in which imported names follow every reload; returns when the user leaves it.

    With `module` that one is imported first and bound to the last part of its name; an error in it is shown, and it is
    tried again after the next save. `roots` are the directories to follow, None the default ones. `plain` chooses
    Python's own console (True) or IPython (False, SurroundingsError if it is missing); None takes IPython if it is
    installed and PYTHON_BASIC_REPL is not set. Returns 0, or lets through the SystemExit that the user raised.
    Raises UsageError if `module` cannot be the name of one.
    """
    if module:
        check_name(module)
    if plain is None:
        plain = bool(os.environ.get(PLAIN)) or find_spec("IPython") is None
    if plain:
        _run_plain(module, roots)
        return 0
    if find_spec("IPython") is None:
        raise SurroundingsError('IPython is not installed: pip install "pepperpy-reload[repl]"')
    from pepperpy_reload.integrations.ipython import run_ipython

    run_ipython(module, roots, banner())
    return 0


def banner() -> str:
    """What a console says first."""
    return (
        f"pepperpy-reload {version('pepperpy-reload')}: imported names follow every save, between two inputs.\n"
        f"{HANDLE} is the Reloader: {HANDLE}.pending, {HANDLE}.explain(path), {HANDLE}.apply(path)."
    )


class PlainConsole(code.InteractiveConsole):
    """Python's own console, with reloads between its inputs."""

    def __init__(self, prompt: Prompt, namespace: dict[str, Any]) -> None:
        super().__init__(namespace)
        self._prompt = prompt
        self._source = ""

    def raw_input(self, prompt: str = "") -> str:
        """One line from the user; what has changed before is applied before it is asked for, if that needs no wait."""
        if not self.buffer:
            self._prompt.before_input(patience=0)
        return super().raw_input(prompt)

    def runsource(self, source: str, filename: str = "<input>", symbol: str = "single") -> bool:
        """Compile and run a complete input."""
        self._source = source
        return super().runsource(source, filename, symbol)

    def runcode(self, code: CodeType) -> None:
        """Run an input; what has changed meanwhile is applied first."""
        source = self._source
        self._prompt.before_input()
        super().runcode(code)
        self._prompt.after_input(source)


def _run_plain(module: str | None, roots: Sequence[str] | None) -> None:
    with _main_module() as namespace, _line_editing(namespace), Prompt(namespace, roots, print_line) as prompt:
        console = PlainConsole(prompt, namespace)
        console.write(f"Python {sys.version.split()[0]} on {sys.platform}\n{banner()}\n")
        if module:
            prompt.begin_with(module)
        console.interact(banner="", exitmsg="")


@contextmanager
def _main_module() -> Iterator[dict[str, Any]]:
    """A new `__main__`, as the prompt of Python has it: what is defined in it can be pickled."""
    former, arguments = sys.modules["__main__"], sys.argv
    main = ModuleType("__main__")
    vars(main)["__builtins__"] = __builtins__
    sys.modules["__main__"], sys.argv = main, [""]
    try:
        yield vars(main)
    finally:
        sys.modules["__main__"], sys.argv = former, arguments


@contextmanager
def _line_editing(namespace: dict[str, Any]) -> Iterator[None]:
    """History and completion, where there is a terminal and Python has readline."""
    if not sys.stdin.isatty() or find_spec("readline") is None:
        yield
        return
    import readline
    import rlcompleter

    is_editline = "libedit" in (readline.__doc__ or "") or getattr(readline, "backend", "") == "editline"
    readline.parse_and_bind("bind ^I rl_complete" if is_editline else "tab: complete")
    readline.set_completer(rlcompleter.Completer(namespace).complete)
    history = _history_file()
    try:
        readline.read_history_file(history)
    except OSError:  # none yet
        readline.clear_history()
    try:
        yield
    finally:
        readline.set_completer(None)
        _write_history(history)


def _history_file() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "pepperpy-reload" / "history"


def _write_history(path: Path) -> None:
    import readline

    readline.set_history_length(2000)
    try:
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)  # what is typed may be secret
        readline.write_history_file(path)
    except OSError as error:
        print_line(f"the history could not be kept: {error}")
