"""Connect over the Envoy transport, and gRPC with JSON, which it becomes."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.rpc import error_details_pb2

from tests.conftest import gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway
from tests.harness.http import Answer, ask

SERVICE = "books.v1.BookService"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
async def books(databases: Databases) -> AsyncIterator[RunningGateway]:
    """Serve the books over Envoy, for the module."""
    async with gateways(databases, transport="envoy") as start:
        yield await start("books", max_request_bytes=4 * MIB, edge_allowed_origins="https://shop.example")


@pytest.fixture(autouse=True)
async def _one_book(books: RunningGateway) -> None:
    await books.sql("TRUNCATE book")
    await books.call(f"{SERVICE}/CreateBook", book={"isbn": "1", "title": "Öne", "pages": 2**53 + 1})


async def call(books: RunningGateway, method: str, body: Any, **headers: str) -> Answer:
    """Call with a message's JSON, or with bytes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await ask(books.target, "POST", f"/{SERVICE}/{method}", body, named)


@pytest.mark.parametrize("version", [{}, {"connect_protocol_version": "1"}], ids=["script", "client"])
async def test_json_and_protobuf_say_the_same(books: RunningGateway, version: dict[str, str]) -> None:
    got = await call(books, "GetBook", {"isbn": "1"}, **version)
    assert (got.status, got.json) == (200, {"isbn": "1", "title": "Öne", "pages": "9007199254740993"})
    request = books.client.message("books.v1.GetBookRequest", isbn="1").SerializeToString()
    binary = await call(books, "GetBook", request, content_type="application/proto", **version)
    book = await books.call(f"{SERVICE}/GetBook", isbn="1")
    assert (binary.status, binary.headers["content-type"]) == (200, "application/proto")
    assert binary.body == book.SerializeToString()


async def test_errors_have_connect_s_form_with_their_details(books: RunningGateway) -> None:
    missing = await call(books, "GetBook", {"isbn": "7"})
    assert (missing.status, missing.json["code"]) == (404, "not_found")
    details = {one["type"].rpartition("/")[2]: one["value"] for one in missing.json["details"]}
    info = error_details_pb2.ErrorInfo.FromString(base64.b64decode(details["google.rpc.ErrorInfo"] + "=="))
    assert info.reason == "ROW_NOT_FOUND"
    assert missing.headers["x-request-id"]


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
    assert len(refused.json["details"]) == 1


async def test_a_call_that_is_late_or_unknown_says_so(books: RunningGateway) -> None:
    late = await call(books, "ListBooks", {}, connect_timeout_ms="0")
    assert (late.status, late.json["code"]) == (408, "deadline_exceeded")
    unknown = await call(books, "Nothing", {})
    assert (unknown.status, unknown.json["code"]) == (404, "unimplemented")


async def test_messages_up_to_the_limit_pass(books: RunningGateway) -> None:
    title = "x" * 3 * MIB
    assert (await call(books, "CreateBook", {"book": {"isbn": "2", "title": title}})).status == 200
    assert (await call(books, "GetBook", {"isbn": "2"})).json["title"] == title
    refused = await call(books, "CreateBook", {"book": {"isbn": "3", "title": "x" * 4 * MIB}})
    assert (refused.status, refused.json["code"]) == (413, "out_of_range")


async def test_a_page_is_let_in_by_its_origin_alone(books: RunningGateway) -> None:
    allowed = await call(books, "GetBook", {"isbn": "1"}, origin="https://shop.example")
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    assert allowed.status == 200
    refused = await call(books, "GetBook", {"isbn": "1"}, origin="https://other.example")
    assert refused.status == 403


async def test_health_answers_scripts(books: RunningGateway) -> None:
    answer = await ask(books.target, "POST", "/grpc.health.v1.Health/Check", {})
    assert answer.json == {"status": "SERVING"}


async def test_a_stream_of_answers_passes(books: RunningGateway) -> None:
    """Health's Watch tells its first answer at once, and then is silent until the deadline."""
    body = b"\x00" + (2).to_bytes(4, "big") + b"{}"
    headers = {"content-type": "application/connect+json", "connect-timeout-ms": "300"}
    answer = await ask(books.target, "POST", "/grpc.health.v1.Health/Watch", body, headers)
    size = int.from_bytes(answer.body[1:5], "big")
    assert json.loads(answer.body[5 : 5 + size]) == {"status": "SERVING"}
    end = answer.body[5 + size :]
    assert end[0] == 2
    assert json.loads(end[5:])["error"]["code"] == "deadline_exceeded"


async def test_grpc_itself_may_have_json(books: RunningGateway) -> None:
    frame = b"\x00" + (12).to_bytes(4, "big") + b'{"isbn":"1"}'
    answer = await call(books, "GetBook", frame, content_type="application/grpc+json", te="trailers")
    assert answer.headers["content-type"] == "application/grpc+json"
    assert json.loads(answer.body[5:])["title"] == "Öne"
