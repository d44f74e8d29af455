"""What the planner may ask about the live process."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tie:
    """Another module that has to be run again as well, and why."""

    module: str
    reason: str


class World(Protocol):
    """The live process, as far as it matters to a plan. Tests plan in a made-up one."""

    def importers(self, module: str) -> Iterable[Tie]:
        """The modules that imported `module`, or failed to, while they were being run."""

    def changed_by(self, module: str) -> Iterable[Tie]:
        """The modules whose objects running `module` again would change."""

    def refusal(self, module: str) -> str:
        """Why `module` cannot be run again in this process, or ""."""

    def rank(self, module: str) -> int:
        """The module's place in the order in which modules first began to be run."""
