"""Sockets handed over, between ends in one process: to whom, and what becomes of them."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

import pytest

from gateway.cli.workers import acceptor as acceptor_module
from gateway.cli.workers import handoff
from gateway.cli.workers.acceptor import Acceptor
from gateway.cli.workers.handoff import Accepted, Giver, Load, Taker
from tests.harness.polling import next_poll

MANY = 1000


class Standing:
    """Stands for a worker: it keeps what it takes.

    Args:
        calls: how many it says to have under way.

    """

    def __init__(self, acceptor: Acceptor, room: int = MANY, calls: int = 0) -> None:
        ours, self.theirs = socket.socketpair()
        self.calls = calls
        self.taken: list[Accepted] = []
        self.taker: Taker | None = None
        self.giver: Giver = acceptor.add(ours, room)

    def begin(self) -> None:
        """Take what is given, and say what there is to do."""
        self.taker = Taker(self.theirs, self.taken.append, lambda: Load(len(self.taken), self.calls))
        self.say()

    def say(self) -> None:
        """Say what there is to do."""
        assert self.taker is not None
        self.taker._say(Load(len(self.taken), self.calls))

    def end(self) -> None:
        """End as a process does that is killed."""
        if self.taker is not None:
            self.taker.close()
        self.theirs.close()
        for one in self.taken:
            one.socket.close()


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """Return a socket that listens."""
    with socket.create_server(("127.0.0.1", 0), backlog=MANY) as made:
        yield made


@pytest.fixture
async def acceptor(listening: socket.socket) -> AsyncIterator[Acceptor]:
    """Return what accepts on it."""
    made = Acceptor([Accepted(listening, 3)])
    yield made
    made.close()


class Clients:
    """Connections to a listening socket."""

    def __init__(self, listening: socket.socket) -> None:
        self._where = listening.getsockname()
        self.made: list[socket.socket] = []

    def connect(self, count: int) -> None:
        """Open so many more, each of which has sent a byte of its own number."""
        for _ in range(count):
            self.made.append(socket.create_connection(self._where))
            self.made[-1].sendall(bytes((len(self.made) % 256,)))

    def close(self) -> None:
        """Close them."""
        for one in self.made:
            one.close()


@pytest.fixture
def clients(listening: socket.socket) -> Iterator[Clients]:
    """Return its clients."""
    made = Clients(listening)
    yield made
    made.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the loop's readers let happen."""
    async with asyncio.timeout(60):
        while not condition():
            await next_poll()


async def until_taken(count: int, *workers: Standing) -> None:
    """Wait until the workers have taken so many in all."""
    await until(lambda: sum(len(one.taken) for one in workers) >= count)


async def test_connections_are_shared_evenly_however_they_come(acceptor: Acceptor, clients: Clients) -> None:
    workers = [Standing(acceptor) for _ in range(3)]
    for one in workers:
        one.begin()
    for count in (1, 2, 10, 2):
        clients.connect(count)
        await until_taken(len(clients.made), *workers)
    assert [len(one.taken) for one in workers] == [5, 5, 5]
    assert {one.address for worker in workers for one in worker.taken} == {3}
    for one in workers:
        one.end()


async def until_heavy(worker: Standing, weight: float) -> None:
    """Wait until what a worker has to do is known to be so much."""
    async with asyncio.timeout(60):
        while worker.giver.weight < weight:
            await next_poll()
            worker.say()


async def test_who_has_calls_under_way_is_given_fewer(acceptor: Acceptor, clients: Clients) -> None:
    busy, idle = Standing(acceptor), Standing(acceptor)
    busy.begin()
    idle.begin()
    clients.connect(20)
    await until_taken(20, busy, idle)
    busy.calls = 1000
    await until_heavy(busy, 20)
    clients.connect(4)
    await until_taken(24, busy, idle)
    assert (len(busy.taken), len(idle.taken)) == (10, 14)
    busy.end()
    idle.end()


async def test_connections_that_come_at_once_are_expected_to_bring_calls(
    acceptor: Acceptor, clients: Clients
) -> None:
    """Else all of them go to the worker that has a few calls less, until it has said what they bring."""
    workers = busy, less = Standing(acceptor, calls=2000), Standing(acceptor, calls=1000)
    for one in workers:
        one.begin()
    clients.connect(8)
    await until_taken(8, *workers)
    await until_heavy(busy, 40)
    await until_heavy(less, 20)
    clients.connect(20)
    await until_taken(28, *workers)
    assert len(busy.taken) >= 8
    for one in workers:
        one.end()


async def test_the_calls_of_connections_that_are_gone_count_no_more(
    acceptor: Acceptor, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker tells that they have ended before it says again what there is to do."""
    monkeypatch.setattr(handoff, "_REPORT_SECONDS", 1e9)
    left, other = Standing(acceptor, calls=1000), Standing(acceptor)
    left.begin()
    other.begin()
    clients.connect(8)
    await until_taken(8, left, other)
    await until_heavy(left, 40)
    for one in left.taken:
        one.socket.close()
    left.taken.clear()
    left.calls = 0
    await until(lambda: left.giver.weight == 0)
    left.end()
    other.end()


async def test_who_has_no_room_is_given_nothing_while_another_has(
    acceptor: Acceptor, clients: Clients
) -> None:
    small, large = Standing(acceptor, room=1), Standing(acceptor)
    small.begin()
    large.begin()
    clients.connect(6)
    await until_taken(6, small, large)
    assert (len(small.taken), len(large.taken)) == (1, 5)
    small.end()
    large.end()


async def test_what_a_worker_that_ends_had_not_taken_another_takes(
    acceptor: Acceptor, clients: Clients
) -> None:
    dying = Standing(acceptor)  # it takes nothing
    clients.connect(5)
    await until(lambda: dying.giver.connections == 5)
    dying.end()
    other = Standing(acceptor)
    other.begin()
    await until_taken(5, other)
    assert sorted(one.socket.recv(9)[0] for one in other.taken) == [1, 2, 3, 4, 5]
    other.end()


async def test_connections_wait_while_nobody_takes_any(acceptor: Acceptor, clients: Clients) -> None:
    clients.connect(3)
    worker = Standing(acceptor)
    worker.begin()
    await until_taken(3, worker)
    worker.end()


async def test_a_worker_that_takes_nothing_is_given_a_bounded_number(
    acceptor: Acceptor, clients: Clients
) -> None:
    hanging, other = Standing(acceptor), Standing(acceptor)
    other.begin()
    clients.connect(300)
    await until_taken(300 - 64, other)
    assert hanging.giver.connections == 64
    hanging.end()
    await until_taken(300, other)
    other.end()


async def test_a_worker_that_is_late_is_passed_over(acceptor: Acceptor, clients: Clients) -> None:
    hanging, other = Standing(acceptor), Standing(acceptor)
    other.begin()
    clients.connect(2)
    await until_taken(1, other)
    assert hanging.giver.connections == 1
    await until(lambda: hanging.giver.is_late)
    clients.connect(10)
    await until_taken(11, other)
    assert hanging.giver.connections == 1
    hanging.end()
    other.end()


async def test_who_is_removed_keeps_what_it_has_and_is_given_nothing_more(
    acceptor: Acceptor, clients: Clients
) -> None:
    old = Standing(acceptor)
    clients.connect(4)
    await until(lambda: old.giver.connections == 4)
    new = Standing(acceptor)
    new.begin()
    acceptor.remove(old.giver)
    clients.connect(2)
    await until_taken(2, new)
    old.begin()
    await until_taken(4, old)
    old.end()
    new.end()


async def test_a_taken_socket_is_closed_here_so_that_its_client_sees_its_end(
    acceptor: Acceptor, clients: Clients
) -> None:
    worker = Standing(acceptor)
    worker.begin()
    clients.connect(1)
    await until_taken(1, worker)
    worker.end()
    clients.made[0].settimeout(10)
    with suppress(ConnectionResetError):  # as its byte was not read
        assert await asyncio.to_thread(clients.made[0].recv, 1) == b""


async def test_where_no_socket_can_be_opened_accepting_goes_on_later(
    acceptor: Acceptor, listening: socket.socket, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        family = socket.AF_INET

        def __init__(self) -> None:
            self.tries = 0

        def accept(self) -> tuple[socket.socket, object]:
            self.tries += 1
            if self.tries == 1:
                raise OSError(24, "Too many open files")
            return listening.accept()

        def fileno(self) -> int:
            return listening.fileno()

        def close(self) -> None:
            pass

        def setblocking(self, _flag: bool) -> None:  # noqa: FBT001 - socket's own
            pass

    monkeypatch.setattr(acceptor_module, "_REST_SECONDS", 0.01)
    full = Full()
    acceptor._listening = [Accepted(full, 3)]  # type: ignore[list-item]
    worker = Standing(acceptor)
    worker.begin()
    clients.connect(2)
    await until_taken(2, worker)
    assert full.tries >= 3
    worker.end()


async def test_sockets_for_which_there_is_no_descriptor_are_told_together(
    acceptor: Acceptor, caplog: pytest.LogCaptureFixture
) -> None:
    """At once, then once a second with their number: not a line for each."""
    standing = Standing(acceptor)
    standing.begin()
    assert standing.taker is not None
    begun = asyncio.get_running_loop().time()
    for taken in range(1, MANY + 1):
        # As it comes to a process that may open no more files: without the socket.
        standing.giver._pair.send(b"\0\3")
        if taken % 50 == 0:
            while standing.taker._taken < taken:
                await next_poll()
    standing.end()
    told = [getattr(line, "times", 0) for line in caplog.records if line.levelno == logging.ERROR]
    assert sum(told) == MANY
    assert told[0] == 1
    assert len(told) <= 2 + asyncio.get_running_loop().time() - begun
