"""Settings: flags > environment > `[tool.pepperpy-reload]` in pyproject.toml > defaults.

`Settings` is the one list of what can be set: the command line's options, the names of the environment variables and
the keys in pyproject.toml follow from it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pepperpy_reload.errors import UsageError

if TYPE_CHECKING:  # what few commands need is loaded by them: a person waits for serve
    from pepperpy_reload.core.budget import Budget

TABLE = "tool.pepperpy-reload"
PREFIX = "PEPPERPY_RELOAD_"
Values = Mapping[str, Any]


class Kind(StrEnum):
    """What a setting's value may be."""

    TEXT = "a string"
    NUMBER = "a number"
    PORT = "a number from 0 to 65535"
    DESCRIPTOR = "a number from 0 on"
    COUNT = "a whole number from 1 on"
    SWITCH = "true or false"
    TEXTS = "a list of strings"
    PATH = "a path as a string"
    PATHS = "a list of paths"
    ORDER = "overlap or sequential"
    LEVEL = "critical, error, warning, info, debug or trace"


ORDERS = ("overlap", "sequential")
LEVELS = ("critical", "error", "warning", "info", "debug", "trace")


class Setting(NamedTuple):
    """One thing that can be set."""

    name: str
    kind: Kind
    default: Any
    help: str

    @property
    def key(self) -> str:
        """The key in pyproject.toml, and the flag without its dashes."""
        return self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()


def _is_set_by(kind: Kind, default: Any, text: str) -> Any:
    return field(default=default, metadata={"kind": kind, "help": text})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting's value, once flags, environment, pyproject.toml and defaults have been put together."""

    target: str = _is_set_by(Kind.TEXT, "", "What to serve, such as main:app.")
    host: str = _is_set_by(Kind.TEXT, "127.0.0.1", "Address to listen on.")
    port: int = _is_set_by(Kind.PORT, 8000, "Port to listen on; 0 takes any free one.")
    auto_port: bool = _is_set_by(Kind.SWITCH, False, "Take the next free port if this one is in use.")
    uds: str = _is_set_by(Kind.PATH, "", "Listen on this Unix socket, not on a port.")
    fd: int | None = _is_set_by(Kind.DESCRIPTOR, None, "Take this open socket, not a port. LISTEN_FDS is heeded, too.")
    factory: bool = _is_set_by(Kind.SWITCH, False, "TARGET is a function that makes the app.")
    app_dir: str = _is_set_by(Kind.PATH, ".", "Directory that comes first on sys.path.")
    watch: tuple[str, ...] = _is_set_by(Kind.PATHS, (), "Watch this directory too. May be repeated.")
    include: tuple[str, ...] = _is_set_by(Kind.TEXTS, (), "Watch files like this, ignored or not. May be repeated.")
    exclude: tuple[str, ...] = _is_set_by(Kind.TEXTS, (), "Do not watch files like this. May be repeated.")
    restart_on: tuple[str, ...] = _is_set_by(Kind.TEXTS, (), "Restart when a file like this changes. May be repeated.")
    log_level: str = _is_set_by(Kind.LEVEL, "info", "What the server logs.")
    access_log: bool = _is_set_by(Kind.SWITCH, True, "Log every request.")
    root_path: str = _is_set_by(Kind.TEXT, "", "Path under which a proxy publishes the app.")
    proxy_headers: bool = _is_set_by(Kind.SWITCH, True, "Believe X-Forwarded-* headers of trusted proxies.")
    forwarded_allow_ips: str = _is_set_by(Kind.TEXT, "127.0.0.1", "Trusted proxies, separated by commas.")
    ssl_keyfile: str = _is_set_by(Kind.PATH, "", "TLS: file with the private key.")
    ssl_certfile: str = _is_set_by(Kind.PATH, "", "TLS: file with the certificate.")
    ssl_keyfile_password: str = _is_set_by(Kind.TEXT, "", "TLS: password of the private key.")
    env_file: str = _is_set_by(Kind.PATH, "", "Environment variables for the app, read anew at every restart.")
    restart: str = _is_set_by(
        Kind.ORDER, "overlap", "Start an app's new worker beside the old one, or after it has ended (sequential)."
    )
    workers: int = _is_set_by(Kind.COUNT, 1, "Serve an app by so many processes; what is saved goes round among them.")
    keys: bool = _is_set_by(Kind.SWITCH, True, "Heed single keys while serving on a terminal; h shows them.")
    grace: float = _is_set_by(Kind.NUMBER, 2.0, "Seconds that a worker has to end before it is killed.")
    zygote: bool = _is_set_by(
        Kind.SWITCH, sys.platform == "linux", "Fork new workers from a process that has imported the libraries (Linux)."
    )
    snapshots: bool = _is_set_by(
        Kind.SWITCH,
        False,
        "Have forks wait that have imported modules of yours already (Linux, Python 3.12).",
    )
    preload: tuple[str, ...] = _is_set_by(
        Kind.TEXTS, (), "Have this library imported there, though we should leave it out. May be repeated."
    )
    preload_exclude: tuple[str, ...] = _is_set_by(
        Kind.TEXTS, (), "Do not have this library imported there. May be repeated."
    )
    single_process: bool = _is_set_by(
        Kind.SWITCH, False, "Run it in this very process, for a debugger; what needs a new process is asked of you."
    )
    poll: float | None = _is_set_by(Kind.NUMBER, None, "Look for changes every so many seconds, not for events.")
    audit: bool = _is_set_by(Kind.SWITCH, False, "Compare every reload with a fresh start; restart if they differ.")
    timings: bool = _is_set_by(Kind.SWITCH, False, "After each reload, where the time since the save went.")
    quiet: bool = _is_set_by(Kind.SWITCH, False, "Only errors and warnings.")
    verbose: bool = _is_set_by(Kind.SWITCH, False, "Also what did not change, and whole tracebacks.")
    json: bool = _is_set_by(Kind.SWITCH, False, "One JSON object a line, on standard output.")


SETTINGS: Mapping[str, Setting] = {
    entry.name: Setting(entry.name, entry.metadata["kind"], entry.default, entry.metadata["help"])
    for entry in fields(Settings)
}


def settle(flags: Values, environment: Mapping[str, str], file: Values) -> Settings:
    """The settings, from the strongest source to the weakest. A flag that is None was not given.

    Raises UsageError, one sentence, for a value of the environment that cannot be.
    """
    values: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        if flags.get(name) is not None:
            values[name] = flags[name]
        elif environment.get(setting.variable):
            values[name] = from_text(setting, environment[setting.variable])
        elif name in file:
            values[name] = file[name]
    return Settings(**values)


def from_text(setting: Setting, text: str) -> Any:
    """The value that an environment variable's text means. Lists are separated by commas."""
    try:
        return _checked(setting, _guessed(setting.kind, text))
    except ValueError:
        raise UsageError(f"{setting.variable} must be {setting.kind}, not {text!r}") from None


def read_pyproject(directory: Path) -> dict[str, Any]:
    """The values of the nearest pyproject.toml from `directory` upwards, paths being relative to that file.

    Raises UsageError, one sentence that begins with file and line, if the table has something wrong in it.
    """
    for folder in (directory, *directory.parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            return _read(file)
    return {}


def read_budgets(directory: Path) -> list[Budget]:
    """The import budgets of the nearest pyproject.toml from `directory` upwards, one for each target.

    Raises UsageError, one sentence that begins with file and line, if the table has something wrong in it.
    """
    for folder in (directory, *directory.parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            text, table = _table(file)
            return list(_budgets(file, text, table.get("budget", {})))
    return []


_BUDGET_KEYS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "forbidden": ("a list of module names", lambda value: tuple(_is(one, str) for one in _is(value, list))),
    "max-modules": ("a whole number", lambda value: _is(value, int) if not isinstance(value, bool) else _refuse()),
    "max-ratio": ("a number", lambda value: float(_is_number(value))),
    "allowed-cycles": (
        "a list of lists of module names",
        lambda value: tuple(tuple(_is(one, str) for one in _is(group, list)) for group in _is(value, list)),
    ),
}


def _budgets(file: Path, text: str, table: Any) -> Iterator[Budget]:
    """What stands in the table itself holds for every target that says nothing else."""
    from pepperpy_reload.core.budget import Budget

    home = f"{TABLE}.budget"
    if not isinstance(table, dict):
        raise _wrong(file, text, "budget", f"[{home}] must be a table")
    common = _bounds(file, text, {key: value for key, value in table.items() if key != "targets"}, home)
    targets = table.get("targets", {})
    if not isinstance(targets, dict) or not all(isinstance(one, dict) for one in targets.values()):
        raise _wrong(file, text, "targets", f"[{home}.targets] must be a table with a table for each target", home)
    for target, bounds in targets.items():
        quoted = re.escape(f"{home}.targets.") + rf"""["']?{re.escape(target)}["']?"""
        yield Budget(target, **(common | _bounds(file, text, bounds, quoted)))


def _bounds(file: Path, text: str, table: Mapping[str, Any], home: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        known = _BUDGET_KEYS.get(key.replace("_", "-"))
        if known is None:
            hint = _hint(key, [*_BUDGET_KEYS, "targets"])
            raise _wrong(file, text, key, f"there is nothing in a budget called {key!r}{hint}", home)
        try:
            found[key.replace("-", "_")] = known[1](value)
        except ValueError:
            raise _wrong(file, text, key, f"{key} must be {known[0]}, not {value!r}", home) from None
    return found


def _read(file: Path) -> dict[str, Any]:
    text, table = _table(file)
    return dict(_checked_items(file, text, table))


def _table(file: Path) -> tuple[str, dict[str, Any]]:
    import tomllib

    try:
        text = file.read_text(encoding="utf-8")
        table: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at line (\d+)", str(error))
        line = int(where[1]) if where else 1
        raise UsageError(f"{file}:{line}: this is not TOML: {error}", str(file), line) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}", str(file)) from None
    for part in TABLE.split("."):
        table = table.get(part, {}) if isinstance(table, dict) else {}
    if not isinstance(table, dict):
        raise _wrong(file, text, "pepperpy-reload", f"[{TABLE}] must be a table")
    return text, table


def _checked_items(file: Path, text: str, table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    by_key = {setting.key: setting for setting in SETTINGS.values()}
    for key, value in table.items():
        if key == "budget":
            list(_budgets(file, text, value))
            continue
        setting = by_key.get(key.replace("_", "-"))
        if setting is None:
            hint = _hint(key, by_key)
            raise _wrong(file, text, key, f"there is no setting {key!r}{hint}")
        try:
            yield setting.name, _placed(setting.kind, _checked(setting, value), file.parent)
        except ValueError:
            raise _wrong(file, text, key, f"{key} must be {setting.kind}, not {value!r}") from None


def _hint(key: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key, [*known], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _wrong(file: Path, text: str, key: str, sentence: str, table: str = TABLE) -> UsageError:
    line = _line_of(text, key, table)
    return UsageError(f"{file}:{line}: {sentence}", str(file), line)


def _line_of(text: str, key: str, table: str) -> int:
    """Where `key` is set: the parser does not tell, so it is looked for from the table's header on."""
    lines = text.splitlines()
    header = re.compile(rf"^\s*\[\s*{table if '?' in table else re.escape(table)}\s*\]")
    start = next((index for index, line in enumerate(lines) if header.match(line)), 0)
    assignment = re.compile(rf"""^\s*(?:[\w.-]+\.)?["']?{re.escape(key)}["']?\s*[=.\]]""")
    return next((index for index in range(start, len(lines)) if assignment.match(lines[index])), start) + 1


def _checked(setting: Setting, value: Any) -> Any:
    """`value` in the form in which it is used, or ValueError."""
    kind = setting.kind
    if kind is Kind.SWITCH:
        return _is(value, bool)
    if kind is Kind.NUMBER:
        number = float(_is_number(value))
        return number if number >= 0 else _refuse()
    if kind in (Kind.PORT, Kind.DESCRIPTOR):
        number = _is_number(value)
        return (
            number if isinstance(number, int) and 0 <= number <= (65535 if kind is Kind.PORT else number) else _refuse()
        )
    if kind is Kind.COUNT:
        return value if _is(_is_number(value), int) >= 1 else _refuse()
    if kind in (Kind.LEVEL, Kind.ORDER):
        return value if value in (LEVELS if kind is Kind.LEVEL else ORDERS) else _refuse()
    if kind in (Kind.TEXTS, Kind.PATHS):
        return tuple(_is(item, str) for item in _is(value, list))
    return _is(value, str)


def _is(value: Any, kind: type) -> Any:
    return value if isinstance(value, kind) else _refuse()


def _is_number(value: Any) -> int | float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else _refuse()


def _refuse() -> Any:
    raise ValueError


def _placed(kind: Kind, value: Any, folder: Path) -> Any:
    if kind is Kind.PATH and value:
        return str(folder / value)
    if kind is Kind.PATHS:
        return tuple(str(folder / item) for item in value)
    return value


_WORDS = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)


def _guessed(kind: Kind, text: str) -> Any:
    if kind is Kind.SWITCH:
        return _WORDS.get(text.strip().lower())
    if kind in (Kind.PORT, Kind.DESCRIPTOR, Kind.COUNT):
        return int(text)
    if kind is Kind.NUMBER:
        return float(text)
    if kind in (Kind.TEXTS, Kind.PATHS):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text
