"""What a reload does must grow with what it touches: counted in instructions, which are the same on any machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
SMALL, LARGE = 40, 400


def executed(folder: Path, modules: int, *kinds: str) -> dict[str, int]:
    """The instructions of one reload of each kind in a tree of so many modules."""
    forest.plant(folder, modules, 0)
    edits = {kind: (forest.EDITS[kind][0], [forest.text(kind, number) for number in (1, 2, 3, 4)]) for kind in kinds}
    command = [sys.executable, "-c", CHILD, str(folder), json.dumps(edits)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.timeout(120)
def test_an_edit_of_a_function_does_not_depend_on_the_number_of_modules(tmp_path: Path) -> None:
    kinds = ("leaf, a function", "hub, a function")
    small, large = (executed(tmp_path / str(size), size, *kinds) for size in (SMALL, LARGE))
    assert all(small.values())
    assert {kind: large[kind] / small[kind] for kind in kinds} == pytest.approx(dict.fromkeys(kinds, 1.0), abs=0.02)
