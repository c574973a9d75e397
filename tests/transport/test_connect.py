"""Connect over HTTP/1.1, as scripts and clients send it; its conformance suite takes all other ways."""

import base64
import gzip
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from google.rpc import error_details_pb2

from tests.conftest import gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway
from tests.harness.http import Answer, ask

SERVICE = "books.v1.BookService"
MIB = 1024 * 1024
BOOK = {"isbn": "1", "title": "Öne", "pages": "9007199254740993"}


@pytest.fixture(scope="module")
async def books(databases: Databases) -> AsyncIterator[RunningGateway]:
    """Serve the books, for the module."""
    async with gateways(databases, transport="http") as start:
        yield await start("books", max_request_bytes=4 * MIB, http_allowed_origins="https://shop.example")


@pytest.fixture(autouse=True)
async def _one_book(books: RunningGateway) -> None:
    await books.sql("TRUNCATE book")
    await books.call(f"{SERVICE}/CreateBook", book={"isbn": "1", "title": "Öne", "pages": 2**53 + 1})


async def call(books: RunningGateway, method: str, body: Any, **headers: str) -> Answer:
    """Call with a message's JSON, or with bytes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await ask(books.target, "POST", f"/{SERVICE}/{method}", body, named)


async def get(books: RunningGateway, method: str, headers: Mapping[str, str] = {}, /, **query: str) -> Answer:
    """Call by GET."""
    path = f"/{SERVICE}/{method}?{urlencode({'connect': 'v1', **query})}"
    return await ask(books.target, "GET", path, headers=headers)


def envelopes(body: bytes) -> list[tuple[int, Any]]:
    """Return the envelopes of a stream in JSON: flags, and what is in them."""
    found = []
    while body:
        size = int.from_bytes(body[1:5], "big")
        found.append((body[0], json.loads(body[5 : 5 + size])))
        body = body[5 + size :]
    return found


def envelope(message: bytes, flags: int = 0) -> bytes:
    """Return a message in its envelope."""
    return bytes([flags]) + len(message).to_bytes(4, "big") + message


@pytest.mark.parametrize("version", [{}, {"connect_protocol_version": "1"}], ids=["script", "client"])
async def test_json_and_protobuf_say_the_same(books: RunningGateway, version: dict[str, str]) -> None:
    got = await call(books, "GetBook", {"isbn": "1"}, **version)
    assert (got.status, got.json) == (200, BOOK)
    request = books.client.message("books.v1.GetBookRequest", isbn="1").SerializeToString()
    binary = await call(books, "GetBook", request, content_type="application/proto", **version)
    book = await books.call(f"{SERVICE}/GetBook", isbn="1")
    assert (binary.status, binary.headers["content-type"]) == (200, "application/proto")
    assert binary.body == book.SerializeToString()


async def test_what_changes_nothing_is_called_by_get_too(books: RunningGateway) -> None:
    plain = await get(books, "GetBook", encoding="json", message='{"isbn": "1"}')
    assert (plain.status, plain.json) == (200, BOOK)
    request = books.client.message("books.v1.GetBookRequest", isbn="1").SerializeToString()
    packed = base64.urlsafe_b64encode(gzip.compress(request)).decode().rstrip("=")
    binary = await get(books, "GetBook", encoding="proto", base64="1", compression="gzip", message=packed)
    assert binary.headers["content-type"] == "application/proto"
    assert b"\xc3\x96ne" in binary.body
    assert (await get(books, "ListBooks", encoding="json", message="{}")).json["books"] == [BOOK]
    nothing = await get(books, "CountBooks", encoding="proto", base64="1", compression="gzip", message="")
    assert nothing.body == b"\x08\x01"
    missing = await get(books, "GetBook", encoding="json", message='{"isbn": "7"}')
    assert (missing.status, missing.json["code"]) == (404, "not_found")


async def test_a_get_that_is_none_says_why(books: RunningGateway) -> None:
    write = await get(books, "DeleteBook", encoding="json", message='{"isbn": "1"}')
    assert (write.status, write.headers["allow"]) == (405, "POST")
    unread = await get(books, "GetBook", encoding="json", base64="1", message="!")
    assert (unread.status, unread.json["code"]) == (400, "invalid_argument")
    other = await get(books, "GetBook", encoding="thrift", message="")
    assert (other.status, other.headers["accept-post"]) == (415, "application/json, application/proto")
    put = await ask(books.target, "PUT", f"/{SERVICE}/GetBook", {})
    assert (put.status, put.headers["allow"]) == (405, "GET, POST")


async def test_errors_have_connect_s_form_with_their_details(books: RunningGateway) -> None:
    missing = await call(books, "GetBook", {"isbn": "€%"}, x_request_id="mine")
    assert (missing.status, missing.json["code"]) == (404, "not_found")
    assert missing.json["message"] == "books.v1.Book isbn=€% is not there"
    info, resource = missing.json["details"]
    assert info["type"] == "google.rpc.ErrorInfo"
    told = error_details_pb2.ErrorInfo.FromString(base64.b64decode(info["value"] + "=="))
    assert told.reason == info["debug"]["reason"] == "ROW_NOT_FOUND"
    assert resource["debug"]["resourceName"] == "isbn=€%"
    assert missing.headers["x-request-id"] == "mine"


async def test_a_field_that_is_wrong_is_named(books: RunningGateway) -> None:
    refused = await call(books, "CreateBook", {"book": {"isbn": "2", "pages": -1}})
    violations = next(one["debug"] for one in refused.json["details"] if "BadRequest" in one["type"])
    assert [one["field"] for one in violations["fieldViolations"]] == ["book.pages"]


async def test_json_of_too_many_elements_is_refused_before_it_is_read(books: RunningGateway) -> None:
    refused = await call(
        books, "BulkUpsertBooks", b'{"books":[' + b"{}," * 250_000 + b"{}]}", content_type="application/json"
    )
    assert (refused.status, refused.json["code"]) == (400, "invalid_argument")
    assert refused.json["message"] == "the request has more than 200000 elements"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "JSON"),
        (b"", "JSON"),
        (b"[]", "JSON"),
        (b'{"isbn": 1}', "isbn"),
        (b'{"isbm": "1"}', "isbm"),
        (b'{"isbn": "\xff"}', "JSON"),
        (b"[" * 100_000, "JSON"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_what_is_no_message_is_the_caller_s_fault(
    books: RunningGateway, body: bytes, says: str
) -> None:
    refused = await call(books, "GetBook", body, content_type="application/json; charset=utf-8")
    assert (refused.status, refused.json["code"]) == (400, "invalid_argument")
    assert says in refused.json["message"]


async def test_a_call_that_is_late_or_unknown_says_so(books: RunningGateway) -> None:
    late = await call(books, "ListBooks", {}, connect_timeout_ms="0")
    assert (late.status, late.json["code"]) == (504, "deadline_exceeded")
    unknown = await call(books, "Nothing", {}, connect_protocol_version="1")
    assert (unknown.status, unknown.json["code"]) == (404, "unimplemented")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"connect_timeout_ms": "1s"}, "invalid_argument"),
        ({"connect_timeout_ms": "12345678901"}, "invalid_argument"),
        ({"connect_timeout_ms": "-1"}, "invalid_argument"),
        ({"connect_protocol_version": "2"}, "invalid_argument"),
        ({"content_encoding": "br"}, "unimplemented"),
        ({"content_encoding": "gzip"}, "invalid_argument"),  # and isn't
    ],
)
async def test_headers_that_can_t_be_heeded_are_refused(
    books: RunningGateway, headers: dict[str, str], code: str
) -> None:
    for streams in (False, True):
        path = "/grpc.health.v1.Health/Watch" if streams else f"/{SERVICE}/GetBook"
        kind = "application/connect+json" if streams else "application/json"
        named = {name.replace("_", "-"): value for name, value in headers.items()} | {"content-type": kind}
        if streams and "content-encoding" in named:
            named["connect-content-encoding"] = named.pop("content-encoding")
        answer = await ask(books.target, "POST", path, envelope(b"{}", 1) if streams else b"{}", named)
        error = envelopes(answer.body)[0][1]["error"] if streams else answer.json
        assert error["code"] == code


async def test_what_is_no_call_of_connect_is_told_what_would_be(books: RunningGateway) -> None:
    for method, taken in {
        f"{SERVICE}/GetBook": "application/json, application/proto",
        "grpc.health.v1.Health/Watch": "application/connect+json, application/connect+proto",
    }.items():
        refused = await ask(books.target, "POST", f"/{method}", b"", {"content-type": "text/plain"})
        assert (refused.status, refused.headers["accept-post"]) == (415, taken)


async def test_messages_are_compressed_both_ways(books: RunningGateway) -> None:
    title = "x" * 10_000
    body = gzip.compress(json.dumps({"book": {"isbn": "2", "title": title}}).encode())
    packed = {"content_type": "application/json", "content_encoding": "gzip", "accept_encoding": "gzip"}
    created = await call(books, "CreateBook", body, **packed)
    assert (created.status, created.headers["content-encoding"]) == (200, "gzip")
    assert len(created.body) < 1000
    assert json.loads(gzip.decompress(created.body))["title"] == title
    plain = await call(books, "GetBook", {"isbn": "2"}, accept_encoding="identity")
    assert plain.json["title"] == title
    short = await call(books, "GetBook", {"isbn": "1"}, accept_encoding="gzip")
    assert "content-encoding" not in short.headers


async def test_messages_up_to_the_limit_pass(books: RunningGateway) -> None:
    title = "x" * 3 * MIB
    assert (await call(books, "CreateBook", {"book": {"isbn": "2", "title": title}})).status == 200
    assert (await call(books, "GetBook", {"isbn": "2"})).json["title"] == title
    refused = await call(books, "CreateBook", {"book": {"isbn": "3", "title": "x" * 4 * MIB}})
    assert (refused.status, refused.json["code"]) == (400, "out_of_range")
    bomb = gzip.compress(b'{"book": {"isbn": "3", "title": "' + b"x" * 64 * MIB + b'"}}')
    unpacked = await call(books, "CreateBook", bomb, content_type="application/json", content_encoding="gzip")
    assert (unpacked.status, unpacked.json["code"]) == (400, "out_of_range")


async def test_a_page_is_let_in_by_its_origin_alone(books: RunningGateway) -> None:
    allowed = await call(books, "GetBook", {"isbn": "1"}, origin="https://shop.example")
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    assert allowed.status == 200
    refused = await call(books, "DeleteBook", {"isbn": "1"}, origin="https://other.example")
    assert refused.status == 403
    assert (await call(books, "GetBook", {"isbn": "1"})).status == 200


async def test_health_answers_scripts(books: RunningGateway) -> None:
    answer = await ask(books.target, "POST", "/grpc.health.v1.Health/Check", {})
    assert answer.json == {"status": "SERVING"}


async def test_a_stream_of_answers_passes(books: RunningGateway) -> None:
    """Health's Watch tells its first answer at once, and then is silent until the deadline."""
    headers = {"content-type": "application/connect+json", "connect-timeout-ms": "300", "x-request-id": "7"}
    answer = await ask(books.target, "POST", "/grpc.health.v1.Health/Watch", envelope(b"{}"), headers)
    assert (answer.headers["content-type"], answer.headers["x-request-id"]) == (headers["content-type"], "7")
    (plain, serving), (last, ended) = envelopes(answer.body)
    assert (plain, serving, last) == (0, {"status": "SERVING"}, 2)
    assert ended["error"]["code"] == "deadline_exceeded"


@pytest.mark.parametrize("flags", [2, 128, 255])
async def test_an_envelope_with_flags_that_mean_nothing_is_refused(books: RunningGateway, flags: int) -> None:
    headers = {"content-type": "application/connect+json"}
    body = envelope(b"{}", flags)
    answer = await ask(books.target, "POST", "/grpc.health.v1.Health/Watch", body, headers)
    ((last, ended),) = envelopes(answer.body)
    assert (last, ended["error"]["code"]) == (2, "invalid_argument")


async def test_grpc_itself_may_have_json(books: RunningGateway) -> None:
    answer = await call(
        books, "GetBook", envelope(b'{"isbn":"1"}'), content_type="application/grpc+json", te="trailers"
    )
    assert answer.headers["content-type"] == "application/grpc+json"
    assert json.loads(answer.body[5:])["title"] == "Öne"
