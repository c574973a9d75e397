"""Headers of requests: the compressions and the time that they ask for."""

from collections.abc import Mapping

from gateway.errors import InvalidArgument
from gateway.transport.protocols.encodings import NO_ENCODINGS, Encodings, negotiate
from gateway.transport.protocols.grpc.headers import read_timeout
from gateway.transport.wire.headers import BadHeader

TIMEOUT = b"grpc-timeout"
_HEEDED = frozenset({b"content-encoding", b"accept-encoding", TIMEOUT})


def read_headers(headers: Mapping[bytes, bytes]) -> tuple[Encodings, float | None]:
    """Return a call's compressions, and the seconds until its caller's deadline, None where it sets none.

    Raises Unimplemented for a compression that isn't spoken, and InvalidArgument for what is no time.
    """
    if _HEEDED.isdisjoint(headers):
        return NO_ENCODINGS, None
    encodings = negotiate(headers.get(b"content-encoding"), headers.get(b"accept-encoding", b""))
    sent = headers.get(TIMEOUT)
    return encodings, None if sent is None else _timeout(sent)


def _timeout(sent: bytes) -> float:
    try:
        return read_timeout(sent)
    except BadHeader as error:
        raise InvalidArgument(
            "grpc-timeout: has to be a number of at most eight digits and a unit, such as 500m or 5S",
            reason="INVALID_TIMEOUT",
        ) from error
