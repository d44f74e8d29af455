"""Import cycles that edits bring, told as they come."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from pepperpy_reload.core.report import ReloadReport

if TYPE_CHECKING:
    from pepperpy_reload.core.cycles import Circle
    from pepperpy_reload.reloading.newcycles import CycleWatch


class CycleNews:
    """Has each new cycle told; nothing is looked for in batches that had no beginning."""

    def __init__(self, tell: Callable[[Circle], object]) -> None:
        self._tell = tell
        self._watch: CycleWatch | None = None

    def begin(self) -> None:
        """Know what is loaded before a batch."""
        if self._watch is None:
            from pepperpy_reload.reloading.newcycles import CycleWatch  # most processes never need it

            self._watch = CycleWatch({})
        self._watch.know()

    def end(self, report: ReloadReport) -> None:
        """Tell of the cycles that a batch has brought; who only patches functions brings none."""
        if self._watch is None or report.has_only_patched:
            return
        try:
            found = self._watch.look([report])
        except Exception:  # noqa: BLE001 - a bug of ours: the batch is done, and who asked for it goes on
            traceback.print_exc()
            return
        for cycle in found:
            self._tell(cycle)
