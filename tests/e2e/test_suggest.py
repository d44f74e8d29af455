"""`profile --suggest` and `--diff`: the patch is applied in a copy, which runs and is as much faster as was said."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.test_profile import as_json, command

HERE = Path(__file__).parents[2]
FILES = {
    "app.py": """
        import sys
        from heavy import Box, work as labour
        from shop import cart
        LEVEL = cart.LEVEL

        def main():
            return labour(2), Box(3).content, cart.total()

        if __name__ == "__main__":
            print(main())
    """,
    "heavy.py": """
        SUM = sum(range(8_000_000))
        def work(times):
            return times * 2
        class Box:
            def __init__(self, content):
                self.content = content
    """,
    "shop/__init__.py": "",
    "shop/cart.py": """
        from . import dear
        from .dear import price as p
        import needed

        def total(how: "dear.Price | None" = None):
            return dear.price() + p() + LEVEL
        LEVEL = needed.LEVEL
    """,
    "shop/dear.py": "SUM = sum(range(8_000_000))\ndef price():\n    return 7\n",
    "needed.py": "sum(range(1_000_000))\nLEVEL = 1\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip())
    return folder


def test_the_patched_program_runs_and_is_as_much_faster_as_was_said(project: Path) -> None:
    before = as_json(project, "profile", "app", "-n", "3", "--suggest", "--diff", "lazy.patch")
    by_name = {one["name"]: one for one in before["suggestions"]}
    assert [by_name[name]["safe"] for name in ("heavy", "shop.dear", "needed")] == [True, True, False]
    assert by_name["needed"]["blocked"][0]["against"] == "needed is read at module level, line 7"
    copy = project.parent / "copy"
    shutil.copytree(project, copy)
    subprocess.run(["patch", "-p1", "--quiet", "-i", "lazy.patch"], cwd=copy, check=True)
    typed = 'if TYPE_CHECKING:\n    from . import dear\nelse:\n    dear = lazy_import(".dear", package=__package__)\n'
    assert typed in (copy / "shop/cart.py").read_text(), "annotations name it"
    assert (project / "app.py").read_text() == dedent(FILES["app.py"]).lstrip(), "nothing is applied by us"
    after = as_json(copy, "profile", "app", "-n", "3")
    loaded = {one["module"] for one in after["modules"]}
    assert not loaded & {"heavy", "shop.dear"}
    assert "needed" in loaded
    promised = by_name["heavy"]["saved"] + by_name["shop.dear"]["saved"]
    assert before["total"] - after["total"] > promised * 0.6, "what lazy_import itself costs is small"
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    line = [sys.executable, "app.py"]
    done = subprocess.run(line, cwd=copy, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "(4, 3, 15)\n"


def test_what_is_told(project: Path) -> None:
    done = command(project, "profile", "app", "--suggest")
    assert done.returncode == 0
    used = "whether it was used is not known" if sys.version_info < (3, 12) else "and this run did not use it"
    assert f"ms (one module), {used}\n" in done.stdout
    assert '  app.py:2  Box = lazy_import("heavy", "Box"); labour = lazy_import("heavy", "work")\n' in done.stdout
    assert "  lazy from heavy import Box, work as labour  (Python 3.15)\n" in done.stdout
    assert "shop/cart.py:3: needed is read at module level, line 7" in done.stdout


def test_one_statement_for_several_modules_names_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "app.py").write_text("from pack import a, b, c, d\ndef main(): return a, b, c, d\n")
    for name in ("__init__", "a", "b", "c", "d"):
        (tmp_path / "pack" / f"{name}.py").write_text("SUM = sum(range(1_000_000))\n" if name != "__init__" else "")
    [one, *_] = as_json(tmp_path, "profile", "app", "--suggest")["suggestions"]
    assert one["name"] == "pack.a, pack.b, pack.c, pack.d"
    assert command(tmp_path, "profile", "app", "--suggest").stdout.startswith("pack.a, pack.b and 2 more lazy saves ")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python tells which functions run from 3.12 on")
def test_what_the_run_used_is_not_in_the_patch(project: Path) -> None:
    done = command(project, "profile", "app.py", "--suggest", "--json", "--diff", "lazy.patch")
    found = json.loads(done.stdout[done.stdout.index("{") :])["suggestions"]
    assert {one["name"]: one["used"] for one in found}["heavy"] is True
    assert (project / "lazy.patch").read_text() == ""


def test_what_others_would_miss(project: Path) -> None:
    (project / "app.py").write_text("import routes\nimport threaded\ndef main():\n    return routes, threaded\n")
    (project / "routes.py").write_text("import registry\nsum(range(1_000_000))\nregistry.add('x')\n")
    (project / "registry.py").write_text("def add(x): pass\n")
    (project / "threaded.py").write_text("SUM = sum(range(2_000_000))\n")
    found = {one["name"]: one for one in as_json(project, "profile", "app", "--suggest")["suggestions"]}
    assert found["routes"]["deeds"] == ["routes calls registry.add() (line 3)"]
    assert found["threaded"]["safe"]
