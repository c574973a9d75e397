"""Connect's errors: a google.rpc.Status as JSON, and the HTTP status of its code."""

import json
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from google.protobuf.descriptor_pool import Default
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

_KEPT = 256
_NAMES: Mapping[int, str] = {number: name.lower() for name, number in code_pb2.Code.items()} | {
    code_pb2.CANCELLED: "canceled"
}
_UNKNOWN = "unknown"
_HTTP: Mapping[str, int] = {
    "canceled": 499,
    "unknown": 500,
    "invalid_argument": 400,
    "deadline_exceeded": 504,
    "not_found": 404,
    "already_exists": 409,
    "permission_denied": 403,
    "unauthenticated": 401,
    "resource_exhausted": 429,
    "failed_precondition": 400,
    "aborted": 409,
    "out_of_range": 400,
    "unimplemented": 501,
    "internal": 500,
    "unavailable": 503,
    "data_loss": 500,
}


def code_name(code: int) -> str:
    """Return Connect's name of a google.rpc.Code."""
    return _NAMES.get(code, _UNKNOWN)


def http_status(code: int) -> int:
    """Return the HTTP status of a unary call that ends with a google.rpc.Code other than OK."""
    return _HTTP[code_name(code)]


def error_object(status: Status) -> dict[str, Any]:
    """Return what Connect's JSON says of a status that isn't OK."""
    error: dict[str, Any] = {"code": code_name(status.code)}
    if status.message:
        error["message"] = status.message
    if status.details:
        error["details"] = [_detail(one.type_url, one.value) for one in status.details]
    return error


def to_json(value: Mapping[str, Any]) -> bytes:
    """Return the text of an error, or of what ends a stream."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@lru_cache(_KEPT)
def _detail(type_url: str, value: bytes) -> Mapping[str, Any]:
    """Return one detail; `debug` is its JSON, where its type is known here."""
    packed = {"type": type_url.rpartition("/")[2], "value": b64encode(value).rstrip(b"=").decode()}
    try:
        pool: Any = Default()
        message = GetMessageClass(pool.FindMessageTypeByName(packed["type"])).FromString(value)
        return {**packed, "debug": MessageToDict(message)}
    except (KeyError, DecodeError, TypeError, ValueError):
        return packed
