"""Who isn't let in learns nothing of what is served: neither by reflection nor by what doesn't exist."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2

from gateway.auth.authenticator import Credentials
from gateway.auth.principal import Principal
from gateway.auth.provider_chain import ProviderChain
from tests.conftest import gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway
from tests.harness.http import Answer, ask
from tests.harness.transports import TRANSPORTS
from tests.policy.keys import key_of

READ, WRITE = "/allowed.v1.SheetService/GetSheet", "/allowed.v1.SheetService/CreateSheet"
NOBODYS, NOWHERE = "/allowed.v1.BinService/DeleteSheet", "/allowed.v1.SheetService/GetShee"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
DENIED = (grpc.StatusCode.PERMISSION_DENIED, "the caller may not call this method")
REFUSED = (grpc.StatusCode.UNAUTHENTICATED, "the credential is not accepted")


class Doors:
    """A gateway with keys: of a reader, of one who may see the schema, and of nobody."""

    def __init__(self, gateway: RunningGateway, reader: str, seer: str) -> None:
        self.gateway = gateway
        self.reader, self.seer = reader, seer
        self.wrong = f"{self.reader[:-4]}0000"

    async def grpc(self, path: str, caller: str = "", **headers: str) -> tuple[grpc.StatusCode, str]:
        """Return how a call ends: its code and message."""
        sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        metadata = (("authorization", caller), *sent) if caller else sent
        stub = self.gateway.client.channel.unary_unary(path)
        try:
            await stub(b"", metadata=metadata, timeout=30)
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details() or ""
        return grpc.StatusCode.OK, ""

    async def http(self, method: str, path: str, caller: str = "", **headers: str) -> Answer:
        """Return what is answered over HTTP/1.1."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"authorization": caller} if caller else {}
        return await ask(self.gateway.target, method, path, b"" if method == "POST" else None, sent)

    async def reflect(self, caller: str) -> Any:
        """Return the services that reflection lists; raises grpc.aio.AioRpcError."""
        stub = self.gateway.client.channel.stream_stream(
            REFLECT,
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        asked = reflection_pb2.ServerReflectionRequest(list_services="*")
        call = stub(iter([asked]), metadata=(("authorization", caller),), timeout=30)
        (response,) = [one async for one in call]
        return [one.name for one in response.list_services_response.service]


@asynccontextmanager
async def _opened(databases: Databases, transport: str, keys: Path) -> AsyncIterator[Doors]:
    reader, seer = key_of(keys, "reader", "reader"), key_of(keys, "seer", "seer")
    settings = {"auth_providers": "api_key", "auth_api_keys": keys, "auth_schema_roles": "seer"}
    async with gateways(databases, transport=transport) as start:
        yield Doors(await start("allowed", **settings), reader, seer)


@pytest.fixture(scope="module", params=TRANSPORTS)
async def doors(
    databases: Databases, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Doors]:
    """Serve over each transport."""
    async with _opened(databases, request.param, tmp_path_factory.mktemp("keys") / "keys.json") as doors:
        yield doors


@pytest.fixture(scope="module")
async def http(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    """Serve over the one that speaks more than gRPC."""
    async with _opened(databases, "http", tmp_path_factory.mktemp("keys") / "keys.json") as doors:
        yield doors


@pytest.mark.parametrize("path", [READ, WRITE, NOBODYS, NOWHERE, "/x", "/a/b/c", REFLECT])
async def test_all_paths_are_alike_to_who_is_not_let_in(doors: Doors, path: str) -> None:
    assert await doors.grpc(path) == DENIED
    assert await doors.grpc(path, doors.wrong) == REFUSED
    assert await doors.grpc(path, grpc_encoding="odd") == DENIED


@pytest.mark.parametrize("path", [WRITE, NOBODYS, NOWHERE, REFLECT])
async def test_other_paths_are_alike_to_who_may_call_some(doors: Doors, path: str) -> None:
    assert (await doors.grpc(READ, doors.reader))[0] is grpc.StatusCode.NOT_FOUND
    assert await doors.grpc(path, doors.reader) == DENIED


async def test_who_may_see_the_schema_is_told_what_there_is(doors: Doors) -> None:
    assert await doors.grpc(NOWHERE, doors.seer) == (grpc.StatusCode.UNIMPLEMENTED, "unknown method")
    assert await doors.grpc(NOBODYS, doors.seer) == DENIED
    assert "allowed.v1.BinService" in await doors.reflect(doors.seer)


async def test_health_is_open_to_all(doors: Doors) -> None:
    for caller in ("", doors.wrong, doors.reader):
        assert await doors.grpc("/grpc.health.v1.Health/Check", caller) == (grpc.StatusCode.OK, "")


async def test_health_is_open_to_all_by_every_protocol(http: Doors) -> None:
    for caller in ("", http.wrong, http.reader):
        for form in ("application/json", "application/grpc-web+json"):
            body = b"{}" if form == "application/json" else b"\0\0\0\0\2{}"
            headers = {"content-type": form, **({"authorization": caller} if caller else {})}
            answer = await ask(http.gateway.target, "POST", "/grpc.health.v1.Health/Check", body, headers)
            assert (answer.status, b'"SERVING"' in answer.body) == (200, True)


@pytest.mark.parametrize(
    ("line", "content_type", "asked"),
    [
        ("GET /v1/sheets/1", "", 1),
        (f"POST {READ}", "application/json", 1),
        (f"POST {READ}", "application/connect+json", 1),
        (f"POST {READ}", "application/grpc-web", 1),
        (f"POST {WRITE}", "application/json", 1),
        ("GET /nowhere", "", 1),
        ("POST /grpc.health.v1.Health/Check", "application/json", 0),
    ],
)
async def test_who_calls_is_asked_once(
    http: Doors, monkeypatch: pytest.MonkeyPatch, line: str, content_type: str, asked: int
) -> None:
    seen: list[Credentials] = []
    recall = ProviderChain.recall

    def noting(chain: ProviderChain, credentials: Credentials) -> Principal | None:
        seen.append(credentials)
        return recall(chain, credentials)

    monkeypatch.setattr(ProviderChain, "recall", noting)
    headers = {"content_type": content_type} if content_type else {}
    verb, path = line.split()
    await http.http(verb, path, http.reader, **headers)
    assert [one.authorization.decode() for one in seen] == [http.reader] * asked


_FORMS: list[tuple[str, dict[str, str]]] = [
    ("POST", {"content_type": "application/json"}),
    ("POST", {"content_type": "application/proto"}),
    ("POST", {"content_type": "application/connect+json"}),
    ("POST", {"content_type": "application/grpc-web"}),
    ("POST", {"content_type": "application/grpc-web-text"}),
    ("POST", {"content_type": "text/plain"}),
    ("POST", {"content_type": "application/json", "content_encoding": "odd"}),
    ("POST", {"content_type": "application/json", "connect_protocol_version": "7"}),
    ("GET", {}),
    ("PUT", {}),
    ("OPTIONS", {}),
]


def _shown(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    own = ("x-request-id", "trailer-x-request-id", "date")
    told = {name: value for name, value in answer.headers.items() if name not in own}
    body = answer.body
    for name in own:
        body = body.replace(answer.headers.get(name, "-").encode(), b"ID")
    return answer.status, told, _without_id(body)


def _without_id(body: bytes) -> bytes:
    """Cut the request id out of the trailers that a body ends with."""
    return body.partition(b"x-request-id")[0]


@pytest.mark.parametrize(("method", "headers"), _FORMS)
async def test_every_form_of_a_request_is_answered_alike(
    http: Doors, method: str, headers: dict[str, str]
) -> None:
    for caller in ("", http.wrong):
        known = [_shown(await http.http(method, path, caller, **headers)) for path in (READ, WRITE, NOBODYS)]
        unknown = _shown(await http.http(method, NOWHERE, caller, **headers))
        if "grpc-web-text" not in headers.get("content_type", ""):  # which is base64, request id and all
            assert known == [unknown] * 3
        assert {one[0] for one in known} == {unknown[0]}
        assert unknown[0] in (200, 401, 403)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
async def test_routes_are_alike(http: Doors, method: str) -> None:
    for caller, status in (("", 403), (http.wrong, 401)):
        paths = ("/v1/sheets/1", "/v1/sheets", "/nowhere", "/openapi.json")
        answers = [_shown(await http.http(method, path, caller)) for path in paths]
        assert answers == [answers[0]] * 4
        assert answers[0][0] == status


async def test_routes_of_who_is_let_in(http: Doors) -> None:
    assert (await http.http("GET", "/v1/sheets/1", http.reader)).status == 404
    assert (await http.http("GET", "/openapi.json", http.reader)).status == 403
    document = await http.http("GET", "/openapi.json", http.seer)
    assert (document.status, "/v1/sheets/{id}" in document.json["paths"]) == (200, True)
    assert (await http.http("GET", "/nowhere", http.seer)).status == 404


async def test_connect_of_who_is_let_in(http: Doors) -> None:
    answer = await http.http("POST", READ, http.reader, content_type="application/json")
    assert (answer.status, answer.json["code"]) == (400, "invalid_argument")
    denied = await http.http("POST", WRITE, http.reader, content_type="application/json")
    assert (denied.status, denied.json["code"]) == (403, "permission_denied")
