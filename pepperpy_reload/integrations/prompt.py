"""What all consoles share: changes are collected while the user types, and applied between two inputs."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pepperpy_reload.core.batch import CAP
from pepperpy_reload.core.report import ReloadReport, ReloadStatus, summary
from pepperpy_reload.drawing.circle import cycle_text
from pepperpy_reload.drawing.excerpt import excerpt, plain
from pepperpy_reload.drawing.news import Trouble
from pepperpy_reload.errors import UsageError, UserCodeError
from pepperpy_reload.importing.modules import ModuleManager
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.integrations.changes import Collected, LoadedFiles
from pepperpy_reload.integrations.names import ImportedNames, Origin
from pepperpy_reload.reloading.optimizer import ImportOptimizer
from pepperpy_reload.reloading.reloader import Reloader
from pepperpy_reload.reloading.usercode import calling_user_code
from pepperpy_reload.watching.observer import Watcher

if TYPE_CHECKING:
    from pepperpy_reload.core.cycles import Circle

HANDLE = "reloader"
"""The name under which a console's namespace has the Reloader."""
Show = Callable[[str], object]
_FEW = 4  # names told one by one


class Prompt:
    """The reloader of a console with this namespace.

    `show` is given one line of text, or a few, for the user. Files are watched from `start` to `stop`; nothing is
    applied but by `before_input`, in the thread that calls it. `namespace` gets the Reloader as `reloader`.
    """

    def __init__(self, namespace: dict[str, Any], roots: Sequence[str] | None, show: Show) -> None:
        self._namespace = namespace
        self._show = show
        self._reports: list[ReloadReport] = []
        self._cycles: list[Circle] = []
        self._collected = Collected()
        self._notices: list[str] = []
        self._loaded = LoadedFiles()
        self._wanted = ""
        self.names = ImportedNames(namespace)
        self.reloader = Reloader(
            ImportOptimizer(ModuleManager()), roots, on_report=self._reports.append, on_cycle=self._cycles.append
        )
        namespace.setdefault(HANDLE, self.reloader)
        self._watcher: Watcher | None = None

    def start(self) -> Self:
        """Record imports and collect changes from now on."""
        self.reloader.optimizer.install()
        roots = recorder.roots.directories()
        self._watcher = Watcher(roots, on_event=self._collected.hear, on_notice=self._notices.append).start()
        self._loaded.changed()
        return self

    def stop(self) -> None:
        """Undo `start`. What has been reloaded stays."""
        if self._watcher is not None:
            self._watcher.stop()
        self.reloader.optimizer.uninstall()
        if self._namespace.get(HANDLE) is self.reloader:
            del self._namespace[HANDLE]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    # --- between inputs

    def before_input(self, patience: float = CAP) -> None:
        """Apply what has changed. A batch that is half-way is waited for, `patience` seconds at most; 0: it is left."""
        taken = self._collected.take(self._loaded.changed(), patience)
        paths = sorted(path for path in taken if not self._loaded.is_in_vain(path))
        if paths:
            self.reloader.apply(paths)
        self._tell()
        if self._wanted and not all(map(self._loaded.is_as_tried, taken)):
            self.begin_with(self._wanted)

    def after_input(self, source: str) -> None:
        """`source` has been executed in the namespace."""
        self.names.note(source)
        self._tell()  # the input may have asked the reloader itself

    def begin_with(self, module: str) -> None:
        """Import a module and bind it to the last part of its name, now or when it can be imported."""
        self._wanted = ""
        name = module.rpartition(".")[2]
        try:
            with calling_user_code():
                self._namespace[name] = importlib.import_module(module)
        except UserCodeError as error:
            self._wanted = module
            self._loaded.suspect(error.file)
            self._show(f"{module} could not be imported; this is tried again after the next save\n{plain(str(error))}")
        else:
            self.names.track(name, Origin(module))
            self._show(f"imported {module}{f' as {name}' if name != module else ''}")

    def _tell(self) -> None:
        while self._notices:
            self._show(self._notices.pop(0))
        while self._reports:
            report = self._reports.pop(0)
            if report.status is not ReloadStatus.UNCHANGED:
                self._show("\n".join(self._lines(report)))
            for note in report.notes:
                self._show(note)
        while self._cycles:
            cycle = self._cycles.pop(0)
            self._show(plain(f"new import cycle, {cycle.harm}: {cycle_text(cycle)}"))

    def _lines(self, report: ReloadReport) -> Iterator[str]:
        if report.status is ReloadStatus.FAILED and report.error is not None:
            yield summary(report)
            yield from _excerpt(Trouble(str(report.error), report.error.file, report.error.line))
        elif report.status is ReloadStatus.RESTART:
            yield f"{summary(report)}; leave the console and open it again"
        else:
            followed = self.names.follow(_modules(report))
            renewed = (
                f"; {_listed(followed.renewed)} follow{'s' if len(followed.renewed) == 1 else ''}"
                if followed.renewed
                else ""
            )
            yield f"{summary(report)}{renewed}"
            if followed.gone:
                yield f"no longer there to be imported, but kept here: {_listed(followed.gone)}"


def check_name(module: str) -> None:
    """UsageError if this cannot be the name of a module."""
    if not all(part.isidentifier() for part in module.split(".")) or Path(module).is_file():
        guess = module.removesuffix(".py").replace("/", ".")
        hint = f"; try -m {guess}" if all(part.isidentifier() for part in guess.split(".")) else ""
        raise UsageError(f"-m takes the name of a module, such as app.models, not {module!r}{hint}")


def print_line(text: str) -> None:
    """Show a text on standard error, each line of it as a comment: what is copied from a console stays Python."""
    sys.stdout.flush()
    for line in text.splitlines():
        print(f"# {line}".rstrip(), file=sys.stderr, flush=True)  # noqa: T201 - a console is where this belongs


def _modules(report: ReloadReport) -> set[str]:
    """The modules in which names may have other values than before."""
    statements = (statement.rpartition(":")[0] for statement in report.ran)
    names = (name.rpartition(".")[0] for name in report.dropped)
    return {*report.imported, *report.dropped, *statements, *names}


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(names[:_FEW]) + more


def _excerpt(trouble: Trouble) -> Iterator[str]:
    shown = excerpt(trouble)
    width = len(str(trouble.line))
    yield from (f"  {number:>{width}} | {line}" for number, line in shown.lines)
    if shown.carets:
        yield f"  {'':>{width}} | {shown.carets}"
