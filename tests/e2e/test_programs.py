"""The law, on programs and edits that are made up: after a reload the process is what a fresh start would be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from tests.programs.edits import Case, cases
from tests.programs.player import Player


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    with Player() as player:
        yield player


@pytest.mark.timeout(300)
@settings(
    max_examples=200, deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck)
)  # fmt: skip
@given(case=cases())
def test_a_reload_is_a_fresh_start(player: Player, case: Case) -> None:
    for number, outcome in enumerate(player.play(case), 1):
        assert not outcome["fault"], f"edit {number}: {outcome['fault']}"
