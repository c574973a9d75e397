"""Many Timestamps at once are encoded and decoded as each one by itself."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.schema.types.times import decode_timestamps, encode_timestamp, encode_timestamps
from gateway.schema.values import InvalidValueError

_SECONDS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-62_135_596_801, 253_402_300_800),
    st.sampled_from([0, -62_135_596_800, -62_135_596_801, 253_402_300_799, 253_402_300_800]),
)
_NANOS = st.one_of(
    st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 999_999).map(lambda micros: micros * 1000),
    st.sampled_from([0, 1, 999, 1000, -1000, 999_999_000, 999_999_999, 1_000_000_000]),
)


@given(st.lists(st.builds(Timestamp, seconds=_SECONDS, nanos=_NANOS)))
@example([Timestamp(), Timestamp(seconds=1), Timestamp(nanos=1000)])
def test_many_timestamps_are_encoded_as_each_alone(stamps: list[Timestamp]) -> None:
    for stamp, value in zip(stamps, encode_timestamps(stamps), strict=True):
        assert value == _alone(stamp)


def _alone(stamp: Timestamp) -> tuple[int] | None:
    if not stamp.seconds:
        return None  # an unset field reads so too: left to the caller
    try:
        return encode_timestamp(stamp)
    except InvalidValueError:
        return None


@given(st.lists(st.none() | st.builds(Timestamp, seconds=_SECONDS, nanos=_NANOS).map(_alone)))
@example([None, (-1,), (0,), (999_999,)])
def test_many_timestamps_are_decoded_to_what_was_encoded(values: list[tuple[int] | None]) -> None:
    decoded = [None if parts is None else Timestamp(**parts) for parts in decode_timestamps(values)]
    assert [None if stamp is None else encode_timestamp(stamp) for stamp in decoded] == values


@pytest.mark.parametrize("micros", [-(2**63), 2**63 - 1, (253_402_300_800 - 946_684_800) * 10**6])
def test_a_time_that_no_timestamp_holds_is_refused_among_many(micros: int) -> None:
    with pytest.raises(InvalidValueError):
        decode_timestamps([(0,), None, (micros,)])
