"""Connect's errors as its specification has them: names of codes, HTTP statuses, details."""

import json
from base64 import b64decode
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from google.rpc import code_pb2, error_details_pb2
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidArgument
from gateway.errors.status import to_status
from gateway.transport.protocols.connect.errors import code_name, error_object, http_status, to_json

# connectrpc.com/docs/protocol, "Error Codes".
_TABLE = {
    "canceled": 499,
    "unknown": 500,
    "invalid_argument": 400,
    "deadline_exceeded": 504,
    "not_found": 404,
    "already_exists": 409,
    "permission_denied": 403,
    "resource_exhausted": 429,
    "failed_precondition": 400,
    "aborted": 409,
    "out_of_range": 400,
    "unimplemented": 501,
    "internal": 500,
    "unavailable": 503,
    "data_loss": 500,
    "unauthenticated": 401,
}


@pytest.mark.parametrize("number", sorted(set(code_pb2.Code.values()) - {code_pb2.OK}))
def test_each_code_has_its_name_and_status(number: int) -> None:
    name = code_name(number)
    assert name == code_pb2.Code.Name(number).lower().replace("cancelled", "canceled")
    assert http_status(number) == _TABLE[name]


def test_a_number_that_is_no_code_is_unknown() -> None:
    assert (code_name(99), http_status(99)) == ("unknown", 500)


def test_details_are_told_in_bytes_and_in_json() -> None:
    status = to_status(InvalidArgument.field("flight.origin", "is no airport", reason="NO_AIRPORT"))
    info, bad_request = error_object(status)["details"]
    assert info["type"] == "google.rpc.ErrorInfo"
    assert info["debug"] == {"reason": "NO_AIRPORT", "domain": "rowgate"}
    told = error_details_pb2.BadRequest.FromString(b64decode(bad_request["value"] + "=="))
    assert told == ParseDict(bad_request["debug"], error_details_pb2.BadRequest())
    assert told.field_violations[0].field == "flight.origin"


@given(st.text(), st.binary(), st.text("abc./", max_size=20))
def test_whatever_a_status_says_comes_through_json(message: str, value: bytes, type_url: str) -> None:
    status = Status(code=code_pb2.ABORTED, message=message)
    status.details.add(type_url=type_url, value=value)
    error: dict[str, Any] = json.loads(to_json(error_object(status)))
    assert error.get("message", "") == message
    (detail,) = error["details"]
    assert "=" not in detail["value"]
    assert b64decode(detail["value"] + "=" * (-len(detail["value"]) % 4)) == value
