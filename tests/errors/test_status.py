"""Errors as google.rpc.Status: small enough, deterministic, and the counts of what is left out are right."""

from typing import Any

from google.rpc import error_details_pb2
from hypothesis import given
from hypothesis import strategies as st

import gateway.errors as tree
from gateway.errors import (
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    NotFound,
    ResourceRef,
    RowgateError,
)
from gateway.errors.status import DOMAIN, MAX_BYTES, sent_size, to_status

CLASSES = [getattr(tree, name) for name in tree.__all__]
ERRORS = [cls for cls in CLASSES if issubclass(cls, RowgateError) and cls is not RowgateError]

text = st.text(st.characters(exclude_categories=()), max_size=1000)
_KEYS = st.text(max_size=200).filter(lambda key: not key.endswith("_omitted"))  # these are the gateway's own
errors = st.builds(
    lambda cls, message, **details: cls(message, **details),
    st.sampled_from(ERRORS),
    text,
    reason=st.text(min_size=1, max_size=100),
    metadata=st.dictionaries(_KEYS, text, max_size=40),
    violations=st.lists(st.builds(FieldViolation, text, text, text), max_size=40),
    resources=st.lists(st.builds(ResourceRef, text, text, text), max_size=40),
    retry_delay=st.none() | st.floats(0, 100),
)


def unpack(status: Any, kind: Any) -> list[Any]:
    found = [kind.FromString(detail.value) for detail in status.details if detail.Is(kind.DESCRIPTOR)]
    return list(found)


@given(errors)
def test_any_status_fits_and_counts_what_it_leaves_out(error: RowgateError) -> None:
    status = to_status(error)

    assert sent_size(status) <= MAX_BYTES
    assert status.code == error.code
    assert to_status(error).SerializeToString(deterministic=True) == status.SerializeToString(
        deterministic=True
    )
    [info] = unpack(status, error_details_pb2.ErrorInfo)
    assert info.domain == DOMAIN
    shown = sum(len(bad.field_violations) for bad in unpack(status, error_details_pb2.BadRequest))
    assert shown + int(info.metadata.get("violations_omitted", "0")) == len(error.violations)
    resources = unpack(status, error_details_pb2.ResourceInfo)
    assert len(resources) + int(info.metadata.get("resources_omitted", "0")) == len(error.resources)


def test_a_small_error_is_told_whole() -> None:
    error = InvalidArgument(
        "flight.origin: is no airport",
        reason="FOREIGN_KEY_VIOLATION",
        metadata={"constraint": "flight_origin_fkey"},
        violations=[FieldViolation("flight.origin", "is no airport", "FOREIGN_KEY_VIOLATION")],
        retry_delay=0.25,
    )

    status = to_status(error)

    assert status.message == error.message
    [info] = unpack(status, error_details_pb2.ErrorInfo)
    assert (info.reason, dict(info.metadata)) == (error.reason, error.metadata)
    [bad] = unpack(status, error_details_pb2.BadRequest)
    [violation] = bad.field_violations
    assert (violation.field, violation.description) == ("flight.origin", "is no airport")
    [retry] = unpack(status, error_details_pb2.RetryInfo)
    assert retry.retry_delay.ToMilliseconds() == 250


def test_many_violations_are_cut_from_the_end() -> None:
    violations = [FieldViolation(f"rows[{i}].origin", "is no airport") for i in range(1000)]

    status = to_status(InvalidArgument("1000 rows are wrong", reason="INVALID_ROWS", violations=violations))

    [bad] = unpack(status, error_details_pb2.BadRequest)
    shown = [violation.field for violation in bad.field_violations]
    assert len(shown) > 30
    assert shown == [violation.field for violation in violations[: len(shown)]]


def test_a_missing_row_and_a_precondition_are_named() -> None:
    missing = to_status(NotFound("x", reason="R", resources=[ResourceRef("flights.v1.Flight", "id=1")]))
    refused = to_status(FailedPrecondition("y", reason="S", metadata={"constraint": "a_fkey"}))

    [resource] = unpack(missing, error_details_pb2.ResourceInfo)
    [failure] = unpack(refused, error_details_pb2.PreconditionFailure)
    assert resource.resource_name == "id=1"
    assert [(v.type, v.subject) for v in failure.violations] == [("S", "a_fkey")]
