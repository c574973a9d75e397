"""JSON text → the serialised message, or the error that names the field at fault."""

from functools import cache
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

from gateway.errors import FieldViolation, InvalidArgument
from gateway.schema.protojson.errors import JsonError
from gateway.schema.protojson.reader import Readers

MAX_ELEMENTS = 200_000
"""The most values of one request, each of which takes Python a microsecond and a hundred bytes."""


@cache
def _readers(pool: DescriptorPool) -> Readers:
    return Readers(pool)


class JsonReader:
    """Reads the JSON of one message type.

    Args:
        descriptor: the type.

    """

    def __init__(self, descriptor: Descriptor) -> None:
        self._name = descriptor.full_name
        self._read = _readers(descriptor.file.pool).of_message(descriptor)

    def __call__(self, body: bytes) -> bytes:
        """Return the serialised message; raises InvalidArgument, which names the field at fault."""
        _check_elements(body)
        try:
            return self._message(body).SerializePartialToString()
        except JsonError as error:
            raise self._malformed(error) from error
        except RecursionError as error:
            raise self._malformed(JsonError("is nested too deeply")) from error

    def _message(self, body: bytes) -> Message:
        try:
            plain = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise JsonError(str(error)) from error
        if _count_members(plain) < _count_names(body):
            raise JsonError("names a member of an object twice")
        return self._read(plain)

    def _malformed(self, error: JsonError) -> InvalidArgument:
        path, description = error.path, error.description
        place = f"{path}: " if path else ""
        violations = [FieldViolation(path, description, "REQUEST_MALFORMED")] if path else []
        return InvalidArgument(
            f"the request is no JSON of {self._name}: {place}{description}",
            reason="REQUEST_MALFORMED",
            violations=violations,
        )


json_reader = JsonReader


def _check_elements(body: bytes) -> None:
    """Refuse what would be too many objects, before any is made."""
    if sum(map(body.count, (b"{", b"[", b","))) > MAX_ELEMENTS:
        raise InvalidArgument(
            f"the request has more than {MAX_ELEMENTS} elements",
            reason="TOO_MANY_ELEMENTS",
            metadata={"limit": str(MAX_ELEMENTS)},
        )


def _count_members(plain: Any) -> int:
    """Return how many members all its objects have."""
    if type(plain) is dict:
        return len(plain) + sum(
            _count_members(value) for value in plain.values() if type(value) in (dict, list)
        )
    if type(plain) is list:
        return sum(_count_members(value) for value in plain if type(value) in (dict, list))
    return 0


def _count_names(body: bytes) -> int:
    """Return how many members objects have in valid JSON, where those that are named twice count twice.

    orjson keeps the last of them and says nothing.
    """
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(body.split(b'"')[::2]).count(b":")
