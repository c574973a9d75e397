"""Metadata of Connect's calls: what it says of a call beside its messages."""

from gateway.transport.exchange import REQUEST_ID, Exchange
from gateway.transport.wire.headers import write_metadata
from gateway.transport.wire.request import Header

_REQUEST_ID = REQUEST_ID.encode()


def headers_of(exchange: Exchange) -> list[Header]:
    """Return the headers of a response: the call's id, and what its method adds."""
    own = [] if exchange.metadata is None else write_metadata(exchange.metadata.headers)
    return [(_REQUEST_ID, exchange.record.request_id.encode()), *own]


def trailers_of(exchange: Exchange) -> list[Header]:
    """Return what its method adds at the end."""
    return write_metadata(exchange.metadata.trailers) if exchange.metadata is not None else []
