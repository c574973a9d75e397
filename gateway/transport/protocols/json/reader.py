"""JSON text → the serialised message, or the error that names the wrong field."""

from collections.abc import Callable
from functools import cache
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, EncodeError

from gateway.errors import InvalidArgument, OutOfRange
from gateway.schema.protojson.errors import JsonError, malformed
from gateway.schema.protojson.reader import Readers

MAX_BYTES = 6 * 1024 * 1024
"""The most bytes of a request: orjson reads them at once, in a thread too with nobody else's turn between."""
MAX_ELEMENTS = 200_000
"""The most values of a request, each of which takes Python a microsecond and a hundred bytes."""
_CONTAINERS = (dict, list)
_WHITE = (b'" ', b'"\n', b'"\r', b'"\t')


@cache
def _readers(pool: DescriptorPool) -> Readers:
    return Readers(pool)


def json_reader(descriptor: Descriptor) -> Callable[[bytes], bytes]:
    """Return the function that makes the serialised message of JSON text.

    Raises InvalidArgument, when called, which names the wrong field, and OutOfRange for too many bytes.

    Args:
        descriptor: the type.

    """
    make, name = _readers(descriptor.file.pool).of_message(descriptor), descriptor.full_name

    def read(body: bytes) -> bytes:
        try:
            return make(_parse(body)).SerializePartialToString()
        except JsonError as error:
            raise malformed(name, error.path, error.description) from error
        except (RecursionError, DecodeError, EncodeError) as error:
            raise malformed(name, "", "is nested too deeply") from error

    return read


def _parse(body: bytes) -> Any:
    """Return JSON as plain Python; raises JsonError, and what `_check_size` does."""
    _check_size(body)
    try:
        plain = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise JsonError(str(error)) from error
    _refuse_doubles(body, _count_members(plain))
    return plain


def _check_size(body: bytes) -> None:
    """Refuse what would be too much, before anything is made of it."""
    if len(body) > MAX_BYTES:
        raise OutOfRange(
            f"the request has {len(body)} bytes of JSON, more than the limit of {MAX_BYTES}",
            reason="REQUEST_TOO_LARGE",
            metadata={"size_bytes": str(len(body)), "limit_bytes": str(MAX_BYTES)},
        )
    if len(body) > MAX_ELEMENTS and sum(map(body.count, (b"{", b"[", b","))) > MAX_ELEMENTS:
        raise InvalidArgument(
            f"the request has more than {MAX_ELEMENTS} elements",
            reason="TOO_MANY_ELEMENTS",
            metadata={"limit": str(MAX_ELEMENTS)},
        )


def _count_members(plain: Any) -> int:
    """Return how many members all its objects have."""
    if type(plain) is dict:
        return len(plain) + sum(_count_members(one) for one in plain.values() if type(one) in _CONTAINERS)
    if type(plain) is list:
        return sum(_count_members(one) for one in plain if type(one) in _CONTAINERS)
    return 0


def _refuse_doubles(body: bytes, members: int) -> None:
    """Raise JsonError where valid JSON has more members than that, which are those that orjson keeps.

    Of members with the same name it keeps the last, and says nothing.
    """
    # A name's last quote has a colon behind it, or white space: they can't be more than those.
    if body.count(b'":') + sum(map(body.count, _WHITE)) == members:
        return
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if b"".join(body.split(b'"')[::2]).count(b":") > members:
        raise JsonError("names a member of an object twice")
