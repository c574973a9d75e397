"""What makes a call plain: what its headers say, and the exchange and the trailers that come of it."""

from collections.abc import Mapping
from typing import NamedTuple

from google.rpc.status_pb2 import Status

from gateway.errors import RowgateError
from gateway.errors.status import to_status
from gateway.observe.facts import CallFacts
from gateway.transport.exchange import REQUEST_ID, STATUS_DETAILS, Exchange, Reply, request_id
from gateway.transport.protocols.grpc.headers import read_timeout, status_headers
from gateway.transport.wire.headers import BadHeader
from gateway.transport.wire.request import Header

CONTENT_TYPES = (b"application/grpc", b"application/grpc+proto")
"""Of plain calls: their answers have the same."""
_IDENTITY = b"identity"
_REQUEST_ID = REQUEST_ID.encode()


class PlainHead(NamedTuple):
    """What the headers of a plain call say.

    Args:
        name: `package.Service/Method`.
        content_type: one of CONTENT_TYPES.
        remaining: seconds until the caller's deadline; None where it set none.
        sent_id: the request id that the caller sent; empty where it sent none.

    """

    name: str
    content_type: bytes
    remaining: float | None
    sent_id: str

    def exchange(self, message: bytes, peer: str, arrived: float) -> Exchange:
        """Return the call, with its message."""
        facts = CallFacts(self.name, request_id(self.sent_id), peer, request_bytes=len(message))
        return Exchange(message, facts, arrived, self.remaining)

    def with_header(self, name: bytes, value: bytes) -> "PlainHead":
        """Return the head with another value of a header; raises BadHeader."""
        if name == b"grpc-timeout":
            return PlainHead(self.name, self.content_type, read_timeout(value), self.sent_id)
        if name == _REQUEST_ID:
            return PlainHead(self.name, self.content_type, self.remaining, value.decode("latin-1"))
        return self


def read_plain(path: str, method: str, headers: Mapping[bytes, bytes]) -> PlainHead | None:
    """Return the head of a plain call; None for what is none, or is wrong."""
    content_type = headers.get(b"content-type", b"")
    if (
        content_type not in CONTENT_TYPES
        or method != "POST"
        or headers.get(b"grpc-encoding", _IDENTITY) != _IDENTITY
    ):
        return None
    timeout = headers.get(b"grpc-timeout")
    try:
        remaining = None if timeout is None else read_timeout(timeout)
    except BadHeader:
        return None
    sent_id = headers.get(_REQUEST_ID, b"").decode("latin-1")
    return PlainHead(path.removeprefix("/"), content_type, remaining, sent_id)


def echoed_id(exchange: Exchange) -> Header:
    """Return the trailer that tells a call's id."""
    return _REQUEST_ID, exchange.facts.request_id.encode()


def refusal(reply: Reply, exchange: Exchange) -> list[Header]:
    """Return the trailers of a call that ends with an error."""
    if reply.status is None:
        raise ValueError("the call succeeded")
    return [*status_trailers(reply.status), echoed_id(exchange)]


def error_trailers(error: RowgateError) -> list[Header]:
    """Return the trailers of a call that is taken from its handler."""
    return status_trailers(to_status(error))


def status_trailers(status: Status) -> list[Header]:
    """Return the trailers of a status, its details among them."""
    details = [(STATUS_DETAILS, status.SerializeToString())]
    return status_headers(status.code, status.message, details)
