"""Bounds of size, count and time, from the first byte; and how connections end."""

import asyncio
import socket
from contextlib import suppress
from time import monotonic

import pytest

from gateway.transport.wire.request import Gone, HttpRequest
from tests.transport.wire.http1.conftest import Echo, Serve, body_of, status_of, until

GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
LIMIT = 1024
TOO_LARGE = {
    "a request line": (414, b"GET /" + b"x" * LIMIT + b" HTTP/1.1\r\nhost: a\r\n\r\n"),
    "a request line without an end": (414, b"GET /" + b"x" * 4 * LIMIT),
    "no request at all": (414, b"x" * 4 * LIMIT),
    "a header": (431, GET[:-2] + b"x: " + b"y" * 4 * LIMIT + b"\r\n\r\n"),
    "a header without an end": (431, GET[:-2] + b"x: " + b"y" * 5 * LIMIT),
    "a name without an end": (431, GET[:-2] + b"y" * 5 * LIMIT),
    "small headers": (431, GET[:-2] + b"x:\r\n" * (LIMIT // 32) + b"\r\n"),
    "small headers without an end": (431, GET[:-2] + b"x:\r\n" * (LIMIT // 32)),
    "an extension of a chunk": (431, CHUNKED + b"1;" + b"x" * 2 * LIMIT),
    "extensions of chunks": (431, CHUNKED + b"1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\nx\r\n" * LIMIT),
    "a size of a chunk": (431, CHUNKED + b"0" * 2 * LIMIT),
    "a trailer": (431, CHUNKED + b"0\r\nx: " + b"y" * 2 * LIMIT),
    "trailers": (431, CHUNKED + b"0\r\n" + b"x: y\r\n" * LIMIT),
}


@pytest.mark.parametrize(("status", "sent"), TOO_LARGE.values(), ids=TOO_LARGE)
async def test_what_is_too_large_is_refused(serve: Serve, status: int, sent: bytes) -> None:
    server = await serve(Echo(), max_metadata_bytes=LIMIT)
    assert status_of(await server.send(sent)) == status


async def test_as_large_a_head_as_is_allowed_may_come_in_pieces(serve: Serve) -> None:
    echo = Echo()
    server = await serve(echo, max_metadata_bytes=LIMIT * LIMIT)
    async with server.client() as client:
        for piece in (GET[:-2], b"x: ", *[b"y" * LIMIT] * 512, b"\r\n\r\n"):
            client.write(piece)
            await client.writer.drain()
        assert status_of(await client.answer()) == 200
    assert echo.seen[0].header_bytes > 512 * LIMIT


async def test_small_chunks_are_no_extensions(serve: Serve) -> None:
    echo = Echo()
    server = await serve(echo, max_metadata_bytes=LIMIT)
    async with server.client() as client:
        client.write(CHUNKED + b"00000001\r\nx\r\n" * 10_000 + b"0\r\n\r\n")
        assert status_of(await client.answer()) == 200
    assert echo.bodies == [b"x" * 10_000]


async def test_headers_are_counted_as_http_2_counts_them(serve: Serve) -> None:
    echo = Echo()
    server = await serve(echo, max_metadata_bytes=LIMIT)
    sent = GET[:-2] + b"x-one: 12345\r\ny:\r\n\r\n"
    async with server.client() as client:
        client.write(sent)
        await client.answer()
    assert echo.seen[0].header_bytes == (5 + 1 + 32) + (5 + 5 + 32) + (1 + 32)


@pytest.mark.parametrize("sent", [b"", b"GET", GET[:-1], b"\r\n"])
async def test_a_head_that_is_not_whole_in_time_ends_the_connection(serve: Serve, sent: bytes) -> None:
    server = await serve(Echo())
    async with server.client() as client:
        client.write(sent)
        connection = await server.connected()
        await until(lambda: connection._unused == len(sent))
        connection.tick(monotonic() + 9)
        assert server.connections
        connection.tick(monotonic() + 11)
        assert status_of(await client.rest()) == (408 if sent else 0)


async def test_bytes_that_drip_do_not_buy_time(serve: Serve) -> None:
    server = await serve(Echo())
    async with server.client() as client:
        client.write(GET)
        await client.answer()
        connection = await server.connected()
        for at, byte in enumerate(GET[:-1]):
            client.write(bytes([byte]))
            await until(lambda at=at: connection._unused == at + 1)  # type: ignore[misc]
            if at == 0:
                begun = monotonic()
        connection.tick(begun + 11)
        assert status_of(await client.rest()) == 408


async def test_an_idle_connection_is_closed_by_and_by(serve: Serve) -> None:
    server = await serve(Echo(), keepalive_interval=30, keepalive_timeout=10)
    async with server.client() as client:
        client.write(GET)
        await client.answer()
        connection = await server.connected()
        connection.tick(monotonic() + 39)
        client.write(GET)
        await client.answer()
        connection.tick(monotonic() + 39)
        assert server.connections
        connection.tick(monotonic() + 41)
        assert await client.rest() == b""


async def test_a_client_that_vanishes_is_found_out_by_tcp(serve: Serve) -> None:
    """As nothing may be sent to it for long, in a response that streams."""
    server = await serve(Echo(), keepalive_interval=30)
    async with server.client():
        own = (await server.connected())._transport.get_extra_info("socket")
        assert own.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_KEEPIDLE"):
            assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30


async def test_a_body_that_stops_coming_is_given_up(serve: Serve) -> None:
    ended = asyncio.Event()

    async def respond(request: HttpRequest) -> None:
        assert await request.read()
        with pytest.raises(Gone):
            await request.read()
        ended.set()

    server = await serve(respond, keepalive_interval=30, keepalive_timeout=10)
    async with server.client() as client:
        client.write(CHUNKED + b"1\r\nx\r\n")
        connection = await server.connected()
        await until(lambda: connection._request is not None and connection._request.is_awaited)
        connection.tick(monotonic() + 39)
        assert not ended.is_set()
        connection.tick(monotonic() + 41)
        async with asyncio.timeout(60):
            await ended.wait()


async def test_a_response_that_is_not_taken_is_given_up(serve: Serve) -> None:
    ended = asyncio.Event()

    async def respond(request: HttpRequest) -> None:
        with pytest.raises(Gone):
            await request.respond(200, [], b"x" * 64 * LIMIT * LIMIT)
        ended.set()

    server = await serve(respond, stream_send_timeout=30)
    async with server.client() as client:
        client.write(GET)
        await client.until(b"\r\n\r\n")
        connection = await server.connected()
        connection.tick(monotonic() + 59)
        assert not ended.is_set()
        # As long as some is taken, it may go on.
        await client.reader.readexactly(16 * LIMIT * LIMIT)
        connection.tick(now := monotonic())
        connection.tick(now + 59)
        assert not ended.is_set()
        connection.tick(monotonic() + 61)
        async with asyncio.timeout(60):
            await ended.wait()


async def test_connections_past_the_limit_are_closed(serve: Serve) -> None:
    server = await serve(Echo(), max_connections=2)
    async with server.client() as first, server.client() as second:
        for client in (first, second):
            client.write(GET)
            await client.answer()
        with suppress(ConnectionError):
            assert await server.send(GET) == b""
        first.write(GET)
        assert status_of(await first.answer()) == 200
    await until(lambda: not server.connections)
    async with server.client() as third:
        third.write(GET)
        assert status_of(await third.answer()) == 200


async def test_who_is_to_leave_is_told_so_by_the_next_response(serve: Serve) -> None:
    server = await serve(Echo())
    async with server.client() as client, server.client() as idle:
        for one in (client, idle):
            one.write(GET)
            assert b"connection: close" not in await one.answer()
        for connection in tuple(server.connections):
            connection.leave()
            connection.tick(monotonic() + 1)
        client.write(GET)
        answer = await client.rest()
        assert status_of(answer) == 200
        assert b"\r\nconnection: close\r\n" in answer
        for connection in tuple(server.connections):
            connection.tick(monotonic() + 6)
        assert await idle.rest() == b""


async def test_an_old_connection_is_renewed(serve: Serve) -> None:
    server = await serve(Echo(), max_connection_age=60)
    async with server.client() as client:
        connection = await server.connected()
        client.write(GET)
        await client.answer()
        connection.tick(monotonic() + 61)
        client.write(GET)
        assert b"\r\nconnection: close\r\n" in await client.rest()


async def test_the_response_under_way_is_the_last_of_one_who_is_to_leave(serve: Serve) -> None:
    opened = asyncio.Event()

    async def respond(request: HttpRequest) -> None:
        await opened.wait()
        await request.respond(200, [], b"abc")

    server = await serve(respond)
    async with server.client() as client:
        client.write(GET)
        connection = await server.connected()
        await until(lambda: not connection.is_idle)
        connection.leave()
        opened.set()
        assert (await client.rest()).endswith(b"\r\nconnection: close\r\n\r\nabc")


async def test_a_forced_stop_ends_what_is_under_way(serve: Serve) -> None:
    ends = asyncio.Queue[bytes]()

    async def respond(request: HttpRequest) -> None:
        request.when_gone(lambda: ends.put_nowait(b"told"))
        ends.put_nowait(await body_of(request))

    server = await serve(respond)
    async with server.client() as client:
        client.write(CHUNKED)
        connection = await server.connected()
        await until(lambda: not connection.is_idle)
        connection.abort()
        async with asyncio.timeout(60):
            assert sorted([await ends.get(), await ends.get()]) == [b"", b"told"]


async def test_who_does_not_close_first_is_closed_soon(serve: Serve) -> None:
    server = await serve(Echo())
    async with server.client() as client:
        client.write(b"NONSENSE HTTP/1.1\r\n\r\n")
        assert status_of(await client.rest()) == 400
        connection = await server.connected()
        connection.tick(monotonic() + 6)
        await until(lambda: not server.connections)
