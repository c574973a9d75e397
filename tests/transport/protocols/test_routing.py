"""The protocol of a request, and the refusals of what is none."""

from collections.abc import Awaitable, Iterable

import pytest

from gateway.transport.protocols.cors import Origins
from gateway.transport.protocols.routing import Routing
from gateway.transport.wire.request import Gone, HttpRequest
from tests.transport.protocols.requests import RecordedRequest

METHOD = "/books.v1.BookService/GetBook"
ROUTE = "/v1/books/1"
PAGE = "https://shop.example"


class Protocol:
    """Answers with its name, and the content type that it sees."""

    def __init__(self, name: str, paths: Iterable[str] = ()) -> None:
        self._name = name
        self._paths = set(paths)

    def answer(self, request: HttpRequest) -> Awaitable[None] | None:
        """Answer where it has the path."""
        return self(request) if request.path in self._paths else None

    def path_of(self, request: HttpRequest) -> str | None:
        """Return its path, where it has it."""
        return request.path if request.path in self._paths else None

    async def __call__(self, request: HttpRequest) -> None:
        """Answer."""
        seen = next((value for name, value in request.headers if name == b"content-type"), b"")
        await request.respond(200, [(b"content-type", seen)], self._name.encode())


def routing(*, grpc_web: bool = True, connect: bool = True, origins: Iterable[str] = (PAGE,)) -> Routing:
    """Return one whose protocols answer with their names."""
    paths = [Protocol("connect", [METHOD])] if connect else []
    return Routing(
        Protocol("grpc"),
        [*paths, Protocol("rest", [ROUTE])],
        {METHOD},
        Origins(tuple(origins)),
        grpc_web=grpc_web,
    )


async def ask(
    target: str, method: str = "POST", /, *, over: Routing | None = None, **headers: str
) -> RecordedRequest:
    """Return a request with its response."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    request = RecordedRequest(method, target, named)
    await (over or routing())(request)
    return request


@pytest.mark.parametrize(
    ("target", "method", "content_type", "protocol"),
    [
        (METHOD, "POST", "application/grpc", b"grpc"),
        (METHOD, "POST", "application/grpc+proto", b"grpc"),
        (METHOD, "POST", "Application/gRPC+json; charset=utf-8", b"grpc"),
        ("/nothing", "POST", "application/grpc", b"grpc"),
        (METHOD, "POST", "application/grpc-web", b"grpc"),
        (METHOD, "POST", "application/json", b"connect"),
        (METHOD, "POST", "application/connect+proto", b"connect"),
        (METHOD + "?connect=v1&encoding=json&message=", "GET", "", b"connect"),
        (METHOD, "DELETE", "image/jpeg", b"connect"),
        (ROUTE, "GET", "", b"rest"),
        (ROUTE, "PATCH", "application/json", b"rest"),
    ],
)
async def test_each_request_comes_to_its_protocol(
    target: str, method: str, content_type: str, protocol: bytes
) -> None:
    answered = await ask(target, method, content_type=content_type)
    assert (answered.status, answered.body) == (200, protocol)


async def test_grpc_web_comes_as_grpc() -> None:
    seen = await ask(METHOD, content_type="application/grpc-web+proto")
    assert seen.header("content-type") == "application/grpc-web+proto"
    assert seen.body == b"grpc"


@pytest.mark.parametrize("content_type", ["application/grpc-web", "application/json", "text/plain"])
async def test_what_is_switched_off_is_refused_at_a_method(content_type: str) -> None:
    off = routing(grpc_web=False, connect=False)
    refused = await ask(METHOD, over=off, content_type=content_type)
    assert (refused.status, refused.header("content-type")) == (415, "text/plain")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content_type": "application/proto"}, b'"code":"unimplemented"'),
        ({"content_type": "application/connect+json"}, b'"code":"unimplemented"'),
        ({"content_type": "application/json", "connect_protocol_version": "1"}, b'"code":"unimplemented"'),
        ({"content_type": "application/json"}, b'"code":5'),
        ({}, b'"code":5'),
    ],
)
async def test_a_path_that_nobody_has_is_told_in_the_caller_s_form(
    headers: dict[str, str], body: bytes
) -> None:
    missing = await ask("/books.v1.BookService/Nothing", **headers)
    assert (missing.status, missing.header("content-type")) == (404, "application/json")
    assert body in missing.body


@pytest.mark.parametrize("content_type", ["application/grpc-web", "application/json", ""])
async def test_a_name_that_isn_t_the_server_s_is_refused(content_type: str) -> None:
    request = RecordedRequest("POST", METHOD, [("content-type", content_type)])
    request.misdirected = True
    await routing()(request)
    assert request.status == 421
    assert b"server.allowed_hosts" in request.body


@pytest.mark.parametrize(
    ("target", "method", "content_type"),
    [
        (METHOD, "POST", "application/grpc"),
        (METHOD, "POST", "application/grpc-web-text"),
        (METHOD, "POST", "application/json"),
        (ROUTE, "GET", ""),
        (ROUTE, "OPTIONS", ""),
        ("/nothing", "POST", "text/plain"),
    ],
)
async def test_a_page_calls_where_its_origin_is_allowed(target: str, method: str, content_type: str) -> None:
    for origin in (PAGE, "https://other.example", "null", PAGE + ":8443"):
        answered = await ask(target, method, content_type=content_type, origin=origin)
        allowed = origin == PAGE
        assert (answered.status == 403) != allowed
        assert answered.header("access-control-allow-origin") == (PAGE if allowed else None)
        assert (b"http.allowed_origins" in answered.body) != allowed
    anybody = await ask(target, method, over=routing(origins=["*"]), origin="null", content_type=content_type)
    assert anybody.header("access-control-allow-origin") == "null"


async def test_a_browser_that_asks_is_told_what_pages_may_send_and_read() -> None:
    asked = await ask(METHOD, "OPTIONS", origin=PAGE, access_control_request_method="POST")
    assert (asked.status, asked.body) == (204, b"")
    assert asked.header("access-control-allow-headers") == "*, authorization"
    assert "PATCH" in (asked.header("access-control-allow-methods") or "")
    assert asked.header("vary") == "origin"
    answered = await ask(METHOD, origin=PAGE, content_type="application/json")
    exposed = (answered.header("access-control-expose-headers") or "").split(", ")
    known = {"grpc-status", "grpc-message", "grpc-status-details-bin", "x-request-id"}
    assert set(exposed) == known | {"rowgate-explain", "rowgate-explain-bin"}


async def test_a_client_that_goes_away_is_no_error() -> None:
    class Leaving(RecordedRequest):
        async def respond(self, *_: object) -> None:
            raise Gone

    with pytest.raises(Gone):
        await routing()(Leaving("POST", "/nothing"))
