"""What a reload does must grow with what it touches: counted in instructions, which are the same on any machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import werkzeug

from tests.bench import forest

CHILD = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
folder, edits = Path(sys.argv[1]), json.loads(sys.argv[2])
from pepperpy_reload import ImportOptimizer, ModuleManager, Reloader
optimizer = ImportOptimizer(ModuleManager()).install()
reloader = Reloader(optimizer, roots=[folder], on_report=lambda report: None)
import main

executed = 0

def count(frame, event, argument):
    global executed
    frame.f_trace_lines, frame.f_trace_opcodes = False, True
    executed += event == "opcode"
    return count

found = {}
for kind, (file, texts) in edits.items():
    for number, text in enumerate(texts):
        (folder / file).write_text(text)
        executed = 0
        sys.settrace(count if number + 1 == len(texts) else None)  # the first ones make what is kept
        report = reloader.apply(folder / file)
        sys.settrace(None)
        assert report.status == "reloaded", report
    found[kind] = executed
print(json.dumps(found))
"""
ROOT = Path(__file__).parents[2]
SMALL, LARGE = 40, 400
COUNTING = pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="3.12 does not tell of all instructions")


def executed(folder: Path, modules: int, *kinds: str) -> dict[str, int]:
    """The instructions of one reload of each kind in a tree of so many modules."""
    forest.plant(folder, modules, 0)
    edits = {kind: (forest.EDITS[kind][0], [forest.text(kind, number) for number in (1, 2, 3, 4)]) for kind in kinds}
    command = [sys.executable, "-c", CHILD, str(folder), json.dumps(edits)]
    where = os.environ | {"PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=ROOT, env=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@COUNTING
@pytest.mark.timeout(120)
def test_an_edit_of_a_function_does_not_depend_on_the_number_of_modules(tmp_path: Path) -> None:
    kinds = ("leaf, a function", "hub, a function")
    small, large = (executed(tmp_path / str(size), size, *kinds) for size in (SMALL, LARGE))
    assert all(small.values())
    assert {kind: large[kind] / small[kind] for kind in kinds} == pytest.approx(dict.fromkeys(kinds, 1.0), abs=0.02)


@COUNTING
@pytest.mark.timeout(120)
def test_a_constant_that_all_modules_import_takes_as_long_for_each_of_them_however_many_they_are(
    tmp_path: Path,
) -> None:
    kind = "hub, a constant"
    small, large = (executed(tmp_path / str(size), size, kind)[kind] / size for size in (30, 90))
    assert large / small < 1.1


COMPARED = """
import importlib, json, pkgutil, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from pepperpy_reload import ImportOptimizer, ModuleManager, Reloader
from pepperpy_reload.core import concordance
from pepperpy_reload.core.traces import Traces
from pepperpy_reload.core.world import Cell
from pepperpy_reload.importing.recorder import recorder
from pepperpy_reload.reloading.live import LiveWorld
optimizer = ImportOptimizer(ModuleManager()).install()
reloader = Reloader(optimizer, roots=[sys.argv[1]])
import werkzeug
for found in pkgutil.walk_packages(werkzeug.__path__, "werkzeug."):
    importlib.import_module(found.name)

class Plain(Traces):
    def _units_reading(self, word):
        return None

    _functions_reading = _units_reading

concordance._OFTEN = 0
plain, indexed = Plain(LiveWorld()), Traces(LiveWorld())
cells = [Cell(name, bound) for name in recorder.modules for bound in ("*", *vars(sys.modules[name]))]
for cell in cells:
    assert list(plain.readers(cell)) == list(indexed.readers(cell)), cell
    assert list(plain.callers(cell)) == list(indexed.callers(cell)), cell
print(json.dumps([len(cells), sum(len(plain.readers(cell)) + len(plain.callers(cell)) for cell in cells)]))
"""


def test_who_reads_a_name_is_the_same_by_the_index(tmp_path: Path) -> None:
    shutil.copytree(Path(werkzeug.__file__).parent, tmp_path / "werkzeug")
    command = [sys.executable, "-c", COMPARED, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    cells, found = json.loads(done.stdout)
    assert cells > 500
    assert found > 500
