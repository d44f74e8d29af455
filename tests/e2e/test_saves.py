"""A few rounds of saves at random moments, while workers start; `scripts/soak --saves` plays more, and slower ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs.saves import play


@pytest.mark.parametrize("seed", [2, 5])
def test_in_the_end_the_last_saves_are_served(verdicts: Path, seed: int) -> None:
    fault, counts = play(seed, saves=6, takes=0.4, warm=bool(seed % 2), home=verdicts)
    assert not fault, fault
    assert counts["restarts"], "the saves are such that something happens"
