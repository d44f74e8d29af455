"""The supervisor's hold on the zygote: built when a worker has told what it imports, asked for forks, put away."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pepperpy_reload.core.preload import Choice, choose
from pepperpy_reload.core.snapshots import Group
from pepperpy_reload.drawing.news import Happening, Note, Warmed
from pepperpy_reload.preloading.disturbance import disturbance
from pepperpy_reload.preloading.verdicts import Environment, Verdicts
from pepperpy_reload.supervising.channel import Channel, Message
from pepperpy_reload.supervising.guard import CODE
from pepperpy_reload.supervising.newborn import Adopted, Newborn
from pepperpy_reload.supervising.orders import Orders
from pepperpy_reload.supervising.snapshots import Snapshots

if TYPE_CHECKING:  # it brings along what a worker needs
    from pepperpy_reload.preloading.loads import Source

_ZYGOTE = """\
import sys
if not sys.flags.safe_path: del sys.path[0]
from pepperpy_reload.supervising.guard import main
from pepperpy_reload.supervising.worker import main
from pepperpy_reload.supervising.zygote import main
main()
"""
_PROBE = """\
import sys
if not sys.flags.safe_path: del sys.path[0]
from pepperpy_reload.supervising.guard import keep
keep(int(sys.argv[1]))
from pepperpy_reload.preloading.probe import main
main()
"""
_PATIENCE = 60.0  # seconds for a probe, and for a zygote to import what it is told
_BIRTH = 1.0  # seconds for a fork
_MOST = 1000  # files that a fork reads ahead: their names are sent, and nobody may have to wait for that


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user wants of warm restarts."""

    wanted: bool = True
    snapshots: bool = False
    preload: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(slots=True)
class _Zygote:
    process: subprocess.Popen[bytes]
    line: socket.socket
    environment: Mapping[str, str]
    wanted: frozenset[str]

    def end(self) -> None:
        with suppress(OSError):
            self.line.close()
        self.process.kill()
        self.process.wait()


class Warmth:
    """Gives workers that need not import libraries, or None where one has to be started cold.

    `on_news` is called, from any thread, with what happens; each sentence is said once.
    """

    def __init__(self, orders: Orders, wishes: Wishes, on_news: Callable[[Happening], None]) -> None:
        self._orders = orders
        self._wishes = wishes
        self._on_news = on_news
        self._said: set[str] = set()
        self._sources: list[str] = []
        self._snapshots: Snapshots | None = None
        self._distrusted: dict[str, None] = {}
        self._lock = threading.Lock()
        self._zygote: _Zygote | None = None
        self._standby: tuple[Newborn, Adopted] | None = None
        """A fork that waits for its orders already."""
        self._building: threading.Thread | None = None
        self._helper: subprocess.Popen[bytes] | None = None
        self._closed = False
        why = disturbance()
        self._off = not wishes.wanted or bool(why) or sys.platform != "linux"
        if wishes.snapshots and not self._off and _can_be_early():
            self._snapshots = Snapshots(self._bear_early, self._put_away, on_news)
        if wishes.wanted and why:
            self._say(f"workers are started cold: {why}")

    def learn(self, names: Sequence[str], sources: Sequence[Source]) -> None:
        """A worker that is as it should be has imported these modules of libraries, in this order, and these files."""
        wanted = frozenset(names)
        self._sources = [path for path, _, _ in sources[:_MOST]] or self._sources
        if self._snapshots is not None and sources:
            self._snapshots.learn(sources)
        if self._off or not wanted or (self._building is not None and self._building.is_alive()):
            return
        zygote = self._zygote
        if zygote is not None and zygote.wanted >= wanted:  # what else it holds is behind the veil, as if it were not
            if self._standby is None or self._snapshots is not None:
                threading.Thread(target=self._stand_by, args=(zygote,), daemon=True).start()
            return
        self._building = threading.Thread(
            target=self._build, args=(tuple(names), wanted), name="pepperpy-reload-zygote", daemon=True
        )
        self._building.start()

    def fork(self, environment: Mapping[str, str]) -> Newborn | None:
        """A fork for a worker with this environment."""
        zygote = self._zygote
        if zygote is None:
            return None
        if zygote.environment != environment:
            self._drop()
            return None
        if self._snapshots is not None and (early := self._snapshots.take()) is not None:
            return early
        with self._lock:
            standby, self._standby = self._standby, None
            if standby is not None and standby[1].is_alive:
                return standby[0]
            born = self._bear(zygote)
        if born is None:
            self._drop()
        return None if born is None else born[0]

    def _stand_by(self, zygote: _Zygote) -> None:
        """Have a fork ready before it is wanted."""
        with self._lock:
            if self._zygote is zygote and self._standby is None and not self._closed:
                self._standby = self._bear(zygote)
        if self._snapshots is not None and not self._closed:
            self._snapshots.renew()

    def _bear_early(self, groups: Sequence[Group], careful: bool) -> tuple[Newborn, Adopted] | None:
        """Have a fork import modules of the project's own."""
        with self._lock:
            zygote = self._zygote
            if zygote is None or self._closed:
                return None
            return self._bear(zygote, [group.members for group in groups], careful=careful)

    def _bear(
        self, zygote: _Zygote, early: Sequence[Sequence[str]] = (), *, careful: bool = False
    ) -> tuple[Newborn, Adopted] | None:
        channel, theirs = Channel.pair()
        ours, lifeline = os.pipe()
        try:
            pid = _bear(zygote.line, theirs.fileno(), ours)
        except (OSError, ValueError, LookupError) as error:
            self._say(f"workers are started cold: the process that they are forked from has failed ({error})")
            channel.close()
            os.close(lifeline)
            return None
        finally:
            theirs.close()
            os.close(ours)
        guard = Adopted(pid)
        channel.send(self._orders.as_json() | {"sources": self._sources, "early": early, "careful": careful})
        return Newborn(guard, channel, lifeline, is_fork=True, has_orders=True), guard

    def distrust(self, reason: str, culprit: str = "") -> None:
        """A fork was not what a fresh start is: the next worker is started cold, and `culprit` is left out then."""
        self._drop()
        if culprit:
            self._distrusted[culprit] = None
        self._say(f"this worker is started cold: {reason}")

    def hear_doubt(self, message: Message) -> None:
        """A fork has said why it is not what a fresh start is."""
        reason, culprit = str(message["text"]), str(message["culprit"])
        if self._snapshots is None or not message["early"]:
            self.distrust(reason, culprit)
            return
        self._snapshots.doubt(culprit)
        self._say(f"this worker imports all modules of yours: {reason}")

    def close(self) -> None:
        """End the zygote."""
        self._closed = True
        self._drop()
        helper = self._helper
        if helper is not None:
            with suppress(OSError):
                helper.kill()
        if self._building is not None:
            self._building.join(_BIRTH)

    def _drop(self) -> None:
        with self._lock:
            zygote, self._zygote = self._zygote, None
            standby, self._standby = self._standby, None
        if self._snapshots is not None:
            self._snapshots.drop()
        if standby is not None:
            self._put_away(*standby)
        if zygote is not None:
            zygote.end()

    def _put_away(self, born: Newborn, guard: Adopted) -> None:
        """End a fork that waits."""
        born.channel.close()
        os.close(born.lifeline)
        ending = threading.Thread(target=guard.wait, daemon=True)
        ending.start()
        ending.join(_BIRTH if self._closed else 0)

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._on_news(Note(text))

    # -- in a thread of its own ---------------------------------------------------------------------------------------

    def _build(self, names: Sequence[str], wanted: frozenset[str]) -> None:
        """Look at the modules if they are new, then have a zygote import those that may be."""
        try:
            environment = self._orders.environment()
            places = Environment(self._orders.roots)
            found = places.load()
            asked = [*names, *(name for name in self._wishes.preload if name not in wanted)]
            if any(name not in found.records for name in asked):
                text = self._probe(asked, environment)
                found = Verdicts.from_json(json.loads(text))
                places.store(text)
            self._drop()
            excluded = (*self._wishes.exclude, *self._distrusted)
            choice = choose(names, found.records, vouched=self._wishes.preload, excluded=excluded)
            zygote = self._start(found, choice, wanted, environment, places.places)
        except (OSError, ValueError, LookupError) as error:
            if not self._closed:
                self._say(f"workers are started cold: {error}")
            return
        with self._lock:
            self._zygote = zygote
        if self._closed:
            self._drop()
        else:
            self._on_news(Warmed(len(choice.names), choice.left_out))
            self._stand_by(zygote)

    def _probe(self, names: Sequence[str], environment: Mapping[str, str]) -> str:
        ours, lifeline = os.pipe()
        try:
            process = self._launch(_PROBE, ours, environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        finally:
            os.close(ours)
        order = {"search": self._orders.search, "argv": self._orders.argv, "names": names}
        try:
            answer, _ = process.communicate(json.dumps(order).encode() + b"\n", _PATIENCE)
        except subprocess.TimeoutExpired:
            raise ValueError(f"importing the libraries ahead took longer than {_PATIENCE:.0f} s") from None
        finally:
            os.close(lifeline)
            process.kill()
            process.wait()
        if process.returncode or not answer:
            raise ValueError(f"the process that looks at libraries ended with status {process.returncode}")
        return answer.decode()

    def _start(
        self,
        found: Verdicts,
        choice: Choice,
        wanted: frozenset[str],
        environment: Mapping[str, str],
        places: Sequence[str],
    ) -> _Zygote:
        line, theirs = socket.socketpair()
        try:
            process = self._launch(_ZYGOTE, theirs.fileno(), environment)
        finally:
            theirs.close()
        zygote = _Zygote(process, line, environment, wanted)
        order = {
            "code": CODE,
            "names": choice.names,
            "vouched": sorted(choice.vouched),
            "keys": {name: keys for name, keys in found.keys.items() if name in choice.names},
            "files": found.files,
            "libraries": places,
            "search": self._orders.search,
            "argv": self._orders.argv,
        }
        try:
            line.settimeout(_PATIENCE)
            line.sendall(json.dumps(order).encode() + b"\n")
            answer = _heard(line)
            line.settimeout(_BIRTH)
            if answer["type"] != "ready":
                raise ValueError(answer["text"])
        except BaseException:
            zygote.end()
            raise
        return zygote

    def _launch(
        self, code: str, descriptor: int, environment: Mapping[str, str], **streams: int
    ) -> subprocess.Popen[bytes]:
        flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        self._helper = subprocess.Popen(
            [sys.executable, *flags, "-c", code, str(descriptor)],
            env=environment,
            pass_fds=[descriptor],
            start_new_session=True,
            **streams,  # type: ignore[call-overload]
        )
        return self._helper


def _bear(line: socket.socket, channel: int, lifeline: int) -> int:
    """Have the zygote fork; the number of the new worker's guard."""
    socket.send_fds(line, [b"{}\n"], [channel, lifeline])
    answer = _heard(line)
    if answer["type"] != "born":
        raise ValueError(answer["text"])
    return int(answer["pid"])


def _heard(line: socket.socket) -> dict[str, Any]:
    data = b""
    while not data.endswith(b"\n"):
        chunk = line.recv(1 << 16)
        if not chunk:
            raise ValueError("the process that workers are forked from has ended")
        data += chunk
    answer: dict[str, Any] = json.loads(data)
    return answer


def _can_be_early() -> bool:
    """Whether it can be told here what an import calls; who wants no snapshots does without knowing."""
    from pepperpy_reload.preloading.calls import IS_POSSIBLE

    return IS_POSSIBLE
