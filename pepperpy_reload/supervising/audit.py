"""The audit in a worker: who is told of reloads, and how the supervisor hears of what was found."""

from __future__ import annotations

import os
import tempfile
from queue import SimpleQueue

from pepperpy_reload.auditing.auditor import Auditor, Result
from pepperpy_reload.auditing.start import Circumstances
from pepperpy_reload.core.batch import Hint, Quiet
from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.serving.session import Session, Settle
from pepperpy_reload.supervising.channel import Line
from pepperpy_reload.supervising.orders import Orders


class Audit:
    """Puts an auditor between a session and its reloader, and reports to the supervisor."""

    def __init__(
        self,
        session: Session,
        orders: Orders,
        began_in: tuple[dict[str, str], str],
        channel: Line,
        events: SimpleQueue[Hint | Quiet],
    ) -> None:
        environment, cwd = began_in
        circumstances = Circumstances(orders.search, orders.roots, orders.argv, environment, cwd)
        self._auditor = Auditor(session, circumstances, lambda: not events.empty(), self._tell)
        self._channel = channel
        self._said: set[str] = set()
        self.settle = _Audited(session.settle, self._auditor)
        self.start = self._auditor.start
        self.resume = self._auditor.resume

    def reload_ended(self, report: ReloadReport | None) -> None:
        """An event has been dealt with."""
        if report is not None:
            self._auditor.reload_ended(report)

    def _tell(self, result: Result) -> None:
        if result.skipped:
            if result.skipped not in self._said:
                self._said.add(result.skipped)
                self._send("skipped", result, reason=result.skipped)
        elif not result.findings:
            self._send("equal", result)
        else:
            first = result.findings[0]
            file = _report(result)
            self._send("different", result, **first.as_json(), count=len(result.findings), report=file)
            reason = f"the audit found that {first.path} is not what a fresh start has"
            report = ReloadReport(ReloadStatus.RESTART, reason=reason)
            self._channel.send({"type": "report", "report": report.as_json()})

    def _send(self, verdict: str, result: Result, **what: object) -> None:
        self._channel.send({"type": "audit", "verdict": verdict, "duration": result.duration, **what})


class _Audited:
    """A session's settle that tells the auditor when a reload begins, and when more than modules ran."""

    def __init__(self, settle: Settle, auditor: Auditor) -> None:
        self._settle = settle
        self._auditor = auditor

    def refuse(self, planned: ReloadReport) -> str:
        why = self._settle.refuse(planned)
        if not why:
            self._auditor.reload_begins()
        return why

    def concerns(self) -> bool:
        return self._settle.concerns()

    def has_to_follow(self) -> bool:
        return self._settle.has_to_follow()

    def __call__(self, report: ReloadReport) -> str | None:
        note = self._settle(report)
        if note is not None:
            self._auditor.user_code_ran()
        return note

    def undo(self) -> None:
        self._settle.undo()


def _report(result: Result) -> str:
    """Write all findings to a file of their own, for its owner only, and say where it is."""
    descriptor, path = tempfile.mkstemp(prefix="pepperpy-reload-audit-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write("After a reload this process was not what a fresh start is. Place by place:\n\n")
        for finding in result.findings:
            file.write(f"{finding.path}\n    here:        {finding.here}\n    fresh start: {finding.fresh}\n")
    return path
