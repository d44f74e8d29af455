"""IPython and Jupyter: `pepperpy-reload repl` in IPython, and `%load_ext pepperpy_reload` in any session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pepperpy_reload.integrations.prompt import HANDLE, Prompt, print_line

_ATTRIBUTE = "_pepperpy_reload_prompt"


class Attached:
    """An IPython shell with reloads between its cells."""

    def __init__(self, shell: Any, roots: Sequence[str] | None = None) -> None:
        self._shell = shell
        self.prompt = Prompt(shell.user_ns, roots, print_line)
        shell.user_ns_hidden[HANDLE] = shell.user_ns[HANDLE]

    def start(self) -> None:
        """Begin. The names that earlier cells have imported follow, too."""
        self.prompt.start()
        for source in self._shell.user_ns.get("In", ()):
            self.prompt.names.note(source)
        self._shell.events.register("pre_run_cell", self._before_cell)
        self._shell.events.register("post_run_cell", self._after_cell)

    def stop(self) -> None:
        """Undo `start`."""
        self._shell.events.unregister("pre_run_cell", self._before_cell)
        self._shell.events.unregister("post_run_cell", self._after_cell)
        self._shell.user_ns_hidden.pop(HANDLE, None)
        self.prompt.stop()

    def _before_cell(self, _info: object) -> None:
        self.prompt.before_input()

    def _after_cell(self, result: Any) -> None:
        info = result.info
        self.prompt.after_input(getattr(info, "transformed_cell", None) or info.raw_cell or "")


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext pepperpy_reload`: saved files are applied before each cell, and imported names follow."""
    if getattr(shell, _ATTRIBUTE, None) is None:
        attached = Attached(shell)
        attached.start()
        setattr(shell, _ATTRIBUTE, attached)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext pepperpy_reload`: leaves everything as it is now."""
    attached: Attached | None = getattr(shell, _ATTRIBUTE, None)
    if attached is not None:
        setattr(shell, _ATTRIBUTE, None)
        attached.stop()


def run_ipython(module: str | None, roots: Sequence[str] | None, banner: str) -> None:
    """A whole IPython, configured as the user's own, until the user leaves it."""
    from IPython.terminal.ipapp import TerminalIPythonApp
    from traitlets.config import Config

    config = Config()
    config.TerminalInteractiveShell.banner2 = f"{banner}\n"
    app: Any = TerminalIPythonApp.instance(config=config)
    app.initialize([])
    attached = Attached(app.shell, roots)
    attached.start()
    setattr(app.shell, _ATTRIBUTE, attached)
    try:
        if module:
            attached.prompt.begin_with(module)
        app.start()
    finally:
        unload_ipython_extension(app.shell)
