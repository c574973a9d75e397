"""Frames: what is written is read, however it is cut; what is broken is said."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.errors import ErrorCode, Http2Error
from gateway.transport.wire.http2.frames import PREFACE, FrameReader, frame, header_frames

some_frames = st.lists(
    st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 2**31 - 1), st.binary(max_size=300))
)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut data at places."""
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@given(some_frames, st.lists(st.integers(0, 10_000), max_size=20))
def test_frames_arrive_whole_however_they_are_cut(sent: list[frames.Frame], cuts: list[int]) -> None:
    reader, data = FrameReader(), PREFACE + b"".join(frame(*one) for one in sent)
    assert [found for piece in pieces(data, cuts) for found in reader.feed(piece)] == sent


@given(st.binary(max_size=60))
def test_bytes_that_are_no_preface_are_refused(data: bytes) -> None:
    if PREFACE.startswith(data[: len(PREFACE)]):
        assert not list(FrameReader().feed(data))
    else:
        with pytest.raises(Http2Error):
            list(FrameReader().feed(data))


def test_a_frame_past_the_limit_is_refused_before_its_payload_comes() -> None:
    reader = FrameReader()
    reader.greeted = True
    with pytest.raises(Http2Error) as caught:
        list(reader.feed(frame(frames.DATA, 0, 1, bytes(frames.MAX_FRAME + 1))[:9]))
    assert caught.value.code is ErrorCode.FRAME_SIZE_ERROR


@given(st.binary(max_size=40_000), st.booleans())
def test_a_block_of_any_length_goes_by_frames_that_every_peer_takes(
    block: bytes,
    ends: bool,  # noqa: FBT001 - drawn
) -> None:
    reader = FrameReader()
    reader.greeted = True
    first, *more = reader.feed(header_frames(7, block, ends=ends))
    assert first[0] == frames.HEADERS
    assert bool(first[1] & frames.END_STREAM) == ends
    assert all(kind == frames.CONTINUATION for kind, *_ in more)
    assert [bool(flags & frames.END_HEADERS) for _, flags, *_ in (first, *more)] == [False] * len(more) + [
        True
    ]
    assert b"".join(payload for *_, payload in (first, *more)) == block


@given(st.binary(max_size=50), st.integers(0, 255))
def test_padding_is_taken_off(content: bytes, padding: int) -> None:
    padded = bytes([padding]) + content + bytes(padding)
    assert frames.without_padding(frames.PADDED, padded) == content
    assert frames.without_padding(0, padded) == padded


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x05abcd"])
def test_more_padding_than_payload_is_refused(payload: bytes) -> None:
    with pytest.raises(Http2Error) as caught:
        frames.without_padding(frames.PADDED, payload)
    assert caught.value.code is ErrorCode.PROTOCOL_ERROR


def test_priority_is_taken_off_and_checked() -> None:
    block = struct.pack(">IB", 3, 16) + b"block"
    assert frames.header_fragment(frames.WITH_PRIORITY, 5, block) == b"block"
    with pytest.raises(Http2Error):
        frames.header_fragment(frames.WITH_PRIORITY, 3, block)
