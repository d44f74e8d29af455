"""`pepperpy-reload repl` as a user has it: a real process that is typed into, and files that are saved meanwhile."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PATIENCE = 20.0
PLAIN, IPYTHON = "plain", "ipython"
Open = Callable[..., "Child"]


class Child:
    """A console in a process of its own; what it writes is collected."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str], *, terminal: bool) -> None:
        if terminal:
            ours, theirs = os.openpty()
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env=environment,
            stdin=theirs if terminal else subprocess.PIPE,
            stdout=theirs if terminal else subprocess.PIPE,
            stderr=theirs if terminal else subprocess.STDOUT,
            start_new_session=True,
        )
        if terminal:
            os.close(theirs)
            self._in = self._out = ours
        else:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._news = threading.Condition()
        self._text = ""
        self._taken = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._out, 65536)
            except OSError:  # how a terminal says that nobody holds its other end any more
                data = b""
            with self._news:
                self._text += data.decode()
                self._news.notify_all()
            if not data:
                return

    def type(self, *lines: str) -> None:
        for line in lines:
            os.write(self._in, f"{line}\n".encode())

    def expect(self, text: str) -> str:
        """What has been written since the last call, up to and with `text`."""
        with self._news:
            found = self._news.wait_for(lambda: self._text.find(text, self._taken) >= 0, PATIENCE)
            assert found, f"{text!r} is not in {self._text[self._taken :]!r}"
            end = self._text.find(text, self._taken) + len(text)
            begin, self._taken = self._taken, end
            return self._text[begin:end]

    def ask(self, expression: str) -> str:
        """What the console has written until the value of `expression` was shown, with it."""
        self.type(f"print('<' + repr({expression}) + '>')")
        begin = self.expect("<")
        while begin.endswith("('<"):  # the terminal's echo of what was typed
            self.expect("\n")
            begin = self.expect("<")
        return begin + self.expect(">")

    def interrupt(self) -> None:
        """Ctrl-C, again and again until it is noticed: readline misses one that comes just before it waits."""
        with self._news:
            for _ in range(int(PATIENCE)):
                self._process.send_signal(signal.SIGINT)
                if self._news.wait_for(lambda: "KeyboardInterrupt" in self._text[self._taken :], 1):
                    break
        self.expect("KeyboardInterrupt")
        self.expect(">>> ")  # only now a key is a key, and not a line's end to the terminal

    def end(self) -> int:
        """Close the input; the status that the console exits with."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        return self.status()

    def status(self) -> int:
        status = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    @property
    def text(self) -> str:
        return self._text

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        if self._process.stdin is None:
            os.close(self._in)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = Path(os.path.realpath(tmp_path), "my project é")
    (root / "shop").mkdir(parents=True)
    (root / "shop" / "__init__.py").touch()
    (root / "shop" / "rates.py").write_text("VAT = 10\n")
    (root / "shop" / "prices.py").write_text(
        "from shop.rates import VAT\n\nFACTOR = 100 + VAT\nsold = []\n\ndef price(net):\n    return net * FACTOR\n"
    )
    return root


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PEPPERPY", "XDG"))}
    return {**kept, "HOME": str(home), "IPYTHONDIR": str(home / "ipython"), "TERM": "dumb"}


@pytest.fixture
def open_console(folder: Path, environment: dict[str, str]) -> Iterator[Open]:
    children: list[Child] = []

    def open_console(*options: str, kind: str = PLAIN, terminal: bool = False) -> Child:
        wanted = {"PYTHON_BASIC_REPL": "1"} if kind == PLAIN else {}
        arguments = ["-m", "pepperpy_reload", "repl", *options]
        children.append(Child(arguments, folder, {**environment, **wanted}, terminal=terminal))
        return children[-1]

    yield open_console
    for child in children:
        child.close()


both = pytest.mark.parametrize("kind", [PLAIN, IPYTHON])


@both
def test_names_imported_at_the_prompt_follow_the_files(open_console: Open, folder: Path, kind: str) -> None:
    console = open_console(kind=kind)
    console.type("from shop.prices import price, FACTOR as factor, sold", "import shop.rates as rates")
    console.type("keep = sold; keep.append('tea')", "mine = factor")
    assert "<(220, 110, 10)>" in console.ask("(price(2), factor, rates.VAT)")

    prices = folder / "shop" / "prices.py"
    prices.write_text(prices.read_text().replace("net * FACTOR", "-net * FACTOR"))
    answer = console.ask("(price(2), sold)")
    assert "# patched 1 function" in answer
    assert "<(-220, ['tea'])>" in answer

    (folder / "shop" / "rates.py").write_text("VAT = 20\n")
    answer = console.ask("(price(2), factor, rates.VAT, mine, keep)")
    assert "(shop/rates.py); factor" in answer
    assert "<(-240, 120, 20, 110, ['tea'])>" in answer
    assert console.end() == 0
    assert "Traceback" not in console.text


@both
def test_an_error_is_shown_and_the_next_save_heals_it(open_console: Open, folder: Path, kind: str) -> None:
    rates = folder / "shop" / "rates.py"
    console = open_console(kind=kind)
    console.type("from shop.prices import price")
    assert "<110>" in console.ask("price(1)")
    rates.write_text("VAT = (20\n")
    answer = console.ask("price(1)")
    assert "# not reloaded, nothing has changed: SyntaxError: '(' was never closed" in answer
    assert f"{rates}:1" in answer
    assert "<110>" in answer
    rates.write_text("VAT = 1 / 0\n")
    assert "ZeroDivisionError" in console.ask("price(1)")
    rates.write_text("VAT = 30\n")
    assert "<130>" in console.ask("price(1)")
    assert console.end() == 0


@both
def test_a_first_module_that_is_broken_is_imported_once_it_is_not(open_console: Open, folder: Path, kind: str) -> None:
    prices = folder / "shop" / "prices.py"
    good = prices.read_text()
    prices.write_text("import nowhere_to_be_found\n")
    console = open_console("-m", "shop.prices", kind=kind)
    console.expect("ModuleNotFoundError: No module named 'nowhere_to_be_found'")
    assert "<False>" in console.ask("'prices' in globals()")
    prices.write_text(good)
    answer = console.ask("prices.price(1)")
    assert "# imported shop.prices as prices" in answer
    assert "<110>" in answer
    prices.write_text(good.replace("100 +", "1000 +"))
    assert "<1010>" in console.ask("prices.price(1)")
    assert "pepperpy_reload/" not in console.text  # tracebacks are the user's own
    assert console.end() == 0


def test_a_script_on_standard_input(folder: Path, environment: dict[str, str]) -> None:
    """Each input sees what the one before has written."""
    script = "\n".join(
        [
            "from pathlib import Path",
            "from shop.rates import VAT",
            "file = Path('shop/rates.py')",
            "for number in range(20, 30):",
            "    _ = file.write_text(f'VAT = {number}')",
            "",
            "VAT",
            *(line for number in range(30, 40) for line in (f"_ = file.write_text('VAT = {number}')", "VAT")),
            "raise SystemExit(7)",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-m", "pepperpy_reload", "repl"],
        cwd=folder,
        env={**environment, "PYTHON_BASIC_REPL": "1"},
        input=f"{script}\n",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 7
    shown = [int(word) for word in done.stdout.split() if word.isdigit()]
    assert shown == [29, *range(30, 40)]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("input_", "status"), [("exit()", 0), ("exit(3)", 3), ("raise SystemExit('bye')", 1), ("1 / 0", 0)]
)
def test_it_exits_as_python_does(open_console: Open, input_: str, status: int) -> None:
    console = open_console()
    console.type(input_)
    assert console.end() == status


def test_what_is_defined_at_the_prompt_can_be_pickled(open_console: Open) -> None:
    console = open_console()
    console.type("import pickle", "class Cup:", "    pass", "")
    assert "<True>" in console.ask("type(pickle.loads(pickle.dumps(Cup()))) is Cup")
    assert console.end() == 0


def test_a_name_that_cannot_be_a_module_is_refused(folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pepperpy_reload", "repl", "-m", "shop/prices.py"],
        cwd=folder, env=environment, input="", capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "not 'shop/prices.py'; try -m shop.prices" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_keys_do_in_a_terminal_what_they_do_in_python(
    open_console: Open, folder: Path, environment: dict[str, str]
) -> None:
    console = open_console(terminal=True)
    console.expect(">>> ")
    console.type("import shop.rates as rates")
    assert "<10>" in console.ask("rates.VAT")
    console.type("print('waiting'), __import__('time').sleep(60)")
    console.expect("\r\nwaiting")
    console.interrupt()
    (folder / "shop" / "rates.py").write_text("VAT = 20\n")
    answer = console.ask("rates.VAT")
    assert "(shop/rates.py)" in answer
    assert "<20>" in answer
    console.interrupt()
    console.type("\x04")
    assert console.status() == 0
    history = Path(environment["HOME"], ".local", "state", "pepperpy-reload", "history")
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert stat.S_IMODE(history.parent.stat().st_mode) == 0o700


def test_any_ipython_session_can_load_it(folder: Path, environment: dict[str, str]) -> None:
    """Names that were imported before it was loaded follow, too; unloaded, it leaves no thread behind."""
    script = "\n".join(
        [
            "from pathlib import Path; import threading",
            "from shop.rates import VAT",
            "before = threading.active_count()",
            "%load_ext pepperpy_reload",
            "_ = Path('shop/rates.py').write_text('VAT = 20')",
            "print('now', VAT)",
            "%unload_ext pepperpy_reload",
            "_ = Path('shop/rates.py').write_text('VAT = 30')",
            "print('still', VAT, threading.active_count() - before)",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner"],
        cwd=folder, env=environment, input=f"{script}\n", capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert "now 20" in done.stdout, done
    assert "still 20 0" in done.stdout
    assert "(shop/rates.py); VAT follows" in done.stderr


def test_a_python_session_that_started_a_reloader(folder: Path, environment: dict[str, str]) -> None:
    """`python -i`: reloads happen at once, in another thread than the prompt's."""
    begin = (
        "from pepperpy_reload import *; from shop import prices, rates\n"
        "reloader = Reloader(ImportOptimizer(ModuleManager())).start()\n"
    )
    child = Child(["-i", "-c", begin], folder, {**environment, "PYTHON_BASIC_REPL": "1"}, terminal=False)
    try:
        assert "<110>" in child.ask("prices.price(1)")
        (folder / "shop" / "rates.py").write_text("VAT = 20\n")
        child.expect("(shop/rates.py)")  # without an input
        assert "<120>" in child.ask("prices.price(1)")
        assert child.end() == 0
    finally:
        child.close()
