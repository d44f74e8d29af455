"""What happens to a served app when a reload has made another one of it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from pepperpy_reload.errors import ReloadError, RestartNeeded, UserCodeError
from pepperpy_reload.serving.kinds import AsgiApp
from pepperpy_reload.serving.lifespan import Lifespan
from pepperpy_reload.serving.loops import await_on
from pepperpy_reload.serving.readers import wait_until_none
from pepperpy_reload.serving.slot import adapt
from pepperpy_reload.serving.target import Build

if TYPE_CHECKING:
    from pepperpy_reload.core.report import ReloadReport
    from pepperpy_reload.serving.asgi import ServerSession


class Replacement:
    """Swaps the app when the one that a fresh start would serve is another: drain, old shutdown, new start-up, swap.

    Called in the reloader's thread while the gate is closed. Whatever was done is noted, so that `undo` can take it
    back, the last thing first.
    """

    def __init__(self, session: ServerSession) -> None:
        self._session = session
        self._way_back: list[Callable[[], None]] = []
        self._renewed: Build | None = None
        """What a fresh start would serve after the reload that is followed."""

    def refuse(self, planned: ReloadReport) -> str:  # noqa: ARG002 - what Settle asks
        """A served app takes any reload: requests are held meanwhile."""
        return ""

    def concerns(self) -> bool:
        """Whether the code that built the app, or ran when it started, has changed."""
        target, lifespan = self._session.target, self._session.lifespan
        built = target.build.footprint
        started = lifespan.footprint if lifespan is not None and lifespan.supported else None
        return any(footprint is not None and target.touches(footprint) for footprint in (built, started))

    def has_to_follow(self) -> bool:
        """Whether a fresh start would serve another app, or the one that is served needs another lifespan."""
        target, lifespan = self._session.target, self._session.lifespan
        self._way_back = []
        served = target.build.made
        self._renewed = target.renew()
        if self._renewed.made is not served:
            return True
        assert lifespan is not None
        return lifespan.supported and (target.remade(served) or target.touches(lifespan.footprint))

    def __call__(self, report: ReloadReport) -> str | None:  # noqa: ARG002 - the live objects tell
        """Serve what a fresh start would serve, and say why."""
        session, target = self._session, self._session.target
        served, kind, old = target.build, target.kind, session.lifespan
        build, self._renewed = self._renewed, None
        assert old is not None
        assert build is not None
        replaced = build.made is not served.made
        remade = target.remade(served.made)
        why = f"{target.text} was made again" if remade else f"code that ran when {target.text} started has changed"
        why = self._why(build, served) if replaced else why
        self._drain(why)
        self._way_back.append(lambda: self._start_again(adapt(served.made, kind)))
        last_words = self._stop(old)
        adapter = session.slot.app
        if replaced:
            target.adopt(build)
            self._way_back.append(lambda: target.adopt(served))
            adapter = adapt(build.made, target.kind)
        new = self._start(adapter)
        self._way_back.append(lambda: self._stop_quietly(new))
        session.put(adapter, new)
        if old.supported or new.supported:
            why += " and its lifespan restarted" if "called again" in why else ", so its lifespan was restarted"
        return why + last_words

    def undo(self) -> None:
        """Serve the old app again; RestartNeeded if its lifespan cannot be started again."""
        while self._way_back:
            self._way_back.pop()()

    def _why(self, build: Build, served: Build) -> str:
        text = self._session.target.text
        if build.factory is None:
            return f"{text} is a new object"
        if build.factory is not served.factory:
            return f"{text} is a new function and was called again"
        return f"code that {text} runs has changed, so it was called again"

    def _drain(self, why: str) -> None:
        session = self._session
        try:
            wait_until_none(self._under_way, session.options.grace, "a request has been running")
        except RestartNeeded as error:
            raise RestartNeeded(f"{why}, and {error}") from None

    def _under_way(self) -> str:
        session = self._session
        return "" if not session.slot.in_flight else session.readers.blocking() or session.suspended_at() or "waiting"

    def _stop(self, old: Lifespan) -> str:
        timeout = self._session.options.grace
        try:
            self._await(old.shutdown(timeout), timeout, "the old app's shutdown")
        except UserCodeError as error:  # its faults are of the past: the new app is served all the same
            return f"; the old one's shutdown raised {str(error).strip().splitlines()[-1]}"
        return ""

    def _stop_quietly(self, lifespan: Lifespan) -> None:
        self._stop(lifespan)

    def _start(self, adapter: AsgiApp) -> Lifespan:
        lifespan = Lifespan(adapter)
        # Requests are held meanwhile, while a new worker would start beside this one.
        options, usual = self._session.options, self._session.lifespan
        took = 0.0 if usual is None else usual.took
        timeout = min(options.lifespan_timeout, max(options.grace, 2 * took))
        self._await(lifespan.startup(timeout), timeout, "the new app's start-up")
        return lifespan

    def _start_again(self, adapter: AsgiApp) -> None:
        try:
            lifespan = self._start(adapter)
        except ReloadError as error:
            last = str(error).strip().splitlines()[-1]
            raise RestartNeeded(f"the old app's lifespan could not be started again: {last}") from error
        self._session.put(adapter, lifespan)

    def _await(self, coroutine: Coroutine[Any, Any, None], timeout: float, what: str) -> None:
        loop = self._session.gate.loop
        assert loop is not None
        await_on(loop, coroutine, timeout + self._session.options.grace, what)
