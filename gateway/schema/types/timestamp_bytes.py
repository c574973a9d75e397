"""Timestamps as protobuf writes them, straight from stored times."""

from collections.abc import Callable, Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.schema.types.times import EPOCH_SECONDS, LAST_MICROS, MICROS, decode_timestamp

_MORE = 0x80
"""Set in each byte of a number but the last."""
_LOW_BITS = 14
_LOW = (1 << _LOW_BITS) - 1
_FIRST = (_LOW + 1 - EPOCH_SECONDS) * MICROS
"""The earliest time whose seconds have more bits than those: some hours after 1970 began."""
_KEPT = 16_384
_SAMPLE = 16
"""Times of a column by which it is judged whether many of them are equal."""


class _Parts(dict[int, bytes]):
    """The bytes of parts of times, by their numbers: those of a table have most of them in common."""

    def __init__(self, write: Callable[[int], bytes]) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, number: int) -> bytes:
        if len(self) >= _KEPT:
            self.clear()
        written = self[number] = self._write(number)
        return written


def _number(number: int) -> bytes:
    """Return a number as protobuf writes it: seven bits in each byte, the lowest first."""
    written = bytearray()
    while number >= _MORE:
        written.append(number & (_MORE - 1) | _MORE)
        number >>= 7
    written.append(number)
    return bytes(written)


# The field `seconds` in two parts, the first with its tag, and the field `nanos`.
_low = _Parts(lambda low: bytes((0x08, low & (_MORE - 1) | _MORE, low >> 7 | _MORE)))
_high = _Parts(_number)
_nanos = _Parts(lambda micros: b"\x10" + _number(micros * 1000) if micros else b"")


def timestamp_bytes(value: tuple[int]) -> bytes:
    """Return the bytes of a stored time; raises InvalidValueError for one that no Timestamp holds."""
    micros = value[0]
    if not _FIRST <= micros <= LAST_MICROS:
        return Timestamp(**decode_timestamp(value)).SerializeToString()
    seconds = micros // MICROS + EPOCH_SECONDS
    return _low[seconds & _LOW] + _high[seconds >> _LOW_BITS] + _nanos[micros % MICROS]


def timestamps_bytes(values: Sequence[tuple[int] | None]) -> list[bytes | None]:
    """Return the bytes of many stored times, None of NULL; raises as `timestamp_bytes`."""
    if len({*values[:_SAMPLE]}) <= _SAMPLE // 2:
        made = {value: None if value is None else timestamp_bytes(value) for value in {*values}}
        return [*map(made.__getitem__, values)]
    # Spelled out: a call for each takes a third of the time.
    return [
        None
        if value is None
        else _low[(seconds := micros // MICROS + EPOCH_SECONDS) & _LOW]
        + _high[seconds >> _LOW_BITS]
        + _nanos[micros % MICROS]
        if _FIRST <= (micros := value[0]) <= LAST_MICROS
        else timestamp_bytes(value)
        for value in values
    ]
