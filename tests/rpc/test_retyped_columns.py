"""A column whose type is altered while it is served: no caller is to blame, and nothing is written or read.

PostgreSQL's description of a statement's columns tells it, also where the values would pass for others. Once
the column is put back everything is as before.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict

from gateway.db.bulk.copy_new_rows import FEWEST
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

SCALARS = "types.v1.ScalarService"
EVENTS = "flow.v1.EventService"
NOBODYS = ("INTERNAL", "SCHEMA_MISMATCH", ())
"""An error that blames no field of the request."""
DONE = ("OK", "", ())
Fate = tuple[str, str, tuple[str, ...]]
Call = Callable[[], Awaitable[object]]

# Column, its type meanwhile, its own type, and a filter that can't be asked meanwhile.
TO_TEXT = ("int32_value", "text", "integer USING int32_value::integer", "int32_value = 1")
TO_INTEGER = ("string_value", "integer USING 1", "text", 'string_value = "1"')
# The driver's values for it pass for those of the schema.
TO_LOCAL_TIME = ("at", "timestamp", "timestamptz", "")


def row(number: int) -> dict[str, Any]:
    """Return a row that fits every type above."""
    return {"id": number, "int32_value": 1, "string_value": "1", "at": "2024-02-29T23:59:59Z"}


async def fate(call: Awaitable[object]) -> Fate:
    """Return how a call ended: code, reason, and the fields to blame."""
    try:
        await call
    except RpcFailed as failed:
        return failed.code.name, failed.reason, tuple(failed.fields)
    return DONE


async def drained(stream: AsyncIterator[object]) -> None:
    """Read a stream to its end."""
    async for _ in stream:
        pass


def calls_of(gateway: RunningGateway, numbers: int) -> Mapping[str, Call]:
    """Return a call of each method, the new rows of which have ids from `numbers` on."""

    def call(method: str, **fields: Any) -> Call:
        return lambda: gateway.call(f"{SCALARS}/{method}", **fields)

    def rows(first: int, count: int) -> list[dict[str, Any]]:
        return [row(numbers + first + i) for i in range(count)]

    upsert = "BulkUpsertScalars"
    return {
        "get": call("GetScalar", id=1),
        "list": call("ListScalars"),
        "batch get": call("BatchGetScalars", ids=[1, 2]),
        "create": call("CreateScalar", scalar=row(numbers)),
        "update": call("UpdateScalar", scalar={"id": 1, "double_value": 1}, update_mask="doubleValue"),
        "batch create": call("BatchCreateScalars", requests=[{"scalar": one} for one in rows(1, 3)]),
        "upsert": call(upsert, scalars=rows(10, 3)),
        "upsert what is new": call(upsert, scalars=rows(20, 3), on_conflict="ON_CONFLICT_IGNORE"),
        "upsert, each on its own": call(upsert, scalars=rows(30, 3), partial_failure=True),
        "copy": call(upsert, scalars=rows(100, FEWEST)),
        "stream": lambda: drained(gateway.client.stream(f"{SCALARS}/StreamScalars")),
    }


@pytest.mark.parametrize(
    ("column", "altered", "own", "query"),
    [TO_TEXT, TO_INTEGER, TO_LOCAL_TIME],
    ids=["to text", "to a number", "to a local time"],
)
async def test_every_method_tells_it_until_the_column_is_put_back(
    gateway_for: GatewayFor, column: str, altered: str, own: str, query: str
) -> None:
    gateway = await gateway_for("types")
    await gateway.call(f"{SCALARS}/BatchCreateScalars", requests=[{"scalar": row(1)}, {"scalar": row(2)}])
    calls = calls_of(gateway, 10_000)
    assert {await fate(call()) for name, call in calls.items() if name != "copy"} == {DONE}
    stored = await contents(gateway)

    await gateway.sql(f"ALTER TABLE scalar ALTER {column} TYPE {altered}")
    fates = {name: await fate(call()) for name, call in calls_of(gateway, 20_000).items()}
    assert fates == dict.fromkeys(fates, NOBODYS)
    if query:
        assert await fate(gateway.call(f"{SCALARS}/CountScalars", filter=query)) == NOBODYS
    await gateway.sql(f"ALTER TABLE scalar ALTER {column} TYPE {own}")

    assert (await contents(gateway)).keys() == stored.keys()
    fates = {name: await fate(call()) for name, call in calls_of(gateway, 30_000).items()}
    assert fates == dict.fromkeys(fates, DONE)


async def contents(gateway: RunningGateway) -> Mapping[int, Any]:
    """Return the rows by their keys, past the gateway."""
    return {stored["id"]: stored for stored in await gateway.sql("SELECT * FROM scalar")}


@pytest.mark.parametrize("kept", [0, 100])
async def test_calls_that_share_a_statement_are_told_alike(gateway_for: GatewayFor, kept: int) -> None:
    """Whether connections keep statements, as most do, or a pooler forbids it."""
    gateway = await gateway_for("types", coalesce_max_concurrent_batches=1, statement_cache_size=kept)
    await gateway.call(f"{SCALARS}/BatchCreateScalars", requests=[{"scalar": row(n)} for n in range(40)])
    await gateway.sql("ALTER TABLE scalar ALTER int32_value TYPE text")
    reads = [gateway.call(f"{SCALARS}/GetScalar", id=n) for n in range(40)]
    writes = [gateway.call(f"{SCALARS}/CreateScalar", scalar=row(100 + n)) for n in range(40)]
    found = await asyncio.gather(*map(fate, [*reads, *writes]))
    assert set(found) == {NOBODYS}
    assert len(await contents(gateway)) == 40


async def test_a_value_that_a_narrower_column_does_not_take_is_its_callers(gateway_for: GatewayFor) -> None:
    """An integer is one at any width, as in the midst of a widening: what fits is read and written."""
    gateway = await gateway_for("types", coalesce_max_concurrent_batches=1)
    await gateway.call(f"{SCALARS}/CreateScalar", scalar=row(0))
    for width in ("smallint", "bigint"):
        await gateway.sql(f"ALTER TABLE scalar ALTER int32_value TYPE {width}")
        found = await gateway.call(f"{SCALARS}/GetScalar", id=0)
        assert MessageToDict(found)["int32Value"] == 1
        many = [row(n) for n in range(1000, 1000 + FEWEST)]
        assert await fate(gateway.call(f"{SCALARS}/BulkUpsertScalars", scalars=many)) == DONE
        await gateway.sql("DELETE FROM scalar WHERE id > 0")
    await gateway.sql("ALTER TABLE scalar ALTER int32_value TYPE smallint")
    new = [{**row(n), "int32_value": 40_000 if n == 7 else n} for n in range(1, 20)]
    found = await asyncio.gather(*(fate(gateway.call(f"{SCALARS}/CreateScalar", scalar=one)) for one in new))
    assert [n for n, one in enumerate(found, 1) if one != DONE] == [7]
    assert found[6][0] in ("INVALID_ARGUMENT", "OUT_OF_RANGE")


async def test_streams_tell_it_until_the_column_is_put_back(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("flow")

    async def ingest(first: int, count: int) -> None:
        talk = gateway.client.converse(f"{EVENTS}/IngestEvents")
        await talk.send(start={"stream_id": f"s{first}"})
        events = [
            {"id": first + i, "name": "1", "amount": 1, "at": "2024-02-29T23:59:59Z"} for i in range(count)
        ]
        await talk.ask(sequence=1, events=events)
        await talk.end()

    async def fates(first: int) -> list[Fate]:
        return [
            await fate(ingest(first, 3)),
            await fate(ingest(first + 10, FEWEST)),
            await fate(drained(gateway.client.stream(f"{EVENTS}/StreamEvents"))),
        ]

    assert await fate(ingest(0, 3)) == DONE
    await gateway.sql("ALTER TABLE event DROP CONSTRAINT event_amount_check, ALTER amount TYPE text")
    assert await fates(10_000) == [NOBODYS] * 3
    await gateway.sql("ALTER TABLE event ALTER amount TYPE bigint USING amount::bigint")
    assert len(await gateway.sql("SELECT FROM event WHERE id >= 10000")) == 0
    assert await fates(20_000) == [DONE] * 3


async def test_the_log_says_which_column_of_what(
    gateway_for: GatewayFor, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await gateway_for("types", log_access="errors")
    await gateway.sql("ALTER TABLE scalar ALTER int32_value TYPE text")
    with caplog.at_level(logging.INFO), pytest.raises(RpcFailed) as failed:
        await gateway.call(f"{SCALARS}/GetScalar", id=1)
    assert failed.value.code is grpc.StatusCode.INTERNAL
    assert failed.value.metadata["column"] == "int32_value"
    (line,) = (record for record in caplog.records if record.levelno >= logging.ERROR)
    assert line.name == "gateway.access"
    assert getattr(line, "cause", "") == "get scalar: column int32_value is text, not integer"
