"""gRPC's timeout and status as headers of HTTP (grpc.io, PROTOCOL-HTTP2)."""

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from google.rpc.status_pb2 import Status

from gateway.transport.exchange import REQUEST_ID, Exchange, Reply, status_metadata
from gateway.transport.wire.headers import BadHeader, write_metadata
from gateway.transport.wire.request import Header

_UNIT_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_TIMEOUT_DIGITS = 8
_OK = (b"grpc-status", b"0")
_REQUEST_ID = REQUEST_ID.encode()
# What grpc-message carries as it stands: printable ASCII but for the percent sign.
_PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


@lru_cache(1024)
def read_timeout(value: bytes) -> float:
    """Return a grpc-timeout in seconds; raises BadHeader."""
    digits, unit = value[:-1], _UNIT_SECONDS.get(value[-1:])
    if unit is None or not digits.isdigit() or len(digits) > _TIMEOUT_DIGITS:
        raise BadHeader("malformed grpc-timeout")
    return int(digits) * unit


def status_headers(code: int, message: str, trailing: Iterable[tuple[str, str | bytes]]) -> list[Header]:
    """Return the trailers that end a call."""
    headers = [(b"grpc-status", b"%d" % code)]
    if message:
        headers.append((b"grpc-message", quote(message, safe=_PLAIN).encode("ascii")))
    return headers + write_metadata(trailing)


def status_trailers(status: Status) -> list[Header]:
    """Return the trailers of an error, its details among them."""
    return status_headers(status.code, status.message, status_metadata(status))


def trailers_of(reply: Reply, exchange: Exchange | None) -> list[Header]:
    """Return the trailers of a reply: its status, the call's metadata, and its id where it was a call."""
    trailers = [_OK] if reply.status is None else status_trailers(reply.status)
    if exchange is not None:
        if exchange.metadata is not None:
            trailers += write_metadata(exchange.metadata.trailers)
        trailers.append((_REQUEST_ID, exchange.record.request_id.encode()))
    return trailers


def read_message(value: bytes) -> str:
    """Return the text of a grpc-message."""
    return unquote_to_bytes(value).decode("utf-8", "replace")


def response_headers(content_type: bytes) -> list[Header]:
    """Return the headers that every answer has."""
    return [(b"content-type", content_type), (b"grpc-accept-encoding", b"identity,deflate,gzip")]
