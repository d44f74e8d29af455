"""A fresh start: it imports what a worker has imported, says what it holds then, and compares.

It gets one order, a JSON object on its standard input, and gives one answer, a JSON object on its standard output as it
was at the start; what the imported code prints goes nowhere. Snapshots are files that were inherited.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Mapping
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from typing import Any

from pepperpy_reload.auditing.loaded import hashes
from pepperpy_reload.auditing.places import differing
from pepperpy_reload.auditing.snapshot import Snapshot, take_snapshot
from pepperpy_reload.auditing.verdict import Evidence, judge, kept_places, state_before
from pepperpy_reload.errors import UserCodeError
from pepperpy_reload.importing.modules import ModuleManager
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.optimizer import ImportOptimizer
from pepperpy_reload.reloading.usercode import calling_user_code

Message = dict[str, Any]


def main() -> None:
    """The process's whole life."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    order = json.loads(sys.stdin.readline())
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nowhere, descriptor)
    try:
        answer = _carry_out(order)
    except Exception:  # noqa: BLE001 - a fault of ours: the worker says so
        answer = {"fault": traceback.format_exc()}
    answers.write(f"{json.dumps(answer)}\n")
    answers.flush()
    os._exit(0)  # threads and exit handlers of the imported code have nothing to do


def _carry_out(order: Mapping[str, Any]) -> Message:
    sys.path[:0] = order["search"]
    sys.argv = list(order["argv"])
    ImportOptimizer(ModuleManager()).install()
    recorder.roots.narrow(order["roots"])
    if "instead" in order:
        sys.meta_path.insert(1, _Instead(order["instead"]))
    for name in order["modules"]:
        try:
            with calling_user_code():
                importlib.import_module(name)
        except UserCodeError as error:
            return {"failed": name, "text": str(error)}
    fresh = take_snapshot(recorder.roots.__contains__)
    answer: Message = {"sources": hashes()}
    files = order["files"]
    if "reference" in files:
        return answer | {"unsteady": _unsteady(fresh, _read(files["reference"]))}
    with os.fdopen(files["fresh"], "wb", closefd=False) as file:
        fresh.write(file)
    if "after" not in files:
        return answer
    before, former, after = (_read(files[name]) for name in ("before", "former", "after"))
    evidence = Evidence(before, former, after, fresh, order["quiet"])
    known = {(address, label) for address, label in order["known"]} | state_before(evidence)
    findings = judge(evidence, known | kept_places(after, order["kept"]))
    state = [list(place) for place in known if place[0] in after.by_address]
    return answer | {"known": state, "findings": [finding.as_json() for finding in findings]}


class _Instead:
    """Finds modules whose sources are given, whatever their files hold now."""

    def __init__(self, sources: Mapping[str, tuple[str, str]]) -> None:
        self._sources = sources

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        if name not in self._sources:
            return None
        path, source = self._sources[name]
        loader = SourceFileLoader(name, path)
        vars(loader)["get_data"] = lambda _: source.encode("latin-1")
        return spec_from_file_location(name, path, loader=loader)


def _unsteady(fresh: Snapshot, reference: Snapshot) -> list[str]:
    """The places where two fresh starts of the same code are not the same."""
    return [place.path for place in differing(fresh.portrait, reference.portrait)]


def _read(descriptor: int) -> Snapshot:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return Snapshot.read(file)
