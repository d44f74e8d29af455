"""Somebody else's package edited at random: after each edit the process is what a fresh start is."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from pepperpy_reload.replaying.replay import Verdict
from tests.programs.mutations import Mutations

FINE = (Verdict.EQUAL, Verdict.RESTART, Verdict.REFUSED)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_package_that_is_edited_at_random(tmp_path: Path, seed: int) -> None:
    edited = Mutations(Path(click.__file__).parent, tmp_path / "copy", seed)
    made = edited.make(6)
    outcomes = list(edited.outcomes(made, 6))
    assert len(outcomes) == made == 6
    assert all(one.verdict in FINE for one in outcomes), [(one.subject, one.verdict, one.text) for one in outcomes]
    assert any(one.verdict is Verdict.EQUAL for one in outcomes)
