"""`scripts/soak`: many generated programs and edits, each reload compared with a fresh start."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.programs.edits import Case, cases
from tests.programs.player import Player


def main() -> int:
    """Play cases until there are enough of them or the time is over; 1 if the law was broken."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000, help="how many programs (default: 5000)")
    parser.add_argument("--minutes", type=float, default=10.0, help="and no longer than this (default: 10)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="repeats a run")
    given_ = parser.parse_args()
    say(f"seed {given_.seed}")
    counts: Counter[str] = Counter()
    faults = 0
    end = time.monotonic() + 60 * given_.minutes
    with Player() as player:

        @seed(given_.seed)
        @settings(
            max_examples=given_.cases,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(cases())
        def play(case: Case) -> None:
            nonlocal faults
            if time.monotonic() > end:
                return
            counts["programs"] += 1
            for number, outcome in enumerate(player.play(case), 1):
                counts[outcome["status"]] += 1
                if outcome["fault"]:
                    faults += 1
                    say(f"{case!r}\n--- edit {number}: {outcome['fault']}\n")

        play()
    say(", ".join(f"{count} {name}" for name, count in counts.items()))
    say(f"{faults} faults")
    return int(faults > 0)


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
