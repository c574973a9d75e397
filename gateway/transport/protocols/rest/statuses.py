"""Errors as REST tells them: an HTTP status, and a google.rpc.Status as JSON (AIP-193)."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import ceil
from typing import Any

import orjson
from google.protobuf.descriptor_pool import Default
from google.protobuf.json_format import MessageToDict
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from gateway.transport.wire.request import Header

# As google/rpc/code.proto maps them.
_HTTP: Mapping[int, int] = {
    code_pb2.CANCELLED: 499,
    code_pb2.INVALID_ARGUMENT: 400,
    code_pb2.DEADLINE_EXCEEDED: 504,
    code_pb2.NOT_FOUND: 404,
    code_pb2.ALREADY_EXISTS: 409,
    code_pb2.PERMISSION_DENIED: 403,
    code_pb2.UNAUTHENTICATED: 401,
    code_pb2.RESOURCE_EXHAUSTED: 429,
    code_pb2.FAILED_PRECONDITION: 400,
    code_pb2.ABORTED: 409,
    code_pb2.OUT_OF_RANGE: 400,
    code_pb2.UNIMPLEMENTED: 501,
    code_pb2.UNAVAILABLE: 503,
}
_INTERNAL = 500
# HTTP tells these from other errors of their codes.
_BY_REASON: Mapping[str, int] = {
    "REQUEST_TOO_LARGE": 413,
    "CONTENT_TYPE_NOT_JSON": 415,
    "UNKNOWN_ENCODING": 415,
    "METHOD_NOT_ALLOWED": 405,
}
_KEPT = 256


def http_status(status: Status) -> int:
    """Return the HTTP status of an error."""
    if status.details and status.details[0].Is(ErrorInfo.DESCRIPTOR):
        known = _BY_REASON.get(ErrorInfo.FromString(status.details[0].value).reason)
        if known is not None:
            return known
    return _HTTP.get(status.code, _INTERNAL)


def retry_headers(status: Status) -> Sequence[Header]:
    """Return the header that says when to try again, where the error says so."""
    for detail in status.details:
        if detail.Is(RetryInfo.DESCRIPTOR):
            delay = RetryInfo.FromString(detail.value).retry_delay
            return ((b"retry-after", b"%d" % ceil(delay.seconds + delay.nanos / 1e9)),)
    return ()


def status_json(status: Status) -> bytes:
    """Return an error as JSON, its details as objects."""
    return _status_json(status.SerializeToString())


@lru_cache(_KEPT)
def _status_json(status: bytes) -> bytes:
    """Return the JSON of a serialized status: a server that is busy tells many callers the same."""
    pool: Any = Default()
    told = MessageToDict(Status.FromString(status), descriptor_pool=pool)
    return orjson.dumps(told)
