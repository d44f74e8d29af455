"""The parent's hold on a child interpreter."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pepperpy_reload.errors import ReloadError

_PATIENCE = 120.0


class ChildError(ReloadError):
    """A child has ended, hangs, or met a fault of ours. The text is what is known of it."""


class Child:
    """A fresh interpreter with the sources under `root`; with `armed` it follows edits. `environment`
    takes the place of ours.

    Its hash seed is fixed: two children that do the same have their sets in the same order. It writes no bytecode.
    """

    def __init__(
        self, root: Path, *, armed: bool = False, cwd: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pepperpy_reload.replaying.child", root, "armed" if armed else "cold"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd or root,
            env=environment_of_children(environment),
            start_new_session=True,
        )

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        """Give an order and wait for the answer. Raises ChildError."""
        self.tell(do, **order)
        return self.hear()

    def tell(self, do: str, **order: Any) -> None:
        """Give an order."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **order}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def hear(self) -> dict[str, Any]:
        """Wait for the answer to an order. Raises ChildError."""
        assert self._process.stdout is not None
        end = time.monotonic() + _PATIENCE
        while not select.select([self._process.stdout], [], [], max(0.0, end - time.monotonic()))[0]:
            if time.monotonic() >= end:
                self._process.kill()
                raise ChildError(f"no answer within {_PATIENCE:.0f} s")
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._ended()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ChildError(answer["error"])
        return answer

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _ended(self) -> ChildError:
        self._process.kill()
        _, errors = self._process.communicate()
        return ChildError(f"ended with status {self._process.returncode}\n{errors.decode('utf-8', 'replace')[-4000:]}")


def environment_of_children(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child, made of this one or of ours."""
    ours = Path(__file__).parents[2]
    given = os.environ if environment is None else environment
    inherited = [part for part in given.get("PYTHONPATH", "").split(os.pathsep) if part]
    return {name: value for name, value in given.items() if name not in ("PYTHONSTARTUP", "PYTHONHOME")} | {
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTHONPATH": os.pathsep.join([*inherited, os.fspath(ours)]),
    }
