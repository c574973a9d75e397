"""What is sent of a row is, byte by byte, its message."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from gateway.errors import DataLoss, FieldViolation
from gateway.response.rows import row_to_message, rows_in
from gateway.response.sent_rows import sent_row, sent_rows
from gateway.response.serialized import serialized
from gateway.response.shape import RowShape
from gateway.schema.model import MethodKind, StandardMethod
from gateway.schema.read import read_schema
from gateway.schema.types.times import encode_timestamp
from gateway.schema.types.timestamp_bytes import timestamp_bytes, timestamps_bytes
from gateway.schema.values import InvalidValueError
from tests.generated_schemas.descriptors import descriptor_set
from tests.generated_schemas.drawing import schemas
from tests.harness.gateway import schema_of
from tests.transport.json.test_json_rows import METHODS, drawn, readers_of

_YEARS_1_TO_9999 = st.integers(-62_135_596_800, 253_402_300_799)
_NANOS = st.integers(0, 999_999).map(lambda micros: micros * 1000) | st.just(0)
_NO_TIMES = [(-(2**63),), (2**63 - 1,), ((253_402_300_800 - 946_684_800) * 10**6,)]


@given(data=st.data(), method=st.sampled_from(METHODS))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_sent_is_the_message(data: st.DataObject, method: StandardMethod) -> None:
    check(data, method)


@given(data=st.data())
@settings(max_examples=25, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
def test_what_is_sent_is_the_message_in_generated_schemas(data: st.DataObject) -> None:
    schema = read_schema(descriptor_set(data.draw(schemas())))
    check(data, data.draw(st.sampled_from(readers_of(schema))))


def test_times_are_sent_without_messages() -> None:
    method = next(method for method in readers_of(schema_of("books")) if method.kind is MethodKind.LIST)
    shape = RowShape(method.resource, method.resource.fields)
    empty = [None] * len(shape.fields)
    assert type(sent_row(shape)(empty)) is not type(row_to_message(shape)(empty))


def check(data: st.DataObject, method: StandardMethod) -> None:
    """Compare what is sent of drawn rows with their messages."""
    shape, rows = drawn(data, method.resource)
    whole, sent = row_to_message(shape), sent_row(shape)
    for row in rows:
        assert bytes_of(sent, row) == bytes_of(whole, row)
    if method.kind is MethodKind.LIST:
        response, name = GetMessageClass(method.descriptor.output_type), method.response["rows"].name
        assert bytes_of(sent_rows(response, name, shape), rows) == bytes_of(
            rows_in(response, name, shape), rows
        )


def bytes_of(make: Callable[[Any], Message], made_of: Any) -> bytes | Sequence[FieldViolation]:
    """Return a message's bytes, or what it can't hold."""
    try:
        return serialized(make(made_of))
    except DataLoss as error:
        return error.violations


@given(st.lists(st.none() | st.builds(Timestamp, seconds=_YEARS_1_TO_9999, nanos=_NANOS), max_size=40))
@example([None, Timestamp(), Timestamp(seconds=2**14), Timestamp(seconds=2**14 - 1), Timestamp(seconds=-1)])
def test_bytes_of_times_are_those_of_their_messages(times: list[Timestamp | None]) -> None:
    values = [None if time is None else encode_timestamp(time) for time in times]
    expected = [None if time is None else time.SerializeToString() for time in times]
    assert timestamps_bytes(values) == expected
    assert timestamps_bytes(values * 20) == expected * 20
    assert [None if value is None else timestamp_bytes(value) for value in values] == expected


@pytest.mark.parametrize("value", _NO_TIMES)
def test_a_time_that_no_timestamp_holds_has_no_bytes(value: tuple[int]) -> None:
    with pytest.raises(InvalidValueError):
        timestamp_bytes(value)
    with pytest.raises(InvalidValueError):
        timestamps_bytes([(number,) for number in range(40)] + [value])
