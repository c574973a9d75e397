"""The supervisor's listening sockets: each connection goes to the worker that has the least to do."""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from gateway.cli.workers.handoff import Accepted, Giver
from gateway.config.address import Address
from gateway.observe.seldom import Seldom
from gateway.transport.wire.listeners import listen_on

_logger = logging.getLogger(__name__)
_BACKLOG = 4096
_ACCEPTED_AT_ONCE = 64
_REST_SECONDS = 0.5


def listen_at(addresses: Sequence[Address]) -> tuple[Sequence[Address], Sequence[Accepted]]:
    """Return the addresses with their ports, and what an acceptor listens on; raises OSError."""
    with ExitStack() as opened:
        told, listening = list[Address](), list[Accepted]()
        for number, address in enumerate(addresses):
            at, sockets = listen_on(address)
            told.append(at)
            for one in sockets:
                opened.enter_context(one)
                if address.port is not None:
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what it accepts has it too
                one.listen(_BACKLOG)
                listening.append(Accepted(one, number))
        opened.pop_all()
    return told, listening


class Acceptor:
    """Accepts connections, and gives them away.

    Where nobody takes any, they wait in the system's backlog.

    Args:
        listening: sockets that listen, each with the number of its address; closed by `close`.

    """

    def __init__(self, listening: Sequence[Accepted]) -> None:
        self._listening = listening
        self._loop = asyncio.get_running_loop()
        self._givers: list[Giver] = []
        """In the order in which they were given something."""
        self._left = deque[Accepted]()
        """Accepted, and not yet taken when its taker ended."""
        self._accepts = False
        self._rest: asyncio.TimerHandle | None = None
        self._unable = Seldom(_logger, logging.WARNING, "no connection can be accepted")
        for one in listening:
            one.socket.setblocking(False)

    def add(self, pair: socket.socket, room: int) -> Giver:
        """Give connections to whoever has the other end of a socket pair, and takes so many at most."""
        giver = Giver(pair, room, self._go_on, self._take_back)
        self._givers.insert(0, giver)
        self._go_on()
        return giver

    def remove(self, giver: Giver) -> None:
        """Give it no more connections."""
        if giver in self._givers:
            self._givers.remove(giver)
        self._go_on()

    def close(self) -> None:
        """Accept nothing more."""
        self._unable.close()
        if self._rest is not None:
            self._rest.cancel()
        self._set_accepting(accepts=False)
        for one in self._listening:
            path = one.socket.getsockname() if one.socket.family is socket.AF_UNIX else None
            one.socket.close()
            if path:
                Path(path).unlink(missing_ok=True)
        for one in self._left:
            one.socket.close()
        for giver in self._givers:
            giver.close()
        self._givers.clear()

    def _go_on(self) -> None:
        """Give away what is left, and accept as long as there is somebody to take it."""
        while self._left and self._choose() is not None:
            self._give(self._left.popleft())
        self._set_accepting(accepts=self._rest is None and self._choose() is not None)

    def _set_accepting(self, *, accepts: bool) -> None:
        if accepts == self._accepts:
            return
        self._accepts = accepts
        for one in self._listening:
            if accepts:
                self._loop.add_reader(one.socket, self._accept, one)
            else:
                self._loop.remove_reader(one.socket)

    def _choose(self) -> Giver | None:
        """Return the one with the least to do; of several, the one that was given nothing for longest."""
        able = [giver for giver in self._givers if not giver.is_full]
        return min(able, key=lambda one: (one.is_late, not one.has_room, one.weight), default=None)

    def _accept(self, listening: Accepted) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            if self._choose() is None:
                break
            try:
                accepted, _ = listening.socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                # Such as no room for another open file, which there may be later.
                self._unable.happened(error=str(error))
                self._rest = self._loop.call_later(_REST_SECONDS, self._rested)
                break
            self._give(Accepted(accepted, listening.address))
        self._go_on()

    def _rested(self) -> None:
        self._rest = None
        self._go_on()

    def _give(self, one: Accepted) -> None:
        while giver := self._choose():
            if giver.give(one, self._calls_a_connection()):
                self._givers.remove(giver)
                self._givers.append(giver)
                return
        self._left.append(one)

    def _calls_a_connection(self) -> float:
        """Return what one more is expected to bring: else all that come at once go to one taker."""
        connections = sum(giver.connections for giver in self._givers)
        return sum(giver.calls for giver in self._givers) / connections if connections else 0.0

    def _take_back(self, giver: Giver, left: list[Accepted]) -> None:
        """Give away anew what a taker that ended hadn't taken."""
        if giver in self._givers:
            self._givers.remove(giver)
        self._left.extend(left)
        self._go_on()
