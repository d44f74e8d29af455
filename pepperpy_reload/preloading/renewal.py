"""What a fork has to draw or note anew, because every process has its own: seeds, keys, the time of its start."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from pepperpy_reload.core.preload import Deed

RENEWED: Mapping[Deed, tuple[str, ...]] = {
    Deed.RANDOM: ("numpy.random", "multiprocessing.process", "opentelemetry.", "fastapi.telemetry"),
    Deed.CLOCK: ("logging", "multiprocessing"),
}
"""Modules whose random numbers and times are renewed here, or need not be (names of keys): a probe lets them pass."""


class Renewal:
    """Called in every fork, before anything of the user's runs. It finds the modules when it is made, not then."""

    def __init__(self) -> None:
        self._random: Any = sys.modules.get("numpy.random")
        self._process: Any = sys.modules.get("multiprocessing.process")

    def __call__(self) -> None:
        """Renew what there is."""
        main_thread: Any = threading.main_thread()
        if hasattr(main_thread, "_set_native_id"):  # Python keeps the number of the process that was forked
            main_thread._set_native_id()
        if self._random is not None:
            self._random.seed()
        if self._process is not None:
            key = self._process.AuthenticationString(os.urandom(32))
            self._process.current_process()._config["authkey"] = key

    def start(self) -> None:
        """Note when the process began, as far as its user can tell."""
        is_whole = isinstance(vars(logging)["_startTime"], int)
        vars(logging)["_startTime"] = time.time_ns() if is_whole else time.time()
