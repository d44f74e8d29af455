"""Thousands of programs and edits: `python -m tests.programs --cases 5000`; of one program with `--edits 10000`."""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.programs import endurance, mutations, saves, siege, sources
from tests.programs.player import Player
from tests.programs.soak import Soak

_ROUND = 250  # cases: of each round's faults the first one is made small and shown


def main() -> int:
    """Print what was found; 1 if the law was broken."""
    if any(argument.startswith("--mutations") for argument in sys.argv[1:]):
        return mutations.main(sys.argv[1:])
    if any(argument.startswith("--edits") for argument in sys.argv[1:]):
        return endurance.main(sys.argv[1:])
    if any(argument.startswith("--saves") for argument in sys.argv[1:]):
        return saves.main(sys.argv[1:])
    if "--siege" in sys.argv[1:]:
        return siege.main(sys.argv[1:])
    if "--sources" in sys.argv[1:]:
        return sources.main(sys.argv[1:])
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
