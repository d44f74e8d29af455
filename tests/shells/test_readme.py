"""The front page says what is so."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

import pepperpy_reload
from pepperpy_reload.config import SETTINGS, TABLE, read_budgets, read_pyproject

HERE = Path(__file__).parents[2]
TEXT = (HERE / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.key)
def test_every_setting_is_in_the_table(setting: object) -> None:
    known = SETTINGS[getattr(setting, "name")]  # noqa: B009 - the parameter is an object to pytest
    row = next((line for line in TEXT.splitlines() if f"| `{known.variable}` |" in line), "")
    flag = "`TARGET`" if known.name == "target" else f"`--{known.key}`"
    assert row.startswith(f"| {flag}")
    assert row.endswith(f"| {known.help} |")


def test_the_settings_shown_are_settings(tmp_path: Path) -> None:
    (budgets, block) = blocks("toml")
    assert TABLE.rpartition(".")[2] in tomllib.loads(block)["tool"]
    (tmp_path / "pyproject.toml").write_text(block)
    assert read_pyproject(tmp_path)["port"] == 8080
    (tmp_path / "pyproject.toml").write_text(budgets)
    [budget] = read_budgets(tmp_path)
    assert (budget.target, budget.max_modules, budget.max_ratio) == ("myapp.cli", 250, 6.0)


def test_every_name_that_is_imported_from_us_is_there() -> None:
    names = [
        alias.name
        for block in [*blocks("python"), *re.findall(r"`(from pepperpy_reload import \w+)`", TEXT)]
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.ImportFrom) and node.module == "pepperpy_reload"
        for alias in node.names
    ]
    assert len(names) > 10
    assert set(names) <= set(pepperpy_reload.__all__)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:)([^)]+)\)", TEXT))))
def test_every_link_leads_somewhere(target: str) -> None:
    if target.startswith("#"):
        assert re.search(rf"^#+ {target[1:].replace('-', ' ')}$", TEXT, re.MULTILINE | re.IGNORECASE)
    else:
        assert (HERE / target).is_file()


def test_every_script_is_there_and_can_be_run() -> None:
    for name in set(re.findall(r"(?:scripts|\.ci)/\w+(?![\w.])", TEXT)):
        assert (HERE / name).stat().st_mode & 0o111, name


def test_the_picture_is_one_and_names_no_machine() -> None:
    picture = HERE / ".assets" / "session.svg"
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    assert not re.search(r"/(tmp|home|root|Users|work)/", picture.read_text(encoding="utf-8"))
