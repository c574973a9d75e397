"""A TCP proxy in front of a server, which a test can freeze, or cut at a given message."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_READY = b"Z\0\0\0\5"
"""ReadyForQuery, without the transaction's status."""


@dataclass
class Cut:
    """Where to cut a connection.

    Args:
        sent: bytes of the message at which it is cut.
        delivered: whether the server still gets that message and answers it.

    """

    sent: bytes
    delivered: bool
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Proxy:
    """Forwards bytes until told otherwise.

    Args:
        connect: connects to the server.

    """

    def __init__(self, connect: Callable[[], Awaitable[Streams]]) -> None:
        self._connect = connect
        self._links: set[asyncio.Task[object]] = set()
        self._ends: set[asyncio.Event] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._cut: Cut | None = None
        self.hides_ends = False
        """Whether the client is not told that the server closed a connection."""
        self.last_word = asyncio.Event()
        self.links = 0
        """How many connections were made."""
        self.round_trips = 0
        """How often the server had answered and was ready for more."""
        self.before_cut: Callable[[], Awaitable[object]] | None = None

    def freeze(self) -> None:
        """Forward nothing any more, and keep every connection open."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Forward again."""
        self._flowing.set()

    def cut_at(self, sent: bytes, *, delivered: bool) -> None:
        """Cut the next connection that sends `sent`."""
        self._cut = Cut(sent, delivered)

    def cut_no_more(self) -> None:
        """Take back a `cut_at` that met no message yet."""
        self._cut = None

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        link = asyncio.current_task()
        assert link is not None
        try:
            up_reader, up_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        self._links.add(link)
        self.links += 1
        cut: asyncio.Future[Cut] = asyncio.get_running_loop().create_future()
        end = asyncio.Event()
        self._ends.add(end)
        requests, answers = self._requests(reader, up_writer, cut), self._answers(up_reader, writer, cut)
        try:
            await first_of(end.wait(), requests, answers)
        finally:
            # Also where the client went at the server's last message, before the server did.
            self.last_word.set()
            writer.transport.abort()
            up_writer.transport.abort()
            self._links.discard(link)
            self._ends.discard(end)

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: "asyncio.Future[Cut]"
    ) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            if self._cut is not None and self._cut.sent in data:
                here, self._cut = self._cut, None
                if here.delivered:
                    cut.set_result(here)
                    writer.write(data)
                    # What isn't answered, as data of a COPY, is cut off when more comes, or its client goes.
                    await first_of(here.answered.wait(), reader.read(1))
                if self.before_cut is not None:
                    await self.before_cut()
                return
            writer.write(data)
            await writer.drain()

    async def _answers(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: "asyncio.Future[Cut]"
    ) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            self.round_trips += data.count(_READY)
            if cut.done():
                # The client never sees it: the other way ends the connection.
                cut.result().answered.set()
                continue
            writer.write(data)
            await writer.drain()
        self.last_word.set()
        if self.hides_ends:
            await asyncio.Event().wait()

    async def close(self) -> None:
        """Cut the connections that there are; others may come."""
        links = set(self._links)
        for end in self._ends:
            end.set()
        if links:
            await asyncio.wait(links)


async def first_of(*ways: Coroutine[Any, Any, object]) -> None:
    """Run all until one of them ends; end the others."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def proxied(dsn: str) -> AsyncIterator[tuple[Proxy, str]]:
    """Yield a proxy in front of the DSN's host or Unix socket, and the DSN through it."""
    parts = urlsplit(dsn)
    if parts.hostname:
        connect = partial(asyncio.open_connection, parts.hostname, parts.port)
    else:
        connect = partial(asyncio.open_unix_connection, f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432")
    proxy = Proxy(connect)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield proxy, f"postgresql://postgres@127.0.0.1:{port}{parts.path}?sslmode=disable"
    finally:
        server.close()
        await proxy.close()
