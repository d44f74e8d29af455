"""Rounds of made-up cases: of each round's faults the first one is made small."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.programs.edits import Case, cases
from tests.programs.player import Player


class BrokenLawError(Exception):
    """An edit after which the process was not what it should be."""


@dataclass
class Soak:
    """Rounds of cases, and what has become of them."""

    player: Player
    end: float
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    smallest: tuple[Case, str] | None = None
    small_enough: float = 0.0

    def round(self, number: int, size: int) -> bool:
        """Play cases that this number stands for; False if one breaks the law."""
        self.smallest, self.small_enough = None, 0.0

        @seed(number)
        @settings(
            max_examples=size,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(cases())
        def play(case: Case) -> None:
            self._play(case)

        try:
            play()
        except BaseException as error:
            if self.smallest is None:
                raise
            del error
        return self.smallest is None

    def _play(self, case: Case) -> None:
        if time.monotonic() > (self.small_enough or self.end):
            return
        outcomes = self.player.play(case)
        if self.smallest is None:
            self._count(outcomes)
        for outcome in outcomes:
            if outcome["fault"]:
                if self.smallest is None:
                    self.small_enough = time.monotonic() + 30
                if self.smallest is None or len(repr(case)) <= len(repr(self.smallest[0])):
                    self.smallest = (case, outcome["fault"])
                raise BrokenLawError

    def _count(self, outcomes: list[dict[str, str]]) -> None:
        self.counts["programs" if outcomes else "programs that do not start"] += 1
        self.counts["edits"] += len(outcomes)
        for outcome in outcomes:
            self.counts[outcome["status"]] += 1
            self.counts["whole modules run again"] += bool(outcome["imported"])
            if outcome["status"] == "restart":
                self.reasons[outcome["reason"]] += 1
