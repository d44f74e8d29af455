"""Reloader: batch -> plan -> apply -> report."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import CodeType, TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.core.chain import cycle_line
from pepperpy_reload.core.plan import ReloadPlan
from pepperpy_reload.core.report import ReloadReport, ReloadStatus, summary
from pepperpy_reload.core.statement import forget_trees
from pepperpy_reload.errors import ReloadError, RestartNeeded, UserCodeError
from pepperpy_reload.importing.footprint import Footprint
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading import ahead, engine, underway
from pepperpy_reload.reloading.attempt import Attempt, Prepared, pin_running
from pepperpy_reload.reloading.cyclenews import CycleNews
from pepperpy_reload.reloading.files import Contents, contents_of, overtaken
from pepperpy_reload.reloading.gate import Opening, gate_for
from pepperpy_reload.reloading.optimizer import ImportOptimizer
from pepperpy_reload.reloading.reports import healed, report_of
from pepperpy_reload.reloading.stopwatch import stopwatch
from pepperpy_reload.reloading.usercode import without_frames

if TYPE_CHECKING:
    from pepperpy_reload.core.cycles import Circle
    from pepperpy_reload.watching.authored import Authored
    from pepperpy_reload.watching.observer import Watcher

Path = str | os.PathLike[str]


class Settle(Protocol):
    """What is served by the program, and has to follow a reload; see serving.session."""

    def refuse(self, planned: ReloadReport) -> str:
        """Why what is planned cannot be done, or ""; nothing has been done yet."""

    def concerns(self) -> bool:
        """Whether functions that have just been patched concern it."""

    def has_to_follow(self) -> bool:
        """The new code has run: whether there is more to do. Called where it runs; raises ReloadError likewise."""

    def __call__(self, report: ReloadReport) -> str | None:
        """There is: follow it; a note for the user, or None. Raises ReloadError to have it taken back."""

    def undo(self) -> None:
        """It has been taken back."""


class Reloader:
    """Brings this process up to date with its source files.

    `roots` are the directories whose modules are the user's own (default: the working directory and every entry of
    `sys.path` that is no library). `gate` says where a reload may happen: an asyncio loop (between its callbacks), a
    context manager (inside it), None (at once, in the thread that asks). `on_report` is called with every
    ReloadReport; without it a running reloader prints one line for each on standard error. `on_restart` is called with
    the report of a batch that needs a new process; without it such a batch stays in `pending` and is tried again, with
    a line each time, together with the next one. `on_cycle` is called with each import cycle that an edit has brought,
    also if that could not be done; without it, and without `on_report`, a running reloader prints one line for each.
    """

    def __init__(
        self,
        optimizer: ImportOptimizer,
        roots: Sequence[Path] | None = None,
        gate: object = None,
        on_report: Callable[[ReloadReport], object] | None = None,
        on_restart: Callable[[ReloadReport], object] | None = None,
        *,
        on_cycle: Callable[[Circle], object] | None = None,
        settle: Settle | None = None,
        ignore: Sequence[str] = (),
    ) -> None:
        self.optimizer = optimizer
        self.gate = gate_for(gate)
        self._on_report = on_report
        self._on_restart = on_restart
        self._on_cycle = on_cycle
        self._cycles = CycleNews(on_cycle or _print_cycle)
        self._settle = settle
        self._ignore = tuple(ignore)
        self._turn = threading.RLock()
        self._busy = False
        self._waiting: dict[str, None] = {}
        self._early: frozenset[str] = frozenset()
        self._foreseen: tuple[Contents, Prepared] | None = None
        """The files of a batch that needs a new process, as they were when that was found out."""
        self._attempt: Attempt | None = None
        self._replaced: dict[int, CodeType] = {}
        self._watcher: Watcher | None = None
        self._authored: Authored | None = None
        if roots is not None:
            recorder.roots.narrow(roots)

    # --- watching

    def start(self) -> Self:
        """Watch the roots in the background and apply what changes; returns self.

        Edits made since the modules were imported are applied at once. Use `stop()` or a `with` block to end it.
        """
        if self.optimizer not in sys.meta_path:
            self.optimizer.install()
        if self._watcher is None:
            from pepperpy_reload.watching.authored import Authored  # a served program is watched by its supervisor
            from pepperpy_reload.watching.observer import Watcher

            self._authored = Authored()
            recorder.on_write = self._wrote
            watcher = Watcher(
                list(recorder.roots.directories()), on_event=self._heard, on_notice=_print, exclude=self._ignore
            )
            self._watcher = watcher.start()
            self.catch_up()
        return self

    def stop(self) -> None:
        """Stop watching. What has been reloaded stays."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()
            recorder.on_write = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _wrote(self, path: str) -> None:
        """What is written meanwhile comes of the reload itself; at any other time this process may be the editor."""
        if self._busy and self._authored is not None:
            self._authored.wrote(path)

    def _heard(self, event: Hint | Quiet) -> None:
        if self._authored is None:
            return
        paths = self._authored.heeded(event.paths)
        report = self.notice(event._replace(paths=paths)) if paths else None
        if report is None or report.status is ReloadStatus.UNCHANGED:
            return
        if tired := self._authored.acted(report.paths):
            self._tell(ReloadReport(ReloadStatus.UNCHANGED, notes=(tired,)))

    # --- batches

    @property
    def pending(self) -> frozenset[str]:
        """The files of batches that failed or need a restart: they are tried again with the next batch."""
        return frozenset(self._waiting)

    def apply(self, paths: Path | Iterable[Path]) -> ReloadReport:
        """Bring the process up to date with these files, as one batch, together with those that are pending.

        Synchronous and thread-safe; never raises what user code raises: that is in the report. A call from user code
        that is being reloaded at the moment only puts its files into `pending`.
        """
        with self._turn:
            if self._busy:
                self._waiting.update(dict.fromkeys(_listed(paths)))
                return ReloadReport(ReloadStatus.UNCHANGED, notes=("a reload is under way; this batch follows it",))
            stopwatch.start()
            return self._apply(_listed(paths))

    def notice(self, event: Hint | Quiet) -> ReloadReport | None:
        """Take an event from a watcher; None if there is nothing to say about it (yet).

        The first change after a silence is applied at once if that only patches functions, computes values and binds
        them, and makes everything right that has failed. All else, and every error, waits until the batch is complete.
        """
        if isinstance(event, Quiet):
            early, self._early = self._early, frozenset()
            report = self._as_foreseen(event.paths) or self.apply(event.paths)
            says_nothing = report.status is ReloadStatus.UNCHANGED and not report.notes
            return None if says_nothing and event.paths <= early else report
        if not event.first:
            return None
        with self._turn:
            if not self._busy:
                stopwatch.start()
            paths = _listed(event.paths)
            others = self._waiting.keys() - {*paths}  # without them it might not be right yet
            prepared = None if self._busy or others else self._early_part(event.paths)
            if prepared is None:
                return None
            report = self._tried(paths, prepared)
            if report.status is ReloadStatus.FAILED:  # what makes it right may be on its way
                return None
            self._early |= event.paths
            return self._concluded(paths, report)

    def catch_up(self) -> ReloadReport | None:
        """Apply every loaded file whose content is no longer what was imported; None if there is none."""
        paths = overtaken()
        return self.apply(paths) if paths else None

    def postpone(self) -> None:
        """Leave those files to the next batch, as if they had failed."""
        with self._turn:
            paths = overtaken()
            self._waiting.update(dict.fromkeys(paths))
            pin_running([name for name, one in recorder.modules.items() if one.path in paths])

    def read_ahead(self) -> Iterator[str]:
        """Read the loaded modules as a plan needs them, one with each step, and name it.

        For when nothing else is to do: the first reload is as quick as the next ones then.
        """
        return ahead.read_ahead(self._turn)

    def look_ahead(self) -> Iterator[str]:
        """Read what reloads have changed, and find out what follows from names that many modules import; likewise."""
        return ahead.look_ahead(self._turn)

    def explain(self, paths: Path | Iterable[Path]) -> ReloadPlan:
        """What `apply(paths)` would do, and why; changes nothing. Raises UserCodeError if a file does not compile."""
        return engine.prepare([*self._waiting, *_listed(paths)]).plan

    def touches(self, footprint: Footprint) -> bool:
        """For `settle`: whether the batch that is being applied changed what a recorded call ran."""
        return self._attempt is not None and self._attempt.touches(footprint)

    def remade(self, thing: object) -> bool:
        """For `settle`: whether the batch that is being applied has made `thing` again, as the same object."""
        return self._attempt is not None and any(one is thing for one in self._attempt.remade)

    # --- inside

    def _early_part(self, paths: Iterable[str]) -> Prepared | None:
        contents = contents_of(paths)
        try:
            prepared = engine.prepare(paths)
        except UserCodeError:
            return None
        self._foreseen = (contents, prepared) if prepared.plan.restart else None
        return prepared if prepared.may_be_early and (prepared.patched or prepared.ran) else None

    def _as_foreseen(self, paths: Iterable[str]) -> ReloadReport | None:
        """What came of a batch whose hint has shown already that it needs a new process; None of any other."""
        with self._turn:
            foreseen, self._foreseen = self._foreseen, None
            if foreseen is None or self._busy or self._waiting or foreseen[0] != contents_of(paths):
                return None
            return self._apply(_listed(paths), foreseen[1])

    def _apply(self, given: list[str], prepared: Prepared | None = None) -> ReloadReport:
        paths = list(dict.fromkeys([*self._waiting, *given]))
        return self._concluded(paths, self._tried(paths, prepared))

    def _tried(self, paths: list[str], prepared: Prepared | None) -> ReloadReport:
        self._busy = True
        try:
            prepared = prepared or engine.prepare(paths)
            if not prepared.plan.only_patches and (self._on_cycle or (self._watcher and self._on_report is None)):
                self._cycles.begin()
            return self._followed(self._attempted(prepared))
        except UserCodeError as error:
            return ReloadReport(ReloadStatus.FAILED, error=without_frames(error))
        except RestartNeeded as error:
            return ReloadReport(ReloadStatus.RESTART, reason=str(error))
        finally:
            self._attempt = None
            self._busy = False
            forget_trees()

    def _concluded(self, paths: list[str], report: ReloadReport) -> ReloadReport:
        if report.status in (ReloadStatus.FAILED, ReloadStatus.RESTART):
            self._waiting.update(dict.fromkeys(paths))
            waiting = {os.path.realpath(path) for path in self._waiting}
            pin_running([name for name, one in recorder.modules.items() if one.path in waiting])
        else:
            if self._waiting and report.status is ReloadStatus.UNCHANGED:
                report = replace(report, notes=(*report.notes, healed(self._waiting)))
            self._waiting.clear()
        duration, phases = stopwatch.stop()
        report = replace(report, paths=tuple(paths), duration=duration, phases=phases)
        self._tell(report)
        self._cycles.end(report)
        return report

    def _attempted(self, prepared: Prepared) -> ReloadReport:
        notes = tuple(prepared.reading.notes)
        planned = report_of(prepared, (), notes)
        why = prepared.plan.restart or (self._settle.refuse(planned) if self._settle is not None else "")
        if why:
            return ReloadReport(ReloadStatus.RESTART, reason=why, notes=notes)
        if not prepared.plan.only_patches:
            with self.gate.closed() as opening:
                return self._settled(self.gate.call(lambda: self._perform(prepared, opening)), planned)
        attempt = self.gate.call(lambda: self._performed(prepared))
        if self._settle is not None and self._settle.concerns():
            try:
                with self.gate.closed():
                    self.gate.call(lambda: self._stays(attempt))
                    return self._settled(attempt, planned)
            except RestartNeeded:  # the gate could not be closed
                self.gate.call(attempt.rollback)
                raise
        self.gate.call(attempt.commit)
        self._note(attempt)
        return replace(planned, status=ReloadStatus.UNCHANGED) if prepared.concerns_nothing else planned

    def _followed(self, report: ReloadReport) -> ReloadReport:
        """The new code is there, and what runs has to come to it: a loop that never ends asks for a new process."""
        codes, grace = self._replaced, 0.0
        if self._attempt is not None and report.status is ReloadStatus.RELOADED:
            more = underway.replaced_codes(self._attempt.prepared.reading)
            codes, grace = {**codes, **more}, underway.GRACE if more else 0.0
        where = underway.left_behind(codes, self.gate.call, grace) if codes else ""
        self._replaced = codes if where else {}
        if not where or report.status is ReloadStatus.RESTART:
            return report
        return replace(report, status=ReloadStatus.RESTART, reason=f"{where} and goes on with its old code")

    def _perform(self, prepared: Prepared, opening: Opening) -> Attempt:
        """Where the program's own code runs: in most cases all is done at one go, and requests wait no longer."""
        attempt = self._performed(prepared)
        if self._stays(attempt):
            opening()
        return attempt

    def _performed(self, prepared: Prepared) -> Attempt:
        self._attempt = engine.perform(prepared, self.optimizer.finder)
        return self._attempt

    def _stays(self, attempt: Attempt) -> bool:
        """Whether what was done stays because nothing has to follow it."""
        try:
            if self._settle is not None and self._settle.has_to_follow():
                return False
        except ReloadError:
            attempt.rollback()
            raise
        attempt.commit()
        return True

    def _settled(self, attempt: Attempt, planned: ReloadReport) -> ReloadReport:
        report = report_of(attempt.prepared, tuple(attempt.dropped), planned.notes)
        if self._settle is not None and not attempt.stays:
            try:
                note = self._settle(report)
            except ReloadError:
                self.gate.call(attempt.rollback)
                self._settle.undo()
                raise
            if note:
                report = replace(report, notes=(*report.notes, note))
            self.gate.call(attempt.commit)
        self._note(attempt)
        return report

    def _note(self, attempt: Attempt) -> None:
        """What was done stays."""
        for name in attempt.gone:
            self.optimizer.invalidate_cache(name)
        steps = attempt.prepared.plan.steps
        self.optimizer.refresh_cache(dict.fromkeys(step.module for step in steps if step.module in recorder.modules))
        stopwatch.lap("settle")

    def _tell(self, report: ReloadReport) -> None:
        if self._on_report is not None:
            self._on_report(report)
        elif self._watcher is not None and (report.status is not ReloadStatus.UNCHANGED or report.notes):
            _print(summary(report))
        if report.status is ReloadStatus.RESTART and self._on_restart is not None:
            self._on_restart(report)
        elif report.status is ReloadStatus.RESTART and self._on_report is None and self._watcher is None:
            _print(summary(report))


def handle_file_change(optimizer: ImportOptimizer, path: Path | Iterable[Path]) -> ReloadReport:
    """One or several files have changed: bring this process up to date.

    The cache entries of the files are invalidated, the dependency graph is walked, and what hangs on them is reloaded
    in topological order, as one transaction.
    """
    paths = _listed(path)
    for one in paths:
        optimizer.invalidate_path(one)
    return Reloader(optimizer).apply(paths)


def _listed(paths: Path | Iterable[Path]) -> list[str]:
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    return [os.path.abspath(path) for path in paths]


def _print(text: str) -> None:
    print(f"pepperpy-reload: {text}", file=sys.stderr, flush=True)  # noqa: T201 - embedded, there is no other terminal


def _print_cycle(cycle: Circle) -> None:
    _print(f"new import cycle, {cycle.harm}: {cycle_line(cycle)}")
