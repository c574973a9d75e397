"""TLS in the loop: what is spoken over it, certificates that change, and handshakes beside calls."""

import asyncio
import gc
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from gateway.config.load import settings_of
from gateway.transport.wire.certificates import Certificates
from gateway.transport.wire.connection import NewConnection, Versions
from gateway.transport.wire.handshakes import Handshakes
from gateway.transport.wire.http1.connection import Http1Connection
from gateway.transport.wire.http1.request import Http1Request
from gateway.transport.wire.tls import TlsConnection
from tests.harness.certificates import Certificate
from tests.transport.wire.http1.conftest import SECONDS, Client, Echo, status_of, until

GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
MIB = 1024 * 1024


class H2(asyncio.Protocol):
    """Stands for HTTP/2: says so."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say so."""
        transport.write(b"h2")  # type: ignore[attr-defined]


class TlsServer:
    """Answers over TLS with what it is sent."""

    def __init__(self, folder: Path, max_handshakes: int = 1000, **settings: Any) -> None:
        self.folder = folder
        self.authority = Certificate(folder, "authority")
        self.certificate = Certificate(folder, "server", self.authority)
        files = {"tls_cert": self.certificate.cert_path, "tls_key": self.certificate.key_path}
        self.settings = settings_of(**files, **settings)
        self.certificates = Certificates(self.settings.server)
        self.handshakes = Handshakes(max_handshakes)
        self.connections = set[Any]()
        self.echo = Echo()
        limit = self.settings.limits.max_connections
        self.versions = Versions(self._http1, H2, self.connections, limit)

    def _http1(self) -> asyncio.Protocol:
        return Http1Connection(self.echo, self.settings, self.connections)

    def connection(self) -> asyncio.Protocol:
        """Return the protocol of one more connection."""
        context = self.certificates.context
        assert context is not None
        most = self.settings.limits.max_connections
        return TlsConnection(context, self.handshakes, self.versions.by_alpn, self.connections, most)

    async def start(self) -> "TlsServer":
        """Listen."""
        await self.certificates.start()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self.connection, "127.0.0.1", 0, backlog=2000)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Close all."""
        self._server.close()
        await self.certificates.stop()
        for connection in tuple(self.connections):
            connection.abort()

    def trusting(self, *alpn: str) -> ssl.SSLContext:
        """Return a client's context."""
        context = ssl.create_default_context(cafile=self.authority.cert_path)
        if alpn:
            context.set_alpn_protocols(alpn)
        return context

    @asynccontextmanager
    async def client(self, context: ssl.SSLContext) -> AsyncIterator[Client]:
        """Give a client of raw bytes over TLS."""
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[Client]:
        """Give a client of raw bytes, without TLS."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()


Serve = Callable[..., Awaitable[TlsServer]]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Give what starts a server."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> TlsServer:
            server = await TlsServer(tmp_path, **settings).start()
            stack.push_async_callback(server.stop)
            return server

        yield start


async def get(client: Client) -> int:
    """Return the status of a request."""
    client.write(GET)
    return status_of(await client.answer())


def serial_of(client: Client) -> int:
    """Return the serial number of the server's certificate."""
    return int(client.writer.get_extra_info("peercert")["serialNumber"], 16)


@pytest.mark.parametrize(
    ("alpn", "chosen"), [(["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)]
)
async def test_alpn_tells_the_version(serve: Serve, alpn: list[str], chosen: str | None) -> None:
    server = await serve()
    async with server.client(server.trusting(*alpn)) as client:
        assert client.writer.get_extra_info("ssl_object").selected_alpn_protocol() == chosen
        if chosen == "h2":
            assert await client.until(b"2") == b"h2"
        else:
            assert await get(client) == 200


async def test_without_alpn_the_first_bytes_tell_the_version(serve: Serve) -> None:
    server = await serve()
    async with server.client(server.trusting()) as client:
        client.write(b"PR")
        client.write(b"I * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert await client.until(b"2") == b"h2"
    async with server.client(server.trusting()) as client:
        client.write(b"P")
        client.write(b"UT / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")
        assert status_of(await client.answer()) == 200


async def test_large_bodies_pass_both_ways(serve: Serve) -> None:
    server = await serve()
    body = os.urandom(16 * MIB)
    async with server.client(server.trusting()) as client:
        client.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        assert (await client.answer()).endswith(body)
        assert await get(client) == 200


async def test_both_sides_may_close(serve: Serve) -> None:
    server = await serve()
    async with server.client(server.trusting()) as client:
        client.write(GET.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        assert status_of(await client.rest()) == 200
    async with server.client(server.trusting()) as client:
        assert await get(client) == 200
        client.writer.close()
        await until(lambda: not server.connections)


def parts_of_connections() -> dict[int, object]:
    """Return those that there are, of earlier tests' too; what holds them keeps their ids theirs."""
    kinds = (TlsConnection, Http1Connection, NewConnection, Http1Request, ssl.SSLObject)
    return {id(one): one for one in gc.get_objects() if isinstance(one, kinds)}


async def test_a_connection_is_freed_as_it_ends(serve: Serve) -> None:
    """Without waiting for the collector of garbage, which rarely comes."""
    server = await serve()
    of_others = parts_of_connections()
    gc.disable()
    try:
        for sent in (GET, GET[:-1], b"P"):
            async with server.client(server.trusting()) as client:
                client.write(sent)
                if sent == GET:
                    await client.answer()
            del client
        await until(lambda: not server.connections)
        server.echo.seen.clear()
        await until(lambda: parts_of_connections().keys() <= of_others.keys())
    finally:
        gc.enable()


async def test_what_is_no_tls_ends_the_connection(serve: Serve) -> None:
    server = await serve()
    for sent in (
        GET,
        b"\x16\x03\x01\x00\x05hello",
        b"\x16\x03\x01\xff\xff" + b"x" * 70_000,
        os.urandom(5000),
    ):
        async with server.raw() as client:
            client.write(sent)
            client.writer.write_eof()
            with suppress(ConnectionError):
                assert b"HTTP" not in await client.rest()
    await until(lambda: not server.connections)
    assert len(server.handshakes) == 0


async def test_bytes_that_are_no_record_end_a_connection_under_way(serve: Serve) -> None:
    server = await serve()
    async with server.raw() as client:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = server.trusting().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.write(outgoing.read())
                incoming.write(await client.reader.read(65536))
        client.write(outgoing.read() + b"no record of TLS at all")
        await client.rest()
    await until(lambda: not server.connections)


async def test_changed_files_are_taken_up_and_open_connections_stay(serve: Serve) -> None:
    server = await serve()
    async with server.client(server.trusting()) as before:
        assert await get(before) == 200
        former = serial_of(before)
        Certificate(server.folder, "server", server.authority)
        await server.certificates._files.look()
        async with server.client(server.trusting()) as after:
            assert await get(after) == 200
            assert serial_of(after) != former
        assert await get(before) == 200
        kept = server.certificates.context
        await server.certificates._files.look()
        assert server.certificates.context is kept


async def test_files_that_can_not_be_used_change_nothing(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = await serve()
    cert, key = server.certificate.cert_path, server.certificate.key_path
    context = server.certificates.context
    other = Certificate(server.folder, "other", server.authority)
    for file, content in ((cert, b"broken"), (cert, other.cert_path.read_bytes()), (cert, None), (key, b"")):
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        for _ in range(3):
            await server.certificates._files.look()
        assert server.certificates.context is context
        told = [record for record in caplog.records if record.name.endswith("certificates")]
        assert len(told) == 1, "once for each change"
        assert "server.tls_" in told[0].__dict__["error"]
        caplog.clear()
    async with server.client(server.trusting()) as client:
        assert await get(client) == 200
    # As soon as both halves of a pair are there, it is taken up.
    cert.write_bytes(other.cert_path.read_bytes())
    key.write_bytes(other.key_path.read_bytes())
    await server.certificates._files.look()
    assert server.certificates.context is not context


async def test_the_authority_of_clients_may_change(
    serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("clients")
    authorities = folder / "clients.pem"
    first, second = Certificate(folder, "first"), Certificate(folder, "second")
    authorities.write_bytes(first.cert_path.read_bytes())
    server = await serve(tls_client_ca=authorities)
    contexts = []
    for authority in (first, second):
        one = Certificate(folder, f"client-{len(contexts)}", authority)
        contexts.append(server.trusting())
        contexts[-1].load_cert_chain(one.cert_path, one.key_path)

    async def is_let_in(context: ssl.SSLContext) -> bool:
        with suppress(ssl.SSLError, ConnectionError, asyncio.IncompleteReadError):
            async with server.client(context) as client:
                return await get(client) == 200
        return False

    assert [await is_let_in(context) for context in (*contexts, server.trusting())] == [True, False, False]
    async with server.client(contexts[0]) as former:
        authorities.write_bytes(second.cert_path.read_bytes())
        await server.certificates._files.look()
        assert [await is_let_in(context) for context in (*contexts, server.trusting())] == [
            False,
            True,
            False,
        ]
        assert await get(former) == 200


async def test_a_handshake_that_is_never_finished_ends(serve: Serve) -> None:
    server = await serve()
    async with server.raw() as client:
        client.write(b"\x16\x03\x01")
        await until(lambda: bool(server.connections))
        for seconds in (9, 11):
            for connection in tuple(server.connections):
                connection.tick(monotonic() + seconds)
            if seconds == 9:
                assert server.connections
        with suppress(ConnectionError):
            assert await client.rest() == b""
        await until(lambda: not server.connections)


@pytest.mark.parametrize("by_reset", [True, False])
async def test_nothing_is_signed_for_who_went_away(serve: Serve, *, by_reset: bool) -> None:
    server = await serve()
    begun = list[str]()
    context = server.certificates.context
    assert context is not None
    context.sni_callback = lambda *_: begun.append("a handshake")
    outgoing = ssl.MemoryBIO()
    tls = server.trusting().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    # The loop, and with it the server, has no turn before all are gone.
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", server.port)) as leaving:
            leaving.sendall(hello)
            if by_reset:
                leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    async with server.client(server.trusting()) as client:
        assert await get(client) == 200
    await until(lambda: len(server.handshakes) == 0)
    assert len(begun) <= 1, "that of the client who stayed, where it names a server"


async def test_past_the_most_handshakes_the_oldest_is_ended(serve: Serve) -> None:
    server = await serve(max_handshakes=3)
    async with AsyncExitStack() as stack:
        stalled = [await stack.enter_async_context(server.raw()) for _ in range(5)]
        with suppress(ConnectionError):
            assert [await one.rest() for one in stalled[:2]] == [b"", b""]
        async with server.client(server.trusting()) as client:
            assert await get(client) == 200
        assert len(server.handshakes) <= 3


async def test_connections_past_the_limit_are_closed_before_their_handshake(serve: Serve) -> None:
    server = await serve(max_connections=2)
    async with server.client(server.trusting()) as client, server.raw():
        assert await get(client) == 200
        await until(lambda: len(server.connections) == 2)
        async with server.raw() as third:
            with suppress(ConnectionError):
                assert await third.rest() == b""
        assert await get(client) == 200


def hellos(context: ssl.SSLContext, number: int) -> list[bytes]:
    """Return the first messages of so many clients."""
    messages = []
    for _ in range(number):
        outgoing = ssl.MemoryBIO()
        with suppress(ssl.SSLWantReadError):
            context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="127.0.0.1").do_handshake()
        messages.append(outgoing.read())
    return messages


async def test_handshakes_take_turns_with_calls(serve: Serve) -> None:
    """Many clients begin at once: a call needs some turns of the loop, not all their signatures."""
    number = 300
    server = await serve()
    async with AsyncExitStack() as stack, server.client(server.trusting()) as caller:
        clients = [await stack.enter_async_context(server.raw()) for _ in range(number)]
        await until(lambda: len(server.handshakes) == number)
        for client, hello in zip(clients, hellos(server.trusting(), number), strict=True):
            client.write(hello)
        done = 0
        while server.handshakes._ready or not done:
            assert await get(caller) == 200
            done += 1
        # All their signatures in one turn would let one call be answered, or two.
        assert done > 4, f"{done} calls beside {number} handshakes"
