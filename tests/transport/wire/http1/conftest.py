"""Connections of HTTP/1.1 around a responder of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from gateway.config.load import settings_of
from gateway.transport.host_names import HostNames
from gateway.transport.wire.http1.connection import Http1Connection
from gateway.transport.wire.request import Gone, Header, HttpRequest, Responder
from tests.harness.polling import next_poll

SECONDS = 60
OK: Header = (b"x-answer", b"yes")


class Echo:
    """A responder that notes what it sees, and answers with the request's body."""

    def __init__(self) -> None:
        self.seen: list[HttpRequest] = []
        self.bodies: list[bytes] = []

    async def __call__(self, request: HttpRequest) -> None:
        """Answer."""
        self.seen.append(request)
        body = await body_of(request)
        self.bodies.append(body)
        await request.respond(200, [OK], body)

    @property
    def targets(self) -> list[str]:
        """What was asked for."""
        return [f"{one.method} {one.path}" for one in self.seen]


class Server:
    """What listens, and its connections."""

    def __init__(self, responder: Responder, hosts: HostNames | None, **settings: Any) -> None:
        self.connections = set[Http1Connection]()
        self.made: list[Http1Connection] = []
        self._responder = responder
        self._hosts = hosts
        self._settings = settings_of(**settings)

    def connection(self) -> Http1Connection:
        """Return the protocol of one more connection."""
        made = Http1Connection(self._responder, self._settings, self.connections, hosts=self._hosts)
        self.made.append(made)
        return made

    async def start(self) -> "Server":
        """Listen."""
        self._server = await asyncio.get_running_loop().create_server(self.connection, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Close all."""
        self._server.close()
        for connection in tuple(self.connections):
            connection.abort()

    async def send(self, data: bytes) -> bytes:
        """Return all that comes back, until the server closes, of bytes whose sender closes last."""
        async with self.client() as client:
            client.write(data)
            return await client.rest()

    async def connected(self) -> Http1Connection:
        """Return the connection of the client that has come."""
        await until(lambda: bool(self.connections))
        return next(iter(self.connections))

    @asynccontextmanager
    async def client(self) -> AsyncIterator["Client"]:
        """Give a client of raw bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()


class Client:
    """Writes bytes, and reads them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.write = writer.write

    async def until(self, end: bytes) -> bytes:
        """Return what comes up to and with `end`."""
        async with asyncio.timeout(SECONDS):
            return await self.reader.readuntil(end)

    async def answer(self) -> bytes:
        """Return one response whose length is told, or that is in chunks."""
        head = await self.until(b"\r\n\r\n")
        if b"\r\ntransfer-encoding: chunked\r\n" in head:
            return head + await self.until(b"0\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length"))
        async with asyncio.timeout(SECONDS):
            return head + await self.reader.readexactly(int(length.split(b":")[1]))

    async def rest(self) -> bytes:
        """Return what comes until the server closes."""
        async with asyncio.timeout(SECONDS):
            return await self.reader.read()


Serve = Callable[..., Awaitable[Server]]


async def body_of(request: HttpRequest) -> bytes:
    """Return a request's body; empty where the client goes away."""
    pieces = []
    try:
        while piece := await request.read():
            pieces.append(piece)
    except Gone:
        return b""
    return b"".join(pieces)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(SECONDS):
        while not holds():
            await next_poll()


def status_of(response: bytes) -> int:
    """Return the status of a response; 0 of none."""
    return int(response.split(b" ", 2)[1]) if response else 0


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Give what starts a server around a responder, with settings by their flat names."""
    async with AsyncExitStack() as stack:

        async def start(responder: Responder, hosts: HostNames | None = None, **settings: Any) -> Server:
            server = await Server(responder, hosts, **settings).start()
            stack.push_async_callback(server.stop)
            return server

        yield start
