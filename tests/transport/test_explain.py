"""Calls that ask to be explained are answered as ever, with their plans beside; only who may is told."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from gateway.request.calls.explanation import MAX_BYTES, Explanation
from tests.conftest import GatewayFor, gateways
from tests.harness.callers import Caller, write_keys
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.harness.explained import explained
from tests.harness.gateway import RunningGateway
from tests.harness.http import ask
from tests.harness.transports import TRANSPORTS

PARTS = "routed.v1.PartService"
FINDS = "finds.v1.FindService"
POSTS = "posted.v1.PostService"
ASKS = (("rowgate-explain", "plan"),)


@pytest.fixture(scope="module", params=TRANSPORTS)
async def parts(databases: Databases, request: pytest.FixtureRequest) -> AsyncIterator[RunningGateway]:
    async with gateways(databases, transport=request.param) as start:
        gateway = await start("routed")
        for i in range(20):
            part = {"name": f"parts/{i}", "amount": i % 4, "note": f"n{i}"}
            await gateway.call(f"{PARTS}/CreatePart", part=part)
        yield gateway


@pytest.fixture(scope="module", params=TRANSPORTS)
async def by_schema(databases: Databases, request: pytest.FixtureRequest) -> AsyncIterator[GatewayFor]:
    """Serve each schema once."""
    running: dict[str, RunningGateway] = {}
    async with gateways(databases, transport=request.param) as start:

        async def started(name: str) -> RunningGateway:
            if name not in running:
                running[name] = await start(name)
            return running[name]

        yield started


async def unary(
    gateway: RunningGateway, method: str, metadata: Any = ASKS, **fields: Any
) -> tuple[bytes, dict[str, Any]]:
    """Call a method; return its response, and what its trailing metadata explains."""
    service, _, name = method.partition("/")
    request = gateway.client.message(f"{service.rpartition('.')[0]}.{name}Request", fields)
    call = gateway.client.channel.unary_unary(f"/{method}")(
        request.SerializeToString(), metadata=metadata, timeout=30
    )
    return await call, told(await call.trailing_metadata())


def told(trailers: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dict(trailers).get("rowgate-explain-bin", b"{}"))
    return found


async def test_a_page_is_answered_with_its_plan(parts: RunningGateway) -> None:
    plain, nothing = await unary(parts, f"{PARTS}/ListParts", (), filter="amount = 3", page_size=50)
    assert nothing == {}
    explained, found = await unary(parts, f"{PARTS}/ListParts", filter="amount = 3", page_size=50)
    assert explained == plain
    page = found["statements"][0]
    assert page["statement"] == "list part"
    assert page["advice"] == "no index serves the conditions on part"
    assert page["total_cost"] > 0
    assert "actual_rows" not in page
    assert "(amount = 3)" in json.dumps(page["plan"])


async def test_what_an_index_serves_has_no_advice(parts: RunningGateway) -> None:
    _, found = await unary(
        parts, f"{PARTS}/CountParts", filter='name IN ("parts/1", "parts/2") AND amount = 1'
    )
    (counted,) = found["statements"]
    assert "advice" not in counted


async def test_analyze_tells_what_it_took(parts: RunningGateway) -> None:
    analyze = (("rowgate-explain", "analyze"),)
    _, found = await unary(parts, f"{PARTS}/CountParts", analyze, filter="amount = 3")
    (counted,) = found["statements"]
    assert counted["actual_rows"] == 1
    assert counted["actual_ms"] > 0
    assert "rows_removed" in json.dumps(counted)


async def test_a_stream_ends_with_it(parts: RunningGateway) -> None:
    request = parts.client.message("routed.v1.StreamPartsRequest", {"filter": "amount = 3"})
    call = parts.client.channel.unary_stream(f"/{PARTS}/StreamParts")(
        request.SerializeToString(), metadata=ASKS, timeout=30
    )
    assert [one async for one in call]
    assert told(await call.trailing_metadata())["statements"][0]["statement"] == "stream part"


async def test_an_error_has_it_as_far_as_it_came(parts: RunningGateway) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await unary(parts, f"{PARTS}/ListParts", filter="amont = 3")
    assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert told(failed.value.trailing_metadata()) == {"statements": []}


async def test_another_word_is_refused(parts: RunningGateway) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await unary(parts, f"{PARTS}/ListParts", (("rowgate-explain", "all"),))
    assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert failed.value.details() == "rowgate-explain: expected plan or analyze"


@pytest.mark.parametrize(
    "read",
    [
        ("routed", f"{PARTS}/GetPart", {"name": "parts/1"}, ["get part"]),
        ("routed", f"{PARTS}/ListParts", {"filter": "amount = 1"}, ["list part"]),
        ("routed", f"{PARTS}/StreamParts", {"filter": "amount = 1"}, ["stream part"]),
        ("routed", f"{PARTS}/CountParts", {"filter": "amount = 1"}, ["count part"]),
        ("kin", "kin.v1.TownService/BatchGetTowns", {"ids": [1, 2]}, ["batch get town"]),
        (
            "kin",
            "kin.v1.PersonService/BatchGetPeople",
            {"ids": [1], "readMask": "name,town.name"},
            ["batch get person"],
        ),
        (
            "guilds",
            "guilds.v1.GuildService/CountGuilds",
            {"mode": "COUNT_MODE_ESTIMATED"},
            ["estimate group"],
        ),
        ("statistics", "statistics.v1.ReadingService/AggregateReadings", {}, ["aggregate reading"]),
        ("statistics", "statistics.v1.ReadingService/ExistsReadings", {}, ["exists reading"]),
        ("finds", f"{FINDS}/GetBook", {"shelf": 1, "id": 1}, ["get book"]),
        ("finds", f"{FINDS}/SearchBooks", {"words": {"query": "sea"}}, ["search book"]),
        ("finds", f"{FINDS}/TellSetting", {"name": "work_mem"}, ["finds.v1.FindService.TellSetting"]),
    ],
)
@pytest.mark.parametrize("mode", ["plan", "analyze"])
async def test_every_method_that_reads_is_explained(
    by_schema: GatewayFor, read: tuple[str, str, dict[str, Any], list[str]], mode: str
) -> None:
    """One that finds nothing, too; analyzed, all but an estimate are run, which is a plan itself."""
    schema, method, asked, statements = read
    found = await explained((await by_schema(schema)).client, method, asked, mode)
    assert [one["statement"] for one in found] == statements
    for one in found:
        assert one["total_cost"] >= 0
        assert one["plan"]["node"]
        run = mode == "analyze" and not one["statement"].startswith("estimate")
        assert ("actual_ms" in one) is run


@pytest.mark.parametrize(
    ("schema", "method", "asked"),
    [
        ("routed", f"{PARTS}/CreatePart", {"part": {"name": "parts/x", "amount": 1}}),
        ("routed", f"{PARTS}/UpdatePart", {"part": {"name": "parts/1", "amount": 9}}),
        ("routed", f"{PARTS}/DeletePart", {"name": "parts/1"}),
        ("routed", f"{PARTS}/BulkUpsertParts", {"parts": [{"name": "parts/x", "amount": 1}]}),
        ("routed", f"{PARTS}/IngestParts", {"start": {}}),
        ("finds", f"{FINDS}/Transact", {"steps": []}),
    ],
)
async def test_what_writes_is_refused_and_does_nothing(
    by_schema: GatewayFor, schema: str, method: str, asked: dict[str, Any]
) -> None:
    gateway = await by_schema(schema)
    with pytest.raises(RpcFailed) as failed:
        await explained(gateway.client, method, asked)
    assert (failed.value.code, failed.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "NOT_EXPLAINED")
    assert "methods that read" in failed.value.message
    if schema == "routed":
        rows = await gateway.sql("SELECT count(*) AS n FROM part WHERE name = 'parts/x' OR amount = 9")
        assert rows[0]["n"] == 0


async def test_json_has_it_too(databases: Databases) -> None:
    async with gateways(databases, transport="http") as start:
        gateway = await start("routed")
        headers = {"rowgate-explain": "plan", "content-type": "application/json"}
        for path in ("/v1/parts?filter=amount%20%3D%203", "/v1/parts"):
            answer = await ask(gateway.target, "GET", path, None, headers)
            assert answer.status == 200
            assert json.loads(answer.headers["rowgate-explain"])["statements"][0]["statement"] == "list part"
        got = await ask(gateway.target, "GET", "/v1/parts/x", None, headers)
        assert got.status == 404
        assert json.loads(got.headers["rowgate-explain"])["statements"][0]["statement"] == "get part"
        answer = await ask(gateway.target, "POST", f"/{PARTS}/ListParts", b'{"filter":"amount = 3"}', headers)
        packed = answer.headers["trailer-rowgate-explain-bin"]
        found = json.loads(base64.b64decode(packed + "=="))
        assert found["statements"][0]["advice"] == "no index serves the conditions on part"


@pytest.mark.parametrize("carrier", TRANSPORTS)
async def test_only_who_may_is_told(databases: Databases, carrier: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys = write_keys(path, (Caller("ann"), Caller("ops", roles=("planner",))))
    settings = {"auth_providers": "api_key", "auth_api_keys": path}

    async def asked(gateway: RunningGateway, name: str) -> Any:
        metadata = (*ASKS, ("authorization", f"Bearer {keys[name]}"))
        try:
            return (await unary(gateway, f"{POSTS}/ListPosts", metadata, filter="title = a"))[1]
        except grpc.aio.AioRpcError as error:
            return error.code()

    async with gateways(databases, transport=carrier) as start:
        open_to_some = await start("posted", **settings, auth_explain_roles="planner")
        assert await asked(open_to_some, "ann") is grpc.StatusCode.PERMISSION_DENIED
        found = await asked(open_to_some, "ops")
        assert "author" in json.dumps(found["statements"][0]["plan"])
        open_to_none = await start("posted", **settings)
        assert await asked(open_to_none, "ops") is grpc.StatusCode.PERMISSION_DENIED


def test_what_is_told_has_a_bound() -> None:
    leaf = {"Node Type": "Seq Scan", "Relation Name": "part", "Filter": "é" * 5_000, "Total Cost": 1.5}
    explanation = Explanation(analyze=False)
    explanation.add("list part", {"Node Type": "Append", "Plans": [leaf] * 100}, leaf)
    assert len(explanation.text()) <= MAX_BYTES
    assert json.loads(explanation.text())["statements"][0]["advice"]
    for _ in range(100):
        explanation.add("list part", leaf, leaf)
    assert json.loads(explanation.text()) == {"omitted": 101}
