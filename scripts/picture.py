"""Serves the demonstration in a pseudo-terminal, edits it with real commands, and draws what the terminal showed.

Nothing is made up: a command's line is drawn when it is run, everything else is what the server or the command wrote.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pepperpy_reload.demo import TARGET, write

WIDTH = 104
PATIENCE = 30.0
SERVER = f"pepperpy-reload serve {TARGET} --no-access-log"
NEWS = "curl -s http://127.0.0.1:8000/news | grep -o '.*counter.: [0-9]*'"
SCENES = (
    (NEWS, "counter"),
    ("sed -i 's/Hello, world!/Hello, hot reload!/' settings.py", "(settings.py)"),
    (NEWS, "counter"),
    ("sed -i 's/return int(time.monotonic() - self.since)/return -1/' counter.py", "(counter.py)"),
    (NEWS, "counter"),
    ("sed -i 's/GREETING = /GREETING = (/' settings.py", "goes on serving"),
    (NEWS, "counter"),
    ("sed -i 's/GREETING = .*/GREETING = \"And well again\"/' settings.py", "(settings.py)"),
    (NEWS, "counter"),
)


class Recording:
    """What a terminal shows, in the order in which it does."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._text = ""
        self._seen = 0

    def follow(self, descriptor: int) -> None:
        """Take what comes out of a descriptor, until nobody writes to it any more."""
        while True:
            try:
                data = os.read(descriptor, 65536)
            except OSError:
                return
            if not data:
                return
            self.add(data.decode().replace("\r\n", "\n"))

    def add(self, text: str) -> None:
        """This is shown now."""
        with self._news:
            self._text += text
            self._news.notify_all()

    def command(self, line: str) -> None:
        """A command's line, as a shell shows it."""
        self.add(f"\x1b[1;32m$\x1b[0m \x1b[1m{line}\x1b[0m\n")
        self._seen = len(self._text)

    def wait_for(self, word: str) -> None:
        """Wait until `word`, and the rest of its line, have been shown."""
        with self._news:
            if not self._news.wait_for(lambda: "\n" in self._text[self._seen :].partition(word)[2], PATIENCE):
                sys.exit(f"{word!r} was not shown in time:\n{self._text}")

    def draw(self, path: Path) -> None:
        """Write the picture."""
        console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
        console.print(Text.from_ansi(self._text.rstrip()))
        path.parent.mkdir(exist_ok=True)
        console.save_svg(str(path), title="pepperpy-reload", unique_id="pepperpy-reload")


def main(path: Path) -> None:
    """Record the session and draw it to `path`."""
    recording = Recording()
    with tempfile.TemporaryDirectory() as folder:
        write(folder)
        ours, theirs = os.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(WIDTH)}
        recording.command(SERVER)
        server = subprocess.Popen(
            [sys.executable, "-m", "pepperpy_reload", *SERVER.split()[1:]],
            cwd=folder,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        reader = threading.Thread(target=recording.follow, args=(ours,), daemon=True)
        reader.start()
        try:
            recording.wait_for("serving")
            for line, word in SCENES:
                recording.command(line)
                done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=True)
                recording.add(done.stdout + done.stderr)
                recording.wait_for(word)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(PATIENCE)
            os.close(theirs)
    reader.join(PATIENCE)
    os.close(ours)
    recording.draw(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
