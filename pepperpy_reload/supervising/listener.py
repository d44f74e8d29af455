"""The listening socket: bound once by the supervisor, inherited by every worker, open until the end."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from pathlib import Path

from pepperpy_reload.errors import SurroundingsError, UsageError

BACKLOG = 2048
_TRIES = 50  # ports that --auto-port looks at before it lets the system choose
_FIRST = 3  # the first descriptor that systemd hands over
_LISTENING = "0A"  # the state's number in /proc/net/tcp


class PortInUseError(SurroundingsError):
    """Someone else listens there."""


class PortRefusedError(SurroundingsError):
    """The system does not let us have that address."""


class Listener:
    """A bound socket. It takes connections only from `listen` on, because a plain main may want the port itself."""

    def __init__(self, sock: socket.socket, host: str, *, made: int = 0) -> None:
        self.sock = sock
        sock.setblocking(False)  # all processes share that: a copy of one that waits makes all of them wait
        self.host = host
        self.listening = False
        self._made = made

    @classmethod
    def bind(cls, host: str, port: int, *, auto_port: bool = False) -> Listener:
        """Take an address. With `auto_port` the next free port is taken if this one is in use.

        Raises PortInUseError or PortRefusedError with the line for the user.
        """
        candidates = [port]
        if auto_port and port:
            candidates += [*range(port + 1, min(port + _TRIES, 65536)), 0]
        for candidate in candidates[:-1]:
            with suppress(PortInUseError):
                return cls(_open(host, candidate), host)
        return cls(_open(host, candidates[-1]), host)

    @classmethod
    def at_path(cls, path: str) -> Listener:
        """Take a Unix socket's path; a file that a dead server has left there is replaced.

        Raises PortInUseError or PortRefusedError with the line for the user.
        """
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if _is_left_over(path):
                Path(path).unlink()
            sock.bind(path)
        except OSError as error:
            sock.close()
            if error.errno == errno.EADDRINUSE:
                raise PortInUseError(f"{path} is already in use; choose another path with --uds") from error
            raise PortRefusedError(f"cannot listen on {path}: {error.strerror or error}") from error
        return cls(sock, path, made=os.stat(path).st_ino)  # noqa: PTH116 - as in `close`

    @classmethod
    def adopt(cls, descriptor: int, flag: str) -> Listener:
        """Take a socket that we were started with, as `flag` says; UsageError if it is none.

        It stays open for the processes that have it, too.
        """
        try:
            sock = socket.socket(fileno=descriptor)
        except OSError as error:
            raise UsageError(f"{flag}: descriptor {descriptor} is no socket: {error.strerror or error}") from error
        sock.set_inheritable(False)
        if sock.type != socket.SOCK_STREAM:
            sock.detach()
            raise UsageError(f"{flag}: descriptor {descriptor} is not a socket that takes connections")
        name = sock.getsockname()
        listener = cls(sock, (name or "an unnamed socket") if isinstance(name, str) else name[0])
        listener.listening = bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        return listener

    @property
    def port(self) -> int:
        """The port that was taken; 0 for a socket that has none."""
        return 0 if self._is_local else int(self.sock.getsockname()[1])

    @property
    def _is_local(self) -> bool:
        return self.sock.family not in (socket.AF_INET, socket.AF_INET6)

    def url(self, scheme: str = "http") -> str:
        """The address for a browser on this machine; for a Unix socket, the path after `unix:`."""
        host = self.host
        if self._is_local:
            return f"unix:{host}"
        if is_wildcard(host):
            host = "127.0.0.1"
        return f"{scheme}://[{host}]:{self.port}" if ":" in host else f"{scheme}://{host}:{self.port}"

    def listen(self) -> None:
        """Take connections, from now on until `close`: while no worker accepts them, they wait in the kernel.

        Raises PortInUseError if someone was faster.
        """
        if self.listening:
            return
        try:
            self.sock.listen(BACKLOG)
        except OSError as error:
            raise _refusal(error, self.host, self.port) from error
        self.listening = True

    def second(self) -> socket.socket | None:
        """Another socket that takes connections here, as long as this one does not; None if there is none to be had."""
        sock = socket.socket(self.sock.family, socket.SOCK_STREAM)
        try:
            if os.name == "posix":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(self.sock.getsockname())
            sock.listen(BACKLOG)
            sock.setblocking(False)
        except OSError:
            sock.close()
            return None
        return sock

    def close(self) -> None:
        """Give the address back; the file of a Unix socket that we have made goes, if it is still ours."""
        self.sock.close()
        with suppress(OSError):
            if self._made and os.stat(self.host).st_ino == self._made:  # noqa: PTH116 - an abstract name is no path
                Path(self.host).unlink()


def handed_over() -> list[int]:
    """The descriptors of the sockets that a service manager has started us with (systemd's LISTEN_FDS).

    Processes that we start are not told of them.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    _, count, _ = (os.environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"))
    found = list(range(_FIRST, _FIRST + int(count))) if count.isdigit() else []
    for descriptor in found:
        with suppress(OSError):
            os.set_inheritable(descriptor, False)
    return found


def _is_left_over(path: str) -> bool:
    """Whether there is a socket's file that nobody listens at."""
    if not Path(path).is_socket():
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def is_wildcard(host: str) -> bool:
    """Whether this host means every interface of the machine."""
    return host in ("", "0.0.0.0", "::", "0:0:0:0:0:0:0:0")


def _open(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError, OverflowError) as error:
        raise PortRefusedError(f"host {host!r} is not an address of this machine: {error}") from error
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)  # "localhost" is both; most clients try IPv4
    family, _, _, _, address = found[0]
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere the option means that two servers may share a port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise _refusal(error, host, port) from error
    return sock


def _refusal(error: OSError, host: str, port: int) -> SurroundingsError:
    if error.errno == errno.EADDRINUSE:
        holder = holder_of(port)
        by = f" by {holder}" if holder else ""
        return PortInUseError(
            f"port {port} is already in use{by}; choose another with --port {port + 1} or --auto-port"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return PortRefusedError(
            f"port {port} needs rights that you do not have; ports from 1024 on are free for everyone"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return PortRefusedError(f"host {host!r} is not an address of this machine")
    return PortRefusedError(f"cannot listen on {host}:{port}: {error.strerror or error}")


def holder_of(port: int) -> str:
    """`pid 123 (python app.py)` for the process that listens on a port, or "" if the system does not tell."""
    inodes = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _listening_inodes(table, port)}
    if not inodes:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(_link(entry) in inodes for entry in (process / "fd").iterdir()):
                return f"pid {process.name} ({_command(process)})"
    return ""


def _listening_inodes(table: str, port: int) -> list[str]:
    try:
        lines = Path("/proc/net", table).read_text().splitlines()[1:]
    except OSError:
        return []
    fields = [line.split() for line in lines]
    return [field[9] for field in fields if field[3] == _LISTENING and int(field[1].rpartition(":")[2], 16) == port]


def _link(entry: Path) -> str:
    with suppress(OSError):
        return str(entry.readlink())
    return ""


def _command(process: Path) -> str:
    words = (process / "cmdline").read_bytes().split(b"\0")
    text = " ".join(word.decode(errors="replace") for word in words if word)
    clean = "".join(character if character.isprintable() else "?" for character in text)
    return clean if len(clean) <= 60 else f"{clean[:57]}..."
