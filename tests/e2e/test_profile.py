"""`pepperpy-reload profile` and `why`, as a person calls them, against what Python itself says."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "pepperpy_reload", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def as_json(folder: Path, *arguments: str) -> Any:
    done = command(folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "app.py": """
            import threading, importlib
            from shop import prices
            from shop.late import load
            load()
            thread = threading.Thread(target=importlib.import_module, args=("other",), name="side")
            thread.start()
            thread.join()
            try:
                import not_there
            except ImportError:
                pass
        """,
        "other.py": "import shop.prices\nimport alone\n",
        "alone.py": "SUM = sum(range(300_000))\n",
        "shop/__init__.py": "print('loaded')\n",
        "shop/prices.py": "import decimal\nfrom . import rates\n",
        "shop/rates.py": "VALUE = 1\n",
        "shop/late.py": "def load():\n    import alone2\n",
        "alone2.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text).lstrip())
    return tmp_path


def test_what_is_told_of_each_module(project: Path) -> None:
    seen = as_json(project, "profile", "app")
    modules = {one["module"]: one for one in seen["modules"]}
    assert (modules["shop"]["importer"], modules["shop"]["line"]) == ("app", 2)
    assert (modules["shop.rates"]["importer"], modules["shop.rates"]["line"]) == ("shop.prices", 2)
    assert (modules["alone2"]["importer"], modules["alone2"]["line"]) == ("shop.late", 2)
    assert modules["not_there"]["error"] == "ModuleNotFoundError: No module named 'not_there'"
    assert modules["other"]["thread"] != modules["app"]["thread"], "by name, in another thread"
    assert all(one["self"] >= 0 for one in seen["modules"])
    assert modules["alone"]["exclusive"] == modules["alone"]["cumulative"] > 0
    edges = {(one["importer"], one["imported"]): one["line"] for one in seen["edges"]}
    assert edges["other", "shop.prices"] == 1, "loaded long before"
    (project / "names.py").write_text("from shop import (\n    first,\n    second,\n)\n")
    (project / "shop/first.py").write_text("from . import second\n")
    (project / "shop/second.py").write_text("")
    edges = {(one["importer"], one["imported"]): one["line"] for one in as_json(project, "profile", "names")["edges"]}
    assert edges["names", "shop.second"] == 1, "another one loaded it while that statement ran"
    kinds = {one["module"]: one["kind"] for one in as_json(project, "profile", "app", "-n", "2")["modules"]}
    assert kinds["app"] == "bytecode"
    assert kinds["_decimal"] in ("extension", "built-in")
    assert modules["app"]["kind"] == "source"


def test_what_frozen_modules_import_is_theirs(tmp_path: Path) -> None:
    (tmp_path / "asks.py").write_text(
        "import sys\nfor name in ('importlib.util', 'importlib._abc'):\n    sys.modules.pop(name, None)\n"
        "import importlib.util\n"
    )
    edges = {(one["importer"], one["imported"]) for one in as_json(tmp_path, "profile", "asks")["edges"]}
    assert {("asks", "importlib.util"), ("importlib.util", "importlib._abc")} <= edges
    assert ("asks", "importlib._abc") not in edges


def test_imports_far_down_a_long_module_have_their_lines(tmp_path: Path) -> None:
    text = "".join(f"VALUE_{number} = [\n    {number},\n]\n" for number in range(2_000))
    (tmp_path / "long.py").write_text(f"{text}import one\n{text}if True:\n    from one import (\n        VALUE)\n")
    (tmp_path / "one.py").write_text("import long_one\nVALUE = 1\n")
    (tmp_path / "long_one.py").write_text(f"{text}def late():\n\n    import two\nlate()\n")
    (tmp_path / "two.py").write_text("")
    seen = as_json(tmp_path, "profile", "long")
    lines = {one["module"]: one["line"] for one in seen["modules"]}
    assert lines == {"long": 0, "one": 6_001, "long_one": 1, "two": 6_003}
    edges = {(one["importer"], one["imported"]): one["line"] for one in seen["edges"]}
    assert edges["long", "one"] == 6_001
    assert edges["long_one", "two"] == 6_003


def test_names_of_a_type_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "named.py").write_text(
        "import enum, importlib\nclass Name(enum.StrEnum):\n    ONE = 'one'\n"
        "class Text(str): pass\nimportlib.import_module(Name.ONE)\n__import__('one', None, None, [Text('VALUE')])\n"
        "__import__(Text('two'))\n"
    )
    (tmp_path / "one.py").write_text("VALUE = 1\n")
    (tmp_path / "two.py").write_text("")
    seen = as_json(tmp_path, "profile", "named")
    assert {"one", "two"} <= {one["module"] for one in seen["modules"]}
    assert {("named", "one"), ("named", "two")} <= {(one["importer"], one["imported"]) for one in seen["edges"]}


def test_the_same_modules_as_python_tells(project: Path) -> None:
    (project / "both.py").write_text("import sqlite3, email.message\n")
    line = [sys.executable, "-P", "-X", "importtime", "both.py"]
    told = subprocess.run(line, cwd=project, capture_output=True, text=True, check=True, timeout=60).stderr
    names = [row.rpartition("|")[2].strip() for row in told.splitlines() if row.startswith("import time:")]
    seen = [one["module"] for one in as_json(project, "profile", "both.py")["modules"]]
    assert {*seen} == {*names[names.index("site") + 1 :]}


def test_why_a_module_is_loaded(project: Path) -> None:
    seen = as_json(project, "why", "app", "shop.prices")
    ways = [[(edge["importer"], edge["line"]) for edge in chain["edges"]] for chain in seen["chains"]]
    assert ways[0] == [("app", 2)]
    assert [one[-1] for one in ways] == [("app", 2), ("other", 1)]
    done = command(project, "why", "app", "shop.rates")
    assert "shop.prices (shop/prices.py:2) → shop.rates" in done.stdout, done.stdout
    done = command(project, "why", "app", "shop.price")
    assert (done.returncode, done.stderr) == (
        1,
        "loaded\nimporting app does not load shop.price; did you mean shop.prices?\n",
    )


def test_one_screen(project: Path) -> None:
    done = command(project, "profile", "app")
    assert done.returncode == 0
    assert "modules in" in done.stdout
    assert "saved without it" in done.stdout
    assert "No module named 'not_there' (app.py:9)" in done.stdout
    assert len(done.stdout.splitlines()) < 60


def at_a_terminal(line: list[str], folder: Path, columns: int) -> str:
    """What a command writes to a terminal of so many columns, without its colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(line, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        written = b""
        with contextlib.suppress(OSError):  # that is how the end of a terminal is told
            while part := os.read(ours, 65_536):
                written += part
        assert process.wait(60) == 0
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m", "", written.decode())


def test_a_narrow_terminal_has_all_figures_and_the_names_of_deep_chains(tmp_path: Path) -> None:
    for depth in range(24):
        below = f"import deep_{depth + 1}\n" if depth < 23 else "SUM = sum(range(300_000))\n"
        (tmp_path / f"deep_{depth}.py").write_text(below)
    line = [sys.executable, "-m", "pepperpy_reload", "profile", "deep_0"]
    lines = at_a_terminal(line, tmp_path, columns=80).splitlines()
    [head] = [place for place, text in enumerate(lines) if text.startswith("self, ms  with all")]
    rows = lines[head + 1 : head + 25]
    for depth, text in enumerate(rows):
        assert len(text) <= 80
        assert len(re.findall(r"\b\d+\.\d\b", text[:32])) >= 3, text
        assert re.search(rf"\bdeep_{depth}\b", text), text


def test_what_is_reached_through_a_module_alone_is_no_way_to_it(tmp_path: Path) -> None:
    files = {
        "start.py": "import pack\nimport other\n",
        "other.py": "from pack.one import VALUE\n",
        "pack/__init__.py": "from pack import one, two\n",
        "pack/one.py": "import pack\nVALUE = 1\n",
        "pack/two.py": "import pack.one, far\n",
        "far.py": "import pack\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    chains = as_json(tmp_path, "why", "start", "pack")["chains"]
    assert [[edge["importer"] for edge in one["edges"]] for one in chains] == [["start"], ["start", "other"]]


def test_of_many_ways_the_shortest_are_shown(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"by_{number}.py").write_text("import leaf\n")
    (tmp_path / "leaf.py").write_text("")
    (tmp_path / "start.py").write_text("".join(f"import by_{number}\n" for number in range(30)))
    lines = command(tmp_path, "why", "start", "leaf").stdout.splitlines()
    assert lines[0].startswith("leaf is loaded in 30 ways")
    assert lines[-1] == "and 10 more (--json has them all)"
    assert len(lines) == 23
    assert len(as_json(tmp_path, "why", "start", "leaf")["chains"]) == 30


@pytest.mark.parametrize(
    ("target", "text", "status", "told"),
    [
        ("nothing", "", 2, "nothing cannot be imported: No module named 'nothing'"),
        ("nothing.py", "", 2, "there is no script nothing.py"),
        ("bad", "x = (", 2, "bad cannot be imported: SyntaxError: '(' was never closed (bad.py, line 1)"),
        ("bad.py", "import csv\n1 / 0", 1, "ZeroDivisionError: division by zero"),
        ("bad", "import os\nos._exit(3)", 2, "ended by itself with exit code 3"),
        ("bad", "raise ValueError('no\\nway')", 2, "pepperpy-reload: bad cannot be imported: ValueError: no way\n"),
        ("bad:app.run", "app = 1", 2, "pepperpy-reload: bad has no attribute app.run\n"),
        ("bad.py:app", "", 2, "bad.py:app is no target: it is bad.py for the script, or bad:app for the module\n"),
        ("", "", 2, "'' names nothing: a target is a module, module:attribute, or the path of a script\n"),
        ("bad:", "", 2, "'bad:' names nothing"),
    ],
)
def test_a_target_that_cannot_be_profiled(tmp_path: Path, target: str, text: str, status: int, told: str) -> None:
    (tmp_path / "bad.py").write_text(text)
    done = command(tmp_path, "profile", target)
    assert (done.returncode, told in done.stderr) == (status, True), done.stderr
    assert "pepperpy_reload" not in done.stderr


def test_cycles_with_what_they_do_and_where_they_can_be_cut(tmp_path: Path) -> None:
    files = {
        "app.py": "import now, plain, late, typed\n",
        "now.py": "try:\n    from now2 import X\nexcept ImportError:\n    pass\nY = 1\n",
        "now2.py": "from now import Y\nX = 1\ndef f():\n    return Y\n",
        "plain.py": "import plain2\nA = 1\n",
        "plain2.py": "from __future__ import annotations\nimport plain\ndef f(x: plain.T): pass\n",
        "late.py": "import late2\n",
        "late2.py": "def f():\n    import late\n",
        "typed.py": "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import typed2\n",
        "typed2.py": "import typed\n",
        "far.py": "import now\nprint(now.f)\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    seen = as_json(tmp_path, "profile", "app")["cycles"]
    told = [(one["class"], [(step["importer"], step["line"]) for step in one["imports"]]) for one in seen]
    assert told == [
        ("harmful now", [("now", 2), ("now2", 1)]),
        ("import-time", [("plain", 1), ("plain2", 2)]),
        ("deferred", [("late", 1), ("late2", 2)]),
        ("typing only", [("typed2", 1), ("typed", 3)]),
    ]
    assert seen[0]["imports"][1]["missing"] == ["Y"]
    moves = [(one["cut"]["importer"], one["cut"]["line"], one["cut"]["move"]) for one in seen[:2]]
    assert moves == [("now2", 1, "into the functions that use it"), ("plain2", 2, "under TYPE_CHECKING")]
    done = command(tmp_path, "profile", "app")
    assert "harmful now: now (now.py:2) → now2 (now2.py:1) → now; Y was not bound yet in now;" in done.stdout
    (tmp_path / "now2.py").write_text("X = 1\ndef f():\n    from now import Y\n    return Y\n")
    (tmp_path / "plain2.py").write_text("TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import plain\n")
    seen = as_json(tmp_path, "profile", "app")["cycles"]
    assert [one["class"] for one in seen] == ["deferred", "deferred", "typing only", "typing only"]
    (tmp_path / "raises.py").write_text("import raises2\nVALUE = 1\n")
    (tmp_path / "raises2.py").write_text("import raises\nraises.VALUE\n")
    done = command(tmp_path, "profile", "raises", "--json")
    [one] = json.loads(done.stdout)["cycles"]
    assert (one["class"], one["imports"][1]["missing"]) == ("harmful now", ["VALUE"]), "an attribute that is not there"


def test_files_and_profiles_that_do_not_fit_are_refused_before_anything_is_run(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print('ran')\n")
    (tmp_path / "other.py").write_text("")
    command(tmp_path, "profile", "other", "--save", "other.json")
    for words, told in {
        ("--compare", "not_there.json"): "not_there.json cannot be read: No such file or directory",
        ("--compare", "app.py"): "app.py is not what profile --save writes",
        ("--compare", "other.json"): "other.json is a profile of other, not of app",
        ("--diff", "nowhere/lazy.patch"): "--diff: there is no directory nowhere to write lazy.patch to",
        ("--save", "."): "--save: . is a directory, not a file",
    }.items():
        done = command(tmp_path, "profile", "app", *words)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"pepperpy-reload: {told}\n")
    done = command(tmp_path, "profile", "app", "--diff", "lazy.patch")
    assert done.stderr == "ran\nlazy.patch is empty: nothing that this run did not use is safe to make lazy\n"


def test_what_fails_and_what_ends_the_program_is_told(tmp_path: Path) -> None:
    (tmp_path / "optional.py").write_text("try:\n    import not_there\nexcept ImportError: pass\n")
    (tmp_path / "ends.py").write_text("import sys\nimport optional\nsys.exit(3)\n")
    done = command(tmp_path, "profile", "ends")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].endswith("; it ended the program (SystemExit: 3)")
    assert "One import failed, and whoever asked for it went on or failed too:" in done.stdout
    (tmp_path / "script.py").write_text("import optional\n")
    assert "the script (" in command(tmp_path, "why", "script.py", "optional").stdout
    told = command(tmp_path, "why", "script.py", "not_there").stdout
    assert "the script" not in command(tmp_path, "why", "ends", "optional").stdout
    assert told.startswith("not_there is asked for in one way, and cannot be loaded: ModuleNotFoundError: No module")
    (tmp_path / "empty.py").write_text("")
    assert len(command(tmp_path, "profile", "empty.py").stdout.splitlines()) == 1
