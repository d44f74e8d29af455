"""Thousands of programs and edits: `python -m tests.programs --cases 5000`; of one program with `--edits 10000`."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.programs import endurance
from tests.programs.edits import Case, cases
from tests.programs.player import Player

_ROUND = 250  # cases: of each round's faults the first one is made small and shown


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


def main() -> int:
    """Print what was found; 1 if the law was broken."""
    if any(argument.startswith("--edits") for argument in sys.argv[1:]):
        return endurance.main(sys.argv[1:])
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000, help="programs, each with up to four edits")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the same seed, the same cases")
    parser.add_argument("--minutes", type=float, default=10.0, help="the longest that it takes")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    started, failures = time.monotonic(), 0
    with Player() as player:
        soak = Soak(player, started + 60 * options.minutes)
        for number, first in enumerate(range(0, options.cases, _ROUND)):
            if not soak.round(options.seed + number, min(_ROUND, options.cases - first)):
                failures += 1
                assert soak.smallest is not None
                case, fault = soak.smallest
                print(f"\n{case}\n{fault}\nfound by --seed {options.seed + number} --cases {_ROUND}\n", flush=True)
            if time.monotonic() > soak.end:
                print(f"stopped after {options.minutes} minutes")
                break
    took = time.monotonic() - started
    print(f"{dict(soak.counts)}")
    for reason, count in soak.reasons.most_common(10):
        print(f"{count:6} restarts: {reason}")
    print(f"{soak.counts['edits'] / took:.1f} edits per second, {failures} rounds with a fault")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
