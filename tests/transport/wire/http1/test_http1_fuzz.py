"""Any bytes in any pieces: each connection ends or waits for more, and the server goes on."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import pairwise
from time import monotonic
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config.load import settings_of
from gateway.transport.wire.http1.connection import Http1Connection
from gateway.transport.wire.request import HttpRequest
from tests.transport.wire.http1.conftest import body_of

GET = b"GET /a?b=c HTTP/1.1\r\nHost: localhost\r\n\r\n"
SETTINGS = settings_of(max_metadata_bytes=1024)
REQUESTS = (
    GET,
    b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nabcde",
    b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n2;x\r\n\r\n\r\n0\r\n\r\n",
    b"PUT http://a/ HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\nx",
    b"HEAD / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
)
PARTS = (
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b":",
        b"\t",
        b"\r\n\r\n",
        b"0\r\n\r\n",
        b"ffffffff\r\n",
        b"\x80\xff",
    ),
    *(
        b"content-length: 3\r\n",
        b"transfer-encoding: chunked\r\n",
        b"host: b\r\n",
        b"upgrade: h2c\r\n",
        b"x" * 600,
    ),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return requests, one after the other, with parts put in, taken out or changed."""
    data = b"".join(draw(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=4)))
    for _ in range(draw(st.integers(0, 4))):
        at, size = draw(st.integers(0, len(data))), draw(st.integers(0, 8))
        put = draw(st.one_of(st.sampled_from(PARTS), st.binary(max_size=4)))
        data = data[:at] + put + data[at + size :]
    return data


def pieces(data: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    """Yield data in pieces."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        yield data[start:end]


class Wire(asyncio.Transport):
    """The socket's side of a connection, without a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_closed = self.is_paused = False

    def write(self, data: Any) -> None:
        """Note what is written."""
        self.written += data

    def close(self) -> None:
        """Note that it is closed."""
        self.is_closed = True

    abort = close

    def write_eof(self) -> None:
        """Note the end of what is written."""

    def can_write_eof(self) -> bool:
        """Allow it."""
        return True

    def get_write_buffer_size(self) -> int:
        """Tell that all is taken."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Need none."""

    def pause_reading(self) -> None:
        """Note that nothing is to come."""
        self.is_paused = True

    def resume_reading(self) -> None:
        """Note that more may come."""
        self.is_paused = False


async def answer_all(request: HttpRequest) -> None:
    """Answer with what was asked."""
    await request.respond(200, [], request.path.encode() + await body_of(request))


async def settle() -> None:
    """Let the tasks run that are ready."""
    for _ in range(40):
        await asyncio.sleep(0)


async def outcome(data: bytes, cuts: Sequence[int]) -> tuple[bytes, bool]:
    """Return what a connection says to data in pieces, and whether it ends by itself."""
    wire, failures = Wire(), list[Any]()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))
    connection = Http1Connection(answer_all, SETTINGS, set())
    connection.connection_made(wire)
    for piece in pieces(data, cuts):
        if not wire.is_closed:
            connection.data_received(piece)
        await settle()
    ended = connection._ended is not None
    connection.tick(monotonic() + 100)
    await settle()
    connection.tick(monotonic() + 200)
    assert wire.is_closed
    connection.connection_lost(None)
    await settle()
    assert not failures
    assert b" 500 " not in wire.written
    return wire.written, ended


def run(data: bytes, cuts: Sequence[int]) -> tuple[bytes, bool]:
    """Return `outcome`, in a loop of its own."""
    return asyncio.run(outcome(data, cuts))


def without_dates(written: bytes) -> list[bytes]:
    """Return lines that don't change from second to second."""
    return [line for line in written.split(b"\r\n") if not line.startswith(b"date: ")]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=mutated(), cuts=st.lists(st.integers(0, 1000), max_size=12))
def test_pieces_make_no_difference(data: bytes, cuts: list[int]) -> None:
    whole, ended = run(data, [])
    in_pieces, ended_in_pieces = run(data, cuts)
    if b"100 Continue" not in whole + in_pieces:
        assert without_dates(in_pieces) == without_dates(whole)
    assert ended_in_pieces == ended


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=6))
def test_any_bytes_are_refused_or_waited_for(data: bytes, cuts: list[int]) -> None:
    run(data, cuts)


@settings(max_examples=100, deadline=None)
@given(
    before=st.lists(st.sampled_from(REQUESTS[:5]), max_size=5),
    cuts=st.lists(st.integers(0, 1000), max_size=12),
)
def test_requests_are_all_answered(before: list[bytes], cuts: list[int]) -> None:
    written, ended = run(b"".join([*before, GET]), cuts)
    assert written.count(b"HTTP/1.1 200 OK\r\n") == len(before) + 1
    assert written.endswith(b"/a")
    assert not ended
