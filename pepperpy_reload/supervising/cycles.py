"""What the supervisor is told of import cycles that an edit brings."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from pepperpy_reload.core.report import ReloadReport
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.supervising.channel import Line

if TYPE_CHECKING:
    from pepperpy_reload.reloading.newcycles import CycleWatch


class CycleTeller:
    """Notes reports, and has them looked through when nothing else is to do."""

    def __init__(self, channel: Line) -> None:
        self._channel = channel
        self._texts = {name: loaded.source for name, loaded in list(recorder.modules.items())}
        self._reports: list[ReloadReport] = []
        self._watch: CycleWatch | None = None

    def note(self, report: ReloadReport | None) -> None:
        """What became of a batch. Who only patches functions imports nothing new when modules load."""
        if report is not None and not report.has_only_patched:
            self._reports.append(report)

    def tell(self) -> None:
        """Tell of the cycles that have come since the last time."""
        if not self._reports:
            return
        reports, self._reports = self._reports, []
        try:
            for cycle in self._watching().look(reports):
                self._channel.send({"type": "cycle", "cycle": cycle.as_json()})
        except Exception:  # noqa: BLE001 - a bug of ours: the saves to come must not be lost for it
            traceback.print_exc()

    def _watching(self) -> CycleWatch:
        from pepperpy_reload.reloading.newcycles import CycleWatch  # most processes never need it

        if self._watch is None:
            self._watch = CycleWatch(self._texts)
        return self._watch
