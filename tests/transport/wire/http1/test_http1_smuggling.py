"""Bytes that one side of a proxy may read as another request than the other side: they are refused."""

import pytest

from tests.transport.wire.http1.conftest import Echo, Serve, status_of

POST = b"POST / HTTP/1.1\r\nhost: a\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
UPGRADE = b"connection: upgrade, http2-settings\r\nUpgrade: h2c\r\n"
NEXT = b"GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"

REFUSED = {
    "two lengths": (400, POST + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabc"),
    "one length twice": (400, POST + b"content-length: 3\r\ncontent-length: 3\r\n\r\nabc"),
    "lengths in one header": (400, POST + b"content-length: 3, 3\r\n\r\nabc"),
    "a signed length": (400, POST + b"content-length: +3\r\n\r\nabc"),
    "a negative length": (400, POST + b"content-length: -3\r\n\r\nabc"),
    "a hexadecimal length": (400, POST + b"content-length: 0x3\r\n\r\nabc"),
    "no length": (400, POST + b"content-length:\r\n\r\nabc"),
    "a blank in a length": (400, POST + b"content-length: 1 0\r\n\r\nabc"),
    "a length of 20 digits": (400, POST + b"content-length: 99999999999999999999\r\n\r\nabc"),
    "length, then coding": (400, POST + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    "coding, then length": (400, POST + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n"),
    "two codings": (400, POST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    "a coding beside chunked": (501, POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "a coding of another header": (
        400,
        POST + b"transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "a comma before chunked": (501, POST + b"transfer-encoding: ,chunked\r\n\r\n0\r\n\r\n"),
    "chunked and something": (400, POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    "almost chunked": (400, POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "chunked behind a control": (400, POST + b"transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    "identity": (400, POST + b"transfer-encoding: identity\r\n\r\n"),
    "chunked of HTTP/1.0": (400, b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    "a folded header": (400, b"GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n z\r\n\r\n"),
    "a folded length": (400, POST + b"content-length:\r\n 3\r\n\r\nabc"),
    "a fold after the request line": (400, b"GET / HTTP/1.1\r\n host: a\r\n\r\n"),
    "LF after the request line": (400, b"GET / HTTP/1.1\nhost: a\r\n\r\n"),
    "LF after a header": (400, b"GET / HTTP/1.1\r\nhost: a\nx: y\r\n\r\n"),
    "LF before the end": (400, b"GET / HTTP/1.1\r\nhost: a\r\n\n\r\n\r\n"),
    "LF at the beginning": (0, b"\nGET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    "CR at the beginning": (400, b"\rGET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    "two empty lines at the beginning": (0, b"\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n"),
    "CR after the request line": (400, b"GET / HTTP/1.1\rhost: a\r\n\r\n"),
    "CR in a header": (400, b"GET / HTTP/1.1\r\nhost: a\rx: y\r\n\r\n"),
    "CR in the target": (400, b"GET /\r HTTP/1.1\r\nhost: a\r\n\r\n"),
    "a blank before the colon": (400, b"GET / HTTP/1.1\r\nhost : a\r\n\r\n"),
    "a blank in a name": (400, b"GET / HTTP/1.1\r\nhost: a\r\nx y: z\r\n\r\n"),
    "no name": (400, b"GET / HTTP/1.1\r\nhost: a\r\n: z\r\n\r\n"),
    "no colon": (400, b"GET / HTTP/1.1\r\nhost: a\r\nx\r\n\r\n"),
    "a letter beyond ASCII in a name": (400, b"GET / HTTP/1.1\r\nhost: a\r\n\xe4: z\r\n\r\n"),
    "NUL in a name": (400, b"GET / HTTP/1.1\r\nhost: a\r\nx\0: y\r\n\r\n"),
    "NUL in a value": (400, b"GET / HTTP/1.1\r\nhost: a\r\nx: \0\r\n\r\n"),
    "a control in a value": (400, b"GET / HTTP/1.1\r\nhost: a\r\nx: \x01\r\n\r\n"),
    "DEL in a value": (400, b"GET / HTTP/1.1\r\nhost: a\r\nx: \x7f\r\n\r\n"),
    "NUL in the target": (400, b"GET /\0 HTTP/1.1\r\nhost: a\r\n\r\n"),
    "two blanks before the target": (400, b"GET  / HTTP/1.1\r\nhost: a\r\n\r\n"),
    "two blanks after the target": (400, b"GET /  HTTP/1.1\r\nhost: a\r\n\r\n"),
    "a blank after the version": (400, b"GET / HTTP/1.1 \r\nhost: a\r\n\r\n"),
    "a tab after the method": (400, b"GET\t/ HTTP/1.1\r\nhost: a\r\n\r\n"),
    "a method in small letters": (400, b"get / HTTP/1.1\r\nhost: a\r\n\r\n"),
    "a method that nobody knows": (501, b"BREW / HTTP/1.1\r\nhost: a\r\n\r\n"),
    "CONNECT": (501, b"CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n"),
    "TRACE": (501, b"TRACE / HTTP/1.1\r\nhost: a\r\n\r\n"),
    "HTTP/0.9": (0, b"GET /\r\n\r\n"),
    "HTTP/1.2": (505, b"GET / HTTP/1.2\r\nhost: a\r\n\r\n"),
    "HTTP/2.0 in a request line": (505, b"GET / HTTP/2.0\r\nhost: a\r\n\r\n"),
    "RTSP": (0, b"OPTIONS rtsp://a/ RTSP/1.0\r\nhost: a\r\n\r\n"),
    "ICE": (0, b"GET / ICE/1.0\r\nhost: a\r\n\r\n"),
    "TLS": (0, b"\x16\x03\x01\x02\x00\x01\r\n\r\n"),
    "no host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "two hosts": (400, b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n"),
    "two hosts of HTTP/1.0": (400, b"GET / HTTP/1.0\r\nhost: a\r\nhost: a\r\n\r\n"),
    "a list of hosts": (400, b"GET / HTTP/1.1\r\nhost: a, b\r\n\r\n"),
    "a host with a user": (400, b"GET / HTTP/1.1\r\nhost: u@a\r\n\r\n"),
    "a host with a path": (400, b"GET / HTTP/1.1\r\nhost: a/b\r\n\r\n"),
    "a URL of another host": (400, b"GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n"),
    "a URL with a user": (400, b"GET http://u@a/ HTTP/1.1\r\nhost: a\r\n\r\n"),
    "a URL of no HTTP": (400, b"GET ftp://a/ HTTP/1.1\r\nhost: a\r\n\r\n"),
    "a target without a slash": (400, b"GET a HTTP/1.1\r\nhost: a\r\n\r\n"),
    "a fragment": (400, b"GET /#a HTTP/1.1\r\nhost: a\r\n\r\n"),
    "a star that is no OPTIONS": (400, b"GET * HTTP/1.1\r\nhost: a\r\n\r\n"),
    "another expectation": (417, POST + b"expect: 100-continue, more\r\ncontent-length: 3\r\n\r\nabc"),
}

BROKEN_CHUNKS = {
    "a size that is none": b"x\r\nabc\r\n0\r\n\r\n",
    "a negative size": b"-3\r\nabc\r\n0\r\n\r\n",
    "a signed size": b"+3\r\nabc\r\n0\r\n\r\n",
    "a size with 0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "no size": b"\r\nabc\r\n0\r\n\r\n",
    "a size past 64 bits": b"10000000000000003\r\nabc\r\n0\r\n\r\n",
    "a blank before the size": b" 3\r\nabc\r\n0\r\n\r\n",
    "a blank after the size": b"3 \r\nabc\r\n0\r\n\r\n",
    "a blank before the extension": b"3 ;x\r\nabc\r\n0\r\n\r\n",
    "LF after the size": b"3\nabc\r\n0\r\n\r\n",
    "LF in an extension": b"3;x\nabc\r\n0\r\n\r\n",
    "a line break in quotes": b'3;x="\r\nabc\r\n0\r\n\r\n"\r\n',
    "NUL in an extension": b"3;x=\0\r\nabc\r\n0\r\n\r\n",
    "LF after the data": b"3\r\nabc\n0\r\n\r\n",
    "CR after the data": b"3\r\nabc\r0\r\n\r\n",
    "more data than the size": b"3\r\nabcd\r\n0\r\n\r\n",
    "a length in the trailers": b"0\r\ncontent-length: 3\r\n\r\n",
    "a coding in the trailers": b"0\r\ntransfer-encoding: chunked\r\n\r\n",
    "a folded trailer": b"0\r\nx: y\r\n z\r\n\r\n",
    "LF after a trailer": b"0\r\nx: y\n\r\n",
}


@pytest.mark.parametrize(("status", "sent"), REFUSED.values(), ids=REFUSED)
async def test_what_is_no_single_request_is_refused(serve: Serve, status: int, sent: bytes) -> None:
    echo = Echo()
    server = await serve(echo)
    answer = await server.send(sent + NEXT)
    assert status_of(answer) == status, answer
    assert answer.count(b"\r\ndate: ") == answer.count(b"\r\nconnection: close\r\n") == bool(status)
    assert echo.seen == []


@pytest.mark.parametrize("sent", BROKEN_CHUNKS.values(), ids=BROKEN_CHUNKS)
async def test_a_broken_chunk_ends_the_connection(serve: Serve, sent: bytes) -> None:
    echo = Echo()
    server = await serve(echo)
    answer = await server.send(CHUNKED + sent + NEXT)
    assert status_of(answer) == 400, answer
    assert answer.count(b"\r\ndate: ") == 1
    assert echo.targets == ["POST /"]


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (POST + b"content-length: 3\r\n\r\nabc", b"abc"),
        (POST + b"Content-Length:\t3 \r\n\r\nabc", b"abc"),
        (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (POST + b"Transfer-Encoding: Chunked\r\n\r\n2\r\n\r\n\r\n2\r\nab\r\n000\r\n\r\n", b"\r\nab"),
        (CHUNKED + b'3;a;b=c;d="e\\"f"\r\nabc\r\n0;x\r\ntrailer: y\r\nhost: b\r\n\r\n', b"abc"),
        (CHUNKED + b"9\r\n0\r\n\r\n0\r\n\r\r\n0\r\n\r\n", b"0\r\n\r\n0\r\n\r"),
        (POST + UPGRADE + b"content-length: 3\r\n\r\nabc", b"abc"),
        (POST + UPGRADE + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", b"a"),
        (GET[:-2] + UPGRADE + b"http2-settings: AAMAAABk\r\n\r\n", b""),
        (GET.replace(b" / ", b" http://A/ "), b""),
        (b"\r\n" + GET, b""),
    ],
    ids=[
        *("length", "length with blanks", "chunks", "chunks of line breaks", "extensions and trailers"),
        *("a body like chunks", "upgrade", "upgrade with chunks", "upgrade to HTTP/2", "URL", "empty line"),
    ],
)  # fmt: skip
async def test_the_next_request_begins_where_one_ends(serve: Serve, sent: bytes, body: bytes) -> None:
    """Whatever the pieces in which both come."""
    for size in (1, 2, 3, 7, len(sent + NEXT)):
        echo = Echo()
        server = await serve(echo)
        async with server.client() as client:
            data = sent + NEXT
            for at in range(0, len(data), size):
                client.write(data[at : at + size])
                await client.writer.drain()
            answers = [await client.answer(), await client.answer()]
        assert [status_of(answer) for answer in answers] == [200, 200]
        assert echo.bodies == [body, b""]
        assert echo.targets[1:] == ["GET /smuggled"]
        assert echo.seen[0].authority.lower() == "a"


async def test_headers_of_the_connection_are_not_the_requests(serve: Serve) -> None:
    echo = Echo()
    server = await serve(echo)
    named = (
        b"connection: keep-alive\r\nkeep-alive: timeout=5\r\nproxy-connection: x\r\nupgrade: websocket\r\n"
    )
    own = b"X-Own:  y \r\nX-Own: z\xe4\r\n"
    async with server.client() as client:
        client.write(b"GET /a%20b?c=d&e HTTP/1.1\r\nHost: a:80\r\n" + named + own + b"\r\n")
        await client.answer()
    (seen,) = echo.seen
    assert list(seen.headers) == [(b"x-own", b"y"), (b"x-own", b"z\xe4")]
    assert (seen.method, seen.path, seen.query, seen.authority) == ("GET", "/a%20b", "c=d&e", "a:80")


async def test_a_response_can_be_split_by_no_header(serve: Serve) -> None:
    for value in (b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"a\0"):

        async def respond(request: object, value: bytes = value) -> None:
            await request.respond(200, [(b"x", value)], b"")  # type: ignore[attr-defined]

        server = await serve(respond)
        answer = await server.send(GET)
        assert status_of(answer) == 500
        assert b"x:" not in answer
