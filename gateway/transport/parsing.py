"""Bytes → request, or why they are none."""

from collections.abc import Mapping

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from gateway.errors import FieldViolation, InvalidArgument, OutOfRange
from gateway.request.rows import MAX_VIOLATIONS
from gateway.schema.reach import reachable


class RequestParser:
    """Parses one method's requests.

    Args:
        message: the request's type.
        limit: the most bytes of a request.

    """

    def __init__(self, message: Descriptor, limit: int) -> None:
        self._name = message.full_name
        self._limit = limit
        self._type: type[Message] = GetMessageClass(message)
        self._may_lack = _holds_required(message)

    def __call__(self, body: bytes) -> Message:
        """Return the request; raises InvalidArgument for what is none, OutOfRange for one past the limit."""
        if len(body) > self._limit:
            raise OutOfRange(
                f"the request has {len(body)} bytes, more than the limit of {self._limit}",
                reason="REQUEST_TOO_LARGE",
                metadata=sizes(len(body), self._limit),
            )
        try:
            request = self._type.FromString(body)
        except DecodeError as error:
            raise InvalidArgument(
                f"the request is no valid {self._name}: malformed protobuf, "
                "nested too deeply, or a string that is not UTF-8",
                reason="REQUEST_MALFORMED",
            ) from error
        if self._may_lack and not request.IsInitialized():
            raise _lacking(request)
        return request


def sizes(size: int, limit: int) -> Mapping[str, str]:
    """Return the metadata of an error about a size."""
    return {"size_bytes": str(size), "limit_bytes": str(limit)}


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
