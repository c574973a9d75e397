"""Calls of REST: the fast path and the general way answer, refuse, observe and end alike."""

import asyncio
import gc
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from unittest.mock import patch
from weakref import WeakSet

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.auth.authenticator import Credentials, refused_credential
from gateway.auth.principal import ANONYMOUS, AUTHENTICATED_ROLE, Principal
from gateway.config.load import settings_of
from gateway.methods import WrittenResponse
from gateway.observe.call_record import CallRecord
from gateway.request.calls.call import Call
from gateway.transport.authorization import Authorization
from gateway.transport.http_server import HttpServer
from gateway.transport.protocols.rest import plain
from gateway.transport.served_api import ServedApi
from gateway.transport.wire.http1.fast_request import FastRequest as Http1FastRequest
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.errors import ErrorCode
from gateway.transport.wire.http2.fast_request import FastRequest
from gateway.transport.wire.http2.frames import frame, window_update
from gateway.transport.wire.http2.settings import HEADER_TABLE_SIZE, INITIAL_WINDOW_SIZE
from tests.conftest import gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, descriptors_of, schema_of
from tests.harness.polling import next_poll
from tests.transport.wire.http2.peer import Answered, Peer, peer_of

SECONDS = 60
SERVICE, GET = "books.v1.BookService", "/books.v1.BookService/GetBook"
BOOK = b'{"isbn":"1"}'
ID = "x-request-id: the-same"
GENERALLY = "content-encoding: identity"
"""Asks for nothing, and isn't heeded by the fast path."""
_DATE = re.compile(rb"\r\ndate: [^\r]*")
_ANN = Principal("ann", "jwt", frozenset({AUTHENTICATED_ROLE}))


class Connection:
    """A client of raw bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def ask(self, line: str, *headers: str) -> None:
        """Send a request without a body; `line` is method and target, and may have a version."""
        line = line if " HTTP/" in line else f"{line} HTTP/1.1"
        self.writer.write("\r\n".join([line, "host: localhost", *headers, "", ""]).encode("latin-1"))

    async def answer(self, *, empty: bool = False) -> bytes:
        """Return the next response, without its date."""
        async with asyncio.timeout(SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            body = b"" if empty or length is None else await self.reader.readexactly(int(length[1]))
        return _DATE.sub(b"", head) + body


@asynccontextmanager
async def connected(target: str) -> AsyncIterator[Connection]:
    """Connect to `host:port`."""
    host, _, port = target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Connection(reader, writer)
    finally:
        writer.transport.abort()


async def asked(target: str, line: str, *headers: str) -> bytes:
    """Send a request; return its response without the date."""
    async with connected(target) as one:
        one.ask(line, *headers)
        return await one.answer(empty=line.startswith("HEAD"))


class Ways:
    """How many calls took the fast path, and how many of their responses."""

    def __init__(self) -> None:
        self.begun = self.finished = 0
        self.calls = WeakSet[plain.PlainCall]()
        """Those that something still knows."""


@contextmanager
def counted() -> Iterator[Ways]:
    """Count them."""
    ways = Ways()

    class CountedCall(plain.PlainCall):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            ways.begun += 1
            ways.calls.add(self)

    def counting(turn: type[Http1FastRequest | FastRequest]) -> Any:
        finish = turn.finish

        def counted_finish(*given: Any) -> bool:
            has_finished = finish(*given)
            ways.finished += bool(has_finished)
            return has_finished

        return patch.object(turn, "finish", counted_finish)

    with patch.object(plain, "PlainCall", CountedCall), counting(Http1FastRequest), counting(FastRequest):
        yield ways


def fields_of(line: str, headers: Sequence[str]) -> list[tuple[str, str]]:
    """Return a request's fields in HTTP/2; `line` and headers are as those of HTTP/1.1."""
    method, path = line.split(" ")[:2]
    pairs = [header.partition(":") for header in headers]
    fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost")]
    return [*fields, *((name, value.strip()) for name, _, value in pairs)]


def ask(peer: Peer, line: str, *headers: str) -> int:
    """Send a request without a body; return its stream."""
    number, peer.next = peer.next, peer.next + 2
    block = peer.encoder.encode(fields_of(line, headers))
    peer.send(frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, number, block))
    return number


def window_of(size: int) -> bytes:
    """Return the frame by which a peer says how much of each response it takes at first."""
    return frame(frames.SETTINGS, 0, 0, INITIAL_WINDOW_SIZE.to_bytes(2, "big") + size.to_bytes(4, "big"))


@asynccontextmanager
async def widely(target: str) -> AsyncIterator[Peer]:
    """Connect as a peer that takes large responses."""
    async with peer_of(target, greet=[window_of(2**30)]) as peer:
        peer.send(window_update(0, 2**30))
        yield peer


def undated(answered: Answered) -> tuple[dict[bytes, bytes], bytes]:
    """Return the headers and the body of a response; without the date, which those of gRPC don't have."""
    return {name: value for name, value in answered.headers.items() if name != b"date"}, answered.body


async def asked_over_http2(peer: Peer, line: str, *headers: str) -> tuple[dict[bytes, bytes], bytes]:
    """Send a request; return the headers and the body of its response."""
    return undated(await peer.answer(ask(peer, line, *headers)))


async def both(target: str, line: str, *headers: str) -> bytes:
    """Return what both ways answer to a request that the fast path takes."""
    with counted() as ways:
        fast = await asked(target, line, ID, *headers)
        assert ways.begun == 1
        general = await asked(target, line, ID, *headers, GENERALLY)
        assert ways.begun == 1
    assert fast == general
    return fast


@pytest.fixture(scope="module")
async def parts(databases: Databases) -> AsyncIterator[RunningGateway]:
    """Serve three parts, for the module."""
    async with gateways(databases, transport="http", http_allowed_origins="https://shop.example") as start:
        gateway = await start("routed")
        for name, note in (("a", "x"), ("ü b", "x" * 3000), ("large", "x" * 70_000)):
            await gateway.call(
                "routed.v1.PartService/CreatePart", part={"name": f"parts/{name}", "note": note}
            )
        yield gateway


lines = st.builds(
    "{} {}{}".format,
    st.sampled_from(["GET"] * 6 + ["HEAD", "POST", "DELETE", "SEARCH", "OPTIONS"]),
    st.sampled_from(
        [
            *("/v1/parts/a", "/v1/parts/%C3%BC%20b", "/v1/parts/large", "/v1/parts/none", "/v1/parts/%FF"),
            *(
                "/v1/anywhere/parts/a",
                "/v1/parts/a/maker",
                "/v1/parts/a/amount",
                "/v1/parts",
                "/v1/parts:number",
            ),
            *("/v1/kinds/7/parts", "/v1/stamped/_-8/parts", "/v1/parts:nothing", "/nowhere", "/openapi.json"),
            *("/routed.v1.PartService/GetPart", "/v1/parts/a:anyhow", "http://localhost/v1/parts/a", "*"),
        ]
    ),
    st.sampled_from(
        [
            *("", "", "", "?", "?readMask=name", "?read_mask=name,amount", "?readMask=nope", "?name=parts/a"),
            *("?filter=amount%3D0", "?filter=(", "?pageSize=x&amount=y&nope=1", "?pageSize=100", "?%FF=1"),
        ]
    ),
)
headers = st.lists(
    st.sampled_from(
        [
            *("accept: application/json", "accept-encoding: gzip", "accept-encoding: br;q=1, identity"),
            *("grpc-timeout: 9S", "grpc-timeout: 5", "grpc-timeout: 1n", "content-type: application/json"),
            *("content-type: text/plain", "content-type: application/grpc", "origin: https://shop.example"),
            *(
                "origin: https://nobody.example",
                "connection: close",
                "connection: keep-alive",
                "last-event-id: x",
            ),
            *(
                "connect-protocol-version: 1",
                "authorization: Bearer x",
                "traceparent: 00-1-2-03",
                "te: trailers",
            ),
            *("content-length: 0", "expect: 100-continue", "x-request-id: ü", "cookie: " + "y" * 3000),
            *("transfer-encoding: gzip", "content-encoding: br", "content-encoding: gzip"),
        ]
    ),
    max_size=3,
)
versions = st.sampled_from(["", "", "", " HTTP/1.1", " HTTP/1.0"])


@given(lines, headers, versions)
@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
async def test_both_ways_say_the_same(
    parts: RunningGateway, line: str, headers: Sequence[str], version: str
) -> None:
    if line.startswith("DELETE"):
        line = "DELETE /v1/parts/none"  # what is there stays for the other way
    line += version
    fast = await asked(parts.target, line, ID, *headers)
    with counted() as ways:
        general = await asked(parts.target, line, ID, *headers, GENERALLY)
    assert (fast, ways.begun) == (general, 0)


@given(st.lists(st.tuples(lines, headers, st.booleans()), min_size=1, max_size=5))
@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
async def test_both_ways_say_the_same_over_http2(
    parts: RunningGateway, requests: Sequence[tuple[str, Sequence[str], bool]]
) -> None:
    """Whatever was sent before: what was read of it is remembered."""
    async with widely(parts.target) as peer:
        for drawn, more, has_table in requests:
            line = "DELETE /v1/parts/none" if drawn.startswith("DELETE") else drawn
            peer.encoder.header_table_size = 4096 if has_table else 0
            told = [one for one in more if not one.startswith(("connection", "transfer", "x-request-id: ü"))]
            fast = await asked_over_http2(peer, line, ID, *told)
            with counted() as ways:
                general = await asked_over_http2(peer, line, ID, *told, GENERALLY)
            assert (fast, ways.begun) == (general, 0)


def is_whole(answer: bytes) -> bool:
    """Whether an answer is a page of JSON."""
    return answer.startswith(b"{") and answer.endswith(b"}")


WAYS = [
    ("GET /v1/parts/a", 200, True),
    ("GET /v1/parts?readMask=name", 200, True),
    ("GET /v1/parts/large", 200, False),
    ("GET /v1/parts/none", 404, False),
    ("GET /v1/parts?filter=(", 400, False),
    ("DELETE /v1/parts/none", 404, False),
]


@pytest.mark.parametrize(("line", "status", "is_short"), WAYS)
async def test_which_way_calls_take_over_http2(
    parts: RunningGateway,
    line: str,
    status: int,
    is_short: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async with widely(parts.target) as peer:
        with counted() as ways:
            answers = [await asked_over_http2(peer, line) for _ in range(3)]
    assert [int(told[b":status"]) for told, _ in answers] == [status] * 3
    assert all(is_whole(body) for _, body in answers)
    assert (ways.begun, ways.finished) == (3, 3 * is_short)


async def test_dates_are_told_but_in_grpc(parts: RunningGateway) -> None:
    async with widely(parts.target) as peer:
        lines = ("GET /v1/parts/a", "GET /v1/parts/none", "GET /nowhere", "GET nowhere", f"GET {GET}")
        answers = [await peer.answer(ask(peer, line)) for line in (*lines, *lines)]
        called = await peer.answer(peer.call("/routed.v1.PartService/GetPart"))
    dates = [parsedate_to_datetime(one.headers[b"date"].decode()) for one in answers]
    assert dates == sorted(dates)
    assert timedelta(0) <= datetime.now(UTC) - dates[0] < timedelta(seconds=SECONDS)
    assert b"date" not in called.headers


@pytest.mark.parametrize(("line", "status", "is_short"), WAYS)
async def test_calls_leave_nothing_to_the_garbage_collector(
    parts: RunningGateway,
    line: str,
    status: int,
    is_short: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """What it would find is memory that the next calls can't use, which makes each a tenth slower."""
    gc.disable()
    try:
        async with widely(parts.target) as peer, connected(parts.target) as one:
            with counted() as ways:
                told, _ = await asked_over_http2(peer, line)
                one.ask(line)
                await one.answer()
        assert list(ways.calls) == []
    finally:
        gc.enable()
    assert (int(told[b":status"]), ways.begun, ways.finished) == (status, 2, 2 * is_short)


async def test_a_peer_with_a_small_window_gets_all(parts: RunningGateway) -> None:
    async with widely(parts.target) as whole, peer_of(parts.target, greet=[window_of(10)]) as peer:
        expected = await asked_over_http2(whole, "GET /v1/parts/a", ID)
        await peer.settle()
        with counted() as ways:
            number = ask(peer, "GET /v1/parts/a", ID)
            await peer.until(lambda: len(peer.outcome(number).body) == 10)
            peer.send(window_update(number, 2**20))
            answered = await peer.answer(number)
    assert undated(answered) == expected
    assert (ways.begun, ways.finished) == (1, 0)


@pytest.mark.parametrize("size", [0, 64, 4095])
@pytest.mark.parametrize("is_late", [False, True])
async def test_a_peer_that_keeps_a_smaller_table_is_told_so_once(
    parts: RunningGateway,
    size: int,
    is_late: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Each way to answer: a fast call, an error, a large response, a call of gRPC."""
    smaller = frame(frames.SETTINGS, 0, 0, HEADER_TABLE_SIZE.to_bytes(2, "big") + size.to_bytes(4, "big"))
    for line in ("GET /v1/parts/a", "GET /v1/parts/none", "GET /v1/parts/large", ""):
        greet = [window_of(2**20)] if is_late else [window_of(2**20), smaller]
        async with peer_of(parts.target, greet=greet) as peer:
            peer.send(window_update(0, 2**20))
            if is_late:
                await asked_over_http2(peer, "GET /v1/parts/a")
                peer.send(smaller)
            peer._decoder.max_allowed_table_size = size  # refuses a block that doesn't say so
            for _ in range(3):
                number = ask(peer, line) if line else peer.call("/routed.v1.PartService/GetPart")
                assert (await peer.answer(number)).headers[b":status"]
            assert peer._decoder.header_table.maxsize == 0


async def test_many_requests_over_one_connection_are_answered(parts: RunningGateway) -> None:
    paths = ["/v1/parts/a", "/v1/parts/large", "/v1/parts/none", "/v1/parts/a?readMask=name"] * 10
    async with widely(parts.target) as peer:
        alone = {path: await asked_over_http2(peer, f"GET {path}", ID) for path in set(paths)}
        numbers = [ask(peer, f"GET {path}", ID) for path in paths]
        answers = [await peer.answer(number) for number in numbers]
    assert [undated(one) for one in answers] == [alone[path] for path in paths]


@pytest.mark.parametrize(("line", "status", "is_short"), WAYS)
async def test_which_way_calls_take(parts: RunningGateway, line: str, status: int, is_short: bool) -> None:  # noqa: FBT001
    with counted() as ways:
        answer = await asked(parts.target, line)
    assert int(answer.split(b" ")[1]) == status
    assert ways.begun == 1
    assert ways.finished == is_short


@pytest.mark.parametrize(
    "header",
    [
        "origin: https://shop.example",
        "content-type: application/grpc",
        "grpc-timeout: 5",
        "connection: close",
    ],
)
async def test_what_asks_for_more_goes_the_general_way(parts: RunningGateway, header: str) -> None:
    with counted() as ways:
        await asked(parts.target, "GET /v1/parts/a", header)
    assert ways.begun == 0


async def test_what_is_told_beside_the_answer_is_told_by_both_ways(parts: RunningGateway) -> None:
    for more in ((), (GENERALLY,)):
        answer = await asked(parts.target, "GET /v1/parts?readMask=name", "rowgate-explain: plan", *more)
        assert b"\r\nrowgate-explain: {" in answer


async def test_requests_that_are_sent_ahead_are_answered_in_order(parts: RunningGateway) -> None:
    async with connected(parts.target) as one:
        paths = ["/v1/parts/a", "/v1/parts/large", "/v1/parts/none", "/v1/parts/a"] * 20
        for path in paths:
            one.ask(f"GET {path}", ID)
        answers = [await one.answer() for _ in paths]
    assert answers == [await asked(parts.target, f"GET {path}", ID) for path in paths]


class Known:
    """Knows one principal at once, and one after waiting."""

    def recall(self, credentials: Credentials) -> Principal | None:
        """Return who calls; None where that takes time."""
        if credentials.authorization.startswith(b"Bearer late"):
            return None
        return self._told(credentials.authorization)

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return who calls."""
        await asyncio.sleep(0)
        return self._told(credentials.authorization.replace(b"late ", b""))

    def _told(self, authorization: bytes) -> Principal:
        if authorization not in {b"", b"Bearer ann"}:
            raise refused_credential("nobody's")
        return _ANN if authorization else ANONYMOUS


class Authenticated:
    """Lets in who is known."""

    def allows(self, principal: Principal) -> bool:
        """Whether a principal may call."""
        return AUTHENTICATED_ROLE in principal.roles


class Books:
    """A server of a book in memory: what its handler is asked for, and what observers are told."""

    def __init__(self, *, guarded: bool = False, traces: Any = None, **values: Any) -> None:
        self.calls: list[Call] = []
        self.ended: list[CallRecord] = []
        self.begun = asyncio.Semaphore(0)
        self.opened = asyncio.Event()
        self.opened.set()
        self.cancelled = 0
        method = next(one for one in schema_of("books").services[SERVICE].methods if one.path == GET)
        given = settings_of(listen="127.0.0.1:0", **values)
        self.api = ServedApi(
            {SERVICE: [(method, self._answer)]},
            descriptors_of("books"),
            given.server,
            given.limits,
            authorization=Authorization(Known(), {GET: Authenticated()}) if guarded else None,
            observers=[self.ended.append],
            traces=traces,
        )
        self.server = HttpServer(self.api, given)

    async def _answer(self, _request: Any, call: Call) -> WrittenResponse:
        self.calls.append(call)
        self.begun.release()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return WrittenResponse(BOOK, 1, is_json=True)

    async def arrived(self, calls: int) -> None:
        """Wait until so many more calls have come to the handler."""
        async with asyncio.timeout(SECONDS):
            for _ in range(calls):
                await self.begun.acquire()

    @property
    def target(self) -> str:
        """Where it listens."""
        return str(self.server.addresses[0])


@asynccontextmanager
async def books(**values: Any) -> AsyncIterator[Books]:
    """Serve it."""
    one = Books(**values)
    await one.server.start()
    try:
        yield one
    finally:
        one.opened.set()
        await one.server.stop(0)


LINE = "GET /v1/books/1"


@pytest.mark.parametrize(
    ("authorization", "status", "calls"),
    [
        (["Bearer ann"], 200, 2),
        (["Bearer late ann"], 200, 2),
        (["Bearer bob"], 401, 0),
        (["Bearer late bob"], 401, 0),
        ([], 403, 0),
    ],
)
async def test_callers_are_known_and_let_in_alike(authorization: list[str], status: int, calls: int) -> None:
    async with books(guarded=True) as one:
        answer = await both(one.target, LINE, *(f"authorization: {told}" for told in authorization))
        assert int(answer.split(b" ")[1]) == status
        assert [call.principal for call in one.calls] == [_ANN] * calls
        fast, general = one.ended
        assert replace(fast, duration=0, peer="") == replace(general, duration=0, peer="")
        assert fast.principal == {200: _ANN.name, 401: "", 403: ANONYMOUS.name}[status]


@pytest.mark.parametrize(
    ("credential", "status"),
    [("Bearer ann", 200), ("Bearer late ann", 200), ("Bearer bob", 401), ("", 403), (None, 403)],
)
async def test_callers_are_known_over_http2(credential: str | None, status: int) -> None:
    told = [] if credential is None else [f"authorization: {credential}"]
    async with books(guarded=True) as one, widely(one.target) as peer:
        with counted() as ways:
            fast = [await asked_over_http2(peer, LINE, ID, *told) for _ in range(3)]
        assert ways.begun == 3
        general = await asked_over_http2(peer, LINE, ID, *told, GENERALLY)
        assert fast == [general] * 3
        assert int(general[0][b":status"]) == status
        records = [replace(record, duration=0) for record in one.ended]
    assert records[:-1] == [records[-1]] * 3


async def test_of_two_credentials_neither_is_taken() -> None:
    async with books(guarded=True) as one:
        answer = await asked(one.target, LINE, *["authorization: Bearer ann"] * 2)
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert not one.calls


async def test_observers_are_told_the_same() -> None:
    async with books() as one:
        await both(one.target, LINE)
        fast, general = one.ended
    assert replace(fast, duration=0, peer="") == replace(general, duration=0, peer="")
    assert (fast.method, fast.request_id, fast.rows) == (GET[1:], "the-same", None)
    assert fast.peer.startswith("ipv4:127.0.0.1:")
    assert (fast.request_bytes, fast.response_bytes, 0 < fast.duration < SECONDS) == (3, len(BOOK), True)


async def test_traces_go_on_from_the_callers() -> None:
    class Traces:
        def __init__(self) -> None:
            self.begun: list[bytes] = []
            self.ended: list[str] = []

        def begin(self, _record: CallRecord, traceparent: bytes, _arrived: float) -> tuple[object, ...]:
            self.begun.append(traceparent)
            return (self,)

        def end(self, _spans: object, record: CallRecord) -> None:
            self.ended.append(record.method)

    traces = Traces()
    async with books(traces=traces) as one:
        await both(one.target, LINE, "traceparent: 00-a-b-01")
    assert (traces.begun, traces.ended) == ([b"00-a-b-01"] * 2, [GET[1:]] * 2)


async def test_the_calls_of_a_caller_are_limited() -> None:
    async with books(caller_in_flight=1) as one:
        one.opened.clear()
        async with connected(one.target) as first:
            first.ask(LINE)
            await one.arrived(1)
            for more in ((), (GENERALLY,)):
                refused = await asked(one.target, LINE, *more)
                assert refused.startswith(b"HTTP/1.1 429 ")
                assert b"TOO_MANY_CALLS_OF_CALLER" in refused
                assert b"\r\nretry-after: " in refused
            one.opened.set()
            assert BOOK in await first.answer()


async def test_places_are_limited_and_deadlines_end_calls() -> None:
    async with books(max_in_flight=1, default_deadline=600, max_deadline=600) as one:
        one.opened.clear()
        async with connected(one.target) as first:
            first.ask(LINE)
            await one.arrived(1)
            refused = re.compile(rb"retry[^,]*,?").sub
            fast, general = await asked(one.target, LINE, ID), await asked(one.target, LINE, ID, GENERALLY)
            assert refused(b"", fast)[:40] == refused(b"", general)[:40]
            assert b"TOO_MANY_CALLS" in fast
        late = await both(one.target, LINE, "grpc-timeout: 30m")
        assert late.startswith(b"HTTP/1.1 504 ")
        assert one.server.calls == 0


async def test_metadata_is_bounded_alike() -> None:
    async with books(max_metadata_bytes=1500) as one:
        for size in (1000, 1300, 1400, 1460):
            told = f"x-more: {'x' * size}"
            fast = await asked(one.target, LINE, ID, told)
            assert fast == await asked(one.target, LINE, ID, told, "te:")
        assert b"METADATA_TOO_LARGE" in fast


async def test_a_client_that_goes_away_ends_its_call() -> None:
    async with books() as one:
        one.opened.clear()
        for more in ((), (GENERALLY,)):
            async with connected(one.target) as left:
                left.ask(LINE, *more)
                await one.arrived(1)
        async with asyncio.timeout(SECONDS):
            while one.server.calls:
                await next_poll()
        assert one.cancelled == 2
        assert [record.reason for record in one.ended] == ["CANCELLED"] * 2


async def test_a_client_that_takes_back_its_request_ends_the_call() -> None:
    async with books() as one, widely(one.target) as peer:
        one.opened.clear()
        with counted() as ways:
            number = ask(peer, LINE)
            await one.arrived(1)
            peer.send(frames.rst_stream(number, ErrorCode.CANCEL))
            async with asyncio.timeout(SECONDS):
                while one.server.calls:
                    await next_poll()
        assert (ways.begun, ways.finished, one.cancelled) == (1, 0, 1)
        one.opened.set()
        assert BOOK in (await asked_over_http2(peer, LINE))[1]
    assert [record.reason for record in one.ended] == ["CANCELLED", ""]


async def test_a_request_that_goes_on_after_its_end_is_cut_off() -> None:
    async with books() as one, widely(one.target) as peer:
        one.opened.clear()
        number = ask(peer, LINE)
        await one.arrived(1)
        peer.send(frame(frames.DATA, frames.END_STREAM, number, b"x"))
        assert (await peer.answer(number)).reset == ErrorCode.STREAM_CLOSED
        assert one.cancelled == 1


async def test_a_stop_tells_calls_over_http2() -> None:
    async with books() as one, widely(one.target) as peer:
        one.opened.clear()
        numbers = [ask(peer, LINE, ID), ask(peer, LINE, ID, GENERALLY)]
        await one.arrived(2)
        stopping = asyncio.ensure_future(one.server.stop(0))
        fast, general = [await peer.answer(number) for number in numbers]
        await stopping
    assert undated(fast) == undated(general)
    assert b"SHUTTING_DOWN" in fast.body


async def test_a_stop_waits_for_calls_and_then_tells_them() -> None:
    async with books() as one:
        one.opened.clear()
        answers = [asyncio.ensure_future(asked(one.target, LINE, ID, *more)) for more in ((), (GENERALLY,))]
        await one.arrived(2)
        stopping = asyncio.ensure_future(one.server.stop(0))
        fast, general = await asyncio.gather(*answers)
        await stopping
    assert fast == general
    assert b"SHUTTING_DOWN" in fast
    assert b"\r\nconnection: close\r\n" in fast


async def test_a_call_under_way_is_answered_during_a_stop() -> None:
    async with books() as one:
        one.opened.clear()
        with counted() as ways:
            answer = asyncio.ensure_future(asked(one.target, LINE))
            await one.arrived(1)
            stopping = asyncio.ensure_future(one.server.stop(SECONDS))
            async with asyncio.timeout(SECONDS):
                while one.api.is_serving or not one.server._context.is_leaving:
                    await next_poll()
            one.opened.set()
            assert BOOK in await answer
            await stopping
        assert (ways.begun, ways.finished) == (1, 0)


async def test_a_client_that_doesnt_read_holds_no_more_than_its_share() -> None:
    async with books() as one:
        large = partial(WrittenResponse, b'"%s"' % (b"x" * 60_000), 1, is_json=True)
        with patch(f"{__name__}.WrittenResponse", lambda *_, **__: large()):
            async with connected(one.target) as slow:
                for _ in range(300):
                    slow.ask(LINE)
                async with asyncio.timeout(SECONDS):
                    while len(one.calls) < 2 or one.server.calls:
                        await next_poll()
                begun = len(one.calls)
                assert begun < 200
                answers = [await slow.answer() for _ in range(300)]
    assert len(one.calls) == 300
    assert all(len(answer) > 60_000 for answer in answers)
