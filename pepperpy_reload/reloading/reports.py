"""What is told of a batch that has been carried out."""

from __future__ import annotations

import os
from collections.abc import Iterable

from pepperpy_reload.core.plan import Action
from pepperpy_reload.core.report import ReloadReport, ReloadStatus
from pepperpy_reload.reloading.attempt import Prepared


def report_of(prepared: Prepared, dropped: tuple[str, ...], notes: tuple[str, ...]) -> ReloadReport:
    """The report of a plan that has been carried out, or is going to be."""
    return ReloadReport(
        ReloadStatus.RELOADED,
        patched=prepared.patched,
        ran=prepared.ran,
        imported=prepared.plan.modules(Action.RUN),
        dropped=dropped,
        notes=notes,
    )


def healed(paths: Iterable[str]) -> str:
    """A note on files that had failed and are well again."""
    names = ", ".join(dict.fromkeys(os.path.basename(path) for path in paths))
    return f"{names}: well again, and what runs is what was saved"
