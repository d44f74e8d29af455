"""What is loaded before it is needed is waited for by whoever starts a server."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


def loaded(module: str) -> list[str]:
    """What that module brings along."""
    code = f"import sys, {module}\nprint(*sys.modules)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize(
    ("module", "not_yet"),
    [
        ("__main__", ["click", "json", "dataclasses", "pepperpy_reload.cli", "pepperpy_reload.core"]),
        (
            "supervising.firstborn",
            ["json", "dataclasses", "pepperpy_reload.core", "pepperpy_reload.supervising.worker"],
        ),
        ("cli", ["rich", "watchdog", "tomllib", "pepperpy_reload.watching", "pepperpy_reload.importing"]),
        ("cli", ["pepperpy_reload.core.costs", "pepperpy_reload.core.unit", "pepperpy_reload.profiling"]),
        ("cli", ["pepperpy_reload.drawing.news", "pepperpy_reload.supervising.supervisor", "pathspec", "logging"]),
        ("cli", ["pepperpy_reload.replaying", "pepperpy_reload.reloading", "pepperpy_reload.serving.server"]),
        ("supervising.worker", ["rich", "watchdog", "click", "pepperpy_reload.drawing.news", "pepperpy_reload.cli"]),
        ("supervising.worker", ["pepperpy_reload.core.unit", "pepperpy_reload.reloading.reloader"]),
        ("supervising.worker", ["pepperpy_reload.core.report"]),
        ("watching.observer", ["pathspec"]),
    ],
)
def test_what_a_start_does_without(module: str, not_yet: list[str]) -> None:
    found = loaded(f"pepperpy_reload.{module}")
    assert f"pepperpy_reload.{module}" in found
    assert [name for name in not_yet if name in found] == []


def test_a_start_makes_the_options_of_its_own_command() -> None:
    code = """
        import gc, click
        from pepperpy_reload import cli
        def options():
            return sum(isinstance(thing, click.Option) for thing in gc.get_objects())
        before = options()
        names = [option.name for option in cli.commands.commands["serve"].params]
        assert {"target", "host", "json"} <= set(names) and before < options() / 2, (before, options())
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_what_is_loaded_beside_the_users_code_is_ours_alone() -> None:
    worker, follower = "pepperpy_reload.supervising.worker", "pepperpy_reload.supervising.follower"
    first, late = set(loaded(worker)), set(loaded(f"{worker}, {follower}"))
    assert "pepperpy_reload.reloading.engine" in late - first
    assert [name for name in late - first if not name.startswith("pepperpy_reload.")] == []
