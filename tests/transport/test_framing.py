"""Messages and headers as gRPC writes them, whatever comes and however it is cut."""

import asyncio
import base64
import tracemalloc
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.transport.protocols.grpc.headers import read_message, read_timeout, status_headers
from gateway.transport.wire.framing import PIECE, BadFrame, Unframer, frame, pack, prefix
from gateway.transport.wire.headers import BadHeader, read_metadata, write_metadata

LIMIT = 1000
ENCODINGS = st.sampled_from([None, "gzip", "deflate"])
KEYS = st.from_regex(r"[0-9a-z_.][0-9a-z_.-]{0,10}", fullmatch=True).filter(
    lambda key: not key.startswith("grpc-") and key not in {"te", "host", "connection"}
)
PLAIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=50)


def next_of(unframer: Unframer) -> bytes | None:
    """Return the next whole message; so small a one is there at once."""
    asked = unframer.next()
    with pytest.raises(StopIteration) as ended:
        asked.send(None)
    return cast("bytes | None", ended.value.value)


def unframed(data: bytes, cuts: list[int], encoding: str | None) -> list[bytes]:
    """Return the messages of bytes that arrive in pieces."""
    unframer, messages = Unframer(encoding, LIMIT), []
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for begin, end in pairwise(places):
        unframer.feed(data[begin:end])
        while (message := next_of(unframer)) is not None:
            messages.append(message)
    assert not unframer.holds_part
    return messages


@given(st.lists(st.binary(max_size=LIMIT), max_size=5), st.lists(st.integers(0)), ENCODINGS)
def test_messages_come_out_as_they_went_in_however_they_are_cut(
    messages: list[bytes], cuts: list[int], encoding: str | None
) -> None:
    data = b"".join(frame(message, encoding) for message in messages)
    assert unframed(data, cuts, encoding) == messages


def test_a_large_message_is_never_copied_whole() -> None:
    size, piece = 64 * PIECE, bytes(PIECE)
    unframer = Unframer(None, size)
    tracemalloc.start()
    try:
        unframer.feed(prefix(size))
        for _ in range(64):
            assert next_of(unframer) is None
            unframer.feed(piece)
        message = next_of(unframer)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert message == bytes(size)
    assert peak < 1.5 * size


@given(st.binary(max_size=LIMIT), st.binary(min_size=1, max_size=50), st.sampled_from(["gzip", "deflate"]))
def test_nothing_behind_what_is_compressed_is_left_out(message: bytes, more: bytes, encoding: str) -> None:
    for behind in (more, pack(more, encoding)):
        packed = pack(message, encoding) + behind
        unframer = Unframer(encoding, LIMIT)
        unframer.feed(prefix(len(packed), b"\x01") + packed)
        with pytest.raises(BadFrame, match="more behind its end"):
            next_of(unframer)


@given(st.binary(max_size=200), ENCODINGS)
def test_any_bytes_are_messages_or_a_bad_frame(data: bytes, encoding: str | None) -> None:
    unframer = Unframer(encoding, LIMIT)
    unframer.feed(data)
    try:
        while (message := next_of(unframer)) is not None:
            assert len(message) <= LIMIT
    except BadFrame:
        pass


@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
def test_a_message_past_the_limit_is_too_large_also_when_it_is_small_while_compressed(
    encoding: str | None,
) -> None:
    unframer = Unframer(encoding, LIMIT)
    unframer.feed(frame(bytes(LIMIT + 1), encoding))
    with pytest.raises(BadFrame) as caught:
        next_of(unframer)
    assert caught.value.limit is not None


def test_compressed_bytes_need_an_encoding_and_an_end() -> None:
    whole = frame(b"message" * 9, "gzip")
    for encoding, data in [(None, whole), ("gzip", whole[:4] + bytes([whole[4] - 4]) + whole[5:-4])]:
        unframer = Unframer(encoding, LIMIT)
        unframer.feed(data)
        with pytest.raises(BadFrame) as caught:
            next_of(unframer)
        assert caught.value.limit is None


@pytest.mark.parametrize("flags", [2, 3, 128, 255])
def test_flags_that_mean_nothing_are_refused_before_the_message_has_come(flags: int) -> None:
    unframer = Unframer("gzip", LIMIT)
    unframer.feed(bytes([flags, 0, 0, 0, 9]))
    with pytest.raises(BadFrame, match=str(flags)):
        next_of(unframer)


@given(st.text())
def test_a_status_message_of_any_text_is_ascii_and_comes_back(message: str) -> None:
    headers = dict(status_headers(5, message, ()))
    assert headers[b"grpc-status"] == b"5"
    sent = headers.get(b"grpc-message", b"")
    assert all(0x20 <= byte < 0x7F for byte in sent)
    assert read_message(sent) == message.encode("utf-8", "replace").decode()


@given(
    st.lists(
        st.one_of(
            st.tuples(KEYS.filter(lambda key: not key.endswith("-bin")), PLAIN),
            st.tuples(KEYS.map(lambda key: f"{key}-bin"), st.binary(max_size=50)),
        )
    )
)
def test_metadata_comes_back(metadata: list[tuple[str, str | bytes]]) -> None:
    assert list(read_metadata(write_metadata(metadata))) == metadata


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=4))
def test_binary_values_may_be_joined_padded_or_not(values: list[bytes]) -> None:
    padded = b",".join(base64.b64encode(value) for value in values)
    bare = b",".join(base64.b64encode(value).rstrip(b"=") for value in values)
    for joined in (padded, bare):
        assert read_metadata([(b"x-bin", joined)]) == tuple(("x-bin", value) for value in values)


def test_a_binary_value_that_is_not_base64_is_refused() -> None:
    with pytest.raises(BadHeader):
        read_metadata([(b"x-bin", b"!!!")])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(b"5S", 5), (b"1H", 3600), (b"2M", 120), (b"250m", 0.25), (b"99999999n", 0.099999999)],
)
def test_timeouts_are_seconds(value: bytes, seconds: float) -> None:
    assert read_timeout(value) == pytest.approx(seconds)


@pytest.mark.parametrize("value", [b"", b"S", b"5", b"-1S", b"1.5S", b"5s", b"123456789S", b"\xb2S"])
def test_what_is_no_timeout_is_refused(value: bytes) -> None:
    with pytest.raises(BadHeader):
        read_timeout(value)


async def test_others_get_their_turn_while_a_message_is_unpacked() -> None:
    unframer = Unframer("gzip", 4 * PIECE)
    unframer.feed(frame(bytes(4 * PIECE), "gzip"))
    asked = asyncio.ensure_future(unframer.next())
    turns = 0
    while not asked.done():
        await asyncio.sleep(0)
        turns += 1
    assert await asked == bytes(4 * PIECE)
    assert turns >= 4
