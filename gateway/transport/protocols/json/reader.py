"""JSON text → the serialised message, or the error that names the field at fault."""

import asyncio
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import DescriptorPool

from gateway.errors import FieldViolation, InvalidArgument, OutOfRange
from gateway.schema.protojson.errors import JsonError
from gateway.schema.protojson.reader import Readers

SLICE = 65_536
"""Bytes that are read at once, whatever they hold."""
MAX_BYTES = 6 * 1024 * 1024
"""The most bytes of a request: orjson reads them at once, with nobody else's turn between."""
MAX_ELEMENTS = 200_000
"""The most values of a request, each of which takes Python a microsecond and a hundred bytes."""
MAX_VALUE_ELEMENTS = 32_768
"""The most of them in one field, or in one value of its list."""
_SLICE_ELEMENTS = 8_192
_CONTAINERS = (dict, list)
_WHITE = (b'" ', b'"\n', b'"\r', b'"\t')


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
        try:
            plain = _parse(body)
            _refuse_doubles(body, _count_members(plain))
            return self._read(plain).SerializePartialToString()
        except (JsonError, RecursionError) as error:
            raise self._malformed(error) from error

    async def in_slices(self, body: bytes) -> bytes:
        """Return the same for a body of any size, with others' turns between its parts; raises the same.

        A message's parts, one after the other, make the message: so protobuf is defined.
        """
        if len(body) <= SLICE:
            return self(body)
        parts: list[bytes] = []
        try:
            plain = _parse(body)
            await asyncio.sleep(0)
            members = _count_members(plain)
            await asyncio.sleep(0)
            _refuse_doubles(body, members)
            await asyncio.sleep(0)
            for before, piece in _pieces(plain):
                await asyncio.sleep(0)
                parts.append(self._part(before, piece))
        except (JsonError, RecursionError) as error:
            raise self._malformed(error) from error
        return b"".join(parts)

    def _part(self, before: int, piece: Any) -> bytes:
        try:
            return self._read(piece).SerializePartialToString()
        except JsonError as error:
            raise error.moved(before) from None

    def _malformed(self, error: JsonError | RecursionError) -> InvalidArgument:
        found = error if isinstance(error, JsonError) else JsonError("is nested too deeply")
        path, description = found.path, found.description
        place = f"{path}: " if path else ""
        violations = [FieldViolation(path, description, "REQUEST_MALFORMED")] if path else []
        return InvalidArgument(
            f"the request is no JSON of {self._name}: {place}{description}",
            reason="REQUEST_MALFORMED",
            violations=violations,
        )


json_reader = JsonReader


def _parse(body: bytes) -> Any:
    """Return JSON as plain Python; raises JsonError, and what `_check_size` does."""
    _check_size(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise JsonError(str(error)) from error


def _check_size(body: bytes) -> None:
    """Refuse what would be too much, before anything is made of it."""
    if len(body) > MAX_BYTES:
        raise OutOfRange(
            f"the request has {len(body)} bytes of JSON, more than the limit of {MAX_BYTES}",
            reason="REQUEST_TOO_LARGE",
            metadata={"size_bytes": str(len(body)), "limit_bytes": str(MAX_BYTES)},
        )
    if sum(map(body.count, (b"{", b"[", b","))) > MAX_ELEMENTS:
        raise InvalidArgument(
            f"the request has more than {MAX_ELEMENTS} elements",
            reason="TOO_MANY_ELEMENTS",
            metadata={"limit": str(MAX_ELEMENTS)},
        )


def _pieces(plain: Any) -> Iterator[tuple[int, Any]]:
    """Yield parts of a message with few elements each, and how many values come before those of a list.

    The first has all fields, so that those that don't go together are seen.
    """
    if type(plain) is not dict:
        yield 0, plain
        return
    cuts = {name: _cuts(name, value) for name, value in plain.items()}
    yield 0, {name: value[: cuts[name][0]] if cuts[name] else value for name, value in plain.items()}
    for name, places in cuts.items():
        for begin, end in pairwise([*places, len(plain[name])] if places else ()):
            yield begin, {name: plain[name][begin:end]}


def _cuts(name: str, value: Any) -> list[int]:
    """Return where a list is cut; nowhere, where it is short, or none."""
    cuts: list[int] = []
    held = 0
    is_list = type(value) is list
    for place, one in enumerate(value if is_list else [value]):
        count = _count_elements(one)
        if count > MAX_VALUE_ELEMENTS:
            steps = (name, place) if is_list else (name,)
            raise JsonError(f"has more than {MAX_VALUE_ELEMENTS} elements", *steps)
        held += count
        if held > _SLICE_ELEMENTS and place:
            cuts.append(place)
            held = count
    return cuts


def _count_elements(plain: Any) -> int:
    """Return how many values it holds, itself among them."""
    if type(plain) is dict:
        return 1 + sum(map(_count_elements, plain.values()))
    return 1 + sum(map(_count_elements, plain)) if type(plain) is list else 1


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
