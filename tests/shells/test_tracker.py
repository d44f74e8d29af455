"""What an import brings along, in the order in which it comes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pepperpy_reload.preloading.tracker import Tracker

NAMES = ("outer_module", "inner_module", "planted_by_outer", "planted_by_inner")


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    plant = "import sys, types\nsys.modules['planted_by_{0}'] = types.ModuleType('planted_by_{0}')\n"
    (tmp_path / "outer_module.py").write_text(plant.format("outer") + "import inner_module, json\n")
    (tmp_path / "inner_module.py").write_text(plant.format("inner") + "def __getattr__(name):\n    return name\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in NAMES:
        sys.modules.pop(name, None)


def test_what_was_planted_comes_where_it_was_planted(modules: None) -> None:
    with Tracker() as tracker:
        importlib.import_module("outer_module")
    found = [name for name in tracker.requires["outer_module"] if name in (*NAMES, "json")]
    assert found == ["planted_by_outer", "inner_module", "json"]
    assert "planted_by_inner" in tracker.requires["inner_module"]
    assert tracker.planted == {"planted_by_outer", "planted_by_inner"}


def test_a_module_that_gives_names_is_known_with_those_that_it_had(modules: None) -> None:
    with Tracker() as tracker:
        inner = importlib.import_module("inner_module")
    inner.__dict__["later"] = 1
    assert "later" not in tracker.lazy["inner_module"]


def test_what_is_missing_is_noted_and_the_import_system_is_put_back() -> None:
    before = importlib.import_module
    with Tracker() as tracker, pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_module_at_all")
    assert list(tracker.missing) == ["no_such_module_at_all"]
    assert importlib.import_module is before
    assert importlib._bootstrap._find_and_load.__module__ != Tracker.__module__  # type: ignore[attr-defined]
