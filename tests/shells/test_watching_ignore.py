"""What is ignored, and what that saves."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pepperpy_reload.watching.coverage import plan, survey
from pepperpy_reload.watching.ignore import IgnoreRules

if TYPE_CHECKING:
    from tests.shells.conftest import Watch


def make(root: Path, *names: str, content: str = "") -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


@pytest.mark.parametrize(
    "name",
    [
        *(".git/HEAD", ".venv/lib/x.py", "venv/x.py", "web/node_modules/a/b.js", "pkg/__pycache__/mod.pyc", "x.pyc"),
        *(".mypy_cache/x.json", ".app.py.swp", "4913", "app.py~", ".#app.py", "app.py___jb_tmp___", "x.tmp"),
        *("run.log", "app.db", "data.sqlite3", "x.sqlite-wal", "app.db-journal", "x.egg-info/PKG-INFO"),
    ],
)
def test_defaults(project: Path, name: str) -> None:
    assert IgnoreRules(str(project)).ignores(str(project / name))


@pytest.mark.parametrize("name", ["app.py", "pkg/sub/page.html", ".env", "logs.py", "db/models.py", "build/x.py"])
def test_sources_are_not_ignored(project: Path, name: str) -> None:
    assert not IgnoreRules(str(project)).ignores(str(project / name))


def test_gitignore_at_every_level(project: Path) -> None:
    make(project, ".gitignore", content="*/\n!*/\n/build/\n*.gen.py\n!keep.log\n")
    make(project, "pkg/.gitignore", content="!wanted.gen.py\nlocal.py\n")
    rules = IgnoreRules(str(project))
    ignored = {
        name
        for name in (
            *("build/x.py", "pkg/build/x.py", "a.gen.py", "pkg/a.gen.py", "pkg/wanted.gen.py", "wanted.gen.py"),
            *("keep.log", "other.log", "pkg/local.py", "local.py", "pkg/sub/local.py", ".venv/x.py"),
        )
        if rules.ignores(str(project / name))
    }
    assert ignored == {
        *("build/x.py", "a.gen.py", "pkg/a.gen.py", "wanted.gen.py", "other.log", "pkg/local.py"),
        *("pkg/sub/local.py", ".venv/x.py"),
    }


def test_gitignore_above_the_root_up_to_the_repository(project: Path) -> None:
    make(project.parent, ".gitignore", content="secret.py\n")
    assert not IgnoreRules(str(project)).ignores(str(project / "secret.py"))
    make(project.parent, ".git/info/exclude", content="mine.py\n")
    assert IgnoreRules(str(project)).ignores(str(project / "secret.py"))
    assert IgnoreRules(str(project)).ignores(str(project / "mine.py"))
    make(project.parent, ".gitignore", content="/project/\n")
    assert not IgnoreRules(str(project)).ignores(str(project / "app.py"))


def test_own_globs_decide_first(project: Path) -> None:
    make(project, ".gitignore", content="build/\n*.gen.py\n")
    include = ["*.gen.py", "build/gen/*.py", f"{project}/run.log"]
    rules = IgnoreRules(str(project), include, ["bad.gen.py", "pkg/sub/"])
    seen = {
        name
        for name in (
            *("x.gen.py", "bad.gen.py", "build/gen/x.py", "build/gen/x.txt", "build/x.py", "build/other/x.py"),
            *("run.log", "pkg/run.log", "pkg/sub/x.py", "build/gen/deep/x.py"),
        )
        if not rules.ignores(str(project / name))
    }
    assert seen == {"x.gen.py", "build/gen/x.py", "run.log"}


def test_a_pattern_file_that_is_nonsense_is_no_reason_to_fail(project: Path) -> None:
    (project / ".gitignore").write_bytes(b"\xff[z-a]\n[\n\\\n!\n//\nx.py\n")
    assert not IgnoreRules(str(project)).ignores(str(project / "app.py"))


def test_what_the_app_writes_is_not_told(project: Path, watch: Watch) -> None:
    watched = watch()
    make(project, "run.log", "x.sqlite-wal", "app.db", "pkg/__pycache__/mod.cpython-312.pyc", ".git/x", content="1")
    assert watched.settled() == []
    make(project, ".venv/lib/x.py", "node_modules/a/x.js", content="1")
    assert watched.settled() == []


def test_what_is_included_below_an_ignored_directory_is_told(project: Path, watch: Watch) -> None:
    make(project, ".gitignore", content="build/\n")
    make(project, "build/gen/x.py", "build/other/x.py", "build/x.py", content="0")
    watched = watch(include=["build/gen/*.py"])
    make(project, "build/gen/x.py", "build/other/x.py", "build/x.py", "build/gen/new.py", content="1")
    assert set[str]().union(*watched.settled()) == {"build/gen/x.py", "build/gen/new.py"}


def test_a_changed_gitignore_holds_at_once(project: Path, watch: Watch) -> None:
    make(project, "out/x.py", content="0")
    watched = watch()
    make(project, ".gitignore", content="out/\n/app.py\n")
    assert watched.settled() == [{".gitignore"}]
    make(project, "out/x.py", "app.py", content="1")
    assert watched.settled() == []
    make(project, ".gitignore", content="")
    watched.wait(lambda: {".gitignore", "out/x.py", "app.py"} <= watched.paths)
    watched.settled()
    make(project, "out/x.py", content="2")
    assert watched.settled() == [{"out/x.py"}]


def test_a_new_environment_is_ignored_whatever_its_name(project: Path, watch: Watch) -> None:
    watched = watch()
    make(project, "env3/pyvenv.cfg", "env3/lib/x.py", content="1")
    assert watched.settled() == []
    make(project, "env3/lib/x.py", content="2")
    assert watched.settled() == []


def watches() -> set[str]:
    """The directories that have a watch of their own."""
    start = "pepperpy-reload events of "
    names = [thread.name for thread in threading.enumerate() if thread.name.startswith(start)]
    return {name.removeprefix(start) for name in names}


def test_ignored_trees_cost_no_watches(project: Path, watch: Watch) -> None:
    make(project, ".venv/lib/x.py", "web/node_modules/a/x.js", "web/src/x.js", "pkg/__pycache__/x.pyc")
    rules = IgnoreRules(str(project))
    chosen = plan(survey(str(project), rules))
    assert {os.path.relpath(path, project): recursive for path, recursive in chosen.items()} == {
        ".": False,
        "pkg": True,
        "web": False,
        "web/src": True,
    }
    watched = watch()
    assert {os.path.relpath(path, project) for path in watches()} == {".", "pkg", "web", "web/src"}
    make(project, "web/src/x.js", content="1")
    assert watched.settled() == [{"web/src/x.js"}]
    make(project, "web/new/deep/y.js", "other/z.py", content="1")
    assert set[str]().union(*watched.settled()) == {"web/new/deep/y.js", "other/z.py"}
    make(project, "web/new/deep/y.js", content="2")
    make(project, "other/z.py", content="2")
    assert set[str]().union(*watched.settled()) == {"web/new/deep/y.js", "other/z.py"}


def test_too_many_children_are_one_watch(project: Path) -> None:
    make(project, ".venv/lib/x.py", *(f"d{at}/x.py" for at in range(30)))
    assert plan(survey(str(project), IgnoreRules(str(project)))) == {str(project): True}


def test_without_ignored_trees_there_is_one_watch(project: Path) -> None:
    make(project, "pkg/__pycache__/x.pyc")
    assert plan(survey(str(project), IgnoreRules(str(project)))) == {str(project): True}
