"""The command line: help, versions, and what is said of wrong words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pepperpy_reload.config import SETTINGS

if TYPE_CHECKING:
    from tests.e2e.conftest import Start


def test_help_names_every_option_with_its_variable_and_default(start: Start) -> None:
    tool = start("serve", "--help")
    assert tool.ends() == 0
    text = " ".join(tool.text().split())
    for setting in SETTINGS.values():
        if setting.name != "target":
            assert f"--{setting.key}" in text
        assert setting.variable in text
    assert "default: 127.0.0.1" in text
    assert "default: 8000" in text
    assert "_PEPPERPY_RELOAD_COMPLETE=bash_source" in text


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "-h"], ["repl", "--help"], ["demo", "--help"], ["--version"]]
)
def test_what_only_informs_ends_well(start: Start, arguments: list[str]) -> None:
    tool = start(*arguments)
    assert tool.ends() == 0
    assert tool.err == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sevre"], "sevre"),
        (["serve", "--prot", "1"], "--port"),
        (["serve", "--port", "x"], "'x' is not a valid integer"),
        (["serve", "--app-dir", "nowhere"], "--app-dir 'nowhere' is not a directory"),
        (["serve", "--watch", "nowhere", "main:app"], "--watch 'nowhere' is not a directory"),
        (["serve", "--env-file", "nowhere", "main:app"], "--env-file 'nowhere' is not a file"),
        (["run"], "Missing argument"),
    ],
)
def test_wrong_words_are_told_without_a_traceback(start: Start, arguments: list[str], says: str) -> None:
    tool = start(*arguments)
    assert tool.ends() == 2
    assert says in tool.text()
    assert "Traceback" not in tool.text()


def test_a_wrong_setting_is_told_with_file_and_line(start: Start, project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.pepperpy-reload]\nport = 'x'\n")
    tool = start("serve", "main:app")
    assert tool.ends() == 2
    assert len(tool.err) == 1
    assert f"{project / 'pyproject.toml'}:2: port must be a number" in tool.err[0]


def test_a_wrong_variable_is_named(start: Start, environment: dict[str, str]) -> None:
    tool = start("serve", "main:app", environment=environment | {"PEPPERPY_RELOAD_PORT": "x"})
    assert tool.ends() == 2
    assert "PEPPERPY_RELOAD_PORT must be a number" in tool.err[0]


def test_settings_come_from_everywhere(start: Start, project: Path, environment: dict[str, str]) -> None:
    (project / "pyproject.toml").write_text("[tool.pepperpy-reload]\nport = 0\njson = true\ntarget = 'nowhere:app'\n")
    tool = start("serve", environment=environment | {"PEPPERPY_RELOAD_TARGET": "main:app"})
    tool.serves("v0")


def test_an_empty_directory_has_nothing_to_serve(start: Start, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    tool = start("serve", folder=empty)
    assert tool.ends() == 2
    assert len(tool.err) == 1
    assert "main.py" in tool.err[0]
