"""A few hundred made-up programs and edits, each against a fresh start; `scripts/soak` plays thousands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.programs.edits import Case, cases
from tests.programs.player import Player


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    with Player() as player:
        yield player


# The same cases in every run, so that what a change breaks is told from what has not been found yet: that is the
# soak's to find.
@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(case=cases())
def test_after_every_edit_the_process_is_what_a_fresh_start_would_be(player: Player, case: Case) -> None:
    faults = [outcome["fault"] for outcome in player.play(case) if outcome["fault"]]
    assert not faults, f"{case}\n{faults[0]}"
