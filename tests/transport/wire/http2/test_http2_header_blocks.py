"""Header blocks: what is read is what hpack reads, remembered or not; what is written needs no table."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple
from unittest.mock import Mock

import pytest
from hpack import Decoder, Encoder, HPACKError
from hpack.hpack import encode_integer
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.huffman_table import decode_huffman as hpack_decode
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.config.address import Address
from gateway.config.load import settings_of
from gateway.transport.host_names import host_names
from gateway.transport.protocols.grpc.plain import PlainMethod
from gateway.transport.wire.caller_headers import CallerHeaders
from gateway.transport.wire.headers import find, only
from gateway.transport.wire.http2.errors import ErrorCode, Http2Error, StreamError
from gateway.transport.wire.http2.header_blocks.huffman import decode_huffman
from gateway.transport.wire.http2.header_blocks.reader import HeaderReader, SharedBlocks
from gateway.transport.wire.http2.header_blocks.varying import VariedHeaders, read_only, read_value
from gateway.transport.wire.http2.header_blocks.writer import write_block
from gateway.transport.wire.http2.request_head import Head, HeadReader
from gateway.transport.wire.request import Header

LIMIT = 4096
Plain = tuple[list[Header], CallerHeaders]
"""Headers but for those of callers, and these."""
CODED = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
NO_TABLE = b"\x20"
"""A block that sets the dynamic table's size to nothing (RFC 7541, 6.3)."""
TABLE = b"\x3f\xe1\x1f"
"""One that sets it to 4,096 bytes."""
names = st.sampled_from([b":path", b":method", b"content-type", b"grpc-timeout", b"x-a", b"x-" + b"n" * 40])
values = st.sampled_from([b"", b"POST", b"application/grpc", b"20S", b"v" * 150]) | st.binary(max_size=20)
headers = st.lists(st.tuples(names, values), max_size=8)
steps = st.lists(
    st.tuples(headers, st.booleans(), st.sampled_from([None, None, None, 0, 64, 200, 4096])), max_size=12
)
# Few shapes, so that blocks are alike; values that look like the names that vary, and that no call has.
varying = st.sampled_from(
    [b"grpc-timeout", b"traceparent", b"x-request-id", b"authorization", b"rowgate-consistency"]
)
texts = st.sampled_from(
    [b"20S", b"19999m", b"0m", b"soon", b"", b"a b", b"t" * 200, b"\x0cgrpc-timeout\x0220S"]
) | st.integers(100, 400).map(lambda size: b"Bearer " + b"W" * size)
consistencies = st.lists(st.sampled_from([b"any", b"at-least=" + b"A" * 60, b"bounded=2s", b""]), max_size=2)
fixed = st.sampled_from(
    [(b":path", b"/x.Y/Z"), (b"x-a", b"\x0cgrpc-timeout"), (b"x-\x0cgrpc-timeout", b"20S")]
)
alike = st.lists(st.tuples(varying, texts) | fixed, max_size=4)
literals = st.sampled_from([0x00, 0x10])
FAST = {"/x.Y/Z": PlainMethod("/x.Y/Z", Mock(), Mock(), 0)}
TRACES = [b"00-%032x-%016x-01" % (n, n + 1) for n in range(3)]
HOSTS = host_names(settings_of().server, Address("127.0.0.1", 50051))


def never_indexed(fields: Sequence[Header], pattern: int) -> bytes:
    """Return a block of literals that stay out of the table (RFC 7541, 6.2.2 and 6.2.3)."""
    strings = [bytes([pattern]) + b"".join(bytes([len(s)]) + s for s in field) for field in fields]
    return b"".join(strings)


def no_table(fields: Sequence[Header], *, huffman: bool) -> bytes:
    """Return a block as a client writes it that may use no dynamic table."""
    encoder = Encoder()
    encoder.header_table_size = 0
    encoder.encode([])  # as NO_TABLE
    return encoder.encode(fields, huffman=huffman)


def static_names(fields: Sequence[Header], *, huffman: bool) -> bytes:
    """Return a block as grpc-go writes it: without the table, but for names of the static one."""
    strings = [
        (b"\x0f\x08" if name == b"authorization" else b"\x00" + _string(name, huffman=huffman))
        + _string(value, huffman=huffman)
        for name, value in fields
    ]
    return b"".join(strings)


def _string(text: bytes, *, huffman: bool) -> bytes:
    coded = CODED.encode(text) if huffman else text
    length = encode_integer(len(coded), 7)
    length[0] |= 0x80 if huffman else 0
    return bytes(length) + coded


def with_values(fields: list[Header], at: Sequence[int], written: Sequence[bytes]) -> list[Header] | None:
    """Return headers with other values at some places, counted from the last; None for what must be read."""
    varied = VariedHeaders(fields, at, written)
    return None if None in map(read_value, written) else list(varied)


def apart(fields: Iterable[Header]) -> Plain:
    """Return headers without those of callers, and their values; with one that isn't alone, or is empty."""
    left = [(bytes(name), bytes(value)) for name, value in fields]
    told = []
    for of_caller in (b"authorization", b"rowgate-consistency"):
        found = [value for name, value in left if name == of_caller]
        told.append(found[0] if len(found) == 1 else b"")
        if told[-1]:
            left = [field for field in left if field[0] != of_caller]
    return left, CallerHeaders(*told)


def plain_reader(limit: int = LIMIT) -> HeaderReader[list[Header]]:
    """Return a reader that makes nothing of headers."""
    return HeaderReader(limit, limit, apart, with_values)


def outcome(read: Callable[[bytes], Plain], block: bytes) -> Plain | None:
    """Return the headers of a block, None for an error."""
    try:
        return read(block)
    except (Http2Error, HPACKError, ValueError, IndexError):
        return None


def decoded(decoder: Decoder, block: bytes) -> Plain | None:
    """Return the headers of a block as hpack reads them, None for an error."""
    return outcome(lambda data: apart(decoder.decode(data, raw=True)), block)


@given(steps, st.lists(st.integers(0, 30), max_size=30), literals)
@settings(max_examples=300)
def test_remembered_blocks_say_what_a_decoder_says(
    made: list[tuple[list[Header], bool, int | None]], again: list[int], pattern: int
) -> None:
    encoder, reader, decoder = Encoder(), plain_reader(), Decoder(LIMIT)
    blocks: list[bytes] = []
    for fields, indexed, resize in made:
        if resize is not None and indexed:
            encoder.header_table_size = resize
        blocks.append(encoder.encode(fields) if indexed else never_indexed(fields, pattern))
        # A block that comes again means something else where the table has changed; both have to see that.
        blocks += [blocks[number % len(blocks)] for number in again[:3]]
    for block in blocks:
        expected = decoded(decoder, block)
        assert outcome(reader.read, block) == expected
        if expected is None:
            break  # the connection ends


@given(st.lists(st.binary(min_size=1, max_size=12) | st.sampled_from([b"\x82\x84", b"\xbe", b"\x3f\x00"])))
@settings(max_examples=300)
def test_any_bytes_are_read_as_a_decoder_reads_them(blocks: list[bytes]) -> None:
    reader, decoder = plain_reader(), Decoder(LIMIT)
    for block in [*blocks, *blocks]:
        expected = decoded(decoder, block)
        assert outcome(reader.read, block) == expected
        if expected is None:
            break


@given(st.lists(st.integers(1, 99_999_999), max_size=200), st.booleans(), st.integers(100, LIMIT))
def test_deadlines_that_differ_are_read_as_a_decoder_reads_them(
    timeouts: list[int],
    huffman: bool,  # noqa: FBT001 - drawn
    limit: int,
) -> None:
    encoder, reader, decoder = Encoder(), plain_reader(limit), Decoder(limit)
    for timeout in timeouts:
        fields = [
            (b":path", b"/x.Y/Z"),
            (b"grpc-timeout", b"%du" % timeout),
            (b"user-agent", b"grpc-go/1.85.0"),
        ]
        block = encoder.encode(fields, huffman=huffman)
        expected = decoded(decoder, block)
        assert outcome(reader.read, block) == expected
        if expected is None:
            break


def test_trailers_that_change_the_table_end_what_is_remembered() -> None:
    encoder, reader = Encoder(), plain_reader()
    reader.read(encoder.encode([(b"x-a", b"1")]))
    newest = b"\xbe"
    assert reader.read(newest) == apart([(b"x-a", b"1")])
    assert reader.headers(encoder.encode([(b"x-b", b"2")])) == [(b"x-b", b"2")]
    assert reader.read(newest) == apart([(b"x-b", b"2")])


def test_blocks_that_resize_the_table_are_never_remembered() -> None:
    shut, wide = b"\x20\x83", b"\x3f\xe1\x1f\x83"
    reader, decoder = plain_reader(), Decoder(LIMIT)
    for block in (shut, wide, shut, Encoder().encode([(b"x-a", b"1")]), b"\xbe"):
        expected = decoded(decoder, block)
        assert outcome(reader.read, block) == expected
    assert expected is None  # a table of no size keeps nothing


def test_what_is_remembered_is_made_once_and_bounded() -> None:
    made: list[list[Header]] = []

    def make(fields: list[Header]) -> tuple[int, CallerHeaders]:
        made.append(fields)
        return len(made), CallerHeaders()

    reader = HeaderReader(LIMIT, LIMIT, make, lambda known, _at, _written: known)
    assert reader.read(b"\x83") == reader.read(b"\x83") == (1, CallerHeaders())
    for number in range(1000):
        reader.read(never_indexed([(b"x-n", b"%d" % number), (b"grpc-timeout", b"1S")], 0))
    assert len(made) == 1001
    assert len(reader._whole._known) <= 64
    assert len(reader._whole._alike) <= 64


@pytest.mark.parametrize("write", [no_table, static_names])
def test_blocks_that_differ_in_a_deadline_and_a_trace_are_made_once(write: Callable[..., bytes]) -> None:
    """Those of many users, too, where a client writes names from the static table."""
    made: list[list[Header]] = []

    def make(fields: list[Header]) -> Plain:
        made.append(fields)
        return apart(fields)

    reader = HeaderReader(4 * LIMIT, 4 * LIMIT, make, with_values)
    reader.read(NO_TABLE)
    made.clear()
    for n in range(100):
        fields = [
            (b":path", b"/x.Y/Z"),
            (b"grpc-timeout", b"%du" % (250_000 - n)),
            (b"authorization", b"Bearer " + (b"a%d" % n if write is static_names else b"a") * 300),
            (b"traceparent", b"00-%032x-%016x-01" % (n + 1, n + 7)),
        ]
        assert reader.read(write(fields, huffman=bool(n & 1))) == apart(fields)
    assert len(made) == 2  # with Huffman's code and without


def test_a_token_that_holds_what_looks_like_a_name_is_a_value_all_the_same() -> None:
    made: list[list[Header]] = []

    def make(fields: list[Header]) -> Plain:
        made.append(fields)
        return apart(fields)

    reader = HeaderReader(4 * LIMIT, 4 * LIMIT, make, with_values)
    for n in range(50):
        fields = [
            (b":path", b"/x.Y/Z"),
            (b"authorization", b"Bearer " + b"a" * 200 + b"\x0cgrpc-timeout\x0220S" * 3 + b"%d" % n),
            (b"grpc-timeout", b"%du" % (250_000 - n)),
        ]
        assert reader.read(static_names(fields, huffman=False)) == apart(fields)
    assert len(made) == 1 + 49  # what is no plain text is looked at each time
    made.clear()
    for n in range(50):
        fields[1] = b"authorization", b"Bearer " + b"a" * 200 + b"%d" % n
        reader.read(static_names(fields, huffman=False))
    assert len(made) <= 2


@given(
    st.lists(alike, min_size=1, max_size=20),
    st.booleans(),
    st.sampled_from([no_table, static_names]),
    st.integers(100, 3 * LIMIT),
)
@settings(max_examples=300)
def test_blocks_that_are_alike_are_read_as_a_decoder_reads_them(
    blocks: list[list[Header]],
    huffman: bool,  # noqa: FBT001 - drawn
    write: Callable[..., bytes],
    limit: int,
) -> None:
    reader, decoder = plain_reader(limit), Decoder(limit)
    for block in [NO_TABLE, *(write(fields, huffman=huffman) for fields in blocks)]:
        expected = decoded(decoder, block)
        assert outcome(reader.read, block) == expected
        if expected is None:
            break


@pytest.mark.parametrize("limit", [200, 700, 4 * LIMIT])
@pytest.mark.parametrize("size", [20, 50, 120, 300])
@pytest.mark.parametrize("place", [1, 2])
@pytest.mark.parametrize(
    "of_callers",
    [
        (b"authorization",),
        (b"rowgate-consistency",),
        (b"authorization", b"rowgate-consistency"),
        (b"rowgate-consistency", b"authorization"),
    ],
    ids=lambda names: b" ".join(names).decode(),
)
def test_what_callers_have_in_common_is_made_once_and_nobody_is_taken_for_another(
    limit: int, size: int, place: int, of_callers: Sequence[bytes]
) -> None:
    """Tokens differ in their first byte, their last, or in their length; connections share all but them."""
    varied: list[Sequence[bytes]] = []

    def vary(known: list[Header], at: Sequence[int], written: Sequence[bytes]) -> list[Header] | None:
        varied.append(written)
        return with_values(known, at, written)

    shared: dict[Hashable, list[Header]] = {}
    readers = [HeaderReader(4 * LIMIT, limit, apart, vary, shared=(shared, {})) for _ in range(2)]
    for reader in readers:
        reader.read(NO_TABLE)
    for n in range(400):
        fields = [(b":path", b"/x.Y/Z"), (b"grpc-timeout", b"%du" % (250_000 + n % 10))]
        told = {
            b"authorization": b"%d" % (n % 5) + b"a" * (size + n % 3) + b"%d" % (n % 7),
            b"rowgate-consistency": b"%d" % (n % 3) + b"a" * (min(size, 100) + n % 5) + b"%d" % (n % 11),
        }
        sent = [(name, told[name]) for name in of_callers]
        block = static_names([*fields[:place], *sent, *fields[place:]], huffman=bool(n & 4))
        expected = CallerHeaders(*(told[name] if name in of_callers else b"" for name in told))
        assert readers[n % 2].read(block) == (fields, expected)
    assert b"aaaa" not in repr(shared).encode()
    if limit > 1000:
        assert len(varied) == len(shared) == 2 * 10  # with Huffman's code and without


def test_what_a_small_table_has_room_for_is_added_to_it() -> None:
    encoder, reader, decoder = Encoder(), plain_reader(), Decoder(LIMIT)
    encoder.header_table_size = 60
    newest = b"\xbe"
    timeouts = [[(b"grpc-timeout", text)] for text in (b"1" * 20, b"2" * 20, b"1S")]
    for block in [encoder.encode([]), *map(encoder.encode, timeouts), newest]:
        expected = decoded(decoder, block)
        assert outcome(reader.read, block) == expected
    assert expected == apart(timeouts[-1])


def added_or_not(deadline: bytes) -> list[bytes]:
    """Return a call's blocks that are added to the table, and not (RFC 7541, 6.2.1 and 6.2.2)."""
    fields = [(b":path", b"/x.Y/Z"), (b"grpc-timeout", deadline)]
    return [never_indexed(fields, pattern) for pattern in (0x40, 0x00)]


def called(by: bytes, before: bytes, after: bytes) -> list[bytes]:
    """Return a caller's blocks, whose credential stays out of the table, or is added to it."""
    credential = _string(b"Bearer " + by, huffman=False)
    return [before + name + credential + after for name in (b"\x0f\x08", b"\x1f\x08", b"\x57")]


(ADDED, PLAIN), (ADDED_LATER, PLAIN_LATER) = map(added_or_not, (b"20S", b"19999m"))
CALLED = [
    block
    for by in (b"a" * 9, b"b" * 9, b"c" * 10)
    for before, after in ((PLAIN, b""), (PLAIN_LATER, b""), (b"", PLAIN), (b"", PLAIN_LATER))
    for block in called(by, before, after)
]
calls = st.sampled_from([ADDED, PLAIN, ADDED_LATER, PLAIN_LATER, NO_TABLE, TABLE, b"\xbe"]) | st.sampled_from(
    CALLED
)


@given(st.lists(st.tuples(st.integers(0, 1), calls), max_size=30))
@example([(0, ADDED), (0, ADDED_LATER), (1, TABLE), (1, PLAIN), (1, ADDED_LATER), (1, b"\xbe")])
@example([(0, PLAIN), (0, PLAIN_LATER), (1, CALLED[2]), (1, PLAIN_LATER)])
@settings(max_examples=500)
def test_connections_that_share_what_blocks_say_read_as_decoders_of_their_own(
    blocks: list[tuple[int, bytes]],
) -> None:
    """A block that one without a table has read may add to the table of another."""
    shared: dict[Hashable, list[Header]] = {}
    readers = [HeaderReader(LIMIT, LIMIT, apart, with_values, shared=(shared, {})) for _ in range(2)]
    decoders = [Decoder(LIMIT), Decoder(LIMIT)]
    for number, block in [(0, NO_TABLE), (1, NO_TABLE), *blocks]:
        expected = decoded(decoders[number], block)
        assert outcome(readers[number].read, block) == expected
        if expected is None:
            break


def test_a_deadline_that_any_connection_has_sent_is_read_once_and_so_many_are_kept() -> None:
    varied: list[bytes] = []

    def vary(known: list[Header], at: Sequence[int], written: Sequence[bytes]) -> list[Header] | None:
        varied.extend(written)
        return with_values(known, at, written)

    shared: dict[Hashable, list[Header]] = {}
    readers = [HeaderReader(LIMIT, LIMIT, apart, vary, shared=(shared, {})) for _ in range(2)]
    for reader in readers:
        reader.read(NO_TABLE)
        for n in range(200):
            fields = [(b":path", b"/x.Y/Z"), (b"grpc-timeout", b"%du" % (250_000 + n % 100))]
            assert reader.read(static_names(fields, huffman=False)) == apart(fields)
    assert len(varied) == len(shared) == 100
    for n in range(10_000):
        readers[0].read(static_names([(b":path", b"/x.Y/Z"), (b"grpc-timeout", b"%dm" % n)], huffman=False))
    assert len(shared) <= 4096
    traced = [[(b":path", b"/x.Y/Z"), (b"traceparent", trace)] for trace in TRACES]
    before = dict(shared)
    assert [readers[1].read(static_names(one, huffman=False)) for one in traced] == [*map(apart, traced)]
    assert shared == before  # ids don't come again


@given(
    st.lists(st.tuples(texts, st.sampled_from(TRACES), texts, consistencies), min_size=2, max_size=4),
    texts,
    st.sampled_from([b"localhost", b"evil.example"]),
    st.sampled_from([800, 1000, 2000]),
)
def test_a_head_that_is_alike_says_what_one_that_is_read_says(
    calls: list[tuple[bytes, bytes, bytes, list[bytes]]], request_id: bytes, authority: bytes, limit: int
) -> None:
    read = HeadReader(FAST, limit, HOSTS)
    reader = HeaderReader(LIMIT, limit, read, read.vary)
    for timeout, trace, credential, asked in calls:
        fields = [
            *request(timeout, trace, request_id, authority),
            (b"authorization", credential),
            *((b"rowgate-consistency", one) for one in asked),
        ]
        head, told = reader.read(write_block(fields))
        for name, _ in head.headers:
            assert read_only(head.headers, name) == only(list(head.headers), name)
        assert read_only(head.headers, b"x-missing") == b""
        expected, alone = read(fields)
        assert (plainly(head), told) == (plainly(expected), alone)
        assert sorted(head.headers_of(told)) == sorted(expected.headers_of(alone))
        assert head.fast is None or head.size_of(told) <= limit


def request(timeout: bytes, trace: bytes, request_id: bytes = b"r", authority: bytes = b"") -> list[Header]:
    """Return the headers of a call."""
    return [
        *((b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/x.Y/Z")),
        *((b":authority", authority), (b"content-type", b"application/grpc")),
        *((b"grpc-timeout", timeout), (b"traceparent", trace), (b"x-request-id", request_id)),
    ]


def plainly(head: Head) -> tuple[object, ...]:
    """Return what a head says, for comparing; its size may be another's that is alike."""
    return head._replace(headers=list(head.headers), size=0)


def test_a_trace_that_is_none_is_empty_and_the_call_goes_on() -> None:
    read = HeadReader(FAST, 2000)
    reader = HeaderReader(LIMIT, 2000, read, read.vary)
    for trace in (TRACES[0], b"a\nb", TRACES[1]):
        head, _ = reader.read(write_block(request(b"1S", trace)))
        assert head.fast is not None
        assert find(head.headers, b"traceparent") == (trace if trace in TRACES else b"")


paths = st.one_of(
    st.text("abc/?=%", max_size=20).map(lambda text: f"/{text}".encode()),
    st.sampled_from([b"", b"/x.Y/Z", b"*", b"/\xff", b"/a b", b"/" + b"y" * 500, b"/" + b"y" * 1200]),
)


@given(
    st.lists(st.tuples(paths, texts, st.sampled_from(TRACES), texts), min_size=2, max_size=6),
    st.sampled_from([b"GET", b"DELETE", b"POST"]),
    st.sampled_from([b"localhost", b"evil.example"]),
    st.sampled_from([800, 1000, 2000]),
    st.sampled_from([write_block, partial(static_names, huffman=True), partial(no_table, huffman=False)]),
)
def test_a_head_of_another_path_says_what_one_that_is_read_says(
    calls: list[tuple[bytes, bytes, bytes, bytes]],
    method: bytes,
    authority: bytes,
    limit: int,
    write: Callable[[Sequence[Header]], bytes],
) -> None:
    read = HeadReader(FAST, limit, HOSTS, _bodiless)
    shared: SharedBlocks[Head] = ({}, {})
    readers = [
        HeaderReader(LIMIT, limit, read, read.vary, with_path=read.with_path, shared=shared) for _ in range(2)
    ]
    for reader in readers:
        reader.read(NO_TABLE + write_block(request(b"1S", TRACES[0])))
    for number, (path, timeout, trace, credential) in enumerate(calls):
        told = [(b":method", method), *request(timeout, trace, b"r", authority)[1:]]
        fields = [(name, path if name == b":path" else value) for name, value in told]
        block = write([*fields, (b"authorization", credential)])
        answers = [_head_or_error(reader.read, block) for reader in (readers[number % 2], readers[0])]
        expected = _head_or_error(read, [*fields, (b"authorization", credential)])
        assert answers == [expected] * 2


def _bodiless(fields: Sequence[Header]) -> Any:
    """Return what headers say to the fast path, as something that can be compared."""
    return Bodiless(find(fields, b"grpc-timeout"), find(fields, b"x-request-id"))


class Bodiless(NamedTuple):
    """Says what it was told."""

    timeout: bytes | None
    request_id: bytes | None

    def with_header(self, name: bytes, value: bytes) -> "Bodiless":
        """Return it with another value."""
        return self._replace(**{"timeout" if name == b"grpc-timeout" else "request_id": value})


def _head_or_error(read: Callable[..., tuple[Head, CallerHeaders]], given: Any) -> tuple[object, ...] | str:
    """Return what a head says, the size with the credential's; an error's words where it is none."""
    try:
        head, told = read(given)
    except (Http2Error, StreamError) as error:
        return str(error)
    return (*plainly(head), told)


def test_blocks_of_other_paths_are_made_once() -> None:
    made = list[Sequence[Header]]()
    read = HeadReader({}, LIMIT, None, made.append)  # type: ignore[arg-type,func-returns-value]
    reader = HeaderReader(LIMIT, LIMIT, read, read.vary, with_path=read.with_path)
    for method in (b"GET", b"DELETE"):
        for number in range(100):
            fields = [(b":method", method), *request(b"1S", TRACES[number % 2])[1:]]
            path = b"/v1/items/%d?a=%d" % (number, number)
            block = write_block([(name, path if name == b":path" else value) for name, value in fields])
            head, _ = reader.read(block)
            assert (head.path, head.query) == (f"/v1/items/{number}", f"a={number}")
    assert len(made) == 2 * 2  # of the path that came first, and of any


@given(headers)
def test_what_is_written_needs_no_table(fields: list[Header]) -> None:
    decoder = Decoder(2**20)
    assert decoded(decoder, write_block(fields)) == (fields, CallerHeaders())
    assert not decoder.header_table.dynamic_entries


def test_a_bomb_ends_the_connection() -> None:
    encoder, reader = Encoder(), plain_reader()
    reader.read(encoder.encode([(b"x-bomb", b"b" * 2000)]))
    with pytest.raises(Http2Error) as caught:
        reader.read(b"\xbe" * 100)
    assert caught.value.code is ErrorCode.ENHANCE_YOUR_CALM


@given(st.binary(max_size=40) | st.binary(max_size=60).map(CODED.encode))
def test_strings_are_decoded_as_hpack_does(text: bytes) -> None:
    try:
        expected = hpack_decode(text)
    except HPACKError:
        with pytest.raises(HPACKError):
            decode_huffman(text)
    else:
        assert decode_huffman(text) == expected
