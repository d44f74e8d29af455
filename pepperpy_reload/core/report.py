"""What became of a batch: the report that a caller gets and that crosses the pipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from pepperpy_reload.errors import ReloadError, UserCodeError


class ReloadStatus(StrEnum):
    """How a batch ended."""

    UNCHANGED = "unchanged"
    """Nothing that runs in this process was touched by the batch."""
    RELOADED = "reloaded"
    """The process is what a fresh start would be."""
    RESTART = "restart"
    """Nothing was changed, and only a new process can have the new code; `reason` says why."""
    FAILED = "failed"
    """The new code raised. Nothing was changed; `error` has the traceback."""


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """What a batch did to this process.

    `patched` holds functions (`module.qualname`), `ran` single statements (`module:line`), `dropped` names and
    modules that are gone, `imported` modules that were run as a whole; `duration` is in seconds. `paths` are the
    files that caused it, `notes` are sentences for the user, such as a saved file that nobody has loaded. `phases` is
    what the duration went into, in seconds: read (files), parse, plan, wait (for a safe point), journal (to be able to
    go back), patch or run, settle (what is served follows), report (all else).
    """

    status: ReloadStatus
    reason: str = ""
    error: ReloadError | None = None
    patched: tuple[str, ...] = ()
    ran: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    imported: tuple[str, ...] = ()
    duration: float = 0.0
    paths: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    phases: Mapping[str, float] = field(default_factory=dict, compare=False)

    @property
    def has_only_patched(self) -> bool:
        """Whether nothing was done but to give functions new code."""
        return self.status is ReloadStatus.RELOADED and not (self.ran or self.imported or self.dropped)

    def as_json(self) -> dict[str, Any]:
        """A dict of plain values; `from_json` is the way back."""
        error = self.error
        return {
            "status": self.status.value,
            "reason": self.reason,
            "error": None if error is None else {"text": str(error), "file": error.file, "line": error.line},
            "patched": list(self.patched),
            "ran": list(self.ran),
            "dropped": list(self.dropped),
            "imported": list(self.imported),
            "duration": self.duration,
            "paths": list(self.paths),
            "notes": list(self.notes),
            "phases": dict(self.phases),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The report that `as_json` turned into `data`."""
        error = data["error"]
        return cls(
            status=ReloadStatus(data["status"]),
            reason=data["reason"],
            error=None if error is None else UserCodeError(error["text"], error["file"], error["line"]),
            duration=data["duration"],
            phases=data["phases"],
            **{key: tuple(data[key]) for key in ("patched", "ran", "dropped", "imported", "paths", "notes")},
        )


def summary(report: ReloadReport) -> str:
    """What happened, in one line for a person."""
    took = f"{report.duration * 1000:.0f} ms" if report.duration >= 0.0095 else f"{report.duration * 1000:.1f} ms"
    match report.status:
        case ReloadStatus.UNCHANGED:
            return "; ".join(report.notes) or "nothing that runs has changed"
        case ReloadStatus.RESTART:
            return f"restart needed: {report.reason}"
        case ReloadStatus.FAILED:
            last = "".join(str(report.error or "").strip().splitlines()[-1:])
            where = f" ({report.error.file}:{report.error.line})" if report.error and report.error.file else ""
            return f"not reloaded, nothing has changed: {last}{where}"
    done = [
        counted
        for verb, things, noun in (
            ("reloaded", report.imported, "module"),
            ("ran", report.ran, "statement"),
            ("patched", report.patched, "function"),
            ("dropped", report.dropped, "name"),
        )
        if (counted := _counted(verb, things, noun))
    ]
    return f"{', '.join(done) or 'reloaded'} in {took}{_files(report)}"


def _counted(verb: str, things: tuple[str, ...], noun: str) -> str:
    return f"{verb} {len(things)} {noun}{'' if len(things) == 1 else 's'}" if things else ""


def _files(report: ReloadReport) -> str:
    shown = ["/".join(path.replace("\\", "/").split("/")[-2:]) for path in report.paths[:3]]
    more = f" and {len(report.paths) - 3} more" if len(report.paths) > 3 else ""
    return f" ({', '.join(shown)}{more})" if shown else ""
