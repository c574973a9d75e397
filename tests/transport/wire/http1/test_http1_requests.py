"""Requests and responses over HTTP/1.1: their order, their pieces, and their ends."""

import asyncio
from contextlib import suppress
from http.client import HTTPConnection
from itertools import pairwise

import pytest

from gateway.transport.host_names import HostNames
from gateway.transport.wire.http1 import connection
from gateway.transport.wire.http1.output import Output
from gateway.transport.wire.request import Gone, HttpRequest
from tests.transport.wire.http1.conftest import Client, Echo, Serve, body_of, status_of, until

GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: a\r\n"
MIB = 1024 * 1024


async def in_pieces(request: HttpRequest) -> None:
    """Answer with each piece of the body as it comes."""
    request.start(200, [(b"content-type", b"text/plain")])
    while piece := await request.read():
        await request.write(piece)
    await request.end()


async def test_a_client_of_the_standard_library_keeps_its_connection(serve: Serve) -> None:
    server = await serve(in_pieces)

    def ask() -> list[tuple[int, bytes]]:
        client, answers = HTTPConnection("127.0.0.1", server.port, timeout=20), []
        for body in (b"", b"abc", b"x" * MIB):
            for sent, headers in ((body, {}), (iter([body[:1], body[1:]]), {"transfer-encoding": "chunked"})):
                client.request("POST", "/", sent, headers, encode_chunked=bool(headers))
                response = client.getresponse()
                answers.append((response.status, response.read()))
        client.close()
        return answers

    answers = await asyncio.to_thread(ask)
    assert answers == [(200, body) for body in (b"", b"abc", b"x" * MIB) for _ in range(2)]
    assert len(server.made) == 1


async def test_pipelined_requests_are_answered_one_after_the_other(serve: Serve) -> None:
    under_way, most = 0, 0

    async def respond(request: HttpRequest) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        await request.respond(200, [], request.path.encode())
        under_way -= 1

    server = await serve(respond)
    async with server.client() as client:
        client.write(b"".join(GET.replace(b"/ ", b"/%d " % number) for number in range(200)))
        answers = [await client.answer() for _ in range(200)]
    assert [answer.rpartition(b"\r\n")[2] for answer in answers] == [b"/%d" % n for n in range(200)]
    assert most == 1


async def flood(client: Client, data: bytes) -> int:
    """Send data again and again until the server takes no more; return how much was sent."""
    client.writer.transport.set_write_buffer_limits(0)
    sent = 0
    with suppress(TimeoutError):
        while True:
            client.write(data)
            sent += len(data)
            async with asyncio.timeout(0.3):
                await client.writer.drain()
    return sent


async def test_a_request_that_waits_behind_another_is_not_read(serve: Serve) -> None:
    """What one client sends ahead is bounded: it is held in its socket."""
    opened = asyncio.Event()

    async def respond(request: HttpRequest) -> None:
        await opened.wait()
        await request.respond(200, [])

    server = await serve(respond)
    async with server.client() as client:
        await flood(client, GET * 10_000)
        (one,) = server.connections
        assert len(one._data) < MIB
        opened.set()
        assert status_of(await client.answer()) == 200


async def test_a_body_comes_no_faster_than_it_is_read(serve: Serve) -> None:
    """And flows again as soon as it is."""
    go_on, total = asyncio.Event(), 0

    async def respond(request: HttpRequest) -> None:
        nonlocal total
        await go_on.wait()
        total = len(await body_of(request))
        await request.respond(200, [])

    server = await serve(respond)
    async with server.client() as client:
        client.write(POST + b"content-length: %d\r\n\r\n" % (32 * MIB))
        sent = await flood(client, b"x" * MIB)
        assert sent < 32 * MIB
        (one,) = server.connections
        assert one._request is not None
        assert one._request.body.held + len(one._data) < MIB
        go_on.set()
        client.write(b"x" * (32 * MIB - sent))
        assert status_of(await client.answer()) == 200
    assert total == 32 * MIB


async def test_a_response_is_made_no_faster_than_it_is_taken(serve: Serve) -> None:
    made = 0

    async def respond(request: HttpRequest) -> None:
        nonlocal made
        request.start(200, [])
        for _ in range(64):
            await request.write(b"x" * MIB)
            made += 1
        await request.end()

    server = await serve(respond)
    async with server.client() as client:
        client.write(GET)
        await client.until(b"\r\n\r\n")
        (one,) = server.connections
        await until(lambda: one.output._taken is not None)
        assert made < 32
        assert len(await chunks_of(client)) == 64 * MIB


async def chunks_of(client: Client) -> bytes:
    """Return the data of the chunks that come."""
    pieces = []
    while size := int(await client.until(b"\r\n"), 16):
        pieces.append(await client.reader.readexactly(size))
        await client.until(b"\r\n")
    return b"".join(pieces)


async def test_a_response_of_one_turn_is_one_write(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = list[bytes]()

    class Noting(Output):
        def __init__(self, transport: asyncio.Transport) -> None:
            super().__init__(transport)
            self._transport = self  # type: ignore[assignment]
            self._written_to = transport

        def write(self, data: bytes) -> None:
            writes.append(data)
            self._written_to.write(data)

    monkeypatch.setattr(connection, "Output", Noting)
    server = await serve(in_pieces)
    async with server.client() as client:
        client.write(POST + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        answer = await client.answer()
    assert writes == [answer]


async def test_100_continue_is_said_when_the_body_is_wanted(serve: Serve) -> None:
    async def respond(request: HttpRequest) -> None:
        if request.path == "/refused":
            await request.respond(403, [])
        else:
            await request.respond(200, [], await body_of(request))

    server = await serve(respond)
    expecting = POST + b"expect: 100-Continue\r\ncontent-length: 3\r\n\r\n"
    async with server.client() as client:
        client.write(expecting)
        assert await client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.write(b"abc")
        assert (await client.answer()).endswith(b"\r\n\r\nabc")
        # Sent already: nothing is to be said.
        client.write(expecting + b"abc")
        assert status_of(await client.answer()) == 200
        client.write(expecting.replace(b"/", b"/refused", 1))
        answer = await client.rest()
    assert status_of(answer) == 403
    assert b"connection: close" in answer


async def test_who_refuses_a_body_is_heard_by_who_sends_it(serve: Serve) -> None:
    """A socket closed with something unread throws the response away: the client closes first."""

    async def respond(request: HttpRequest) -> None:
        await request.respond(413, [], b"too large")

    server = await serve(respond)
    async with server.client() as client:
        client.write(POST + b"content-length: %d\r\n\r\n" % (8 * MIB))
        for _ in range(8):
            client.write(b"x" * MIB)
            await client.writer.drain()
        assert (await client.rest()).endswith(b"too large")
    assert server.made[0].closes


async def test_head_has_no_body(serve: Serve) -> None:
    async def respond(request: HttpRequest) -> None:
        if request.query:
            request.start(200, [])
            await request.write(b"abc")
            await request.end()
        else:
            await request.respond(200, [(b"content-length", b"7")], b"abc")

    server = await serve(respond)
    async with server.client() as client:
        client.write(GET.replace(b"GET", b"HEAD") + GET.replace(b"GET /", b"HEAD /?a") + GET)
        first, second = await client.until(b"\r\n\r\n"), await client.until(b"\r\n\r\n")
        third = await client.answer()
    assert b"content-length: 3" in first
    assert b"transfer-encoding: chunked" in second
    assert third.endswith(b"\r\n\r\nabc")


async def test_204_has_neither_body_nor_length(serve: Serve) -> None:
    async def respond(request: HttpRequest) -> None:
        await request.respond(204, [], b"")

    server = await serve(respond)
    async with server.client() as client:
        client.write(GET + GET)
        heads = [await client.until(b"\r\n\r\n") for _ in range(2)]
    assert not any(b"content-length" in head or b"transfer-encoding" in head for head in heads)


@pytest.mark.parametrize("more", [b"", b"host: a\r\n"])
async def test_http_1_0_ends_with_its_connection(serve: Serve, more: bytes) -> None:
    server = await serve(in_pieces)
    answer = await server.send(b"POST / HTTP/1.0\r\n" + more + b"content-length: 3\r\n\r\nabc")
    assert answer.endswith(b"\r\nconnection: close\r\n\r\nabc")
    assert b"chunked" not in answer


async def test_http_1_0_may_keep_its_connection(serve: Serve) -> None:
    server = await serve(Echo())
    asked = b"GET / HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n"
    async with server.client() as client:
        client.write(asked)
        assert b"\r\nconnection: keep-alive\r\n" in await client.answer()
        client.write(asked)
        assert status_of(await client.answer()) == 200


async def test_the_last_request_says_so(serve: Serve) -> None:
    echo = Echo()
    server = await serve(echo)
    answer = await server.send(GET.replace(b"\r\n\r\n", b"\r\nconnection: x, Close\r\n\r\n") + GET)
    assert b"\r\nconnection: close\r\n" in answer
    assert len(echo.seen) == 1


async def test_a_client_that_goes_is_told_of_and_ends_reads_and_writes(serve: Serve) -> None:
    told, ends = asyncio.Queue[str](), asyncio.Queue[str]()

    async def respond(request: HttpRequest) -> None:
        request.when_gone(lambda: told.put_nowait(request.path))
        try:
            if request.path == "/read":
                await request.read()
            else:
                request.start(200, [])
                while True:
                    await request.write(b"x" * MIB)
        except Gone:
            request.when_gone(lambda: told.put_nowait("late"))
            ends.put_nowait(request.path)
            raise asyncio.CancelledError from None

    server = await serve(respond)
    for path in (b"/read", b"/write"):
        async with server.client() as client:
            client.write((POST + b"content-length: 3\r\n\r\n").replace(b"/", path, 1))
            if path == b"/write":
                await client.until(b"\r\n\r\n")
            else:
                await until(lambda: any(not one.is_idle for one in server.connections))
        async with asyncio.timeout(60):
            assert await ends.get() == path.decode()
            assert [await told.get(), await told.get()] == [path.decode(), "late"]
    assert not server.connections


async def test_nobody_is_told_of_a_client_that_goes_after_its_response(serve: Serve) -> None:
    told = list[str]()

    async def respond(request: HttpRequest) -> None:
        request.when_gone(lambda: told.append("gone"))
        await request.respond(200, [])

    server = await serve(respond)
    async with server.client() as client:
        client.write(GET)
        await client.answer()
    await until(lambda: not server.connections)
    assert not told


async def test_a_responder_that_fails_is_answered_for(serve: Serve) -> None:
    async def respond(request: HttpRequest) -> None:
        if request.path == "/late":
            request.start(200, [])
            await request.write(b"abc")
        if request.path != "/none":
            raise ValueError

    server = await serve(respond)
    assert status_of(await server.send(GET)) == 500
    assert status_of(await server.send(GET.replace(b"/", b"/none", 1))) == 500
    cut = await server.send(GET.replace(b"/", b"/late", 1))
    assert not cut.endswith(b"0\r\n\r\n")


async def test_a_name_that_is_not_the_servers_is_misdirected(serve: Serve) -> None:
    echo = Echo()
    server = await serve(echo, HostNames(["db.internal"]))
    names = [b"db.internal:80", b"127.0.0.1:1", b"[::1]", b"", b"evil.example", b"db.internal.evil.example"]
    async with server.client() as client:
        for name in names:
            client.write(GET.replace(b"host: a", b"host: " + name))
            await client.answer()
        client.write(b"GET http://evil.example/ HTTP/1.1\r\nhost: evil.example\r\n\r\n")
        await client.answer()
    assert [one.misdirected for one in echo.seen] == [False, False, False, False, True, True, True]


async def test_dates_are_told(serve: Serve) -> None:
    server = await serve(Echo())
    async with server.client() as client:
        client.write(GET * 3)
        dates = [(await client.answer()).split(b"date: ")[1][:29] for _ in range(3)]
    assert all(one <= other for one, other in pairwise(date[17:25] for date in dates))
    assert dates[0].endswith(b"GMT")
