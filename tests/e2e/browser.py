"""A real browser, by way of the WebDriver protocol: no more of it than the pages need."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from tests.e2e.conftest import until

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_FLAGS = """
--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-dev-shm-usage --force-prefers-reduced-motion --hide-scrollbars
"""
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Left": "\ue012", "Up": "\ue013", "Right": "\ue014", "Down": "\ue015"}


class Browser:
    """Chromium without a window. `dark` is what it tells pages that the user prefers."""

    def __init__(self, width: int = 1440, height: int = 900, *, dark: bool = False) -> None:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        driver = shutil.which("chromedriver")
        if not chromium or not driver:
            pytest.skip("NOT TESTED IN A BROWSER: chromium and chromedriver are needed, and one of them is missing")
        self._folder = tempfile.TemporaryDirectory(prefix="pepperpy-reload-browser-", ignore_cleanup_errors=True)
        self._said = open(os.path.join(self._folder.name, "driver.log"), "w+")  # noqa: PTH118, PTH123, SIM115
        self._process = subprocess.Popen([driver, "--port=0"], stdout=self._said, stderr=subprocess.STDOUT)
        self._address = f"http://127.0.0.1:{until(self._port, 'the port of chromedriver')}"
        flags = [*_FLAGS.split(), f"--window-size={width},{height}", f"--user-data-dir={self._folder.name}/profile"]
        if dark:
            flags.append("--force-dark-mode")
        options = {"binary": chromium, "args": flags}
        try:
            made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}})
            self._address += f"/session/{made['sessionId']}"
        except BaseException:
            self._process.kill()
            raise

    def _port(self) -> str:
        text = Path(self._said.name).read_text()
        return text.partition("successfully on port ")[2].partition(".")[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._call("DELETE", "")
        finally:
            self._process.terminate()
            self._process.wait()
            self._said.close()
            self._folder.cleanup()

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._address}{path}", data, {"Content-Type": "application/json"})
        request.method = method
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as problem:
            raise AssertionError(json.load(problem)["value"]["message"].splitlines()[0]) from None

    def open(self, page: Path) -> None:
        """Show a file."""
        self._call("POST", "/url", {"url": page.resolve().as_uri()})

    def run(self, script: str) -> Any:
        """What a function with this body gives."""
        return self._call("POST", "/execute/sync", {"script": script, "args": []})

    def find(self, selector: str) -> str:
        """The first element of a selector, once it is there."""
        found = self._call("POST", "/element", {"using": "css selector", "value": selector})
        return str(found[_ELEMENT])

    def click(self, selector: str) -> None:
        """As a pointer would: where something else lies above the element, that is an error."""
        self._call("POST", f"/element/{self.find(selector)}/click", {})

    def text(self, selector: str) -> str:
        """What is to be read in an element."""
        return str(self._call("GET", f"/element/{self.find(selector)}/text"))

    def type(self, *keys: str) -> None:
        """Press and release keys, wherever the focus is; `Enter` and the like by their names."""
        strokes = [KEYS.get(key, key) for key in keys]
        actions = [{"type": kind, "value": key} for key in strokes for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def hover(self, selector: str) -> None:
        """Move the pointer onto an element."""
        move = {"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": {_ELEMENT: self.find(selector)}}
        self._call("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": [move]}]})

    def eventually(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until something is so."""
        return until(condition, what)

    def complaints(self) -> list[str]:
        """What went wrong in the page."""
        return [str(one["message"]) for one in self._call("POST", "/se/log", {"type": "browser"})]

    def picture(self, file: Path) -> None:
        """What is to be seen, as PNG."""
        file.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))
