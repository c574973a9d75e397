"""One RPC as the transports hand it over, and its answer: bytes in, bytes or a status out."""

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from google.rpc.status_pb2 import Status

from gateway.auth.principal import Principal
from gateway.errors.status import retry_pushback
from gateway.observe.call_record import CallRecord
from gateway.request.calls.call import Call
from gateway.request.calls.explanation import Explanation
from gateway.request.calls.log_position import LogPosition
from gateway.schema.protojson.form import JsonForm
from gateway.transport.wire.headers import Metadata
from gateway.transport.wire.request import Header

if TYPE_CHECKING:
    from asyncio import Task

REQUEST_ID = "x-request-id"
TRACEPARENT = b"traceparent"
EXPLAIN = b"rowgate-explain"
"""The header of a call that asks to be explained, and of a REST response that tells."""
_STATUS_DETAILS = "grpc-status-details-bin"
_RETRY_PUSHBACK = "grpc-retry-pushback-ms"
# An id of ours tells calls apart and is no secret: one random half for all of a process's is enough.
_numbers = count(1 << 63 | secrets.randbits(31) << 32 | secrets.randbits(16))
# grpc core's name of all who call over a Unix socket, and ours of those of whom a host tells nothing.
_OF_MANY = frozenset({"unix:", "unknown"})
_REQUEST_ID_SHAPE = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def status_metadata(status: Status) -> Metadata:
    """Return the metadata of an error: its details, and when a retry policy may try again (gRFC A6)."""
    pushback = retry_pushback(status)
    retries = () if pushback is None else ((_RETRY_PUSHBACK, pushback),)
    return ((_STATUS_DETAILS, status.SerializeToString()), *retries)


def named_peer(peer: str) -> str:
    """Return the other end of a connection; empty where what it is called tells no connections apart."""
    return "" if peer in _OF_MANY else peer


class Channel(Protocol):
    """The messages of a streaming call."""

    async def receive(self) -> bytes | None:
        """Return the next request, None after the last; raises RowgateError for what is none."""

    async def send(self, message: bytes) -> None:
        """Send a response; returns when the transport has taken it, which waits for the client."""


@dataclass(slots=True)
class ResponseMetadata:
    """What a method's answer adds to its response, beside messages and status.

    Args:
        headers: sent before the first message.
        trailers: sent after the last.

    """

    headers: Sequence[tuple[str, str | bytes]] = ()
    trailers: Sequence[tuple[str, str | bytes]] = ()


@dataclass(slots=True, eq=False)
class Exchange:
    """One RPC under way, from when its headers have come. Told apart by identity.

    Args:
        request: the message's bytes; empty until `read` has returned them, where that is set.
        record: what is observed of it.
        arrived: when it arrived, by time.monotonic, which is the event loop's clock, but finer and cheaper.
        time_remaining: seconds until the caller's deadline, when it arrived; None where it set none.
        principal: who calls, ANONYMOUS where callers aren't identified; None until that is known.
        entered: whether it has passed what a call passes by its headers, and has its place.
        owner: the principal's name, where it was known when the call came.
        authorization: the header of this name, empty where there is none; None where `headers` have to tell.
        traceparent: the same of this one.
        explain: and of this one, `rowgate-explain`.
        consistency: and of this one, `rowgate-consistency`.
        certificate: its caller's, DER, as the TLS handshake has verified it; empty without one.
        deadline: when it has to end, on the event loop's clock; set by the deadlines.
        ends_with_credential: whether that is because its caller's credential ends; set so, too.
        task: the task it runs in; None where the transport doesn't know.
        read: waits for the only request, where it has not come with the headers; raises RowgateError.
        take: returns it where it is all here by now, else None, and `read` is to be asked; raises so, too.
        channel: its further messages, where it streams.
        call: what its handler is handed; None until its request has been read.
        headers: those of its request, which are its metadata too (gateway.transport.wire.headers); but for
            those that `authorization` and `consistency` have.
        metadata: what its response has beside messages and status; set by the method's answer.
        json: how its response is written, where that is JSON.
        is_json: whether its messages are JSON already, and not protobuf's bytes; set by the method's answer.
        spans: its trace's; none unless it is sampled.
        resume_token: where a client goes on that has read the message that is being sent; set so, too.
        explanation: of its statements, where it asks for one and may.
        reads_at: the position of the log that a replica has to have which it reads; None for the primary.
        must_hold: the position of a write that whatever is read has to have; None where no token was sent.
        current_since: when the primary may have had last what is read; None where nothing is said of that.

    """

    request: bytes
    record: CallRecord
    arrived: float
    time_remaining: float | None = None
    principal: Principal | None = None
    entered: bool = False
    owner: str = ""
    authorization: bytes | None = None
    traceparent: bytes | None = None
    explain: bytes | None = None
    consistency: bytes | None = None
    certificate: bytes = b""
    deadline: float | None = None
    ends_with_credential: bool = False
    channel: Channel | None = None
    task: "Task[Any] | None" = None
    read: Callable[[], Awaitable[bytes]] | None = None
    take: Callable[[], bytes | None] | None = None
    call: Call | None = None
    headers: Sequence[Header] = ()
    metadata: ResponseMetadata | None = None
    json: JsonForm | None = None
    is_json: bool = False
    resume_token: str = ""
    spans: tuple[Any, ...] = ()
    explanation: Explanation | None = None
    reads_at: LogPosition | None = None
    must_hold: LogPosition | None = None
    current_since: float | None = None

    @property
    def path(self) -> str:
        """The method's path, `/package.Service/Method`."""
        return f"/{self.record.method}"

    @property
    def peer(self) -> str:
        """The other end of the connection that it came by; empty where that tells no connections apart."""
        return named_peer(self.record.peer)

    @property
    def caller(self) -> str:
        """Whose turn it takes: its principal's, whatever connections that has, or else its connection's."""
        return self.owner or named_peer(self.record.peer)

    def identified(self) -> Principal:
        """Return who calls; raises RuntimeError before that is known: nothing may be done for a call then."""
        if self.principal is None:
            raise RuntimeError("it isn't known who calls")
        return self.principal

    @property
    def is_late(self) -> bool:
        """Whether its deadline has passed."""
        return self.deadline is not None and monotonic() >= self.deadline

    def receive_now(self) -> bool:
        """Have the request, if all of it is here; return whether. Raises RowgateError."""
        if self.take is None:
            return self.read is None
        request = self.take()
        if request is None:
            return False
        self.request = request
        self.record.request_bytes = len(request)
        return True

    async def receive(self) -> None:
        """Have the request whole, for as long as that takes; raises RowgateError."""
        if self.read is not None:
            self.request = await self.read()
            self.record.request_bytes = len(self.request)

    def messages(self) -> Channel:
        """Return the channel of a call that streams; raises TypeError where there is none."""
        if self.channel is None:
            raise TypeError("a streaming method was called without a channel")
        return self.channel

    def recount(self, size: int) -> None:
        """Count so many bytes of a response that is counted: it is written in another way."""
        if self.call is not None and self.call.held:
            self.call.hold(size, anyway=True)

    def release(self) -> None:
        """Count nothing more of the response: its client has taken it, or won't."""
        if self.call is not None and self.call.held:
            self.call.hold(0)


@dataclass(slots=True)
class Reply:
    """The answer: a message's bytes, or the status that says why there is none."""

    body: bytes = b""
    status: Status | None = None


Answer = Callable[[Exchange], Awaitable[bytes]]
"""Answers with the response's bytes, or raises gateway.errors.RowgateError."""


def request_id(sent: str | None) -> str:
    """Return the caller's request id, or one of ours where it sent none that is fit for a log line."""
    if sent and _REQUEST_ID_SHAPE.fullmatch(sent):
        return sent
    return hex(next(_numbers))[2:]  # noqa: FURB116 - a format takes twice as long
