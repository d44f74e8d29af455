"""The analysis of sources on real ones: ours, and some of the standard library's; `scripts/soak --sources` has all."""

from __future__ import annotations

import random
import sysconfig
from pathlib import Path

import pytest

from tests.programs.sources import faults_in, sources_in

STANDARD = ("dataclasses", "functools", "string", "this", "sched", "types", "contextlib", "abc")
SOURCES = [
    *random.Random(5).sample(sources_in([Path(__file__).parents[2] / "pepperpy_reload"]), 20),
    *(Path(sysconfig.get_paths()["stdlib"], f"{name}.py") for name in STANDARD),
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_source_is_what_it_is_however_it_is_read(path: Path) -> None:
    source = path.read_bytes()
    assert list(faults_in(source, random.Random(len(source)))) == []
