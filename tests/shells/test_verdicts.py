"""What is kept on the disk of an environment: for its owner only, and from its owner only."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pepperpy_reload.preloading.verdicts import Environment

FOUND = json.dumps({"files": [], "modules": {"json": [[], ["json.decoder"], []]}})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where it is kept, while whatever is made is for everybody."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = os.umask(0)
    yield tmp_path / "cache" / "pepperpy-reload"
    os.umask(before)


def test_what_is_kept_is_for_its_owner(cache: Path) -> None:
    environment = Environment([])
    environment.store(FOUND)
    [kept] = cache.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert list(environment.load().records) == ["json"]
    cache.chmod(0o755)  # as earlier versions made it
    environment.store(FOUND)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_what_others_could_have_written_is_not_believed(cache: Path, mode: int) -> None:
    environment = Environment([])
    environment.store(FOUND)
    [kept] = cache.iterdir()
    cache.chmod(mode)
    assert environment.load().records == {}
    kept.unlink()
    environment.store(FOUND)
    assert list(cache.iterdir()) == []
    cache.chmod(0o700)
    environment.store(FOUND)
    kept.chmod(0o666)
    assert environment.load().records == {}
