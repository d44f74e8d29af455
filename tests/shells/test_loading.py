"""What is loaded before it is needed is waited for by whoever starts a server."""

from __future__ import annotations

import subprocess
import sys

import pytest

LATER = """
import sys
import {module}
before = set(sys.modules)
from pepperpy_reload.supervising.provision import provide
provide()
print(*sorted(before), "|", *sorted(set(sys.modules) - before))
"""


def loaded(module: str) -> tuple[list[str], list[str]]:
    """What that module brings along, and what comes when all is provided for a first reload."""
    done = subprocess.run([sys.executable, "-c", LATER.format(module=module)], capture_output=True, text=True, check=True)
    before, _, after = done.stdout.partition("|")
    return before.split(), after.split()


@pytest.mark.parametrize(
    ("module", "not_yet"),
    [
        ("__main__", ["click", "json", "dataclasses", "pepperpy_reload.cli", "pepperpy_reload.core"]),
        ("supervising.firstborn", ["json", "dataclasses", "pepperpy_reload.core", "pepperpy_reload.supervising.worker"]),
        ("cli", ["rich", "watchdog", "tomllib", "pepperpy_reload.watching", "pepperpy_reload.importing"]),
        ("cli", ["pepperpy_reload.core.costs", "pepperpy_reload.core.unit", "pepperpy_reload.profiling"]),
        ("cli", ["pepperpy_reload.replaying", "pepperpy_reload.reloading", "pepperpy_reload.serving.server"]),
        ("supervising.worker", ["pepperpy_reload.reloading.engine", "pepperpy_reload.core.unit", "rich", "watchdog"]),
        ("supervising.worker", ["pepperpy_reload.core.plan", "pepperpy_reload.drawing", "pepperpy_reload.cli"]),
    ],
)
def test_what_a_start_does_without(module: str, not_yet: list[str]) -> None:
    before, _ = loaded(f"pepperpy_reload.{module}")
    assert f"pepperpy_reload.{module}" in before
    assert [name for name in not_yet if name in before] == []


def test_what_the_first_reload_needs_is_ours_alone() -> None:
    """A file of the user's may have the name of a module of the standard library, and is found first by then."""
    before, after = loaded("pepperpy_reload.supervising.worker")
    assert "pepperpy_reload.reloading.reloader" in after
    assert [name for name in after if not name.startswith("pepperpy_reload.")] == []
    assert "gc" in before
