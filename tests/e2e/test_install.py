"""The package as pip installs it: nothing is missing in it, and it runs from there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.mark.timeout(180)
def test_the_installed_package_runs(tmp_path: Path) -> None:
    site = tmp_path / "site"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(PROJECT)]
    installed = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=150, check=False
    )
    if "No module named pip" in installed.stderr or "No matching distribution found for hatchling" in installed.stderr:
        pytest.skip("pip, or a package registry to get the build backend from, is missing")
    assert installed.returncode == 0, installed.stderr
    assert (site / "pepperpy_reload" / "py.typed").is_file()
    sources = {path.relative_to(PROJECT) for path in (PROJECT / "pepperpy_reload").rglob("*") if path.is_file()}
    sources = {path for path in sources if "__pycache__" not in path.parts}
    assert sources <= {path.relative_to(site) for path in site.rglob("*")}

    environment["PYTHONPATH"] = str(site)
    (tmp_path / "greeting.py").write_text("TEXT = 'hello'\n")
    script = "import pepperpy_reload; print(pepperpy_reload.__file__); print(greeting.TEXT)\n"
    ran = subprocess.run(
        [sys.executable, "-m", "pepperpy_reload", "repl", "-m", "greeting"],
        cwd=tmp_path,
        env={**environment, "PYTHON_BASIC_REPL": "1"},
        input=script,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert str(site / "pepperpy_reload" / "__init__.py") in ran.stdout
    assert "hello" in ran.stdout
