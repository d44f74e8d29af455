"""The course of a supervisor's workers: its place in the table of states, and the performing of what that says."""

from __future__ import annotations

import signal
import time
from dataclasses import replace

from pepperpy_reload.core.lifecycle import HANGING, SERVED, Action, Event, Lifecycle, State
from pepperpy_reload.drawing.news import Note, Restarted, Restarting, Trouble, Unstarted
from pepperpy_reload.drawing.terminal import Display
from pepperpy_reload.errors import ReloadError
from pepperpy_reload.supervising.apology import Apology
from pepperpy_reload.supervising.crew import Crew

_HANDED_OVER = (Action.PROMOTE, Action.OUST)


class Course:
    """Performs the table on a crew.

    `reason` and `since` are those of the restart that is under way; `plain` says that what runs serves nothing, and
    `error` is the last one that was told of code that runs.
    """

    def __init__(
        self, crew: Crew, apology: Apology, display: Display, *, grace: float, overlap: bool, plain: bool
    ) -> None:
        self.life = Lifecycle(grace=grace)
        self.overlap = overlap
        self.plain = plain
        self.reason = ""
        self.since = 0.0
        self.was_ready = False
        self.error = ""
        self._slow: float | None = None
        self._put_off: float | None = -1.0
        self._crew = crew
        self._apology = apology
        self._display = display

    def advance(self, event: Event, *, code: bool = True) -> Action:
        """Report an event to the table, and do what it says."""
        now, before = time.monotonic(), self.life.state
        if event is Event.DUE:
            self._tell_of_delay(before)
        self.life, action = self.life.advance(event, now, code=code, overlap=self.overlap and not self.plain)
        if action is Action.END:
            by_hand = event is Event.INTERRUPT and before in SERVED
            self._crew.end(now, signal.SIGINT if by_hand else signal.SIGTERM, serves=not self.plain)
        elif action is Action.KILL:
            self._crew.kill()
        elif action is Action.SPAWN:
            self._spawn(event)
        elif action is not Action.NOTHING:
            self._succeed(action, event, now)
        if self.life.down_since is None:
            self._apology.end()
        return action

    def _tell_of_delay(self, state: State) -> None:
        """Say what was waited for in vain, and where it is."""
        process = self._crew.heir if state is State.SUCCEEDING_STALE else self._crew.worker
        if process is None or process.is_killed:
            return
        if state in (State.STALE, State.SUCCEEDING_STALE):
            text = "the worker that is being started is not ready{}; it is started anew with what was saved"
        elif state in (State.HANDING_OVER, State.HANDING_OVER_STALE):
            text = "the old worker does not answer{}; it is killed"
        elif state in (State.REPLACING, State.BROKEN, State.BROKEN_STALE, State.CLOSING):
            text = "the worker was to end and has not{}; it is killed"
        else:
            return
        self._display.show(Note(text.format(process.whereabouts())))

    @property
    def waits_for_a_prompt(self) -> bool:
        """Whether somebody types at a prompt in who is waited for: that is nobody's delay."""
        state, process = self.life.state, self._crew.worker
        if state is State.SUCCEEDING_STALE:
            process = self._crew.heir
        elif state not in (State.STALE, State.HANDING_OVER, State.HANDING_OVER_STALE):
            return False
        return process is not None and process.answers.reading

    def put_off(self, now: float) -> None:
        """What is due is not due yet; that is said once."""
        self.life = replace(self.life, due=now + self.life.grace)
        if self._put_off != self.life.began_at:
            self._put_off = self.life.began_at
            self._display.show(Note("somebody is at a debugger's prompt: that is waited for"))

    @property
    def slow_at(self) -> float | None:
        """When to say that a start takes long."""
        began = self.life.began_at
        return None if began is None or began == self._slow else began + max(HANGING, 2 * self.life.took)

    def tell_of_slow_start(self) -> None:
        """Say where it is. It goes on: some things take long."""
        self._slow = self.life.began_at
        process = self._crew.heir or self._crew.worker
        if process is not None and self._slow is not None and not process.answers.reading:
            lasted = time.monotonic() - self._slow
            text = f"the new worker is not ready after {lasted:.0f} s{process.whereabouts()}"
            self._display.show(Note(text))

    def restart(self, reason: str, event: Event = Event.RESTART) -> None:
        """Another worker is wanted."""
        before = self.reason, self.since
        if self.life.state is not State.REPLACING:
            self.reason, self.since = reason, time.monotonic()
        if self.advance(event) is not Action.NOTHING:
            self._display.show(Restarting(reason))
        elif event is Event.ASKED:  # it is being seen to
            self.reason, self.since = before

    def _succeed(self, action: Action, event: Event, now: float) -> None:
        """The actions that concern an heir."""
        if action is Action.SPAWN_HEIR:
            self._spawn_heir(event, now)
        elif action in _HANDED_OVER:
            self._crew.promote(now, kill=action is Action.OUST)
            self._hand_over()
        elif action in (Action.DISMISS, Action.RECALL):
            self._crew.dismiss(now)
        if action in (Action.YIELD, Action.RECALL) and self._crew.worker is not None:
            self._crew.worker.post({"type": "yield" if action is Action.YIELD else "stay"})

    def _spawn(self, event: Event) -> None:
        if event not in (Event.RESTART, Event.ENDED, Event.CRASHED):
            self.since = time.monotonic()  # else the time runs from the wish for another worker
        self._apology.make_way()
        try:
            self._crew.start(warm=self.was_ready and not self.life.tries)  # what crashes may do so because of the fork
        except ReloadError as error:  # the env file, read anew
            if not self.was_ready:
                raise
            self._display.show(Unstarted(Trouble(str(error))))
            self.advance(Event.ENDED)

    def _spawn_heir(self, event: Event, now: float) -> None:
        if event is Event.DUE:
            self.since = now
        try:
            self._crew.start_heir(now)
        except ReloadError as error:
            self._display.show(Unstarted(Trouble(str(error)), serving=True))
            self.advance(Event.HEIR_ENDED)

    def _hand_over(self) -> None:
        """The heir is the worker."""
        worker = self._crew.worker
        if worker is None or self.life.state not in SERVED:
            return
        self._apology.served()
        self.error = ""
        self.plain = bool(worker.plain)
        self._display.show(Restarted(self.reason, worker.pid, time.monotonic() - self.since, worker.is_fork))
