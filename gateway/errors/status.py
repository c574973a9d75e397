"""Errors as google.rpc.Status with details (AIP-193), small enough for HTTP/2 trailers.

gRPC's metadata is limited to 8 KiB by many peers, and the status travels in it twice: as grpc-message,
percent-encoded, and as grpc-status-details-bin, in base64. Both together stay under MAX_BYTES.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from math import ceil
from typing import TypeVar

from google.protobuf.any_pb2 import Any as PackedDetail
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status

from gateway.errors.tree import (
    FailedPrecondition,
    FieldViolation,
    ResourceExhausted,
    ResourceRef,
    RowgateError,
)

Detail = TypeVar("Detail", bound=Message)

DOMAIN = "rowgate"
MAX_BYTES = 4096

_MAX_MESSAGE = 512
_MAX_REASON = 63
_MAX_NAME = 128
_MAX_DESCRIPTION = 256
_MAX_METADATA_ENTRIES = 16
_MAX_METADATA = 480
_MAX_TOKEN = 1536
_KEPT = 1024
# What the wire adds to an entry of a list and to a detail (its type's URL), and what the counts take.
_ENTRY_BYTES = 4
_DETAIL_BYTES = 64
_COUNTS_BYTES = 96
_SUBJECTS = ("constraint", "table", "step_method", "method")
_PRINTABLE = range(0x20, 0x7F)
_PERCENT = ord("%")


def to_status(error: RowgateError) -> Status:
    """Return an error's status. What is too much is left out from the end, and its count is in the metadata.

    Most important first: message, ErrorInfo, RetryInfo, PreconditionFailure, field violations, resources.
    The status of a refusal that names no more than limits is kept, and is not to be changed: a server that
    has too much to do refuses very many calls, and each would cost several times what it costs to read a row.
    """
    if isinstance(error, ResourceExhausted) and not (error.violations or error.resources):
        return _kept(error.message, error.reason, tuple(error.metadata.items()), error.retry_delay)
    return _status(error)


@lru_cache(_KEPT)
def _kept(
    message: str, reason: str, metadata: tuple[tuple[str, str], ...], retry_delay: float | None
) -> Status:
    return _status(
        ResourceExhausted(message, reason=reason, metadata=dict(metadata), retry_delay=retry_delay)
    )


def _status(error: RowgateError) -> Status:
    status = Status(code=error.code, message=_clip(error.message, _MAX_MESSAGE))
    info = _error_info(error)
    others = [*_retry_info(error), *_precondition(error)]
    room = _room(status, [info, *others])
    violations = list(_fitting(map(_violation, error.violations), room, each=_ENTRY_BYTES))
    room -= sum(violation.ByteSize() + _ENTRY_BYTES for violation in violations)
    resources = list(_fitting(map(_resource, error.resources), room, each=_DETAIL_BYTES))
    _count_omitted(info, "violations_omitted", len(error.violations) - len(violations))
    _count_omitted(info, "resources_omitted", len(error.resources) - len(resources))
    bad_request = [details.BadRequest(field_violations=violations)] if violations else []
    status.details.extend(_pack(detail) for detail in (info, *others, *bad_request, *resources))
    return status


def retry_pushback(status: Status) -> str | None:
    """Return RetryInfo's delay in milliseconds, as gRPC's retry policies read it; None without one."""
    for detail in status.details:
        if detail.Is(details.RetryInfo.DESCRIPTOR):
            info = details.RetryInfo.FromString(detail.value)
            return str(ceil(info.retry_delay.ToMicroseconds() / 1000))
    return None


def sent_size(status: Status) -> int:
    """Return the bytes that a status takes in the trailers: its message escaped, and all of it in base64."""
    return _escaped_size(status.message) + 4 * ceil(len(status.SerializeToString()) / 3)


def _escaped_size(text: str) -> int:
    return sum(1 if byte in _PRINTABLE and byte != _PERCENT else 3 for byte in text.encode())


def _room(status: Status, fixed: Sequence[Message]) -> int:
    """Return how many bytes of details may still be added."""
    taken: int = status.ByteSize() + sum(detail.ByteSize() + _DETAIL_BYTES for detail in fixed)
    return (MAX_BYTES - _escaped_size(status.message)) * 3 // 4 - taken - _DETAIL_BYTES - _COUNTS_BYTES


def _fitting(wanted: Iterable[Detail], room: int, *, each: int) -> Iterator[Detail]:
    """Yield what fits into `room` bytes, where each entry takes `each` bytes beside its own."""
    for detail in wanted:
        room -= detail.ByteSize() + each
        if room < 0:
            return
        yield detail


def _error_info(error: RowgateError) -> details.ErrorInfo:
    info = details.ErrorInfo(reason=_clip(error.reason, _MAX_REASON), domain=DOMAIN)
    info.metadata.update(_clip_metadata(error.metadata))
    if 0 < len(error.resume_token) <= _MAX_TOKEN:
        info.metadata["resume_token"] = error.resume_token
    return info


def _retry_info(error: RowgateError) -> Iterator[details.RetryInfo]:
    if error.retry_delay is not None:
        info = details.RetryInfo()
        info.retry_delay.FromMicroseconds(round(error.retry_delay * 1_000_000))
        yield info


def _precondition(error: RowgateError) -> Iterator[details.PreconditionFailure]:
    if isinstance(error, FailedPrecondition):
        subject = next((error.metadata[name] for name in _SUBJECTS if error.metadata.get(name)), "")
        failure = details.PreconditionFailure()
        failure.violations.add(
            type=_clip(error.reason, _MAX_REASON),
            subject=_clip(subject, _MAX_NAME),
            description=_clip(error.message, _MAX_NAME),
        )
        yield failure


def _violation(violation: FieldViolation) -> details.BadRequest.FieldViolation:
    return details.BadRequest.FieldViolation(
        field=_clip(violation.field, _MAX_NAME),
        description=_clip(violation.description, _MAX_DESCRIPTION),
        reason=_clip(violation.reason, _MAX_REASON),
    )


def _resource(resource: ResourceRef) -> details.ResourceInfo:
    return details.ResourceInfo(
        resource_type=_clip(resource.resource_type, _MAX_NAME),
        resource_name=_clip(resource.resource_name, _MAX_DESCRIPTION),
        description=_clip(resource.description, _MAX_DESCRIPTION),
    )


def _clip_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the entries that fit, in order."""
    kept: dict[str, str] = {}
    room = _MAX_METADATA
    for key, value in islice(metadata.items(), _MAX_METADATA_ENTRIES):
        entry = (_clip(key, _MAX_NAME), _clip(value, _MAX_DESCRIPTION))
        room -= len(entry[0].encode()) + len(entry[1].encode())
        if room < 0:
            break
        kept[entry[0]] = entry[1]
    return kept


def _count_omitted(info: details.ErrorInfo, key: str, count: int) -> None:
    if count:
        info.metadata[key] = str(count)


def _clip(text: str, limit: int) -> str:
    """Return the text, cut to `limit` bytes where it is longer, never inside a character."""
    raw = text.encode(errors="replace")
    if len(raw) <= limit:
        return raw.decode()
    return raw[: limit - 3].decode(errors="ignore") + "…"


def _pack(detail: Message) -> PackedDetail:
    packed = PackedDetail()
    packed.Pack(detail)
    return packed
