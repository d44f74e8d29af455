"""What happens while the tool runs, as values: told by the supervisor, shown by a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from pepperpy_reload.core.report import ReloadReport

if TYPE_CHECKING:
    from pepperpy_reload.core.cycles import Circle


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error of the user's code, as it crossed the channel."""

    text: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Happening:
    """The base of all news. `event` is its name for machines."""

    event: ClassVar[str] = ""

    def as_json(self) -> Mapping[str, Any]:
        """A dict of plain values."""
        return {"event": self.event, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Started(Happening):
    """The tool is up; the worker is being started."""

    event: ClassVar[str] = "started"
    target: str
    url: str
    watching: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ready(Happening):
    """The first worker runs."""

    event: ClassVar[str] = "ready"
    target: str
    url: str
    pid: int
    duration: float
    watching: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restarting(Happening):
    """The worker is being replaced."""

    event: ClassVar[str] = "restart"
    reason: str


@dataclass(frozen=True, slots=True)
class Restarted(Happening):
    """A worker took the place of another one. `warm` says that it was forked from a process with the libraries."""

    event: ClassVar[str] = "restarted"
    reason: str
    pid: int
    duration: float
    warm: bool = False


@dataclass(frozen=True, slots=True)
class Outdated(Happening):
    """What runs is not what was saved, for these reasons: only the user can start another process."""

    event: ClassVar[str] = "outdated"
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Warmed(Happening):
    """From now on workers are forked from a process that has so many modules of libraries; why others are left out."""

    event: ClassVar[str] = "warm"
    modules: int
    left_out: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Snapshotted(Happening):
    """A process waits that has imported so many modules of the project's own; why it has stopped before others."""

    event: ClassVar[str] = "snapshot"
    modules: int
    left_out: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Resumed(Happening):
    """A new worker begins with so many modules of the project's own."""

    event: ClassVar[str] = "resumed"
    modules: int


@dataclass(frozen=True, slots=True)
class Reported(Happening):
    """A worker brought itself up to date, or says why not."""

    report: ReloadReport

    def as_json(self) -> Mapping[str, Any]:
        """The report's values, under the name of its status."""
        return {"event": self.report.status.value, **self.report.as_json()}


@dataclass(frozen=True, slots=True)
class Timed(Happening):
    """What the time from a save to its report went into: seconds by phase.

    event: until we heard of it. batch: until nothing more came. channel: to the worker and back, and what it had to do
    first. The others are those of ReloadReport.
    """

    event: ClassVar[str] = "timings"
    phases: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Circular(Happening):
    """An edit has brought an import cycle."""

    event: ClassVar[str] = "cycle"
    cycle: Circle

    def as_json(self) -> Mapping[str, Any]:
        """The cycle as `profile --json` has it."""
        return {"event": self.event, **self.cycle.as_json()}


@dataclass(frozen=True, slots=True)
class Audited(Happening):
    """A reloaded worker was compared with a fresh start.

    `verdict` is `equal`, `different` (then the first place, what each has there, how many there are, and the file that
    names them all), or `skipped` for a `reason`.
    """

    event: ClassVar[str] = "audit"
    verdict: str
    duration: float
    path: str = ""
    here: str = ""
    fresh: str = ""
    count: int = 0
    report: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unstarted(Happening):
    """The user's code raised, and nothing runs. `ran` says that it did before: it was no failed start.

    `serving` says that it was another worker that raised, and that the one before it goes on; `final` that nobody
    waits for a save that would mend it.
    """

    event: ClassVar[str] = "unstarted"
    error: Trouble
    ran: bool = False
    serving: bool = False
    final: bool = False


@dataclass(frozen=True, slots=True)
class Died(Happening):
    """A worker is gone, and nobody asked it to go. `retry` is in seconds, or None if only a save helps.

    `serving` says that another worker serves, or is about to.
    """

    event: ClassVar[str] = "died"
    how: str
    retry: float | None
    serving: bool = False


@dataclass(frozen=True, slots=True)
class Finished(Happening):
    """The program came to its end."""

    event: ClassVar[str] = "finished"
    status: int


@dataclass(frozen=True, slots=True)
class Rolled(Happening):
    """What was saved has gone round among the workers: so many serve it; who is `behind` does not, by number."""

    event: ClassVar[str] = "rolled"
    workers: int
    behind: tuple[int, ...]
    duration: float


class Part(StrEnum):
    """What a worker does in what goes round among several."""

    NONE = "none"
    """Its news are its own."""
    LEADS = "leads"
    """It is the first one."""
    FOLLOWS = "follows"
    """Another one has told the same before."""


@dataclass(frozen=True, slots=True)
class OfWorker(Happening):
    """News of one of several workers, which are counted from 1."""

    news: Happening
    number: int
    part: Part = Part.NONE

    def as_json(self) -> Mapping[str, Any]:
        """The values of the news, and `worker`."""
        return {**self.news.as_json(), "worker": self.number}


@dataclass(frozen=True, slots=True)
class Note(Happening):
    """A sentence that a person ought to read."""

    event: ClassVar[str] = "note"
    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Stopping(Happening):
    """The worker was asked to end, for good; asking once more ends it at once."""

    event: ClassVar[str] = "stopping"


@dataclass(frozen=True, slots=True)
class Stopped(Happening):
    """The tool has come to its end."""

    event: ClassVar[str] = "stopped"
    status: int
