"""The tests' hold on a host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.programs.edits import Case


class Player:
    """Plays cases in a host of its own; its hash seed is fixed, and bytecode is written."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment |= {"PYTHONHASHSEED": "0", "PYTHONPATH": os.fspath(Path(__file__).parents[2])}
        self._host = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.programs.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None,
            env=environment,
            text=True,
        )

    def play(self, case: Case) -> list[dict[str, Any]]:
        """What becomes of each edit; [] if the program does not start."""
        assert self._host.stdin is not None
        assert self._host.stdout is not None
        self._host.stdin.write(json.dumps(case.versions) + "\n")
        self._host.stdin.flush()
        return json.loads(self._host.stdout.readline())  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the host."""
        self._host.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
