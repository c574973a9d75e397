"""The scan of a request finds the fields that protobuf finds, and weighs no less than they take."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from hypothesis import example, given
from hypothesis import strategies as st

from bench.datasets import FLIGHTS
from gateway.config.settings import LimitSettings
from gateway.errors import InvalidArgument, OutOfRange, RowgateError
from gateway.transport.parsing import scan
from gateway.transport.parsing.scan import RequestScan
from gateway.transport.parsing.weight import Malformed, NestedBound, layout_of, weigh
from tests.dear.wire import field, varint
from tests.harness.gateway import schema_of

MIB = 1024 * 1024


def _method(schema: str, path: str) -> Any:
    methods = (m for service in schema_of(schema).services.values() for m in service.methods)
    return next(method for method in methods if method.path == path)


BULK_BOOKS = _method("books", "/books.v1.BookService/BulkUpsertBooks")
BULK_RICHES = _method("types", "/types.v1.RichService/BulkUpsertRiches")
NUMBERS = st.sampled_from([1, 2, 3, 8, 26, 27, 29, 30, 33, 36, 42, 99])


def _spelled(number: int, zeros: int) -> bytes:
    """Return a varint that may be longer than it need be."""
    written = varint(number)
    return written if not zeros else bytes([*written[:-1], written[-1] | 128, *[128] * (zeros - 1), 0])


def _fields(content: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    def made(number: int, wire: int, zeros: int, inner: bytes) -> bytes:
        tag = _spelled(number << 3 | wire, zeros)
        if wire == 2:
            return tag + _spelled(len(inner), zeros) + inner
        if wire == 3:
            return tag + inner + varint(number << 3 | 4)
        return tag + {0: b"\x96\x01", 1: bytes(8), 5: bytes(4)}[wire]

    one = st.builds(made, NUMBERS, st.sampled_from([0, 1, 2, 2, 2, 2, 3, 5]), st.integers(0, 2), content)
    return st.lists(one, max_size=6).map(b"".join)


MESSAGES = st.recursive(st.binary(max_size=6) | st.just(b""), _fields, max_leaves=20)
BODIES = _fields(MESSAGES) | st.tuples(_fields(MESSAGES), st.binary(max_size=4)).map(b"".join)


@contextmanager
def small_slices() -> Iterator[None]:
    """Cut slices so small that every request has several."""
    with patch.object(scan, "SLICE", 8):
        yield


def _parsed(method: Any, parts: Iterator[bytes]) -> Any:
    message = GetMessageClass(method.descriptor.input_type)()
    try:
        for part in parts:
            message.MergeFromString(part)
    except (DecodeError, Malformed):
        return None
    return message


@pytest.mark.parametrize("method", [BULK_BOOKS, BULK_RICHES], ids=["books", "riches"])
@given(body=BODIES)
# A field of messages that comes as a group is an unknown one, whatever that holds.
@example(body=b"\x0b\x12\x01\x00\x12\x00\x12\x00\x12\x00\x0c")
def test_slices_are_parsed_as_the_whole_is(method: Any, body: bytes) -> None:
    kind = RequestScan(method.descriptor.input_type, LimitSettings(), method.request.get("rows"))
    with small_slices():
        assert _parsed(method, kind.slices(body)) == _parsed(method, iter([body]))


@given(BODIES)
def test_a_bound_is_no_less_than_the_weight(body: bytes) -> None:
    layout = layout_of(BULK_RICHES.descriptor.input_type)
    try:
        exact = weigh(body, layout, 0, len(body), 10_000)
    except Malformed:
        return
    bound = NestedBound(layout)(body, 0, len(body))
    assert bound + len(body) >= exact


def test_rows_that_could_hold_packed_numbers_are_bounded_without_a_walk() -> None:
    """A flight's airports have vectors, which bulk writes don't send."""
    request = FLIGHTS.upsert(FLIGHTS.rows(5_000, 1))
    kind = RequestScan(request.DESCRIPTOR, LimitSettings(), request.DESCRIPTOR.fields_by_name["flights"])
    with patch.object(scan, "weigh", side_effect=AssertionError("walked")):
        slices = list(kind.slices(request.SerializeToString()))
    assert len(slices) > 4
    assert b"".join(slices) == request.SerializeToString()


def test_packed_numbers_below_rows_may_not_take_all_the_memory() -> None:
    limits = LimitSettings(max_request_bytes=MIB, max_row_elements=10**6)
    request = FLIGHTS.upsert([]).DESCRIPTOR
    kind = RequestScan(request, limits, request.fields_by_name["flights"])
    airport = field(22, field(11, bytes(40_000)))
    with pytest.raises(InvalidArgument) as caught:
        list(kind.slices(field(request.fields_by_name["flights"].number, airport) * 50))
    assert caught.value.metadata == {"limit_bytes": str(5 * MIB // 2)}


def test_rows_and_elements_are_counted_and_told_by_their_paths() -> None:
    limits = LimitSettings(bulk_max_rows=10, max_row_elements=1000, max_row_bytes=MIB)
    kind = RequestScan(BULK_BOOKS.descriptor.input_type, limits, BULK_BOOKS.request["rows"])
    row = field(1, field(1, b"9"))

    def refused(body: bytes) -> RowgateError:
        with pytest.raises((InvalidArgument, OutOfRange)) as caught:
            list(kind.slices(body))
        return caught.value

    assert list(kind.slices(row * 10)) == [row * 10]
    assert refused(row * 11).reason == "TOO_MANY_ROWS"
    elements = refused(row * 3 + field(1, b"\x42\x00" * 40_000))
    assert (elements.reason, [v.field for v in elements.violations]) == ("TOO_MANY_ELEMENTS", ["books[3]"])
    large = refused(row + field(1, field(6, bytes(MIB))))
    assert (large.reason, [v.field for v in large.violations]) == ("ROW_TOO_LARGE", ["books[1]"])


def test_a_request_of_light_rows_may_not_take_all_the_memory() -> None:
    limits = LimitSettings(max_request_bytes=MIB)
    kind = RequestScan(BULK_BOOKS.descriptor.input_type, limits, BULK_BOOKS.request["rows"])
    with pytest.raises(InvalidArgument) as caught:
        list(kind.slices(field(1, b"\x42\x00" * 10_000) * 50))
    assert caught.value.reason == "TOO_MANY_ELEMENTS"
    assert caught.value.metadata == {"limit_bytes": str(5 * MIB // 2)}
