"""News as lines for a person (rich) or as JSON lines for a program."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from enum import IntEnum
from functools import cached_property, singledispatchmethod
from typing import IO, TYPE_CHECKING, Protocol

from pepperpy_reload.core.report import ReloadReport, ReloadStatus, summary
from pepperpy_reload.drawing.excerpt import excerpt, plain, shortened
from pepperpy_reload.drawing.news import (
    Audited,
    Circular,
    Died,
    Finished,
    Happening,
    Note,
    OfWorker,
    Outdated,
    Part,
    Ready,
    Reported,
    Restarted,
    Restarting,
    Resumed,
    Rolled,
    Snapshotted,
    Stopped,
    Stopping,
    Timed,
    Trouble,
    Unstarted,
    Warmed,
)

if TYPE_CHECKING:
    from rich.console import Console

_FEW = 3  # names told one by one
_LITTLE = 0.00005  # seconds: shown as 0.0
GOOD, BUSY, BAD, CAREFUL = "bold green", "bold cyan", "bold red", "bold yellow"


class Detail(IntEnum):
    """How much a person wants to read."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


class Display(Protocol):
    """Whoever is told the news."""

    def show(self, news: Happening) -> None:
        """Tell one piece of news."""
        ...


class JsonLines:
    """Every piece of news as one JSON object a line."""

    def __init__(self, stream: IO[str] | None = None, detail: Detail = Detail.NORMAL) -> None:
        self._stream = stream or sys.stdout
        self._detail = detail
        self._deaf = False

    def show(self, news: Happening) -> None:
        """Write the line at once. Batches that changed nothing are told if the detail is verbose."""
        if self._deaf:
            return
        bare = news.news if isinstance(news, OfWorker) else news
        if isinstance(bare, Reported) and self._detail < Detail.VERBOSE and not _worth_telling(bare.report):
            return
        try:
            print(json.dumps(news.as_json()), file=self._stream, flush=True)
        except (OSError, ValueError):  # the reader has gone; that is no reason to stop serving
            self._deaf = True


class Terminal:
    """Short lines for a person, on stderr: stdout is the program's. Colours follow NO_COLOR and the terminal."""

    def __init__(self, stream: IO[str] | None = None, detail: Detail = Detail.NORMAL) -> None:
        self._stream = stream or sys.stderr
        self._detail = detail
        self._deaf = False
        self._whose = ""

    def show(self, news: Happening) -> None:
        """Write what the asked-for detail has to say about it."""
        self._tell(news)

    def trouble(self, trouble: Trouble, after: str) -> None:
        """Show an error with the lines around it, and what follows from it."""
        shown = excerpt(trouble)
        self._line("failed", f"{shown.place}: {shown.headline}" if shown.place else shown.headline, BAD, Detail.QUIET)
        width = len(str(trouble.line))
        for number, source in shown.lines:
            mark = ">" if number == trouble.line else " "
            self._line(f"  {mark} {number:>{width}} |", source, "bold" if mark == ">" else "dim", Detail.QUIET)
        if shown.carets:
            self._line(f"    {'':>{width}} |", shown.carets, BAD, Detail.QUIET, style_rest=True)
        if self._detail is Detail.VERBOSE:
            self._line("traceback\n", plain(trouble.text).rstrip(), BAD, Detail.VERBOSE)
        self._line("  ", after, "dim", Detail.QUIET, style_rest=True)

    @cached_property
    def _console(self) -> Console:
        from rich.console import Console  # costs more than all else in a start

        return Console(file=self._stream, highlight=False, markup=False, soft_wrap=True, emoji=False)

    @singledispatchmethod
    def _tell(self, news: Happening) -> None:
        """Nothing: not every piece of news has a line."""

    @_tell.register
    def _(self, news: Ready) -> None:
        where = f" on {news.url}" if news.url else ""
        watching = ", ".join(_directory(path) for path in news.watching)
        self._line(
            "serving" if news.url else "running", f"{news.target}{where} - watching {watching} - Ctrl-C stops", GOOD
        )

    @_tell.register
    def _(self, news: Restarting) -> None:
        self._line("restarting", news.reason, BUSY, Detail.VERBOSE)

    @_tell.register
    def _(self, news: Outdated) -> None:
        self._line("outdated", f"{'; '.join(news.reasons)}: start it again to have that", CAREFUL, Detail.QUIET)

    @_tell.register
    def _(self, news: Restarted) -> None:
        self._line("restarted", f"in {news.duration * 1000:.0f} ms: {news.reason}", GOOD)

    @_tell.register
    def _(self, news: OfWorker) -> None:
        if news.part is Part.FOLLOWS and _is_alike(news.news) and self._detail < Detail.VERBOSE:
            return
        of_all = news.part is Part.LEADS and not isinstance(news.news, Died | Note | Finished)
        self._whose = "" if of_all else f"worker {news.number}: "
        self._tell(news.news)
        self._whose = ""

    @_tell.register
    def _(self, news: Rolled) -> None:
        who = "1 worker serves it" if news.workers == 1 else f"{news.workers} workers serve it"
        took = f" after {news.duration * 1000:.0f} ms"
        if news.behind:
            numbers = ", ".join(map(str, news.behind))
            self._line("rolled", f"{who}{took}, but not {numbers}", BAD, Detail.QUIET)
        else:
            self._line("rolled", f"{who}{took}", GOOD)

    @_tell.register
    def _(self, news: Warmed) -> None:
        out = "".join(f"; {name} is left out, it {reason}" for name, reason in news.left_out.items())
        self._line(
            "warm", f"{news.modules} modules of libraries need no import at a restart{out}", BUSY, Detail.VERBOSE
        )

    @_tell.register
    def _(self, news: Snapshotted) -> None:
        out = "".join(f"; not {name}, {reason}" for name, reason in news.left_out.items())
        text = f"{news.modules} modules of yours are imported for the next restart{out}"
        self._line("warm", text, BUSY, Detail.VERBOSE)

    @_tell.register
    def _(self, news: Resumed) -> None:
        self._line("warm", f"{news.modules} modules of yours are there already", BUSY, Detail.VERBOSE)

    @_tell.register
    def _(self, news: Reported) -> None:
        report = news.report
        for note in report.notes:
            self._line("note", note, CAREFUL)
        if report.status is ReloadStatus.RELOADED:
            local = replace(report, paths=tuple(shortened(path) for path in report.paths))
            word, _, rest = summary(local).partition(" ")
            self._line(word, rest, GOOD)
            self._names(report)
        elif report.status is ReloadStatus.FAILED and report.error is not None:
            error = report.error
            self.trouble(Trouble(str(error), error.file, error.line), "the last good version goes on serving")
        elif report.status is ReloadStatus.UNCHANGED and not report.notes:
            self._line("unchanged", _files(report.paths), BUSY, Detail.VERBOSE)

    @_tell.register
    def _(self, news: Timed) -> None:
        parts = ", ".join(f"{name} {1000 * took:.1f}" for name, took in news.phases.items() if took >= _LITTLE)
        self._line("timings", f"{parts}: {1000 * sum(news.phases.values()):.1f} ms", BUSY)

    @_tell.register
    def _(self, news: Circular) -> None:
        from pepperpy_reload.drawing.circle import cycle_text

        self._line("cycle", f"new, {news.cycle.harm}: {plain(cycle_text(news.cycle))}", CAREFUL)

    @_tell.register
    def _(self, news: Audited) -> None:
        if news.verdict == "different":
            more = f"{news.count - 1} more in " if news.count > 1 else ""
            text = f"{news.path} is {news.here}; in a fresh start: {news.fresh} ({more}{news.report})"
            self._line("differs", text, BAD, Detail.QUIET)
        elif news.verdict == "skipped":
            self._line("no audit", news.reason, CAREFUL)
        elif news.verdict == "equal":
            self._line("audited", f"in {news.duration:.1f} s: the same as a fresh start", GOOD, Detail.VERBOSE)

    @_tell.register
    def _(self, news: Unstarted) -> None:
        if news.ran and self._detail < Detail.VERBOSE:  # how it got there matters: Python would show all of it, too
            self._line("traceback\n", plain(news.error.text).rstrip(), BAD, Detail.QUIET)
        what = "the last good version goes on serving" if news.serving else "nothing runs"
        self.trouble(news.error, what if news.final else f"{what}; the next save tries again")

    @_tell.register
    def _(self, news: Died) -> None:
        then = "waiting for the next save" if news.retry is None else f"starting it again in {news.retry:g} s"
        if news.serving:
            then = f"another one serves; {then}" if news.retry is not None else "another one serves"
        self._line("crashed", f"{news.how}; {then}", BAD, Detail.QUIET)

    @_tell.register
    def _(self, news: Finished) -> None:
        how = "finished" if news.status == 0 else f"finished with status {news.status}"
        self._line(how, "waiting for the next save", GOOD if news.status == 0 else BAD)

    @_tell.register
    def _(self, news: Note) -> None:
        self._line(
            "warning" if news.warning else "note", news.text, CAREFUL, Detail.QUIET if news.warning else Detail.NORMAL
        )

    @_tell.register
    def _(self, _news: Stopping) -> None:
        self._line("stopping", "once more ends it now", BUSY, Detail.VERBOSE)

    @_tell.register
    def _(self, _news: Stopped) -> None:
        self._line("stopped", "", BUSY)

    def _names(self, report: ReloadReport) -> None:
        if self._detail < Detail.VERBOSE:
            return
        for word in ("patched", "ran", "imported", "dropped"):
            for name in getattr(report, word):
                self._line(f"  {word}", name, "dim", Detail.VERBOSE)

    def _line(
        self, word: str, rest: str, style: str, least: Detail = Detail.NORMAL, *, style_rest: bool = False
    ) -> None:
        if self._deaf or self._detail < least:
            return
        from rich.text import Text

        whose, self._whose = self._whose, ""  # the first line says it
        text = Text(word, style=style)
        text.append(
            f" {encodable(plain(f'{whose}{rest}'), self._stream)}".rstrip(),
            style=style if style_rest else "not bold default",
        )
        try:
            self._console.print(text)
        except (OSError, ValueError):  # the terminal is gone; that is no reason to stop serving
            self._deaf = True


def _is_alike(news: Happening) -> bool:
    """Whether one worker that says so is enough, when others have the same before them."""
    if isinstance(news, Reported):
        return news.report.status is not ReloadStatus.FAILED
    return isinstance(news, Ready | Restarting | Restarted | Timed | Circular | Note)


def _worth_telling(report: ReloadReport) -> bool:
    return report.status is not ReloadStatus.UNCHANGED or bool(report.notes)


def _files(paths: tuple[str, ...]) -> str:
    names = [shortened(path) for path in paths]
    return ", ".join(names) if len(names) <= _FEW else f"{', '.join(names[:_FEW])} and {len(names) - _FEW} more"


def _directory(path: str) -> str:
    short = shortened(path)
    return "./" if short == "." else short


def console_on(stream: IO[str], wide: int = 160) -> Console:
    """A console for tables and trees: as wide as the terminal, `wide` columns where nobody sees where a line ends."""
    from rich.console import Console  # takes long to import, and much does without

    width = None if stream.isatty() else wide
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def encodable(text: str, stream: IO[str]) -> str:
    """`text` with what the stream cannot write as escapes."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
