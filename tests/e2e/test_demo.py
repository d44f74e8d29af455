"""`pepperpy-reload demo`: what the first minute with the tool looks like."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.e2e.conftest import Start, Tool


def news(tool: Tool) -> Any:
    return json.loads(tool.get("/news"))


def test_a_save_changes_the_page_and_leaves_the_counter(
    start: Start, tmp_path: Path, until: Callable[..., Any]
) -> None:
    folder = tmp_path / "my demo"
    tool = start("demo", str(folder), "--port", "0", "--json")
    assert str(folder) in tool.event("note")["text"]
    tool.event("ready")
    assert "Now edit line" in tool.get("/")
    before = [news(tool) for _ in range(3)][-1]
    assert before["greeting"] == "Hello, world!"
    settings = Path(before["where"])
    assert settings == folder / "settings.py"
    lines = settings.read_text().splitlines()
    assert lines[before["line"] - 1].startswith("GREETING")
    settings.write_text(settings.read_text().replace("Hello, world!", "Good morning!"))
    after = until(lambda: n if (n := news(tool))["greeting"] == "Good morning!" else None, "the new greeting")
    assert after["counter"] > before["counter"]
    assert tool.events("restarted") == []


def test_a_directory_that_holds_something_else_is_left_alone(start: Start, project: Path) -> None:
    tool = start("demo", str(project), "--port", "0")
    assert tool.ends() == 2
    assert "is not empty" in tool.err[0]
    assert sorted(path.name for path in project.iterdir()) == ["helper.py", "main.py"]


def test_an_edited_demo_is_served_again_as_it_is(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = start("demo", str(folder), "--port", "0", "--json")
    first.event("ready")
    first.close()
    settings = folder / "settings.py"
    settings.write_text(settings.read_text().replace("Hello, world!", "Still here"))
    second = start("demo", str(folder), "--port", "0", "--json")
    second.event("ready")
    assert news(second)["greeting"] == "Still here"


def test_the_script_for_a_fresh_clone_is_sound() -> None:
    script = Path(__file__).parents[2] / "scripts" / "demo"
    subprocess.run(["bash", "-n", str(script)], check=True, timeout=10)
    assert script.stat().st_mode & 0o111
