"""Headers: their size, a caller's address, and the metadata that gRPC and Connect write alike."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain

from gateway.transport.wire.request import Header

Metadata = tuple[tuple[str, str | bytes], ...]

_FIELD_OVERHEAD = 32
# Headers of HTTP and of the protocol itself, which are not the caller's metadata.
_RESERVED = frozenset(
    {
        b"host",
        b"te",
        b"content-type",
        b"content-length",
        b"connection",
        b"grpc-timeout",
        b"grpc-encoding",
        b"grpc-accept-encoding",
        b"grpc-status",
        b"grpc-message",
    }
)


class BadHeader(ValueError):  # noqa: N818 - said to the caller as INTERNAL or INVALID_ARGUMENT
    """A header of the request that breaks the protocol."""


def size_of(headers: Sequence[Header]) -> int:
    """Return the bytes of headers, as a client counts them that heeds our limit (RFC 9113, 6.5.2)."""
    return _FIELD_OVERHEAD * len(headers) + sum(map(len, chain.from_iterable(headers)))


def read_metadata(headers: Iterable[Header]) -> Metadata:
    """Return the caller's metadata; raises BadHeader for a `-bin` value that is not base64."""
    metadata: list[tuple[str, str | bytes]] = []
    for name, value in headers:
        if name in _RESERVED or name.startswith(b":"):
            continue
        key = name.decode("ascii")
        if key.endswith("-bin"):
            metadata += [(key, _decode_binary(part)) for part in value.split(b",")]
        else:
            metadata.append((key, value.decode("latin-1")))
    return tuple(metadata)


def write_metadata(metadata: Iterable[tuple[str, str | bytes]]) -> list[Header]:
    """Return metadata as headers."""
    return [(key.encode("ascii"), _encode(key, value)) for key, value in metadata]


@lru_cache(1024)
def peer_name(client: tuple[str, int] | None) -> str:
    """Return a caller's address as gRPC writes it; of a Unix socket's caller, which has none, its number."""
    if client is None:
        return "unknown"
    host, port = client
    if not host:
        return f"unix:{port}"
    return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"


def find(headers: Sequence[Header], name: bytes) -> bytes | None:
    """Return the first value of a header."""
    for key, value in headers:
        if key == name:
            return value
    return None


def only(headers: Sequence[Header], name: bytes) -> bytes:
    """Return the value of a header that comes once; empty for one that is missing, or comes again."""
    values = [value for key, value in headers if key == name]
    return values[0] if len(values) == 1 else b""


def named(headers: Sequence[Header]) -> dict[bytes, bytes]:
    """Return the first value of each header: of several it takes less time than to find them."""
    return dict(reversed(headers))


def media_type(headers: Sequence[Header]) -> bytes:
    """Return the content type without parameters, in lower case; empty where there is none."""
    return media_type_of(find(headers, b"content-type") or b"")


def media_type_of(content_type: bytes) -> bytes:
    """Return a content type without parameters, in lower case."""
    return content_type.partition(b";")[0].strip().lower()


def _encode(key: str, value: str | bytes) -> bytes:
    if key.endswith("-bin"):
        raw = value if isinstance(value, bytes) else value.encode()
        return base64.b64encode(raw).rstrip(b"=")
    return value if isinstance(value, bytes) else value.encode("latin-1", "replace")


def _decode_binary(value: bytes) -> bytes:
    value = value.strip()
    try:
        return base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except binascii.Error as error:
        raise BadHeader("a -bin header that is not base64") from error
