"""The command line: parse, call `app`, turn errors into one line and an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from pepperpy_reload import app
from pepperpy_reload.config import LEVELS, ORDERS, SETTINGS, Kind, Setting, Settings, read_pyproject, settle
from pepperpy_reload.drawing.outbox import is_stuck
from pepperpy_reload.errors import ReloadError, SurroundingsError
from pepperpy_reload.supervising.listener import PortInUseError, PortRefusedError

Command = TypeVar("Command", bound=Callable[..., Any])


class ExitCode(IntEnum):
    """How the tool ends, besides 128 + the number of the signal that ended it."""

    FINE = 0
    UNLOADABLE = 1
    """The user's code does not load."""
    USAGE = 2
    SURROUNDINGS = 69
    """Something that is needed is not there."""
    REFUSED = 77
    """The system does not let us have the address."""
    PORT_IN_USE = 98


_TYPES: dict[Kind, Any] = {
    Kind.NUMBER: click.FloatRange(min=0),
    Kind.PORT: click.IntRange(0, 65535),
    Kind.DESCRIPTOR: click.IntRange(0),
    Kind.COUNT: click.IntRange(1),
    Kind.LEVEL: click.Choice(LEVELS, case_sensitive=False),
    Kind.ORDER: click.Choice(ORDERS),
    Kind.PATH: click.Path(),
    Kind.PATHS: click.Path(),
}
_METAVARS = {
    **dict.fromkeys(("include", "exclude", "restart_on"), "GLOB"),
    **dict.fromkeys(("preload", "preload_exclude"), "MODULE"),
    "watch": "DIR",
    "grace": "SECONDS",
}
_SHORT = {"quiet": "-q", "verbose": "-v"}
_EPILOG = """\
An option that shows an environment variable can also be set by it, and in the table [tool.pepperpy-reload] of
pyproject.toml under its name without the dashes. Flags come first, then the environment, then pyproject.toml.

Shell completion: eval "$(_PEPPERPY_RELOAD_COMPLETE=bash_source pepperpy-reload)", or zsh_source, or fish_source.
"""
_WATCHING = ("app_dir", "watch", "include", "exclude", "restart_on", "env_file", "grace", "poll")
_OUTPUT = ("quiet", "verbose", "json")
_TOLD = ("timings", *_OUTPUT)
_LISTENING = ("host", "port", "auto_port", "uds", "fd")
_SERVING = (
    *("factory", "workers", "restart", "zygote", "snapshots", "preload", "preload_exclude"),
    *("log_level", "access_log", "root_path", "proxy_headers", "forwarded_allow_ips"),
    *("ssl_keyfile", "ssl_certfile", "ssl_keyfile_password", "keys"),
)


class _Option(click.Option):
    """An option that shows its environment variable and leaves the reading of it to `config`."""

    def resolve_envvar_value(self, ctx: click.Context) -> None:
        """Nothing: `config.settle` reads the environment, so that all sources are checked alike."""

    def get_help_extra(self, ctx: click.Context) -> Any:
        """What stands in brackets; the default without the parentheses that click puts around a text."""
        extra = super().get_help_extra(ctx)
        if "default" in extra:
            extra["default"] = extra["default"].strip("()")
        return extra


def _option(setting: Setting) -> click.Option:
    flag = f"--{setting.key}"
    if setting.kind is Kind.SWITCH and setting.default:
        flag = f"{flag}/--no-{setting.key}"
    names = [flag, *([_SHORT[setting.name]] if setting.name in _SHORT else [])]
    shown = setting.default if setting.default not in (None, "", ()) else False
    extra: dict[str, Any] = {}
    if setting.kind is Kind.SWITCH:
        extra["is_flag"] = True
        shown = setting.key if setting.default else False
    return _Option(
        [*names, setting.name],
        default=None,
        type=_TYPES.get(setting.kind),
        multiple=setting.kind in (Kind.TEXTS, Kind.PATHS),
        metavar=_METAVARS.get(setting.name),
        help=setting.help,
        envvar=setting.variable,
        show_envvar=True,
        show_default=str(shown) if shown is not False else False,
        **extra,
    )


def _options(*names: str) -> Callable[[Command], Command]:
    """The options of these settings; they are made when the command is asked for its own: see `_Command`."""

    def add(command: Command) -> Command:
        vars(command).setdefault("__click_params__", []).extend(reversed(names))
        return command

    return add


class _Command(click.Command):
    """A command whose options are made when they are asked for: a start needs those of one command, not of all."""

    _params: list[click.Parameter | str]

    @property
    def params(self) -> list[click.Parameter]:
        """What it takes, in order."""
        self._params = [_option(SETTINGS[one]) if isinstance(one, str) else one for one in self._params]
        return cast(list[click.Parameter], self._params)

    @params.setter
    def params(self, params: list[click.Parameter]) -> None:
        self._params = [*params]


class _Group(click.Group):
    command_class = _Command


def _files(**kinds: str) -> Callable[[Command], Command]:
    """An option for each kind of file that can be written; the command is called with `files`, by kind."""

    def add(command: Command) -> Command:
        @wraps(command)
        def called(*arguments: Any, **options: Any) -> Any:
            given = {kind: options.pop(f"{kind}_file") for kind in kinds}
            return command(*arguments, files={kind: file for kind, file in given.items() if file}, **options)

        for kind, text in reversed(kinds.items()):
            option = click.option(f"--{kind}", f"{kind}_file", metavar="FILE", type=click.Path(), help=text)
            called = option(called)
        return cast(Command, called)

    return add


def _settings(flags: dict[str, Any]) -> Settings:
    given = {name: None if value == () else value for name, value in flags.items()}
    return settle(given, os.environ, read_pyproject(Path.cwd()))


@click.group(
    cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120}, epilog=_EPILOG
)
@click.version_option(package_name="pepperpy-reload", prog_name="pepperpy-reload")
def commands() -> None:
    """Save a file, and the running program has it: hot where that is safe, by a restart otherwise."""


@commands.command(epilog=_EPILOG)
@click.argument("target", required=False)
@_options(*_LISTENING, *_SERVING, *_WATCHING, "single_process", "audit", *_TOLD)
def serve(**flags: Any) -> int:
    """Serve TARGET: an ASGI or WSGI app, a factory of one, or a function to run.

    TARGET is module:attribute, as in main:app. Without it, and without PEPPERPY_RELOAD_TARGET, the usual files of the
    directory are looked through.
    """
    return app.serve(_settings(flags))


@commands.command(epilog=_EPILOG, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-m", "as_module", is_flag=True, help="PROGRAM is a module's name, as in python -m.")
@click.argument("program")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@_options(*_WATCHING, "single_process", *_TOLD)
def run(program: str, arguments: tuple[str, ...], as_module: bool, **flags: Any) -> int:
    """Run a script, or with -m a module, and run it again when a save asks for it."""
    return app.run(_settings(flags), program, arguments, as_module=as_module)


@commands.command(epilog=_EPILOG)
@click.option("-m", "module", metavar="MODULE", help="Import this module and begin with its names.")
@_options("app_dir", "watch")
def repl(module: str | None, **flags: Any) -> int:
    """Open a console in which imported names follow every reload."""
    return app.console(_settings(flags), module)


@commands.command(epilog=_EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path())
@click.option("--target", metavar="TARGET", help="What the process would serve; by default what serve would find.")
@click.option("--since", metavar="REV", default="HEAD", show_default=True, help="What the process was started from.")
@_options("app_dir", "watch", "env_file", "json")
def explain(files: tuple[str, ...], since: str, **flags: Any) -> int:
    """Show what saving FILEs, as they are now, would do to a running process, and why.

    The process is imagined: TARGET is imported by a fresh interpreter in a temporary copy of the project, in which
    FILEs are as git has them in REV. It is not served, and nothing of yours is written.
    """
    return app.explain(_settings(flags), files, since)


@commands.command(epilog=_EPILOG)
@click.argument("repository", default=".", type=click.Path())
@click.option("--last", default=30, show_default=True, type=click.IntRange(1), help="How many commits.")
@click.option("--package", default="", help="The package to import; by default the largest one of the repository.")
@click.option("--chain", default=1, show_default=True, type=click.IntRange(1), help="Commits applied in one process.")
@click.option("--rollback", is_flag=True, help="Have each commit fail first, half-way: nothing may have changed then.")
@click.option("--restart", is_flag=True, help="Compare a warm restart, not a reload, with a fresh start.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a commit, on standard output.")
def replay(repository: str, last: int, package: str, chain: int, rollback: bool, restart: bool, as_json: bool) -> int:
    """Replay the last commits of a git REPOSITORY, and compare each reload with a fresh start.

    Everything happens in a temporary copy. The exit status is 1 if a process was not what a fresh start is, or, with
    --rollback, not what it had been after a commit that failed.
    """
    return app.replay(repository, package, last=last, chain=chain, rollback=rollback, restart=restart, as_json=as_json)


@commands.command(epilog=_EPILOG)
@click.argument("target")
@click.option("-n", "times", default=1, show_default=True, type=click.IntRange(1), help="Runs; medians are shown.")
@click.option("--rows", default=30, show_default=True, type=click.IntRange(1), help="How many modules the tree shows.")
@click.option("--json", "as_json", is_flag=True, help="All that is known, as JSON on standard output.")
@click.option("--suggest", is_flag=True, help="Which imports are worth making lazy, and what speaks against others.")
@click.option("--diff", metavar="FILE", default="", help="Write the safe ones as a patch; it is never applied.")
@click.option("--save", metavar="FILE", default="", help="Keep this profile in a file.")
@click.option("--compare", metavar="FILE", default="", help="Tell what changed since; the status is 1 if it is slower.")
@click.option(
    "--relative", default=10.0, show_default=True, type=click.FloatRange(0), help="Per cent that may be more."
)
@click.option("--absolute", default=10.0, show_default=True, type=click.FloatRange(0), help="Milliseconds that may be.")
@_files(
    html="A page with all of it: bars over time to zoom and search in. It needs no network.",
    svg="A picture of the bars.",
    speedscope="For https://www.speedscope.app, one profile for each thread.",
    perfetto="For https://ui.perfetto.dev and chrome://tracing.",
)
@_options("app_dir")
def profile(
    target: str,
    times: int,
    rows: int,
    as_json: bool,
    files: dict[str, str],
    suggest: bool,
    diff: str,
    save: str,
    compare: str,
    relative: float,
    absolute: float,
    **flags: Any,
) -> int:
    """Show what the imports of TARGET cost, in a fresh process.

    TARGET is a module, module:attribute, or the path of a script. "saved" is what would really be saved without a
    module: whatever others import as well would be loaded all the same. With FILEs only these are written; - is
    standard output.
    """
    from pepperpy_reload.core.comparison import Tolerance
    from pepperpy_reload.profiling.showing import Wanted

    tolerance = Tolerance(relative / 100, absolute / 1000)
    wanted = Wanted(times, rows, as_json, files, save, compare, tolerance, suggest, diff)
    return app.profile(_settings(flags), target, wanted)


@commands.command(epilog=_EPILOG)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a target, on standard output.")
@_options("app_dir")
def budget(targets: tuple[str, ...], as_json: bool, **flags: Any) -> int:
    """Hold the imports of TARGETs to their budgets; the exit status is 1 if one is broken.

    Budgets stand in pyproject.toml, in [tool.pepperpy-reload.budget.targets."TARGET"]: forbidden = ["pandas"],
    max-modules = 120, max-ratio = 4.0 (of the processor time of a start to that of a bare interpreter), and
    allowed-cycles = [["app.a", "app.b"]]. What stands in [tool.pepperpy-reload.budget] holds for all of them.
    """
    return app.budget(_settings(flags), targets, as_json=as_json)


@commands.command(epilog=_EPILOG)
@click.argument("target")
@_files(
    html="A page: packages that open and close, neighbourhoods, search, cycles. It needs no network.",
    svg="A picture in layers, what is imported below what imports it.",
    dot="For Graphviz.",
    json="Nodes, links and cycles.",
)
@click.option("--all", "everything", is_flag=True, help="Other people's modules too, and the standard library's.")
@click.option("--group", "grouped", is_flag=True, help="A node for each package; of a page, no package open at first.")
@_options("app_dir")
def graph(target: str, files: dict[str, str], everything: bool, grouped: bool, **flags: Any) -> int:
    """Write the import graph of TARGET, as it was when it was imported in a fresh process.

    By default it has your own modules: those below --app-dir, and TARGET's package. Links that close a cycle are red.
    """
    return app.graph(_settings(flags), target, files, everything=everything, grouped=grouped)


@commands.command(epilog=_EPILOG)
@click.argument("target")
@click.argument("module")
@click.option("--json", "as_json", is_flag=True, help="As JSON on standard output.")
@_options("app_dir")
def why(target: str, module: str, as_json: bool, **flags: Any) -> int:
    """Show why importing TARGET loads MODULE: each way to it with its lines, and what cutting it would save."""
    return app.why(_settings(flags), target, module, as_json=as_json)


@commands.command(epilog=_EPILOG)
@click.argument("directory", required=False, type=click.Path())
@_options(*_LISTENING, *_OUTPUT)
def demo(directory: str | None, **flags: Any) -> int:
    """Write a small web app to DIRECTORY (by default a new temporary one) and serve it."""
    return app.demo(_settings(flags), directory)


def main() -> None:
    """The command `pepperpy-reload`."""
    try:
        status = commands.main(prog_name="pepperpy-reload", standalone_mode=False)
    except click.exceptions.Abort:
        status = 130
    except click.exceptions.Exit as leaving:
        status = leaving.exit_code
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except ReloadError as error:
        from pepperpy_reload.drawing.excerpt import plain  # a start that succeeds does without

        click.echo(f"pepperpy-reload: {plain(str(error))}", err=True)
        status = _code_of(error)
    if is_stuck():  # Python would wait for the stream that this thread holds, and abort
        os._exit(int(status or 0))
    sys.exit(int(status or 0))


def _code_of(error: ReloadError) -> ExitCode:
    if isinstance(error, PortInUseError):
        return ExitCode.PORT_IN_USE
    if isinstance(error, PortRefusedError):
        return ExitCode.REFUSED
    return ExitCode.SURROUNDINGS if isinstance(error, SurroundingsError) else ExitCode.USAGE


__all__ = ["ExitCode", "commands", "main"]
