"""One profile in all forms in which a person may want it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pepperpy_reload.core.comparison import Tolerance
from pepperpy_reload.core.cycles import circles
from pepperpy_reload.core.suggestions import Suggestion, suggestions
from pepperpy_reload.drawing.costs import CostsView
from pepperpy_reload.drawing.cycles import draw_cycles
from pepperpy_reload.drawing.suggestions import suggestion_lines
from pepperpy_reload.drawing.terminal import encodable
from pepperpy_reload.profiling.files import check_folder, check_name, write
from pepperpy_reload.profiling.patch import patch, write_patch
from pepperpy_reload.profiling.pictures import PICTURES
from pepperpy_reload.profiling.report import as_plain, heading, suggestion_as_plain
from pepperpy_reload.profiling.run import profile
from pepperpy_reload.profiling.saved import is_slower, save_profile, saved_profile
from pepperpy_reload.profiling.sources import own_sources


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: `files` by kind, `save` and `compare` are files of profiles."""

    times: int = 1
    rows: int = 30
    as_json: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    save: str = ""
    compare: str = ""
    tolerance: Tolerance = field(default_factory=Tolerance)
    suggest: bool = False
    diff: str = ""


def show(target: str, search: Sequence[str], wanted: Wanted) -> int:
    """Profile a target and show it; returns the exit status: 1 if it raised, or is slower than it was.

    With `files` only these are written. Raises UsageError.
    """
    _check(wanted)
    before = saved_profile(wanted.compare, target) if wanted.compare else {}
    seen = profile(target, search, os.environ, wanted.times, watched=wanted.suggest or bool(wanted.diff))
    sources = own_sources(seen.costs, target, search)
    cycles = circles(seen.costs, sources)
    plain = as_plain(seen, cycles)
    lazier: list[Suggestion] = []
    if wanted.suggest or wanted.diff:
        lazier = suggestions(seen.costs, sources, seen.called, sys.stdlib_module_names)
        plain |= {"suggestions": [suggestion_as_plain(one) for one in lazier]}
    for kind, file in wanted.files.items():
        write(kind, file, PICTURES[kind](seen))
    if wanted.as_json:
        sys.stdout.write(f"{json.dumps(plain)}\n")
    elif wanted.suggest:
        for line in suggestion_lines(lazier):
            sys.stdout.write(f"{encodable(line, sys.stdout)}\n")
    elif not (wanted.files or wanted.diff):
        CostsView(seen.costs, rows=wanted.rows).draw(heading(seen))
        draw_cycles(cycles)
    slower = bool(before) and is_slower(before, plain, wanted.tolerance)
    if wanted.diff:
        _write_diff(wanted.diff, lazier)
    if wanted.save:
        save_profile(wanted.save, plain)
    return int(bool(seen.error) or slower)


def _check(wanted: Wanted) -> None:
    """Refuse files that cannot be written before anything is run. Raises UsageError."""
    for kind, file in wanted.files.items():
        check_name(kind, file)
    for option, file in (("--diff", wanted.diff), ("--save", wanted.save)):
        check_folder(option, file)


def _write_diff(file: str, lazier: Sequence[Suggestion]) -> None:
    text = patch(lazier, os.getcwd())  # noqa: PTH109 - a text
    write_patch(file, text)
    told = "is for git apply" if text else "is empty: nothing that this run did not use is safe to make lazy"
    sys.stderr.write(f"{encodable(file, sys.stderr)} {told}\n")
