"""Plain calls: unary, by a request without a body, and answered by a small message. Most reads are one."""

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from gateway.errors import RowgateError
from gateway.observe.call_record import CallRecord
from gateway.request.calls.memory import SMALL
from gateway.schema.protojson.form import JsonForm
from gateway.transport.exchange import EXPLAIN, REQUEST_ID, Exchange, Reply, request_id
from gateway.transport.limits.refusals import broken_off
from gateway.transport.protocols.calls import end, refusal
from gateway.transport.protocols.encodings import LEAST
from gateway.transport.protocols.grpc.headers import read_timeout
from gateway.transport.protocols.rest.headers import TIMEOUT, read_headers
from gateway.transport.protocols.rest.query import query_pairs
from gateway.transport.protocols.rest.responses import JSON, VARY, WholeResponse
from gateway.transport.wire.caller_headers import CONSISTENCY, CREDENTIAL, CallerHeaders
from gateway.transport.wire.fast_requests import AlikeResponses, FastCall, FastTurn
from gateway.transport.wire.headers import named
from gateway.transport.wire.request import Header, HttpRequest

_REQUEST_ID = REQUEST_ID.encode()
_JSON_TYPE = b"application/json"
_ASK_FOR_MORE = frozenset({b"origin", b"content-encoding", EXPLAIN})
_SENT = AlikeResponses(200, (JSON,), _REQUEST_ID)
_SENT_BY_ENCODING = AlikeResponses(200, (JSON,), _REQUEST_ID, (VARY,))


class PlainMethod(NamedTuple):
    """A unary method, as one of its routes leads to it.

    Args:
        name: `package.Service/Method`.
        answer: answers its calls; raises nothing but CancelledError.
        request: returns the request's bytes, of a path's segments, a query's pairs and a body; raises
            InvalidArgument.
        json: how the response is written.

    """

    name: str
    answer: Callable[[Exchange], Awaitable[Reply]]
    request: Callable[[Sequence[str], Iterable[tuple[str, str]], bytes], bytes]
    json: JsonForm


class Target(Protocol):
    """Where a route leads."""

    plain: PlainMethod | None
    """None where its calls aren't plain."""


Find = Callable[[str, str], tuple[Target, Sequence[str]] | None]
"""Returns where a path leads by an HTTP method, and its segments."""


class PlainRequests:
    """Reads the headers of requests that make plain calls.

    Args:
        find: finds the routes.
        methods: the paths of methods, which come before any route.

    """

    def __init__(self, find: Find, methods: Container[str]) -> None:
        self.find = find
        self.methods = methods

    def read(self, headers: Sequence[Header]) -> "PlainHeaders | None":
        """Return what headers say; None where they ask for more than a plain answer, or are wrong."""
        values = named(headers)
        is_json = values.get(b"content-type", _JSON_TYPE) == _JSON_TYPE
        if not (is_json and _ASK_FOR_MORE.isdisjoint(values) and _tell_once(headers)):
            return None
        try:
            encodings, remaining = read_headers(values)
        except RowgateError:
            return None
        sent_id = values.get(_REQUEST_ID, b"").decode("latin-1")
        return PlainHeaders(self, sent_id, remaining, encodings.response)


def _tell_once(headers: Sequence[Header]) -> bool:
    """Return whether no header of callers comes twice, or says nothing of how fresh reads are to be."""
    names = [name for name, _ in headers]
    return max(map(names.count, (CREDENTIAL, CONSISTENCY))) <= 1 and (CONSISTENCY, b"") not in headers


class PlainHeaders(NamedTuple):
    """What the headers of a plain call say: FastHeaders.

    Args:
        requests: has read them.
        sent_id: the request id that the caller sent; empty where it sent none.
        remaining: seconds until the caller's deadline; None where it set none.
        encoding: what the response may be compressed with; None for nothing.

    """

    requests: PlainRequests
    sent_id: str
    remaining: float | None
    encoding: str | None

    def with_header(self, name: bytes, value: bytes) -> "PlainHeaders":
        """Return what they say with another value of a header; raises BadHeader."""
        requests, sent_id, remaining, encoding = self
        if name == TIMEOUT:
            remaining = read_timeout(value)
        elif name == _REQUEST_ID:
            sent_id = value.decode("latin-1")
        return PlainHeaders(requests, sent_id, remaining, encoding)

    def begin(
        self,
        turn: FastTurn,
        method: str,
        path: str,
        query: str,
        *,
        headers: Sequence[Header],
        told: CallerHeaders,
        now: float,
    ) -> "PlainCall | None":
        """Begin a call; return None where the path leads to none that is plain."""
        requests, sent_id, remaining, encoding = self
        found = requests.find(method, path)
        if found is None or method == "HEAD" or path in requests.methods:
            return None
        target, segments = found
        if target.plain is None:
            return None
        name, answer, request, json = target.plain
        record = CallRecord(name, request_id(sent_id), turn.peer)
        exchange = Exchange(
            b"",
            record,
            now,
            remaining,
            headers=headers,
            authorization=told.credential,
            explain=b"",
            consistency=told.consistency,
            certificate=turn.certificate,
            take=partial(request, segments, query_pairs(query) if query else (), b""),
            json=json,
        )
        call = PlainCall(turn, exchange, json, encoding)
        # Not by the loop's create_task, which would make up a name.
        exchange.task = call.task = asyncio.Task(call.run(answer), loop=turn.loop, name=name)
        return call


class PlainCall(FastCall):
    """One under way.

    Args:
        turn: by which it came.
        exchange: the call.
        json: how its response is written.
        encoding: what that may be compressed with; None for nothing.

    """

    __slots__ = ("_encoding", "_exchange", "_is_left", "_json", "_turn", "task")

    def __init__(self, turn: FastTurn, exchange: Exchange, json: JsonForm, encoding: str | None) -> None:
        self._turn = turn
        self._exchange = exchange
        self._json = json
        self._encoding = encoding
        self._is_left = False

    async def run(self, answer: Callable[[Exchange], Awaitable[Reply]]) -> None:
        """Answer."""
        try:
            reply = await answer(self._exchange)
        except asyncio.CancelledError as cancelled:
            if self._is_left:
                return
            self.task.uncancel()
            reply = refusal(broken_off(cancelled))
        if reply.status is not None or not self._finish(reply.body):
            await self._turn.respond(partial(self._respond, reply))

    def lose(self) -> None:
        """Note that the client went away."""
        self._is_left = True
        self.task.cancel()

    def stop(self) -> None:
        """Have it answer that the server stops."""
        self.task.cancel()

    def _finish(self, body: bytes) -> bool:
        """Send a small message that is JSON already and stands for itself; return whether it was one."""
        exchange, encoding, size = self._exchange, self._encoding, len(body)
        if not exchange.is_json or exchange.metadata is not None or size > SMALL:
            return False
        if encoding is not None and size >= LEAST:
            return False
        sent = _SENT if encoding is None else _SENT_BY_ENCODING
        return self._turn.finish(sent, exchange.record.request_id.encode(), body)

    async def _respond(self, reply: Reply, request: HttpRequest) -> None:
        request.when_gone(self.lose)
        try:
            await end(WholeResponse(request, self._json, self._encoding, self._exchange), reply)
        finally:
            self._exchange.release()
