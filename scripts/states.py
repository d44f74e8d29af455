"""Writes the supervisor's table for people: `python scripts/states.py > .assets/states.md`."""

from __future__ import annotations

import sys
from collections import defaultdict

from pepperpy_reload.core.lifecycle import TABLE, Action, Event, State

HEAD = """\
# The supervisor's states

Made from `pepperpy_reload/core/lifecycle.py` by `python scripts/states.py > .assets/states.md`. What is not named
changes nothing. An *heir* is the new worker that starts beside the one that serves.

| state | when | then | and |
|---|---|---|---|
"""


def drawn() -> str:
    """The table as Markdown, one line for all the events that lead to the same."""
    lines = []
    for state in State:
        steps: dict[tuple[State, Action], list[str]] = defaultdict(list)
        for event in Event:
            if TABLE[state, event] != (state, Action.NOTHING):
                steps[TABLE[state, event]].append(event.value)
        for number, ((after, action), events) in enumerate(steps.items()):
            do = "" if action is Action.NOTHING else action.value
            first = f"**{state.value}**" if number == 0 else ""
            lines.append(f"| {first} | {', '.join(events)} | {after.value} | {do} |\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    sys.stdout.write(drawn())
