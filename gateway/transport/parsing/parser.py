"""Bytes → request, or why they are none."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from gateway.config.settings import LimitSettings
from gateway.errors import FieldViolation, InvalidArgument, OutOfRange
from gateway.request.rows import MAX_VIOLATIONS
from gateway.schema.model import Method
from gateway.schema.reachable_messages import reachable
from gateway.transport.limits.refusals import sizes
from gateway.transport.parsing.scan import SLICE, RequestScan
from gateway.transport.parsing.weight import Malformed

T = TypeVar("T", bound=Message)


class RequestParser:
    """Parses one method's requests.

    Args:
        method: the method.
        limits: of bytes, rows and elements.

    """

    def __init__(self, method: Method, limits: LimitSettings) -> None:
        message = method.descriptor.input_type
        self._name = message.full_name
        self._limit = limits.max_request_bytes
        self._type: type[Message] = GetMessageClass(message)
        self._may_lack = _holds_required(message)
        self._scan = RequestScan(message, limits, method.request.get("rows"))

    def __call__(self, body: bytes) -> Message:
        """Return a request of at most SLICE bytes; raises InvalidArgument for what is none."""
        if len(body) > self._limit:
            raise too_large(len(body), self._limit)
        try:
            request = self._type.FromString(body)
        except DecodeError as error:
            raise _malformed(self._name) from error
        return self._whole(request)

    async def in_slices(self, body: bytes) -> Message:
        """Return a request of any size, parsed in slices between which others get their turn.

        Raises OutOfRange for too many bytes, InvalidArgument for too many rows or elements and for what is
        no request: what is too much is found before memory is spent on it.
        """
        if len(body) <= SLICE:
            return self(body)
        if len(body) > self._limit:
            raise too_large(len(body), self._limit)
        request = self._type()
        try:
            for part in self._scan.slices(body):
                request.MergeFromString(part)
                await asyncio.sleep(0)
        except (DecodeError, Malformed) as error:
            raise _malformed(self._name) from error
        return self._whole(request)

    def _whole(self, request: Message) -> Message:
        if self._may_lack and not request.IsInitialized():
            raise _lacking(request)
        return request


def too_large(size: int, limit: int) -> OutOfRange:
    """Return the error of a request of more bytes than the limit."""
    return OutOfRange(
        f"the request has {size} bytes, more than the limit of {limit}",
        reason="REQUEST_TOO_LARGE",
        metadata=sizes(size, limit),
    )


def small_reader(message: type[T]) -> Callable[[bytes], T]:
    """Return what parses the requests of health and reflection, none of which has need to be large.

    It raises OutOfRange for one of more than SLICE bytes, InvalidArgument for what is none.
    """

    def read(body: bytes) -> T:
        if len(body) > SLICE:
            raise too_large(len(body), SLICE)
        try:
            return message.FromString(body)
        except DecodeError as error:
            raise _malformed(message.DESCRIPTOR.full_name) from error

    return read


def _malformed(name: str) -> InvalidArgument:
    return InvalidArgument(
        f"the request is no valid {name}: malformed protobuf, "
        "nested too deeply, or a string that is not UTF-8",
        reason="REQUEST_MALFORMED",
    )


def _holds_required(message: Descriptor) -> bool:
    # Told from the type, once: walking each request for it would cost.
    return any(field.is_required for held in reachable(message).values() for field in held.fields)


def _lacking(request: Message) -> InvalidArgument:
    unset: list[str] = getattr(request, "FindInitializationErrors")()  # noqa: B009 - the type stubs lack it
    paths = unset[:MAX_VIOLATIONS]
    violations = [FieldViolation(path, "is required", "REQUIRED") for path in paths]
    return InvalidArgument(
        f"{', '.join(paths)}: required, but not set", reason="REQUIRED", violations=violations
    )
