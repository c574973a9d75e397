"""Whatever a request of Connect holds, it gets one response, in a form that its clients read."""

import gzip
import json
from collections.abc import Sequence
from urllib.parse import quote

from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.load import settings_of
from gateway.errors import InvalidArgument, RowgateError
from gateway.transport.exchange import Exchange, Reply
from gateway.transport.protocols.calls import Calls, refusal
from gateway.transport.protocols.connect.errors import http_status
from gateway.transport.protocols.connect.responder import ConnectResponder
from gateway.transport.served_method import ServedMethod
from tests.transport.protocols.requests import RecordedRequest

SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"]
CHECK, WATCH = (f"/{SERVICE.full_name}/{name}" for name in ("Check", "Watch"))
CODES = range(1, 17)
NAMES = {"code", "message", "details"}


async def answer(exchange: Exchange) -> Reply:
    """Answer with the request, in the field of the response; over a stream as often as its length says."""
    try:
        await exchange.receive()
        health_pb2.HealthCheckRequest.FromString(exchange.request)
    except RowgateError as error:
        return refusal(error)
    except DecodeError:
        return refusal(InvalidArgument("the request is no message", reason="REQUEST_MALFORMED"))
    said = health_pb2.HealthCheckResponse(status=len(exchange.request) % 4).SerializeToString()
    if exchange.channel is None:
        return Reply(said)
    for _ in range(len(exchange.request) % 3):
        await exchange.channel.send(said)
    return Reply()


def responder() -> ConnectResponder:
    """Return one of a unary method that changes nothing, and one with a stream of responses."""
    declared = SERVICE.methods_by_name
    methods = {
        CHECK: ServedMethod(CHECK, declared["Check"], answer, reads=True),
        WATCH: ServedMethod(WATCH, declared["Watch"], answer),
    }
    return ConnectResponder(Calls(methods, settings_of()))


RESPONDER = responder()


async def answered(request: RecordedRequest) -> None:
    answering = RESPONDER.answer(request)
    assert answering is not None
    await answering


TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)
MESSAGES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"{}", b'{"service": "a"}', b'{"servise": "a"}', b"\n\x01a", b"[]", b"\xff"]),
).flatmap(lambda body: st.sampled_from([body, gzip.compress(body, mtime=0)]))


@st.composite
def headers(draw: st.DrawFn, kind: str) -> list[tuple[str, str]]:
    """Draw a request's headers."""
    encodings = st.sampled_from(["gzip", "identity", "br", "deflate, gzip", "gzip;q=0", ""])
    values = {
        "content-type": st.sampled_from([f"application/{kind}json", f"application/{kind}proto; x=y"]) | TEXTS,
        "connect-timeout-ms": st.sampled_from(["0", "5000", "-1", "1e3", "99999999999"]),
        "connect-protocol-version": st.sampled_from(["1", "2", ""]),
        "content-encoding": encodings,
        "accept-encoding": encodings,
        "connect-content-encoding": encodings,
        "connect-accept-encoding": encodings,
        "x-request-id": TEXTS,
    }
    given_names = draw(st.lists(st.sampled_from(sorted(values)), unique=True))
    return [(name, draw(values[name])) for name in {"content-type", *given_names}]


def pieces_of(body: bytes, size: int) -> Sequence[bytes]:
    """Return a body in pieces of so many bytes."""
    return [body[at : at + size] for at in range(0, len(body), size)]


def is_an_error(error: object) -> bool:
    """Whether it is an error as Connect has it."""
    return isinstance(error, dict) and error.keys() <= NAMES and isinstance(error["code"], str)


@given(st.data(), st.sampled_from(["GET", "POST", "PUT"]), MESSAGES, st.integers(1, 20))
async def test_a_unary_request_gets_a_message_or_an_error(
    data: st.DataObject, verb: str, message: bytes, size: int
) -> None:
    codec = data.draw(st.sampled_from(["json", "proto", "xml"]))
    query = f"?connect=v1&encoding={codec}&message={quote(message)}" if verb == "GET" else ""
    request = RecordedRequest(verb, CHECK + query, data.draw(headers("")), pieces_of(message, size))
    await answered(request)
    assert request.ended == ()
    if request.status in {405, 415}:
        assert not request.body
        assert request.header("allow") or request.header("accept-post")
    elif request.status != 200:
        assert request.header("content-type") == "application/json"
        assert is_an_error(json.loads(request.body))
        assert request.status in {http_status(code) for code in CODES}
    elif request.header("content-type") == "application/json":
        assert json.loads(request.body).keys() <= {"status"}
    else:
        health_pb2.HealthCheckResponse.FromString(request.body)


@given(
    st.data(), st.lists(st.tuples(st.sampled_from([0, 0, 1, 2, 9]), MESSAGES), max_size=3), st.integers(1, 9)
)
async def test_a_stream_gets_messages_and_an_end(
    data: st.DataObject, sent: list[tuple[int, bytes]], size: int
) -> None:
    body = b"".join(bytes([flags]) + len(one).to_bytes(4, "big") + one for flags, one in sent)
    cut = data.draw(st.integers(0, len(body)) | st.just(len(body)))
    request = RecordedRequest("POST", WATCH, data.draw(headers("connect+")), pieces_of(body[:cut], size))
    await answered(request)
    assert request.ended == ()
    if request.status == 415:
        return
    assert request.status == 200
    flags, rest, last = 0, request.body, b""
    while rest:
        assert flags == 0, "nothing comes after the end"
        flags, length = rest[0], int.from_bytes(rest[1:5], "big")
        last, rest = rest[5 : 5 + length], rest[5 + length :]
    assert flags == 2
    ended = json.loads(last)
    assert "error" not in ended or is_an_error(ended["error"])
