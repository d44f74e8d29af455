"""`pepperpy-reload budget` and `profile --save`, `--compare`, as a person calls them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.test_profile import as_json, command

TABLE = """
[tool.pepperpy-reload.budget]
allowed-cycles = []
[tool.pepperpy-reload.budget.targets."shop.cli"]
forbidden = ["decimal"]
max-ratio = 400
max-modules = 200
[tool.pepperpy-reload.budget.targets."start.py"]
max-ratio = 400
"""


def written(folder: Path, **more: str) -> Path:
    files = {
        "pyproject.toml": TABLE,
        "shop/__init__.py": "",
        "shop/cli.py": "from . import prices\n",
        "shop/prices.py": "import fractions\n",
        "start.py": "import shop.prices\nprint('started')\n",
    }
    for name, text in (files | more).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


def test_a_budget_is_held_or_told_with_the_chain_that_broke_it(tmp_path: Path) -> None:
    done = command(written(tmp_path), "budget")
    assert (done.returncode, len(done.stdout.splitlines())) == (1, 3), done.stdout
    assert done.stdout.splitlines()[0] == "shop.cli: decimal is loaded, which is forbidden"
    assert "shop.cli (shop/cli.py:1) → shop.prices (shop/prices.py:1) → fractions (" in done.stdout
    assert ") → decimal\n" in done.stdout
    assert "start.py: " in done.stdout
    (tmp_path / "shop/prices.py").write_text("VALUE = 1\n")
    done = command(tmp_path, "budget")
    assert (done.returncode, done.stdout.count("within its budget")) == (0, 2), done.stdout + done.stderr
    assert "times the bare interpreter's start; within its budget" in done.stdout
    (tmp_path / "pyproject.toml").write_text(TABLE.replace("400", "0.5"))
    (tmp_path / "shop/prices.py").write_text("import shop.cli\n")
    done = command(tmp_path, "budget", "shop.cli")
    assert done.returncode == 1
    assert "shop.cli: there is an import cycle (import-time) that is not allowed\n  shop." in done.stdout
    assert "times what the bare interpreter takes, 0.5 is allowed" in done.stdout
    [seen] = [json.loads(line) for line in command(tmp_path, "budget", "shop.cli", "--json").stdout.splitlines()]
    assert seen["ratio"] > 0.5
    assert [one["text"].split()[0] for one in seen["broken"]] == ["there", "the"]
    assert seen["broken"][0]["cycle"]["class"] == "import-time"


def test_what_is_no_budget(tmp_path: Path) -> None:
    written(tmp_path)
    done = command(tmp_path, "budget", "other")
    assert (done.returncode, "has a budget for other in" in done.stderr) == (2, True)
    (tmp_path / "shop/prices.py").write_text("1 / 0\n")
    done = command(tmp_path, "budget", "shop.cli")
    assert (done.returncode, "shop.cli cannot be imported: ZeroDivisionError" in done.stderr) == (2, True)
    (tmp_path / "pyproject.toml").write_text(TABLE.replace("max-ratio", "max-ration"))
    done = command(tmp_path, "budget")
    assert (done.returncode, "pyproject.toml:6: there is nothing in a budget" in done.stderr) == (2, True)


def test_profiles_are_saved_and_compared(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "shop/prices.py").write_text("VALUE = 1\n")
    saved = as_json(tmp_path, "profile", "shop.cli", "--save", "before.json")
    assert json.loads((tmp_path / "before.json").read_text())["modules"] == saved["modules"]
    loose = ("--absolute", "100000")
    done = command(tmp_path, "profile", "shop.cli", "--compare", "before.json", *loose)
    assert (done.returncode, "within the tolerance" in done.stderr, "came" in done.stderr) == (0, True, False)
    (tmp_path / "shop/prices.py").write_text("import fractions\nsum(range(3_000_000))\n")
    done = command(tmp_path, "profile", "shop.cli", "--compare", "before.json", "--absolute", "1")
    assert done.returncode == 1
    assert "slower than allowed" in done.stderr
    assert "shop.prices (shop/prices.py:1) → fractions, " in done.stderr
    assert "\nshop itself took " in done.stderr
    done = command(tmp_path, "profile", "shop.cli", "--compare", "before.json", *loose)
    assert (done.returncode, "modules came:" in done.stderr) == (0, True)
    done = command(tmp_path, "profile", "shop.cli", "--compare", "pyproject.toml")
    assert (done.returncode, "pyproject.toml is not what profile --save writes" in done.stderr) == (2, True)
