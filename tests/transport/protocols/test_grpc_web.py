"""gRPC-Web as gRPC, whatever pieces its text comes in."""

from base64 import b64decode, b64encode
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidArgument
from gateway.transport.protocols.grpc_web import GrpcWebRequest
from tests.transport.protocols.requests import RecordedRequest

BINARY, TEXT = "application/grpc-web+proto", "application/grpc-web-text+proto"
_PATH = "/books.v1.BookService/GetBook"


def web(content_type: str, body: Sequence[bytes] = ()) -> tuple[GrpcWebRequest, RecordedRequest]:
    """Return a request as gRPC sees it, and as it was sent."""
    sent = RecordedRequest("POST", _PATH, [("content-type", content_type), ("te", "x")], body)
    return GrpcWebRequest(sent, content_type.encode()), sent


async def read_all(request: GrpcWebRequest) -> bytes:
    """Read a body until its end."""
    pieces = []
    while piece := await request.read():
        pieces.append(piece)
    return b"".join(pieces)


@st.composite
def texts(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """Draw bytes, and their base64 in segments that are cut anywhere."""
    segments = draw(st.lists(st.binary(max_size=30), max_size=5))
    text = b"".join(map(b64encode, segments))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    return b"".join(segments), [piece for piece in pieces if piece]


@given(texts())
async def test_text_is_read_however_it_is_cut(drawn: tuple[bytes, list[bytes]]) -> None:
    body, pieces = drawn
    request, _ = web(TEXT, pieces)
    assert await read_all(request) == body


@pytest.mark.parametrize("body", [b"QUI", b"QU I", b"====", b"A===", b"Q\xffI=", b"QQ=Q"])
async def test_text_that_is_no_base64_is_refused(body: bytes) -> None:
    request, _ = web(TEXT, [body])
    with pytest.raises(InvalidArgument):
        await read_all(request)


@pytest.mark.parametrize("content_type", [BINARY, TEXT])
async def test_trailers_end_the_body(content_type: str) -> None:
    request, sent = web(content_type)
    assert (b"content-type", b"application/grpc+proto") in request.headers
    assert request.trailers
    request.start(200, [(b"content-type", b"application/grpc+proto"), (b"a", b"b")])
    await request.write(b"\0\0\0\0\1m")
    await request.end([(b"grpc-status", b"0"), (b"x-request-id", b"7")])
    trailers = b"grpc-status:0\r\nx-request-id:7\r\n"
    frames = [b"\0\0\0\0\1m", b"\x80" + len(trailers).to_bytes(4, "big") + trailers]
    assert sent.pieces == (frames if content_type is BINARY else [b64encode(one) for one in frames])
    assert (sent.header("content-type"), sent.header("a"), sent.ended) == (content_type, "b", ())


async def test_a_large_message_is_text_part_by_part() -> None:
    request, sent = web(TEXT)
    request.start(200, [])
    message = bytes(range(256)) * 4_000
    await request.write(message)
    assert len(sent.pieces) > 1
    assert b64decode(sent.body, validate=True) == message


async def test_a_call_without_messages_has_its_status_among_its_headers() -> None:
    request, sent = web(BINARY)
    await request.respond(200, [(b"content-type", b"application/grpc+proto"), (b"grpc-status", b"5")])
    assert (sent.header("content-type"), sent.header("grpc-status"), sent.body) == (BINARY, "5", b"")


async def test_a_refusal_that_is_no_call_s_stays_as_it_is() -> None:
    request, sent = web(TEXT)
    await request.respond(415, [(b"content-type", b"text/plain")], b"no codec")
    assert (sent.status, sent.header("content-type"), sent.body) == (415, "text/plain", b"no codec")
