"""`pepperpy-reload replay`: a repository's own commits, each reload compared with a fresh start."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Commit, Start

VERSIONS = (
    {"__init__.py": "", "rates.py": "RATE = 1\n", "prices.py": "from pack.rates import RATE\nTOTAL = RATE * 2\n"},
    {"rates.py": "RATE = 3\n"},
    {"prices.py": "from pack.rates import RATE\nTOTAL = RATE * 2\ndef price():\n    return TOTAL\n"},
    {"rates.py": "RATE = (\n"},
    {"rates.py": "RATE = 4\n"},
    {"prices.py": "import sys\nTOTAL = len([name for name in sys.modules if name == 'pack'])\n"},
    {"prices.py": "import sys\nTOTAL = len([name for name in sys.modules if name == 'pac'])\n"},
)


@pytest.fixture
def history(project: Path, commit: Commit) -> Path:
    """Its commits change a constant, add a function, break the code, heal it, and look at all modules."""
    (project / "pack").mkdir()
    for files in VERSIONS:
        for name, text in files.items():
            (project / "pack" / name).write_text(text)
        commit()
    return project


def test_each_commit_is_compared_with_a_fresh_start(start: Start, history: Path) -> None:
    tool = start("replay", "--package", "pack", "--json")
    assert tool.ends() == 0, tool.text()
    found = [json.loads(line) for line in tool.out]
    verdicts = [one["verdict"] for one in found]
    assert verdicts == ["equal", "equal", "refused", "skipped", "restart", "restart"], found
    assert "goes through sys.modules" in found[-1]["text"]
    assert found[0]["subject"] == "as it is"


def test_a_person_sees_a_table(start: Start, history: Path) -> None:
    tool = start("replay", str(history), "--package", "pack", "--chain", "2")
    assert tool.ends() == 0, tool.text()
    text = "\n".join(tool.out)
    assert "6 of 6 commits of pack" in text
    assert "goes through sys.modules" in text
    assert "definitions kept" in text


def test_sources_that_tools_have_made_and_git_ignores_are_there(start: Start, project: Path, commit: Commit) -> None:
    (project / "pack").mkdir()
    (project / ".gitignore").write_text("_made.py\n")
    (project / "pack" / "_made.py").write_text("VERSION = '1.0'\n")
    for value in (1, 2):
        text = f"from pack._made import VERSION\nX = {value}\n"
        (project / "pack" / "__init__.py").write_text(text)
        commit()
    tool = start("replay", "--package", "pack", "--json")
    assert tool.ends() == 0, tool.text()
    assert [json.loads(line)["verdict"] for line in tool.out] == ["equal"]


UNSTEADY = """
from pathlib import Path
counter = Path(__file__).with_name("starts")
STARTS = len(counter.read_text()) if counter.exists() else 0
with counter.open("a") as file:
    file.write("1")
SOMETIMES = "another" if STARTS not in (2, 3) else "the same"  # the fresh start, and the one to compare it with
"""


def test_what_is_not_always_the_same_is_not_blamed_on_a_reload(start: Start, project: Path, commit: Commit) -> None:
    (project / "pack").mkdir()
    (project / "pack" / "unsteady.py").write_text(UNSTEADY)
    for value in (1, 2):
        (project / "pack" / "__init__.py").write_text(f"X = {value}\n")
        commit()
    tool = start("replay", "--package", "pack", "--json")
    assert tool.ends() == 0, tool.text()
    assert [json.loads(line)["verdict"] for line in tool.out] == ["equal"]


def test_a_file_that_the_repository_does_not_have_is_left_out(start: Start, project: Path, commit: Commit) -> None:
    (project / "pack").mkdir()
    (project / "large.bin").write_text("much")
    for value in (1, 2):
        (project / "pack" / "__init__.py").write_text(f"X = {value}\n")
        commit()
    digest = hashlib.sha1(b"blob 4\0much", usedforsecurity=False).hexdigest()
    (project / ".git" / "objects" / digest[:2] / digest[2:]).unlink()
    tool = start("replay", "--package", "pack", "--json")
    assert tool.ends() == 0, tool.text()
    assert [json.loads(line)["verdict"] for line in tool.out] == ["equal"]


def test_a_package_that_does_not_import_has_no_module_that_does(start: Start, project: Path, commit: Commit) -> None:
    (project / "pack").mkdir()
    (project / "pack" / "__init__.py").write_text("from pack import part\nimport missing\n")
    for value in (1, 2):
        (project / "pack" / "part.py").write_text(f"X = {value}\n")
        commit()
    tool = start("replay", "--package", "pack", "--json")
    assert tool.ends() == 0, tool.text()
    assert [json.loads(line)["verdict"] for line in tool.out] == ["skipped"]


def test_what_can_be_imported_only_after_what_cannot_is_left_out_as_well(
    start: Start, project: Path, commit: Commit
) -> None:
    files = {
        "__init__.py": "",
        "first.py": "import pack.whole\nimport nowhere\n",
        "part.py": "from pack.whole import A\nB = A\n",
        "whole.py": "A = 1\nfrom pack.part import B\n",
    }
    (project / "pack").mkdir()
    for value in (1, 2, 3):
        for name, text in {**files, "rates.py": f"RATE = {value}\n"}.items():
            (project / "pack" / name).write_text(text)
        commit()
    tool = start("replay", "--package", "pack", "--json")
    assert tool.ends() == 0, tool.text()
    assert [json.loads(line)["verdict"] for line in tool.out] == ["equal", "equal"]


def test_what_cannot_be_imported_is_told_and_nothing_is_said_of_its_commits(
    start: Start, project: Path, commit: Commit
) -> None:
    (project / "pack").mkdir()
    (project / "pack" / "__init__.py").write_text("")
    for value in (1, 2, 3):
        (project / "pack" / "views.py").write_text(f"import nowhere\nVALUE = {value}\n")
        (project / "pack" / "rates.py").write_text(f"RATE = {value // 3}\n")
        commit()
    tool = start("replay", "--package", "pack", "--chain", "2", "--json")
    assert tool.ends() == 0, tool.text()
    found = [json.loads(line) for line in tool.out]
    assert [one["verdict"] for one in found] == ["skipped", "equal"], found
    assert found[0]["text"] == "pack.views did not import before: ModuleNotFoundError: No module named 'nowhere'"
    said = "not compared, as they cannot be imported: pack.views (ModuleNotFoundError: No module named 'nowhere')\n"
    assert said in tool.err


def test_a_module_of_one_file_is_found_by_the_name_of_its_repository(
    start: Start, project: Path, commit: Commit
) -> None:
    for value in (1, 2):
        (project / f"{project.name}.py").write_text(f"X = {value}\n")
        commit()
    tool = start("replay", "--json")
    assert tool.ends() == 0, tool.text()
    assert [json.loads(line)["verdict"] for line in tool.out] == ["equal"]


def test_what_differs_between_two_fresh_starts_tells_nothing_and_all_else_does(
    start: Start, project: Path, commit: Commit
) -> None:
    (project / "pack").mkdir()
    for value in (1, 2):
        text = f"import os, uuid\nclass Pool:\n    pid = os.getpid()\nNAMES = {{uuid.uuid4().hex: Pool}}\nX = {value}\n"
        text += "setattr(Pool, f'made_{uuid.uuid4().hex}', X)\n"
        (project / "pack" / "__init__.py").write_text(text)
        commit()
    tool = start("replay", "--package", "pack", "--json")
    assert tool.ends() == 0, tool.text()
    assert [json.loads(line)["verdict"] for line in tool.out] == ["equal"]


COUNTED = """
LAST = 0
class Column:
    def __init__(self):
        global LAST
        LAST += 1
        self.number = LAST
"""
COLUMNS = "from counted import Column\nclass Table:\n    first = Column()\n    last = Column()\nother = Column()\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    last", "    middle = Column()\n    last"),
        ("    last", "    next"),
        ("other", "another"),
        ("    last", "    x"),
    ],
)
def test_what_libraries_count_goes_on_and_what_one_class_has_is_in_order(
    start: Start, project: Path, commit: Commit, environment: dict[str, str], tmp_path: Path, old: str, new: str
) -> None:
    (tmp_path / "libraries").mkdir()
    (tmp_path / "libraries" / "counted.py").write_text(COUNTED)
    (project / "pack").mkdir()
    for text in (COLUMNS, COLUMNS.replace(old, new)):
        (project / "pack" / "__init__.py").write_text(text)
        commit()
    there = environment | {"PYTHONPATH": str(tmp_path / "libraries")}
    tool = start("replay", "--package", "pack", "--json", environment=there)
    assert tool.ends() == 0, tool.text()
    assert [json.loads(line)["verdict"] for line in tool.out] == ["equal"], tool.out


def test_what_is_no_repository_is_one_sentence(start: Start, project: Path) -> None:
    tool = start("replay")
    assert tool.ends() == 2
    assert "is not in a git repository" in tool.text()
    assert "Traceback" not in tool.text()


def test_each_commit_fails_first_and_nothing_has_changed_then(start: Start, history: Path) -> None:
    tool = start("replay", "--package", "pack", "--rollback", "--json")
    assert tool.ends() == 0, tool.text()
    found = [json.loads(line) for line in tool.out]
    assert [one["verdict"] for one in found] == ["equal", "equal", "refused", "skipped", "restart", "restart"], found
    assert [bool(one["planted"]) for one in found] == [True, True, False, False, False, False], found
    assert {one["rollback"] for one in found} == {""}
    assert all(one["planted"].startswith(("pack.rates:", "pack.prices:")) for one in found[:2])

    again = start("replay", "--package", "pack", "--rollback")
    assert again.ends() == 0, again.text()
    assert "2 of 2 commits that were made to fail left nothing behind" in again.text()


LIBRARIES = (
    {"__init__.py": "import warnings\nwarnings.simplefilter('error', BytesWarning)\nimport httpx, wave\n"},
    {"more.py": "import sys, sched\nSEEN = [name for name in ('uuid', 'wave') if name in sys.modules]\n"},
    {"__init__.py": "import httpx\n"},
    {"__init__.py": "import httpx\nimport warnings\nCOUNT = len(warnings.filters)\n"},
)


@pytest.fixture
def libraries(project: Path, commit: Commit) -> Path:
    """Its commits import libraries, more of them, fewer, and look at what they have done."""
    (project / "pack").mkdir()
    for files in LIBRARIES:
        for name, text in files.items():
            (project / "pack" / name).write_text(text)
        commit()
    return project


def test_a_warm_restart_is_compared_with_a_fresh_start(start: Start, libraries: Path) -> None:
    tool = start("replay", "--package", "pack", "--json", "--restart")
    assert tool.ends(60) == 0, tool.text()
    found = [json.loads(line) for line in tool.out]
    assert [one["verdict"] for one in found] == ["equal", "restart", "equal"], found
    assert "modules were there before" in found[0]["text"]
    assert "is imported no more" in found[1]["text"]
