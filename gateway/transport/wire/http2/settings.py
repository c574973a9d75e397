"""SETTINGS: what we tell the peer, and what it tells us (RFC 9113, 6.5)."""

import struct
from collections.abc import Iterator, Mapping

from gateway.config.settings import LimitSettings
from gateway.transport.limits.admission import streams_of_connection
from gateway.transport.wire.http2.errors import ErrorCode, Http2Error
from gateway.transport.wire.http2.frames import (
    DEFAULT_WINDOW,
    MAX_FRAME,
    MAX_WINDOW,
    SETTINGS,
    frame,
    window_update,
)
from gateway.transport.wire.http2.request_body import CONNECTION_WINDOW, STREAM_WINDOW

HEADER_TABLE_SIZE = 0x1
DEFAULT_TABLE_SIZE = 4096
ENABLE_PUSH = 0x2
MAX_CONCURRENT_STREAMS = 0x3
INITIAL_WINDOW_SIZE = 0x4
MAX_FRAME_SIZE = 0x5
MAX_HEADER_LIST_SIZE = 0x6

_SETTING = struct.Struct(">HI")
_PROTOCOL, _FLOW = ErrorCode.PROTOCOL_ERROR, ErrorCode.FLOW_CONTROL_ERROR
_ALLOWED: Mapping[int, tuple[range, ErrorCode]] = {
    ENABLE_PUSH: (range(2), _PROTOCOL),
    INITIAL_WINDOW_SIZE: (range(MAX_WINDOW + 1), _FLOW),
    MAX_FRAME_SIZE: (range(MAX_FRAME, 2**24), _PROTOCOL),
}


def greeting(limits: LimitSettings) -> bytes:
    """Return what a server begins with: its SETTINGS, and how much it takes over the connection."""
    values = {
        MAX_CONCURRENT_STREAMS: streams_of_connection(limits),
        INITIAL_WINDOW_SIZE: STREAM_WINDOW,
        MAX_HEADER_LIST_SIZE: limits.max_metadata_bytes,
    }
    payload = b"".join(_SETTING.pack(key, value) for key, value in values.items())
    return frame(SETTINGS, 0, 0, payload) + window_update(0, CONNECTION_WINDOW - DEFAULT_WINDOW)


NO_TABLE = frame(SETTINGS, 0, 0, _SETTING.pack(HEADER_TABLE_SIZE, 0))
"""Asks for no dynamic table: a client then sends the same bytes for each call but for its deadline."""


def read_settings(payload: bytes) -> Iterator[tuple[int, int]]:
    """Yield the settings of a SETTINGS frame; raises Http2Error for what can't be."""
    if len(payload) % _SETTING.size:
        raise Http2Error(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS of a broken length")
    for key, value in _SETTING.iter_unpack(payload):
        allowed, code = _ALLOWED.get(key, (None, ErrorCode.NO_ERROR))
        if allowed is not None and value not in allowed:
            raise Http2Error(code, f"{value} for the setting {key}")
        yield key, value
