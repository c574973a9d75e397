"""SQL methods over every protocol of the port, described, and kept to what their callers may."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.cli.servers import SERVERS
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.harness.explained import explained
from tests.harness.gateway import RunningGateway, serve
from tests.harness.http import ask
from tests.queries.conftest import LIBRARY, library

JSON = {"content-type": "application/json"}
WEB = "application/grpc-web+proto"


@pytest.fixture(params=SERVERS)
async def each(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[RunningGateway]:
    """Serve the library over each transport."""
    gateway = await serve("queries", await library(databases), transport=request.param)
    yield gateway
    await gateway.stop()


@pytest.fixture
async def http(databases: Databases) -> AsyncIterator[RunningGateway]:
    """Serve the library over HTTP."""
    gateway = await serve("queries", await library(databases), transport="http", http_allowed_origins="*")
    yield gateway
    await gateway.stop()


@pytest.mark.parametrize("mode", ["plan", "analyze"])
async def test_those_that_read_are_explained(each: RunningGateway, mode: str) -> None:
    """Also one that nothing proves to do so, and one that streams."""
    for method, asked in (("FindBook", {"id": 1}), ("Draw", {}), ("StreamTitles", {"fromId": 2})):
        (told,) = await explained(each.client, f"{LIBRARY}/{method}", asked, mode)
        assert told["statement"] == f"queries.v1.LibraryService.{method}"
        assert ("actual_rows" in told) is (mode == "analyze")
    with pytest.raises(RpcFailed) as failed:
        await explained(each.client, f"{LIBRARY}/Lengthen", {"authorId": 1, "more": 1}, mode)
    assert failed.value.reason == "NOT_EXPLAINED"
    assert (await each.call(f"{LIBRARY}/FindBook", id=1)).pages == 100


async def test_grpc(each: RunningGateway) -> None:
    assert (await each.call(f"{LIBRARY}/FindBook", id=1)).author.name == "Ada"
    titles = [one.title async for one in each.client.stream(f"{LIBRARY}/StreamTitles", from_id=1)]
    assert titles == ["One", "Two", "Three"]
    assert (await each.call(f"{LIBRARY}/Lengthen", author_id=1, more=1)).affected_rows == 2
    with pytest.raises(RpcFailed, match="NOT_FOUND"):
        await each.call(f"{LIBRARY}/FindBook", id=9)


async def test_rest(http: RunningGateway) -> None:
    found = await ask(http.target, "GET", "/v1/found/1", None, {})
    assert (found.status, found.json["author"]) == (200, {"name": "Ada", "country": "GB"})
    assert (await ask(http.target, "GET", "/v1/found/9", None, {})).status == 404
    of = {"genres": ["GENRE_NOVEL"], "author": {"name": "Ada"}}
    books = await ask(http.target, "POST", "/v1/books:of", of, {})
    assert books.json == {"books": [{"title": "One", "ofAll": "1"}]}
    titles = await ask(http.target, "GET", "/v1/titles:stream?from_id=2", None, {})
    assert titles.json == [{"title": "Two"}, {"title": "Three"}]
    longer = await ask(http.target, "POST", "/v1/books:lengthen", {"author_id": 1, "more": 2}, {})
    assert longer.json == {"affectedRows": "2"}


async def test_connect(http: RunningGateway) -> None:
    asked = {"id": "2"}
    found = await ask(http.target, "POST", f"/{LIBRARY}/FindBook", asked, JSON)
    assert (found.json["title"], found.json["genre"]) == ("Two", "GENRE_ESSAY")


async def test_grpc_web(http: RunningGateway) -> None:
    body = http.client.message("queries.v1.FindBookRequest", id=3).SerializeToString()
    framed = b"\0" + len(body).to_bytes(4, "big") + body
    got = await ask(http.target, "POST", f"/{LIBRARY}/LookForBook", framed, {"content-type": WEB})
    size = int.from_bytes(got.body[1:5], "big")
    assert http.client.message("queries.v1.Title").FromString(got.body[5 : 5 + size]).title == "Three"


async def test_openapi_describes_them(http: RunningGateway) -> None:
    document = json.loads((await ask(http.target, "GET", "/openapi.json", None, {})).body)
    found = document["paths"]["/v1/found/{id}"]["get"]
    assert found["description"] == "One book with its author."
    assert "queries.v1.FoundBook" in json.dumps(found["responses"]["200"])
    assert "/v1/titles:stream" in document["paths"]


async def test_the_caller_is_a_parameter(databases: Databases, tmp_path: Path, transport: str) -> None:
    callers = [
        Caller("ann", ("clerk",), {"tenant": "acme", "level": 7}),
        Caller("bob", (), {"tenant": 3, "level": "high"}),
    ]
    keys = write_keys(tmp_path / "keys.json", callers)
    settings = {"auth_providers": "api_key", "auth_api_keys": tmp_path / "keys.json"}
    async with AsyncExitStack() as stack:
        gateway = await serve("queries", await library(databases), transport=transport, **settings)
        stack.push_async_callback(gateway.stop)
        clients = await stack.enter_async_context(clients_of(gateway, "queries", keys))
        ann, bob = [await clients[name].call(f"{LIBRARY}/WhoAmI") for name in ("ann", "bob")]
        for name in clients:
            with pytest.raises(RpcFailed, match="PERMISSION_DENIED"):
                await clients[name].call(f"{LIBRARY}/Forget", id=1)
    assert (ann.id, ann.kind, list(ann.roles)) == ("ann", "api_key", ["authenticated", "clerk"])
    assert (ann.tenant, ann.level) == ("acme", 7)
    assert [one.name for one, _ in bob.ListFields()] == ["id", "kind", "roles"]


async def test_it_holds_on_postgresql_15(debian_15: str, transport: str) -> None:
    gateway = await serve("queries", await library(Databases(debian_15)), transport=transport)
    try:
        assert (await gateway.call(f"{LIBRARY}/FindBook", id=1)).author.name == "Ada"
        assert (await gateway.call(f"{LIBRARY}/Draw")).number == 4
        assert (await gateway.call(f"{LIBRARY}/Lengthen", author_id=1, more=1)).affected_rows == 2
    finally:
        await gateway.stop()
