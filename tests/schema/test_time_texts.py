"""Stored times are written as protobuf writes them, however many are asked for."""

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.schema.types.times import timestamp_json

_EPOCH = 946_684_800
_MANY = 10_000


def test_times_are_written_as_protobuf_writes_them() -> None:
    """More times than texts are kept of: each has its own, again when it is asked for once more."""
    stored = [(n * 86_399_123_457 * (-1) ** n,) for n in range(_MANY)]
    stored += [(n * 61_000_000,) for n in range(_MANY)]
    for micros in stored + stored[-10:]:
        seconds, rest = divmod(micros[0], 1_000_000)
        made = Timestamp(seconds=seconds + _EPOCH, nanos=rest * 1000)
        assert timestamp_json(micros) == made.ToJsonString()


def test_no_more_texts_are_kept_than_a_few_pages_need() -> None:
    """What is kept is bounded: a table has more times than there is memory."""
    for n in range(_MANY):
        timestamp_json((n,))
    assert len(timestamp_json.__self__) < _MANY  # type: ignore[attr-defined]
