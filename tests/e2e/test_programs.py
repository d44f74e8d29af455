"""A few hundred made-up programs and edits, each against a fresh start; `scripts/soak` plays thousands."""

from __future__ import annotations

import math

import pytest

from tests.programs.player import Player
from tests.programs.soak import Soak

_CASES = 200


@pytest.mark.timeout(900)
def test_after_every_edit_the_process_is_what_a_fresh_start_would_be(request: pytest.FixtureRequest) -> None:
    """The same cases in every run, unless --hypothesis-seed names others: what is new is for the soak to find."""
    number = request.config.getoption("--hypothesis-seed") or 0
    with Player() as player:
        soak = Soak(player, math.inf)
        sound = soak.round(number, _CASES)

    assert sound, "\n{}\n{}".format(*soak.smallest or ())
    assert soak.counts["reloaded"] > _CASES / 2, "the programs are such that something happens"
