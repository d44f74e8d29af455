"""The composition root: the only place where shells are put together."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from pepperpy_reload.config import Settings
from pepperpy_reload.errors import UsageError
from pepperpy_reload.supervising import firstborn, signals
from pepperpy_reload.supervising.listener import Listener, handed_over, is_wildcard
from pepperpy_reload.supervising.orders import Orders, Task

if TYPE_CHECKING:  # each function loads what it needs: the first worker waits until it has been told what it is for
    from pepperpy_reload.core.batch import Hint, Quiet
    from pepperpy_reload.drawing.terminal import Display
    from pepperpy_reload.profiling.run import Profile
    from pepperpy_reload.profiling.showing import Wanted
    from pepperpy_reload.supervising.inbox import Item
    from pepperpy_reload.watching.observer import Watcher


def serve(settings: Settings) -> int:
    """Serve the target of `settings` until told to stop; returns the exit status.

    Raises UsageError and SurroundingsError, whose text is the line for the user.
    """
    from pepperpy_reload.serving.discovery import discover, search_path

    app_dir = _directory(settings.app_dir)
    _check_files(settings)
    target = settings.target or discover(app_dir)
    listener = _listener(settings)
    orders = Orders(
        task=Task.SERVE,
        target=target,
        roots=_roots(settings, app_dir),
        search=tuple(search_path(app_dir)),
        argv=tuple(sys.argv),
        factory=settings.factory,
        options=_serve_options(settings),
        env_file=settings.env_file,
        audit=settings.audit,
    )
    try:
        return _supervise(settings, orders, listener)
    finally:
        listener.close()


def run(settings: Settings, program: str, arguments: Sequence[str], *, as_module: bool = False) -> int:
    """Run a script, or a module as `python -m` does, and again after saves; returns the exit status.

    Raises UsageError and SurroundingsError, whose text is the line for the user.
    """
    if not as_module and not Path(program).exists():
        raise UsageError(f"there is no script {program!r} in {Path.cwd()}{_module_hint(program)}")
    app_dir = _directory(settings.app_dir) if as_module else _home_of(Path(program).resolve())
    _check_files(settings)
    orders = Orders(
        task=Task.MODULE if as_module else Task.SCRIPT,
        target=program,
        roots=_roots(settings, app_dir),
        search=(app_dir,) if as_module else (),  # a script's own directory is put there by whoever runs it
        argv=tuple(arguments),
        options={"grace": settings.grace},
        env_file=settings.env_file,
    )
    return _supervise(settings, orders, None)


def demo(settings: Settings, directory: str | None) -> int:
    """Write the demonstration's files and serve them; returns the exit status."""
    from pepperpy_reload.demo import TARGET, write

    folder = str(write(directory))
    _note(settings, f"the demo is in {folder}")
    return serve(replace(settings, target=TARGET, app_dir=folder, auto_port=True, access_log=False))


def console(settings: Settings, module: str | None) -> int:
    """A console whose imported names follow every reload; returns the exit status."""
    from pepperpy_reload.integrations.console import run_console

    app_dir = _directory(settings.app_dir)
    sys.path.insert(0, app_dir)
    return run_console(module, list(_roots(settings, app_dir)))


def explain(settings: Settings, files: Sequence[str], since: str) -> int:
    """Show what saving files would do to a process that was started from a revision; returns the exit status.

    Raises UsageError and SurroundingsError, whose text is the line for the user.
    """
    from pepperpy_reload.drawing.news import Trouble
    from pepperpy_reload.drawing.plan import draw_plan
    from pepperpy_reload.drawing.terminal import Terminal
    from pepperpy_reload.replaying.explain import Question, files_named
    from pepperpy_reload.replaying.explain import explain as answer
    from pepperpy_reload.serving.discovery import discover, search_path

    app_dir = _directory(settings.app_dir)
    _check_files(settings)
    target, roots = settings.target or discover(app_dir), _roots(settings, app_dir)
    orders = Orders(Task.SERVE, target, roots, env_file=settings.env_file)
    search = tuple(search_path(app_dir))
    found = answer(Question(target, files_named(files), since, search, roots, orders.environment()))
    if settings.json:
        sys.stdout.write(f"{json.dumps(found.as_json())}\n")
    elif found.fault is not None:
        after = "saving this would change nothing: the last good version would go on"
        if found.fault.before:
            after = f"{target} cannot be imported as of {since}, so there is no process to reload"
        Terminal().trouble(Trouble(found.fault.text, found.fault.file, found.fault.line), after)
    else:
        draw_plan(found.heading, found.steps)
    return 0 if found.fault is None else 1


def replay(
    repository: str, package: str, *, last: int, chain: int, rollback: bool, restart: bool, as_json: bool
) -> int:
    """Replay a git repository's last commits and show what became of them; returns the exit status: 1 for a fault.

    Raises UsageError and SurroundingsError, whose text is the line for the user.
    """
    from pepperpy_reload.drawing.outcomes import draw_outcomes, with_progress
    from pepperpy_reload.replaying.replay import Replay, Wish

    history = Replay(Wish(repository, package, last, chain, rollback=rollback, restart=restart))
    outcomes = []
    try:
        for outcome in with_progress((one.as_json() for one in history.run()), len(history.commits)):
            outcomes.append(outcome)
            if as_json:
                sys.stdout.write(f"{json.dumps(outcome)}\n")
                sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: what is known so far\n")
    if not as_json:
        draw_outcomes(f"{len(outcomes)} of {len(history.commits)} commits of {history.package}", outcomes)
    if history.left_out:
        sys.stderr.write(f"{_left_out(history.left_out)}\n")
    return int(any(outcome["verdict"] in ("different", "error") for outcome in outcomes))


def _left_out(modules: Mapping[str, str]) -> str:
    """The line that tells of modules that are not compared."""
    (name, why), *others = sorted(modules.items())
    more = f" and {len(others)} more" if others else ""
    return f"not compared, as they cannot be imported: {name} ({why}){more}"


def profile(settings: Settings, target: str, wanted: Wanted) -> int:
    """Show what a target's imports cost; returns the exit status: 1 if the target raised, or is slower than it was.

    Raises UsageError, whose text is the line for the user.
    """
    from pepperpy_reload.profiling.showing import show
    from pepperpy_reload.serving.discovery import search_path

    return show(target, search_path(_directory(settings.app_dir)), wanted)


def graph(settings: Settings, target: str, files: Mapping[str, str], *, everything: bool, grouped: bool) -> int:
    """Write a target's import graph to `files`, by kind; returns the exit status: 1 if the target raised.

    Raises UsageError, whose text is the line for the user.
    """
    from pepperpy_reload.profiling.graphs import draw
    from pepperpy_reload.serving.discovery import search_path

    search = search_path(_directory(settings.app_dir))
    return draw(target, search, files, everything=everything, grouped=grouped)


def why(settings: Settings, target: str, module: str, *, as_json: bool) -> int:
    """Show why a target loads a module; returns the exit status: 1 if it does not.

    Raises UsageError, whose text is the line for the user.
    """
    from pepperpy_reload.drawing.costs import draw_chains
    from pepperpy_reload.profiling.report import chains_as_plain, not_loaded

    seen = _profiled(settings, target, 1)
    if module not in seen.costs.by_name:
        sys.stderr.write(f"{not_loaded(seen, module)}\n")
        return 1
    chains = seen.costs.chains(module)
    if as_json:
        sys.stdout.write(f"{json.dumps(chains_as_plain(seen.costs, module, chains))}\n")
    else:
        draw_chains(module, seen.costs, chains)
    return 0


def budget(settings: Settings, targets: Sequence[str], *, as_json: bool) -> int:
    """Hold targets to their import budgets; returns the exit status: 1 if one is broken.

    Raises UsageError, whose text is the line for the user.
    """
    from pepperpy_reload.config import read_budgets
    from pepperpy_reload.profiling.budgets import hold
    from pepperpy_reload.serving.discovery import search_path

    budgets = [one for one in read_budgets(Path.cwd()) if not targets or one.target in targets]
    unknown = [target for target in targets if target not in {one.target for one in budgets}]
    if unknown or not budgets:
        missing = f" for {unknown[0]}" if unknown else ""
        raise UsageError(f"no pyproject.toml has a budget{missing} in [tool.pepperpy-reload.budget.targets]")
    broken = [hold(one, search_path(_directory(settings.app_dir)), as_json=as_json) for one in budgets]
    return int(any(broken))


def _profiled(settings: Settings, target: str, times: int) -> Profile:
    from pepperpy_reload.profiling.run import profile
    from pepperpy_reload.serving.discovery import search_path

    app_dir = _directory(settings.app_dir)
    return profile(target, search_path(app_dir), os.environ, times)


def _supervise(settings: Settings, orders: Orders, listener: Listener | None) -> int:
    if settings.single_process:
        return _alone(settings, orders, listener)
    firstborn.instruct(orders)
    workers = settings.workers if orders.task is Task.SERVE else 1
    if settings.workers > workers:
        _note(settings, f"a script is run once, not by {settings.workers} workers")
    inbox: SimpleQueue[Item] = SimpleQueue()

    def notice(text: str) -> None:
        from pepperpy_reload.drawing.news import Note

        inbox.put(Note(text))

    # Before the worker runs, so that nothing is missed: what comes now is dealt with when the rest is loaded.
    with signals.caught(inbox.put), _watcher(settings, orders, inbox.put, notice):
        firstborn.settle(None if listener is None else listener.sock)
        firstborn.make_way(inbox.empty)
        from pepperpy_reload.drawing.outbox import Outbox
        from pepperpy_reload.supervising.supervisor import Supervisor
        from pepperpy_reload.supervising.timings import Timings
        from pepperpy_reload.supervising.triggers import Triggers
        from pepperpy_reload.supervising.warmth import Wishes

        with Outbox(_display(settings)) as outbox:
            return Supervisor(
                orders,
                listener,
                outbox,
                inbox,
                Triggers(orders.roots, settings.restart_on, _env_file(orders)),
                url=_url(settings, listener),
                grace=settings.grace,
                overlap=settings.restart == "overlap",
                keys=settings.keys,
                wishes=Wishes(
                    wanted=settings.zygote and orders.task is Task.SERVE and not orders.audit,
                    snapshots=settings.snapshots,
                    preload=settings.preload,
                    exclude=settings.preload_exclude,
                ),
                timings=Timings() if settings.timings else None,
                workers=workers,
            ).run()


def _alone(settings: Settings, orders: Orders, listener: Listener | None) -> int:
    from pepperpy_reload.drawing.outbox import Outbox
    from pepperpy_reload.supervising.single import SingleProcess
    from pepperpy_reload.supervising.timings import Timings
    from pepperpy_reload.supervising.triggers import Triggers

    if settings.audit or settings.workers > 1:
        other = "--audit" if settings.audit else f"--workers {settings.workers}"
        raise UsageError(f"{other} needs other processes than this one: leave it out, or --single-process")
    with Outbox(_display(settings)) as outbox:
        return SingleProcess(
            orders,
            listener,
            outbox,
            lambda on_event, on_notice: _watcher(settings, orders, on_event, on_notice),
            Triggers(orders.roots, settings.restart_on, _env_file(orders)),
            url=_url(settings, listener),
            timings=Timings() if settings.timings else None,
        ).run()


def _watcher(
    settings: Settings, orders: Orders, on_event: Callable[[Hint | Quiet], None], on_notice: Callable[[str], None]
) -> Watcher:
    from pepperpy_reload.watching.observer import Watcher

    wanted = [*(os.path.join(root, ".env") for root in orders.roots), _env_file(orders)]  # noqa: PTH118 - strings in and out
    include = [*settings.include, *settings.restart_on, *(path for path in wanted if path and not Path(path).is_dir())]
    return Watcher(
        orders.roots,
        on_event=on_event,
        on_notice=on_notice,
        include=include,
        exclude=settings.exclude,
        poll=settings.poll,
    )


def _env_file(orders: Orders) -> str:
    return os.path.realpath(orders.env_file) if orders.env_file else ""


def _url(settings: Settings, listener: Listener | None) -> str:
    return "" if listener is None else listener.url("https" if settings.ssl_certfile else "http")


def _listener(settings: Settings) -> Listener:
    """Where to serve: what was asked for by hand comes before what a service manager has prepared."""
    if settings.uds:
        return Listener.at_path(settings.uds)
    if settings.fd is not None:
        return Listener.adopt(settings.fd, "--fd")
    if found := handed_over():
        if len(found) > 1:
            _note(settings, f"of the {len(found)} sockets of LISTEN_FDS the first one is served", warning=True)
        return Listener.adopt(found[0], "LISTEN_FDS")
    if is_wildcard(settings.host):
        _note(settings, f"--host {settings.host} lets every machine that reaches this one use the app", warning=True)
    listener = Listener.bind(settings.host, settings.port, auto_port=settings.auto_port)
    if settings.port and listener.port != settings.port:
        _note(settings, f"port {settings.port} is in use, {listener.port} is taken instead")
    return listener


def _note(settings: Settings, text: str, *, warning: bool = False) -> None:
    from pepperpy_reload.drawing.news import Note

    _display(settings).show(Note(text, warning=warning))


def _display(settings: Settings) -> Display:
    from pepperpy_reload.drawing.terminal import Detail, JsonLines, Terminal

    detail = Detail.VERBOSE if settings.verbose else Detail.QUIET if settings.quiet else Detail.NORMAL
    return JsonLines(detail=detail) if settings.json else Terminal(detail=detail)


def _directory(path: str) -> str:
    real = os.path.realpath(path)
    if not Path(real).is_dir():
        raise UsageError(f"--app-dir {path!r} is not a directory")
    return real


def _check_files(settings: Settings) -> None:
    for path in settings.watch:
        if not Path(path).is_dir():
            raise UsageError(f"--watch {path!r} is not a directory")
    for flag, path in (
        ("--env-file", settings.env_file),
        ("--ssl-keyfile", settings.ssl_keyfile),
        ("--ssl-certfile", settings.ssl_certfile),
    ):
        if path and not Path(path).is_file():
            raise UsageError(f"{flag} {path!r} is not a file")


def _roots(settings: Settings, app_dir: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([app_dir, *(os.path.realpath(path) for path in settings.watch)]))


def _serve_options(settings: Settings) -> dict[str, object]:
    return {
        "log_level": "warning" if settings.quiet and settings.log_level == "info" else settings.log_level,
        "access_log": settings.access_log and not settings.quiet,
        "root_path": settings.root_path,
        "proxy_headers": settings.proxy_headers,
        "forwarded_allow_ips": settings.forwarded_allow_ips,
        "ssl_keyfile": settings.ssl_keyfile or None,
        "ssl_certfile": settings.ssl_certfile or None,
        "ssl_keyfile_password": settings.ssl_keyfile_password or None,
        "grace": settings.grace,
    }


def _home_of(script: Path) -> str:
    return str(script if script.is_dir() else script.parent)


def _module_hint(program: str) -> str:
    path = Path(*program.split("."))
    is_module = path.with_suffix(".py").is_file() or path.is_dir()
    return f"; a module is run with: run -m {program}" if is_module and not program.endswith(".py") else ""
