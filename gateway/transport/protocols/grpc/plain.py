"""Plain calls: unary, with a request that is one whole frame, uncompressed. Nearly every call is one."""

from asyncio import Task
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from gateway.observe.call_record import CallRecord
from gateway.transport.dispatch import Dispatcher
from gateway.transport.exchange import EXPLAIN, REQUEST_ID, TRACEPARENT, Exchange, Reply, request_id
from gateway.transport.protocols.grpc.headers import read_timeout
from gateway.transport.protocols.grpc.plain_answer import CONTENT_TYPES, refused
from gateway.transport.protocols.grpc.plain_call import PlainCall
from gateway.transport.served_method import ServedMethod
from gateway.transport.wire.caller_headers import CallerHeaders
from gateway.transport.wire.framing import whole_message
from gateway.transport.wire.headers import BadHeader
from gateway.transport.wire.http2.fast_path import FastConnection
from gateway.transport.wire.http2.header_blocks.varying import read_only
from gateway.transport.wire.request import Header

_IDENTITY = b"identity"
_REQUEST_ID = REQUEST_ID.encode()


class PlainMethod:
    """A FastMethod: a unary method, whose plain calls go straight to its answer.

    Args:
        path: `/package.Service/Method`.
        answer: answers its calls; raises nothing but CancelledError.
        dispatcher: has, or refuses, a place for each.
        limit: the most bytes of a request.

    """

    def __init__(
        self,
        path: str,
        answer: Callable[[Exchange], Awaitable[Reply]],
        dispatcher: Dispatcher,
        limit: int,
    ) -> None:
        self.name = path.removeprefix("/")
        self.answer = answer
        self.arrive = dispatcher.arrive
        self.leave = dispatcher.leave
        self.limit = limit
        self.is_traced = dispatcher.is_traced

    def read(self, method: str, headers: Mapping[bytes, bytes]) -> "PlainHeaders | None":
        """Return what the headers of a plain call say; None for what is none, or is wrong."""
        content_type = headers.get(b"content-type", b"")
        if (
            content_type not in CONTENT_TYPES
            or method != "POST"
            or headers.get(b"grpc-encoding", _IDENTITY) != _IDENTITY
            or b"origin" in headers  # of a page, which may not call (gateway.transport.protocols.cors)
            or EXPLAIN in headers
        ):
            return None
        timeout = headers.get(b"grpc-timeout")
        try:
            remaining = None if timeout is None else read_timeout(timeout)
        except BadHeader:
            return None
        sent_id = headers.get(_REQUEST_ID, b"").decode("latin-1")
        has_trace = self.is_traced and TRACEPARENT in headers
        return PlainHeaders(self, content_type, remaining, sent_id, has_trace)


def plain_methods(
    methods: Iterable[ServedMethod], dispatcher: Dispatcher, limit: int
) -> Mapping[str, PlainMethod]:
    """Return the unary ones of some methods, by path; `limit` is the most bytes of a request."""
    return {
        one.path: PlainMethod(one.path, one.answer, dispatcher, limit) for one in methods if not one.streams
    }


class PlainHeaders(NamedTuple):
    """What the headers of a plain call say.

    Args:
        method: which is called.
        content_type: one of CONTENT_TYPES.
        remaining: seconds until the caller's deadline; None where it set none.
        sent_id: the request id that the caller sent; empty where it sent none.
        has_trace: whether they name a trace that somebody looks at.

    """

    method: PlainMethod
    content_type: bytes
    remaining: float | None
    sent_id: str
    has_trace: bool

    def with_header(self, name: bytes, value: bytes) -> "PlainHeaders":
        """Return what they say with another value of a header; raises BadHeader."""
        method, content_type, remaining, sent_id, has_trace = self
        if name == b"grpc-timeout":
            remaining = read_timeout(value)
        elif name == _REQUEST_ID:
            sent_id = value.decode("latin-1")
        return PlainHeaders(method, content_type, remaining, sent_id, has_trace)

    def begin(
        self,
        connection: FastConnection,
        number: int,
        body: bytes,
        headers: Sequence[Header],
        *,
        told: CallerHeaders,
        now: float,
    ) -> bool:
        """Answer a call whose body is whole; return False where that isn't one message as it stands."""
        method, content_type, remaining, sent_id, has_trace = self
        message = whole_message(body, method.limit)
        if message is None:
            return False
        record = CallRecord(method.name, request_id(sent_id), connection.peer, request_bytes=len(message))
        certificate = connection.certificate
        credential, consistency = told
        exchange = Exchange(
            message,
            record,
            now,
            remaining,
            headers=headers,
            authorization=credential,
            traceparent=read_only(headers, TRACEPARENT) if has_trace else b"",
            explain=b"",
            consistency=consistency,
            certificate=certificate,
        )
        status = method.arrive(exchange)
        if status is not None:
            connection.outgoing.put(refused(number, content_type, status, record.request_id))
            return True
        call = PlainCall(connection, number, content_type, exchange, method.leave)
        connection.add(number, call)
        # Not by the loop's create_task, which would make up a name.
        exchange.task = call.task = Task(call.run(method.answer), loop=connection.loop, name=method.name)
        return True
