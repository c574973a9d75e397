"""The handing over of accepted sockets to another process: SCM_RIGHTS over a pair of Unix sockets (unix(7)).

The giver keeps each socket open until the taker says that it has it. So what a process that ends hadn't taken
is given to another, and macOS loses none, as it may where a socket is closed on its way. What the taker says
tells too how much it has to do.
"""

import asyncio
import logging
import math
import socket
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from gateway.observe.seldom import Seldom

_logger = logging.getLogger(__name__)

SOCKETS_VARIABLE = "ROWGATE_WORKER_SOCKETS"
"""Names the taker's end of the socket pair, a file descriptor."""
_ADDRESS = struct.Struct("!H")
_LOAD = struct.Struct("!QII")
_READ_BYTES = 64 * _LOAD.size
_MAX_ON_THE_WAY = 64
_TAKEN_AT_ONCE = 32
_LOOK_SECONDS = 0.05
"""How soon it is told that connections have ended: clients that restart open theirs anew in a moment."""
_REPORT_SECONDS = 0.5
_AVERAGE_SECONDS = 2.0
_LATE_SECONDS = 1.0
# Only the system's own limit on open files closes a socket on its way.
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class Accepted(NamedTuple):
    """An accepted socket, and which of the addresses listened on it belongs to, from 0 on."""

    socket: socket.socket
    address: int


@dataclass(frozen=True, slots=True)
class Load:
    """What a process has to do.

    Args:
        connections: those that are open.
        calls: those under way.

    """

    connections: int = 0
    calls: int = 0


class Giver:
    """The end that gives sockets.

    Args:
        pair: its end of the socket pair; closed by `close`.
        room: as many connections the taker takes.
        heard: called when the taker has said something.
        ended: called when the taker is gone, with what it hadn't taken.

    """

    def __init__(
        self,
        pair: socket.socket,
        room: int,
        heard: Callable[[], None],
        ended: Callable[["Giver", list[Accepted]], None],
    ) -> None:
        pair.setblocking(False)
        self._pair = pair
        self._room = room
        self._heard = heard
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._on_the_way = deque[tuple[Accepted, float]]()
        self._is_blocked = False
        self.is_gone = False
        """Whether the taker has ended."""
        self._taken = 0
        self._said = b""
        self._load = Load()
        self.calls = 0.0
        """Calls that the taker has under way, or may soon have, on the average of the last seconds."""
        self._heard_at = self._loop.time()
        self._loop.add_reader(pair, self._read)

    @property
    def connections(self) -> int:
        """How many connections the taker has, with those on their way."""
        return self._load.connections + len(self._on_the_way)

    @property
    def weight(self) -> float:
        """What the taker has to do: a call under way weighs as much as a connection."""
        return self.connections + self.calls

    @property
    def has_room(self) -> bool:
        """Whether the taker takes one more connection."""
        return self.connections < self._room

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be given for now."""
        return self._is_blocked or len(self._on_the_way) >= _MAX_ON_THE_WAY

    @property
    def is_late(self) -> bool:
        """Whether the taker doesn't take what it is given, as one that hangs doesn't."""
        return bool(self._on_the_way) and self._loop.time() - self._on_the_way[0][1] > _LATE_SECONDS

    def give(self, one: Accepted, calls: float = 0.0) -> bool:
        """Give a socket, and close it here once it is taken; False where it can't be given.

        Args:
            one: the socket.
            calls: how many may soon be under way on it, until the taker says what there is to do.

        """
        try:
            socket.send_fds(self._pair, (_ADDRESS.pack(one.address),), (one.socket.fileno(),))
        except OSError:
            self._is_blocked = True  # until the taker has said something; or it is gone, as reading will tell
            return False
        self._on_the_way.append((one, self._loop.time()))
        self.calls += calls
        return True

    def close(self) -> None:
        """Give nothing more; what hadn't been taken is closed."""
        for one in self._let_go():
            one.socket.close()

    def _read(self) -> None:
        try:
            data = self._pair.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._ended(self, self._let_go())
            return
        self._said += data
        whole = len(self._said) // _LOAD.size * _LOAD.size
        if whole:
            taken, connections, calls = _LOAD.unpack_from(self._said, whole - _LOAD.size)
            self._said = self._said[whole:]
            self._hear(taken, Load(connections, calls))

    def _hear(self, taken: int, load: Load) -> None:
        """Note what the taker says last: how many it has taken in all, and what it has to do."""
        now = self._loop.time()
        if load.connections < self._load.connections:
            # The calls of those that left have ended.
            self.calls *= load.connections / self._load.connections
        self.calls += (load.calls - self.calls) * (1 - math.exp((self._heard_at - now) / _AVERAGE_SECONDS))
        self._heard_at = now
        self._load = load
        self._is_blocked = False
        for _ in range(taken - self._taken):
            self._on_the_way.popleft()[0].socket.close()
        self._taken = taken
        self._heard()

    def _let_go(self) -> list[Accepted]:
        self.is_gone = True
        left = [one for one, _ in self._on_the_way]
        self._on_the_way.clear()
        if self._pair.fileno() >= 0:
            self._loop.remove_reader(self._pair)
            self._pair.close()
        return left


class Taker:
    """The end that takes sockets.

    Args:
        pair: its end of the socket pair; closed by `close`.
        take: serves a socket.
        load: returns what there is to do.

    """

    def __init__(
        self, pair: socket.socket, take: Callable[[Accepted], None], load: Callable[[], Load]
    ) -> None:
        pair.setblocking(False)
        self._pair = pair
        self._take = take
        self._load = load
        self._loop = asyncio.get_running_loop()
        self._taken = 0
        self._unable = Seldom(
            _logger, logging.ERROR, "connections are closed: this process may open no more files"
        )
        self._loop.add_reader(pair, self._read)
        self._said = Load()
        self._said_at = self._loop.time()
        self._timer = self._loop.call_later(_LOOK_SECONDS, self._look)

    def close(self) -> None:
        """Take nothing more."""
        self._timer.cancel()
        self._unable.close()
        if self._pair.fileno() >= 0:
            self._loop.remove_reader(self._pair)
            self._pair.close()

    def _read(self) -> None:
        taken = self._receive()
        if taken:
            # Before anything is read of them: until then another process could serve them.
            self._say(self._load())
        for one in taken:
            self._take(one)

    def _receive(self) -> list[Accepted]:
        taken = list[Accepted]()
        for _ in range(_TAKEN_AT_ONCE):
            try:
                data, descriptors, _, _ = socket.recv_fds(self._pair, _ADDRESS.size, 1, _CLOSE_ON_EXEC)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self.close()
                break
            self._taken += 1
            if descriptors:
                (address,) = _ADDRESS.unpack(data)
                taken.append(Accepted(socket.socket(fileno=descriptors[0]), address))
            else:
                self._unable.happened()
        return taken

    def _say(self, load: Load) -> None:
        self._said, self._said_at = load, self._loop.time()
        # Where the giver doesn't read, it is told all the same the next time, or is gone.
        with suppress(OSError):
            self._pair.send(_LOAD.pack(self._taken, load.connections, load.calls))

    def _look(self) -> None:
        """Say what there is to do, where it is time to, or where connections have ended."""
        load = self._load()
        is_due = self._loop.time() - self._said_at >= _REPORT_SECONDS
        if is_due or load.connections < self._said.connections:
            self._say(load)
        self._timer = self._loop.call_later(_LOOK_SECONDS, self._look)
