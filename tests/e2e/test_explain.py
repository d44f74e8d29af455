"""`pepperpy-reload explain`: the plan of a save, before it is saved to anything that runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Commit, Start, Tool

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(start: Start) -> Ask:
    """What the tool says, as JSON; it has to end well."""

    def asked(*arguments: str, status: int = 0, **options: Any) -> dict[str, Any]:
        tool = start("explain", "--json", *arguments, **options)
        assert tool.ends() == status, tool.text()
        (line,) = tool.out
        found: dict[str, Any] = json.loads(line)
        return found

    return asked


def actions(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(step["action"], step["module"], step["statement"]) for step in found["steps"]]


def refused(tool: Tool) -> str:
    """The one line that a wrong call is answered with."""
    assert tool.ends() == 2, tool.text()
    assert tool.out == []
    (line,) = tool.err
    return line


@pytest.fixture
def chained(project: Path, commit: Commit) -> Path:
    """Three modules: a value, what computes with it, what imports that."""
    (project / "helper.py").write_text("WORD = 'v0'\n\n\ndef length():\n    return 1\n")
    (project / "middle.py").write_text("from helper import WORD, length\n\nTWICE = WORD * 2\nLENGTH = length()\n")
    (project / "main.py").write_text("import middle\n\n\ndef app(scope, receive, send):\n    return middle.TWICE\n")
    commit()
    return project


# -- the plan --


def test_each_statement_has_its_rule_and_the_way_back_to_the_edit(chained: Path, ask: Ask) -> None:
    (chained / "helper.py").write_text((chained / "helper.py").read_text().replace("'v0'", "'v1'"))
    found = ask("helper.py")
    assert (found["target"], found["since"], found["files"]) == ("main:app", "HEAD", [str(chained / "helper.py")])
    assert (found["restart"], found["error"]) == ("", None)
    assert actions(found) == [
        ("execute", "helper", "WORD = 'v1'"),
        ("execute", "middle", "from helper import WORD"),
        ("execute", "middle", "TWICE = WORD * 2"),
    ]
    assert [step["line"] for step in found["steps"]] == [1, 1, 3]
    assert found["steps"][2]["reasons"] == [
        *("reads middle.WORD", "middle:1 from helper import WORD"),
        *("reads helper.WORD", "helper:1 WORD = 'v1'", "helper.py:1 changed"),
    ]


def test_a_person_sees_a_tree(start: Start, chained: Path, environment: dict[str, str]) -> None:
    text = (chained / "helper.py").read_text()
    (chained / "helper.py").write_text(text.replace("'v0'", "'v1'").replace("return 1", "return 2"))
    tool = start("explain", "helper.py", environment=environment | {"NO_COLOR": "1", "PYTHONUTF8": "1"})
    assert tool.ends() == 0
    assert tool.err == []
    assert [line.rstrip() for line in tool.out] == [
        "saving helper.py, in a process of main:app as of HEAD",
        "├── helper.py:4 changed inside functions",
        "│   └── 1 patch helper.length",
        "│       └── 5 execute middle:4 LENGTH = length() (called length when it was imported)",
        "└── helper.py:1 changed",
        "    └── 2 execute helper:1 WORD = 'v1'",
        "        └── 3 execute middle:1 from helper import WORD (reads helper.WORD)",
        "            └── 4 execute middle:3 TWICE = WORD * 2 (reads middle.WORD)",
    ]


def test_a_function_is_patched(chained: Path, ask: Ask) -> None:
    (chained / "main.py").write_text((chained / "main.py").read_text().replace("middle.TWICE", "middle.LENGTH"))
    found = ask("main.py")
    assert actions(found) == [("patch", "main", "")]
    assert found["steps"][0]["functions"] == ["main.app"]


def test_the_revision_is_what_it_is_compared_with(chained: Path, commit: Commit, ask: Ask) -> None:
    (chained / "middle.py").write_text((chained / "middle.py").read_text() + "MORE = 1\n")
    commit()
    assert ask("middle.py")["steps"] == []
    found = ask("--since", "HEAD~1", "--target", "middle", "middle.py")
    assert found["target"] == "middle"
    assert actions(found) == [("execute", "middle", "MORE = 1")]


def test_new_and_deleted_files_are_saves_too(chained: Path, ask: Ask) -> None:
    (chained / "helper.py").unlink()
    (chained / "words.py").write_text("WORD = 'new'\n\n\ndef length():\n    return 3\n")
    (chained / "middle.py").write_text((chained / "middle.py").read_text().replace("helper", "words"))
    found = ask("helper.py", "words.py", "middle.py")
    assert ("drop", "helper", "") in actions(found)
    assert ("execute", "middle", "from words import WORD") in actions(found)


def test_other_files_are_as_they_are_in_the_working_tree(chained: Path, ask: Ask) -> None:
    """One is not committed, one is modified, one is ignored by git and yet imported."""
    (chained / ".gitignore").write_text("_version.py\n")
    (chained / "_version.py").write_text("VERSION = 1\n")
    (chained / "fresh.py").write_text("import _version\n")
    (chained / "middle.py").write_text("import fresh\n" + (chained / "middle.py").read_text())
    (chained / "helper.py").write_text((chained / "helper.py").read_text().replace("'v0'", "'v1'"))
    assert [step["line"] for step in ask("helper.py")["steps"]] == [1, 2, 4]


def test_a_file_that_is_read_at_import_counts(chained: Path, commit: Commit, ask: Ask) -> None:
    (chained / "data.txt").write_text("1")
    (chained / "helper.py").write_text("WORD = open('data.txt').read()\n\n\ndef length():\n    return 1\n")
    commit()
    (chained / "data.txt").write_text("2")
    assert actions(ask("data.txt"))[0] == ("execute", "helper", "WORD = open('data.txt').read()")


def test_a_restart_is_a_plan_too(start: Start, chained: Path, commit: Commit, ask: Ask) -> None:
    (chained / "helper.py").write_text("__reload__ = 'restart'\n" + (chained / "helper.py").read_text())
    commit()
    (chained / "helper.py").write_text((chained / "helper.py").read_text().replace("'v0'", "'v1'"))
    found = ask("helper.py")
    assert "helper" in found["restart"]
    assert found["steps"] == []
    tool = start("explain", "helper.py")
    assert tool.ends() == 0
    assert f"restart, because {found['restart']}" in tool.text()


def test_what_changes_nothing_is_said_so(start: Start, chained: Path) -> None:
    (chained / "helper.py").write_text("# a comment\n" + (chained / "helper.py").read_text())
    tool = start("explain", "helper.py")
    assert tool.ends() == 0
    assert tool.text() == "saving helper.py, in a process of main:app as of HEAD: nothing that runs would change\n"


def test_a_source_layout_below_the_top_of_the_repository(project: Path, commit: Commit, ask: Ask) -> None:
    package = project / "service" / "src" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "prices.py").write_text("RATE = 1\n")
    (package / "web.py").write_text(
        "from shop.prices import RATE\n\n\ndef app(scope, receive, send):\n    return RATE\n"
    )
    commit()
    (package / "prices.py").write_text("RATE = 2\n")
    found = ask("--target", "shop.web:app", "src/shop/prices.py", folder=project / "service")
    assert actions(found)[1] == ("execute", "shop.web", "from shop.prices import RATE")


# -- what is left alone --


def test_nothing_of_the_users_is_written(start: Start, chained: Path) -> None:
    (chained / "helper.py").write_text("open('written', 'w').write('x')\n" + (chained / "helper.py").read_text())
    (chained / "middle.py").write_text("open('written too', 'w').write('x')\n" + (chained / "middle.py").read_text())

    def state() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in chained.rglob("*") if path.is_file()}

    before = state()
    assert start("explain", "helper.py").ends() == 0
    assert state() == before


# -- errors --


def test_a_syntax_error_is_shown_where_it_is(start: Start, chained: Path, ask: Ask) -> None:
    (chained / "helper.py").write_text("WORD = (\n")
    tool = start("explain", "helper.py")
    assert tool.ends() == 1
    assert "failed helper.py:1: SyntaxError: '(' was never closed" in tool.text()
    assert "> 1 | WORD = (" in tool.text()
    assert "the last good version" in tool.text()
    error = ask("helper.py", status=1)["error"]
    assert (error["file"], error["line"], error["before"]) == (str(chained / "helper.py"), 1, False)


def test_a_revision_that_does_not_import_is_told(start: Start, chained: Path, commit: Commit) -> None:
    good = (chained / "helper.py").read_text()
    (chained / "helper.py").write_text("1 / 0\n")
    commit()
    (chained / "helper.py").write_text(good)
    tool = start("explain", "helper.py")
    assert tool.ends() == 1
    assert "ZeroDivisionError" in tool.text()
    assert "main:app cannot be imported as of HEAD" in tool.text()


def test_wrong_questions_get_one_sentence(start: Start, chained: Path, tmp_path: Path) -> None:
    (chained / "alone.py").write_text("ALONE = 1\n")
    (chained / "stranger.py").write_text("STRANGER = 1\n")
    subprocess.run(["git", "add", "alone.py"], cwd=chained, check=True)
    outside = tmp_path / "outside.py"
    outside.touch()
    assert "there is no file" in refused(start("explain", "nowhere.py"))
    assert "is a directory" in refused(start("explain", "."))
    assert "is not the project's own" in refused(start("explain", str(outside)))
    assert "there is no revision 'nope'" in refused(start("explain", "--since", "nope", "helper.py"))
    assert "there is no module 'nowhere'" in refused(start("explain", "--target", "nowhere:app", "helper.py"))
    assert start("explain").ends() == 2


def test_a_file_that_nothing_has_loaded_is_named(start: Start, chained: Path, commit: Commit) -> None:
    (chained / "alone.py").write_text("ALONE = 1\n")
    commit()
    assert "alone.py is not loaded by main:app" in refused(start("explain", "alone.py"))


def test_a_directory_without_a_repository(start: Start, project: Path) -> None:
    assert "is not in a git repository" in refused(start("explain", "helper.py"))
