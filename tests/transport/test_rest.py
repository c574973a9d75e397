"""REST with JSON, beside gRPC on the same port."""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import closing
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.conftest import gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway
from tests.harness.http import Answer, ask

SERVICE = "books.v1.BookService"
BOOK = {
    "isbn": "978-0",
    "title": "Ünder “the” +% sea",
    "pages": "9007199254740993",
    "genre": "GENRE_NOVEL",
    "publishedAt": "1870-06-20T11:12:13.000500Z",
    "cover": base64.b64encode(b"\x00\xff").decode(),
    "subtitle": "",
    "authors": ["A", "B"],
}
MIB = 1024 * 1024
CODES = {400: 3, 404: 5}


@pytest.fixture(scope="module")
async def books(databases: Databases) -> AsyncIterator[RunningGateway]:
    """Serve the books, for the module."""
    async with gateways(databases, transport="http") as start:
        yield await start("books", max_request_bytes=4 * MIB, http_allowed_origins="https://shop.example")


@pytest.fixture(autouse=True)
async def _empty(books: RunningGateway) -> None:
    await books.sql("TRUNCATE book")


async def rest(books: RunningGateway, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    return await ask(books.target, method, path, body, headers)


def violations(refused: Answer) -> Any:
    """Return what an error says of the request's fields."""
    (bad,) = [one for one in refused.json["details"] if one["@type"].endswith("BadRequest")]
    return bad["fieldViolations"]


async def test_a_row_comes_back_as_it_was_sent(books: RunningGateway) -> None:
    created = await rest(books, "POST", "/v1/books", BOOK)
    assert (created.status, created.json) == (200, BOOK)
    got = await rest(books, "GET", "/v1/books/978-0")
    assert (got.status, got.json) == (200, BOOK)
    over_grpc = await books.call(f"{SERVICE}/GetBook", isbn="978-0")
    assert (over_grpc.pages, over_grpc.cover, over_grpc.title) == (2**53 + 1, b"\x00\xff", BOOK["title"])


async def test_an_unknown_field_of_a_body_is_refused(books: RunningGateway) -> None:
    refused = await rest(books, "POST", "/v1/books", {**BOOK, "titel": "Under the sea"})
    assert refused.status == 400
    (violation,) = violations(refused)
    assert violation["field"] == "book.titel"
    assert violation["description"].endswith('did you mean "title"?')
    assert await books.sql("SELECT isbn FROM book") == []


async def test_every_kind_of_method_has_its_route(books: RunningGateway) -> None:
    await rest(books, "POST", "/v1/books", {"isbn": "1", "title": "One"})
    updated = await rest(
        books, "PATCH", "/v1/books/1?update_mask=pages,subtitle", {"pages": 5, "title": "No"}
    )
    assert updated.json == {"isbn": "1", "title": "One", "pages": "5"}
    assert (await rest(books, "GET", "/v1/titles/1:whole")).json == updated.json
    assert "deletedAt" in (await rest(books, "DELETE", "/v1/books/1")).json
    assert (await rest(books, "POST", "/v1/books/1:undelete")).json == updated.json
    batch = await rest(books, "GET", "/v1/books:batchGet?isbns=2&isbns=1")
    assert batch.json == {"books": [updated.json], "missing": ["2"]}
    bulk = await rest(books, "POST", "/v1/books:bulkUpsert", {"books": [{"isbn": "1"}, {"isbn": "2"}]})
    assert bulk.json == {"insertedCount": "1", "updatedCount": "1"}


async def test_query_parameters_are_the_request_s_fields(books: RunningGateway) -> None:
    for number in range(5):
        await books.call(f"{SERVICE}/CreateBook", book={"isbn": str(number), "title": "a + b %"})
    wanted = {"filter": 'title = "a + b %" AND isbn > "1"', "order_by": "isbn desc", "pageSize": "2"}
    page = (await rest(books, "GET", f"/v1/books?{urlencode(wanted)}")).json
    assert [book["isbn"] for book in page["books"]] == ["4", "3"]
    after = {**wanted, "page_token": page["nextPageToken"]}
    rest_of_it = (await rest(books, "GET", f"/v1/books?{urlencode(after, quote_via=quote)}")).json
    assert [book["isbn"] for book in rest_of_it["books"]] == ["2"]
    masked = await rest(books, "GET", "/v1/books/3?read_mask=title")
    assert masked.json == {"title": "a + b %"}


async def test_errors_are_statuses_with_their_details(books: RunningGateway) -> None:
    missing = await rest(books, "GET", "/v1/books/7")
    assert (missing.status, missing.json["code"]) == (404, 5)
    assert {detail["@type"].rpartition(".")[2] for detail in missing.json["details"]} == {
        "ErrorInfo",
        "ResourceInfo",
    }
    refused = await rest(books, "POST", "/v1/books", {"isbn": "1", "pages": -1})
    assert (refused.status, refused.json["code"]) == (400, 3)
    assert violations(refused)[0]["field"] == "book.pages"
    await rest(books, "POST", "/v1/books", {"isbn": "1"})
    assert (await rest(books, "POST", "/v1/books", {"isbn": "1"})).status == 409
    for timeout, status, code in (("1n", 504, 4), ("5", 400, 3)):
        late = await ask(books.target, "GET", "/v1/books", headers={"grpc-timeout": timeout})
        assert (late.status, late.json["code"]) == (status, code)


async def test_a_call_is_known_by_its_id(books: RunningGateway) -> None:
    asked = {"x-request-id": "abc-1"}
    for path in ("/v1/books/1", "/v1/books?page_size=x", "/v1/books"):
        assert (await ask(books.target, "GET", path, headers=asked)).headers["x-request-id"] == "abc-1"
    first, second = [await rest(books, "GET", "/v1/books") for _ in range(2)]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_a_patch_without_a_mask_updates_what_its_body_holds(books: RunningGateway) -> None:
    await rest(books, "POST", "/v1/books", BOOK)
    patched = await rest(books, "PATCH", "/v1/books/978-0", {"title": "", "subtitle": None, "authors": []})
    rest_of_it = {name: BOOK[name] for name in ("isbn", "pages", "genre", "publishedAt", "cover")}
    assert patched.json == rest_of_it
    again = await rest(books, "PATCH", "/v1/books/978-0", {**rest_of_it, "pages": "1"})
    assert again.json == {**rest_of_it, "pages": "1"}


async def test_a_head_is_a_get_without_its_body(books: RunningGateway) -> None:
    await rest(books, "POST", "/v1/books", BOOK)
    got, head = [await rest(books, method, "/v1/books/978-0") for method in ("GET", "HEAD")]
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(got.body))
    assert (await rest(books, "HEAD", "/v1/books/7")).status == 404


async def test_a_path_s_methods_are_told(books: RunningGateway) -> None:
    refused = await rest(books, "PUT", "/v1/books/1", {})
    assert (refused.status, refused.headers["allow"]) == (405, "DELETE, GET, HEAD, PATCH")
    assert (await rest(books, "OPTIONS", "/v1/books:bulkUpsert")).headers["allow"] == "POST"


async def test_bodies_may_be_compressed(books: RunningGateway) -> None:
    large = {"isbn": "1", "title": "x" * 100_000}
    sent = {"content-type": "application/json", "content-encoding": "gzip"}
    created = await rest(books, "POST", "/v1/books", gzip.compress(json.dumps(large).encode()), **sent)
    assert (created.status, created.json) == (200, large)
    got = await ask(books.target, "GET", "/v1/books/1", headers={"accept-encoding": "br, gzip"})
    assert (got.headers["content-encoding"], got.headers["vary"]) == ("gzip", "accept-encoding")
    assert json.loads(gzip.decompress(got.body)) == large
    plain = await ask(books.target, "GET", "/v1/books/1", headers={"accept-encoding": "gzip;q=0"})
    assert plain.json == large
    bomb = gzip.compress(b" " * 20 * MIB)
    refused = await rest(books, "POST", "/v1/books", bomb, **sent)
    assert (refused.status, refused.json["code"]) == (413, 11)
    for encoding, status in (("br", 415), ("gzip", 400)):
        unread = await rest(books, "POST", "/v1/books", b"{}", **{**sent, "content-encoding": encoding})
        assert unread.status == status
    halves = gzip.compress(b'{"isbn": "2"}') + gzip.compress(b" ")
    refused = await rest(books, "POST", "/v1/books", halves, **sent)
    assert (refused.status, refused.json["code"]) == (400, 3)
    assert "more behind its end" in refused.json["message"]
    assert await books.sql("SELECT isbn FROM book") == [{"isbn": "1"}]


@pytest.mark.parametrize(("path", "length", "status"), [("/v1/books", 10**12, 413), ("/nowhere", 1, 404)])
async def test_a_body_that_is_of_no_use_isn_t_asked_for(
    books: RunningGateway, path: str, length: int, status: int
) -> None:
    host, _, port = books.target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    with closing(writer):
        writer.write(
            f"POST {path} HTTP/1.1\r\nhost: {books.target}\r\ncontent-type: application/json\r\n"
            f"expect: 100-continue\r\ncontent-length: {length}\r\n\r\n".encode()
        )
        async with asyncio.timeout(10):
            answered = await reader.readline()
    assert answered == f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()


async def test_a_body_is_json_by_its_content_type(books: RunningGateway) -> None:
    """Pages may send forms and plain text anywhere without asking."""
    body = b'{"isbn": "1"}'
    for content_type in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data"):
        refused = await rest(books, "POST", "/v1/books", body, **{"content-type": content_type})
        assert refused.status == 415
    assert await books.sql("SELECT isbn FROM book") == []
    taken = {"content-type": "application/merge-patch+json; charset=utf-8"}
    assert (await rest(books, "POST", "/v1/books", body, **taken)).status == 200


async def test_the_document_is_shown_where_reflection_is(books: RunningGateway, databases: Databases) -> None:
    shown = await rest(books, "GET", "/openapi.json")
    assert shown.json["openapi"] == "3.1.0"
    assert set(shown.json["paths"]["/v1/books/{isbn}"]) == {"get", "patch", "delete"}
    assert (await rest(books, "POST", "/openapi.json", {})).headers["allow"] == "GET, HEAD"
    async with gateways(databases, transport="http") as start:
        hidden = await start("books", reflection=False)
        assert (await rest(hidden, "GET", "/openapi.json")).status == 404


@pytest.mark.parametrize(
    ("request_line", "body", "status", "says"),
    [
        ("GET /v1/books?nope=1", None, 400, "nope"),
        ("GET /v1/books?page_size=x", None, 400, "page_size"),
        ("GET /v2/books", None, 404, ""),
        ("GET /v1/books/", None, 404, ""),
        ("GET /v1/books/1", b"{}", 400, "body"),
        ("POST /v1/books", b"{", 400, ""),
        ("POST /v1/books", b'{"pages": "x"}', 400, "pages"),
        ("PATCH /v1/books/1", b'{"isbn": "2"}', 400, "isbn"),
    ],
)
async def test_what_is_refused_is_a_status_too(
    books: RunningGateway, request_line: str, body: bytes | None, status: int, says: str
) -> None:
    method, _, path = request_line.partition(" ")
    answer = await rest(books, method, path, body)
    assert (answer.status, answer.json["code"]) == (status, CODES[status])
    assert says in answer.json["message"]


async def test_the_limits_of_messages_hold(books: RunningGateway) -> None:
    large = {"isbn": "1", "title": "x" * 3 * MIB}
    assert (await rest(books, "POST", "/v1/books", large)).status == 200
    assert len((await rest(books, "GET", "/v1/books/1")).json["title"]) == 3 * MIB
    larger = {"isbn": "2", "title": "x" * 4 * MIB}
    refused = await rest(books, "POST", "/v1/books", larger)
    assert (refused.status, refused.json["code"]) == (413, 11)
    assert await books.sql("SELECT isbn FROM book") == [{"isbn": "1"}]


async def test_a_page_is_let_in_by_its_origin_alone(books: RunningGateway) -> None:
    shop, other = {"origin": "https://shop.example"}, {"origin": "https://shop.example.evil"}
    asking = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    preflight = await ask(books.target, "OPTIONS", "/v1/books", headers={**shop, **asking})
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == shop["origin"]
    assert "POST" in preflight.headers["access-control-allow-methods"]
    created = await ask(books.target, "POST", "/v1/books", {"isbn": "1"}, shop)
    assert created.headers["access-control-allow-origin"] == shop["origin"]
    assert created.status == 200
    for headers in (other, {"origin": "null"}):
        preflight = await ask(books.target, "OPTIONS", "/v1/books", headers={**headers, **asking})
        # What a page may send without asking, it may send from anywhere: it must change nothing.
        simple = await ask(books.target, "POST", "/v1/books", json.dumps({"isbn": "2"}).encode(), headers)
        for answer in (preflight, simple):
            assert answer.status == 403
            assert "access-control-allow-origin" not in answer.headers
    assert await books.sql("SELECT isbn FROM book") == [{"isbn": "1"}]


async def test_json_is_printed_as_the_settings_say(databases: Databases) -> None:
    async with gateways(databases, transport="http") as start:
        books = await start("books", http_json_proto_names=True, http_json_defaults=True)
        created = await rest(
            books, "POST", "/v1/books", {"isbn": "1", "published_at": "2000-01-01T00:00:00Z"}
        )
        assert created.json == {
            "isbn": "1",
            "title": "",
            "pages": "0",
            "genre": "GENRE_UNSPECIFIED",
            "published_at": "2000-01-01T00:00:00Z",
            "cover": "",
            "authors": [],
        }


async def test_what_is_switched_off_is_not_there(databases: Databases) -> None:
    async with gateways(databases, transport="http") as start:
        books = await start("books", http_rest=False, http_grpc_web=False, http_connect=False)
        assert (await rest(books, "GET", "/v1/books/1")).status == 404
        web = {"content-type": "application/grpc-web+proto"}
        assert (await ask(books.target, "POST", f"/{SERVICE}/GetBook", b"\0\0\0\0\0", web)).status == 415
        assert (await books.call(f"{SERVICE}/CountBooks")).count == 0


async def test_a_page_that_has_its_own_name_point_here_is_refused(books: RunningGateway) -> None:
    outcomes = {
        "evil.example": 421,
        "evil.example:50051": 421,
        "localhost:1": 404,
        "[::1]": 404,
        "10.1.2.3": 404,
    }
    for host, status in outcomes.items():
        assert (await rest(books, "GET", "/v1/books/nothing", host=host)).status == status
    refused = await rest(books, "GET", "/v1/books/nothing", host="127.0.0.1.evil.example")
    assert refused.status == 421
    assert b"server.allowed_hosts" in refused.body
