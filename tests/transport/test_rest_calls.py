"""Calls by REST mean what they mean by gRPC, and every answer is one that the OpenAPI document announces."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from google.api.annotations_pb2 import http
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import gateways
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, descriptors_of
from tests.harness.http import Answer, ask
from tests.harness.rest import Asked, asked, check_by_document

SERVICE = "routed.v1.PartService"
_HTTP: Any = http
PART = {
    "name": "parts/a",
    "amount": 5,
    "serial": "18446744073709551615",
    "weight": 1.5,
    "spare": True,
    "stamp": "/+8=",
    "kind": "KIND_BOLT",
    "madeAt": "2020-01-02T03:04:05.000006Z",
    "life": "1.500s",
    "left": "0",
    "note": "",
    "tags": ["x", "y"],
    "maker": {"name": "M", "address": {"city": "C"}, "phones": ["1"]},
    "labels": {"k": "v"},
}


def rules() -> Mapping[str, HttpRule]:
    """Return the routes of the service's methods, by name."""
    files = FileDescriptorSet.FromString(descriptors_of("routed").SerializeToString())
    return {
        method.name: method.options.Extensions[_HTTP]
        for file in files.file
        if file.package == "routed.v1"
        for method in file.service[0].method
    }


RULES = rules()


@pytest.fixture(scope="module")
async def parts(databases: Databases) -> AsyncIterator[RunningGateway]:
    """Serve the parts, for the module."""
    async with gateways(databases, transport="http") as start:
        yield await start("routed", stream_chunk_bytes=1024)


@pytest.fixture(scope="module")
async def document(parts: RunningGateway) -> Any:
    """Return what the gateway says of its routes."""
    return (await ask(parts.target, "GET", "/openapi.json")).json


@pytest.fixture(autouse=True)
async def _one_part(parts: RunningGateway) -> None:
    await parts.sql("TRUNCATE part")
    await parts.call(f"{SERVICE}/CreatePart", part=PART)


async def send(parts: RunningGateway, request: Asked, **headers: str) -> Answer:
    """Send a request as JSON."""
    method, path, body = request
    return await ask(parts.target, method, path, body, headers)


async def by_rest(parts: RunningGateway, document: Any, rule: HttpRule, request: Message) -> Any:
    """Return what a call by a route answers: JSON, or the code and details of its error."""
    made = asked(rule, request)
    answer = await send(parts, made)
    check_by_document(document, made[0], made[1], answer)
    return answer.json if answer.status == 200 else (answer.json["code"], answer.json["details"])


async def by_grpc(parts: RunningGateway, method: str, request: Message) -> Any:
    """Return the same of a call by gRPC."""
    try:
        return MessageToDict(await parts.call(f"{SERVICE}/{method}", request))
    except RpcFailed as failed:
        return failed.code.value[0], [MessageToDict(detail) for detail in failed.status.details]


names = st.sampled_from(
    ["parts/a", "parts/ü b", "parts/%2F", "parts/..", "parts/a:b", "parts/:count"]
) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=6).map(
    lambda text: f"parts/{text}"
)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
masks = st.lists(st.sampled_from(["amount", "madeAt", "nope", "maker"]), max_size=2)
filters = st.sampled_from(
    ["", "amount > 3", 'note = "%&+?#"', "nope = 1", "kind = KIND_BOLT AND spare = true", "("]
)


@given(st.data(), names, masks)
@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
async def test_reads_say_the_same(
    parts: RunningGateway, document: Any, data: st.DataObject, name: str, mask: list[str]
) -> None:
    message = parts.client.message
    get = message("routed.v1.GetPartRequest", name=name, readMask=",".join(mask))
    listing = message(
        "routed.v1.ListPartsRequest",
        filter=data.draw(filters),
        order_by=data.draw(st.sampled_from(["", "amount desc", "x"])),
        page_size=data.draw(st.integers(-1, 3)),
        **data.draw(
            st.fixed_dictionaries({}, optional={"amount": st.just(5), "note": texts, "spare": st.booleans()})
        ),
    )
    count = message("routed.v1.CountPartsRequest", filter=data.draw(filters))
    for method, request in (("GetPart", get), ("ListParts", listing), ("CountParts", count)):
        expected = await by_grpc(parts, method, request)
        found = await by_rest(parts, document, RULES[method], request)
        for one in (expected, found):
            if isinstance(one, dict):
                one.pop("nextPageToken", None)  # sealed anew each time
        assert found == expected


rows = st.fixed_dictionaries(
    {
        "name": names,
        "note": texts,
        "amount": st.integers(-(2**31), 2**31 - 1),
        "tags": st.lists(texts, max_size=2),
    }
)


@given(rows)
@settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
async def test_what_is_written_by_rest_is_read_by_grpc(
    parts: RunningGateway, document: Any, part: dict[str, Any]
) -> None:
    await parts.sql("TRUNCATE part")
    message, name = parts.client.message, part["name"]
    create = message("routed.v1.CreatePartRequest", part=part)
    made = await by_rest(parts, document, RULES["CreatePart"], create)
    assert made == await by_grpc(parts, "GetPart", message("routed.v1.GetPartRequest", name=name))
    again = await by_rest(parts, document, RULES["CreatePart"], create)
    assert again == await by_grpc(parts, "CreatePart", create)
    update = message("routed.v1.UpdatePartRequest", part={"name": name, "weight": 2.5})
    await by_rest(parts, document, RULES["UpdatePart"], update)
    changed = await parts.call(f"{SERVICE}/GetPart", name=name)
    assert (changed.weight, changed.amount, changed.note) == (2.5, part["amount"], part["note"])
    delete = message("routed.v1.DeletePartRequest", name=name)
    await by_rest(parts, document, RULES["DeletePart"], delete)
    assert await by_rest(parts, document, RULES["DeletePart"], delete) == await by_grpc(
        parts, "DeletePart", delete
    )


async def test_every_binding_of_a_method_leads_to_it(parts: RunningGateway) -> None:
    for method, path in (
        ("GET", "/v1/parts/a"),
        ("GET", "/v1/anywhere/parts/a"),
        ("SEARCH", "/v1/parts/a"),
        ("REPORT", "/v1/parts/a:anyhow"),
    ):
        assert (await send(parts, (method, path, None))).json == PART
    for path in ("/v1/kinds/KIND_BOLT/parts", "/v1/kinds/2/parts", "/v1/stamped/_-8/parts"):
        assert (await send(parts, ("GET", path, None))).json == {"parts": [PART]}
    made_at = "/v1/made/2020-01-02T04:04:05.000006%2B01:00/parts?readMask=name"
    assert (await send(parts, ("GET", made_at, None))).json == {"parts": [{"name": "parts/a"}]}
    assert (await send(parts, ("GET", "/v1/anywhere/parts%2Fa", None))).status == 404


async def test_a_field_of_the_response_may_be_the_answer(parts: RunningGateway, document: Any) -> None:
    for field in ("maker", "tags", "amount", "labels", "note"):
        answer = await send(parts, ("GET", f"/v1/parts/a/{field}", None))
        assert json.loads(answer.body) == PART[field]
        check_by_document(document, "GET", f"/v1/parts/a/{field}", answer)
    await send(parts, ("POST", "/v1/parts", b'{"name": "parts/empty"}'))
    unset = {"maker": None, "tags": [], "amount": 0, "labels": {}, "note": None}
    for field, value in unset.items():
        assert json.loads((await send(parts, ("GET", f"/v1/parts/empty/{field}", None))).body) == value
    assert (await send(parts, ("GET", "/v1/parts:number", None))).json == "2"


async def test_a_field_of_the_request_may_be_the_body(parts: RunningGateway) -> None:
    rows = [{"name": "parts/a", "amount": 6}, {"name": "parts/b"}]
    path = "/v1/parts:bulkUpsert?onConflict=ON_CONFLICT_UPDATE"
    answer = await send(parts, ("POST", path, json.dumps(rows).encode()))
    assert answer.json == {"insertedCount": "1", "updatedCount": "1"}
    part = {"part": {"name": "parts/b", "maker": {"name": "N"}}, "allowMissing": True}
    whole = await send(parts, ("PATCH", "/v1/parts", json.dumps(part).encode()))
    assert whole.json == part["part"]


FORMS = ["application/json", "application/x-ndjson", "text/event-stream"]


def events(body: bytes) -> list[dict[str, str]]:
    """Return server-sent events, each with its fields."""
    blocks = body.decode().removesuffix("\n\n").split("\n\n")
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


def chunks(answer: Answer) -> list[Any]:
    """Return the messages of a stream's answer, whatever form it has; the error is the last, as `error`."""
    form = answer.headers["content-type"]
    if form == FORMS[0]:
        return list(json.loads(answer.body))
    if form == FORMS[1]:
        return [json.loads(line) for line in answer.body.splitlines()]
    named = {"error": lambda data: {"error": data}, "message": lambda data: data}
    return [
        named[event.get("event", "message")](json.loads(event["data"]))
        for event in events(answer.body)
        if event.get("event") != "end"
    ]


async def fill(parts: RunningGateway, count: int) -> None:
    """Store parts that make several chunks."""
    await parts.sql("TRUNCATE part")
    stored = [{"name": f"parts/{number:04}", "note": "x" * 100} for number in range(count)]
    await parts.call(f"{SERVICE}/BulkUpsertParts", parts=stored)


@pytest.mark.parametrize("accept", FORMS)
async def test_a_stream_has_the_form_that_is_asked_for(parts: RunningGateway, accept: str) -> None:
    await fill(parts, 100)
    answer = await ask(parts.target, "GET", "/v1/parts:stream", headers={"accept": f"text/html, {accept}"})
    assert (answer.status, answer.headers["content-type"]) == (200, accept)
    assert answer.headers["x-request-id"]
    found = chunks(answer)
    assert len(found) > 3
    assert sum(len(chunk["parts"]) for chunk in found) == 100
    await parts.sql("TRUNCATE part")
    empty = await ask(parts.target, "GET", "/v1/parts:stream", headers={"accept": accept})
    assert (empty.status, chunks(empty) if accept != FORMS[2] else events(empty.body)[-1]["event"]) == (
        200,
        [] if accept != FORMS[2] else "end",
    )


@pytest.mark.parametrize("accept", FORMS)
async def test_an_error_amid_a_stream_is_told_in_its_form(parts: RunningGateway, accept: str) -> None:
    await fill(parts, 100)
    await parts.sql("UPDATE part SET made_at = '20000-01-01Z' WHERE name = 'parts/0090'")
    answer = await ask(parts.target, "GET", "/v1/parts:stream", headers={"accept": accept})
    *before, last = chunks(answer)
    assert answer.status == 200
    assert before
    assert last["error"]["details"][0]["reason"] == "UNREPRESENTABLE_VALUE"
    assert accept != FORMS[2] or events(answer.body)[-1]["event"] == "error"
    refused = await ask(parts.target, "GET", "/v1/parts:stream?filter=nope=1", headers={"accept": accept})
    assert (refused.status, refused.json["code"]) == (400, 3)


async def test_events_are_gone_on_with_by_their_ids(parts: RunningGateway) -> None:
    await fill(parts, 100)
    accept = {"accept": FORMS[2]}
    first = await ask(parts.target, "GET", "/v1/parts:stream", headers=accept)
    ids = [event["id"] for event in events(first.body)[:-1]]
    again = await ask(parts.target, "GET", "/v1/parts:stream", headers={**accept, "last-event-id": ids[1]})
    assert chunks(again)[0]["parts"] == chunks(first)[2]["parts"]
    path = f"/v1/parts:stream?resume_token={ids[0]}"
    newer = await ask(parts.target, "GET", path, headers={**accept, "last-event-id": ids[1]})
    assert chunks(newer)[0]["parts"] == chunks(first)[2]["parts"]
    # Whatever else were answered, an EventSource would ask again for ever.
    over = await ask(parts.target, "GET", "/v1/parts:stream", headers={**accept, "last-event-id": ids[-1]})
    assert (over.status, over.body) == (204, b"")


async def test_rows_come_in_as_lines(parts: RunningGateway) -> None:
    lines = [
        {"start": {"streamId": "s"}},
        *({"sequence": str(n), "parts": [{"name": f"parts/{n}"}, {"name": f"parts/{n}b"}]} for n in (1, 2)),
    ]
    body = b"\n\n".join(json.dumps(line).encode() for line in lines)
    sent = {"content-type": "application/x-ndjson", "accept": "application/x-ndjson"}
    answer = await ask(parts.target, "POST", "/v1/parts:ingest", body, sent)
    assert chunks(answer)[1:] == [
        {"watermark": "1", "insertedCount": "2"},
        {"watermark": "2", "insertedCount": "2"},
    ]
    assert len(await parts.sql("SELECT name FROM part")) == 5
    wrong = body + b'\n{"sequence": "3", "prats": []}\n'
    broken = await ask(parts.target, "POST", "/v1/parts:ingest", wrong, sent)
    assert chunks(broken)[-1]["error"]["details"][1]["fieldViolations"][0]["field"] == "prats"
    for other in ({"content-type": "application/json"}, {**sent, "content-encoding": "gzip"}):
        assert (await ask(parts.target, "POST", "/v1/parts:ingest", body, other)).status == 415


HOSTILE = [
    "/v1/parts/%2e%2e%2f%2e%2e%2fetc",
    "/v1/../v1/parts",
    "/v1/parts/a/../a",
    "/v1//parts",
    "/v1/parts/",
    "/v1/parts/%",
    "/v1/parts/%FF",
    "/v1/parts/%C0%AF",
    "/v1/parts/%ED%A0%80",
    "/v1/parts/%00",
    "/v1/parts/" + "a" * 9000,
    "/v1/parts/a" + ":" * 2000,
    "/v1/anywhere/" + "/" * 9000,
    "/v1/anywhere/" + "%2F" * 3000,
    "/v1/parts?" + "&" * 1500,
    "/v1/parts?" + "=" * 1500,
    "/v1/parts?readMask=" + "`" * 5001,
    "/v1/parts?readMask=" + "," * 9000,
    "/v1/parts?%FF%FE=%FF",
    "/v1/parts?amount=" + "9" * 9000,
    "/v1/parts?weight=" + "1" * 9000,
    "/v1/parts?life=" + "1" * 9000 + "s",
    "/v1/parts?" + ".".join("part" for _ in range(1500)) + "=1",
    "/v1/parts?" + "&".join(f"x{n}=1" for n in range(1500)),
]


@pytest.mark.parametrize("path", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_urls_get_an_answer(parts: RunningGateway, path: str) -> None:
    answer = await ask(parts.target, "GET", path)
    assert answer.status in {200, 400, 404, 414, 431}, answer
    if answer.headers.get("content-type") == "application/json":
        assert len(answer.body) < 8192
    assert (await send(parts, ("GET", "/v1/parts:number", None))).json == "1"


async def test_parameters_are_counted_before_they_are_read(databases: Databases) -> None:
    async with gateways(databases, transport="http") as start:
        parts = await start("routed", max_metadata_bytes=64 * 1024)
        path = "/v1/parts?" + "&".join("a" * 10_000)
        refused = await ask(parts.target, "GET", path)
        assert (refused.status, refused.json["details"][0]["reason"]) == (400, "TOO_MANY_PARAMETERS")


async def test_many_ask_at_once(parts: RunningGateway) -> None:
    answers = await asyncio.gather(*(send(parts, ("GET", "/v1/parts/a", None)) for _ in range(50)))
    assert all(answer.json == PART for answer in answers)
