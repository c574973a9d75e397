"""Tables with constraints that can be deferred: ON CONFLICT takes none, and COMMIT alone may refuse rows."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.rpc.bulk_ways import WAYS, taking
from tests.rpc.test_bulk_errors import named

SERVICE = "guarded.v1.ThingService"
BULK = f"{SERVICE}/BulkUpsertThings"


async def _served(databases: Databases, transport: str, *statements: str) -> RunningGateway:
    """Serve things whose table an administrator altered before."""
    dsn = await databases.copy_of("guarded", build_tables(schema_of("guarded")).metadata)
    for statement in statements:
        await fetch(dsn, statement)
    return await serve("guarded", dsn, transport=transport)


@pytest.fixture
async def numbered(databases: Databases, transport: str) -> AsyncIterator[RunningGateway]:
    """Serve things with a deferrable key that the protos don't name."""
    gateway = await _served(
        databases, transport, "ALTER TABLE thing ADD CONSTRAINT theirs UNIQUE (number) DEFERRABLE"
    )
    yield gateway
    await gateway.stop()


async def test_rows_are_created_beside_a_deferrable_key_of_others(numbered: RunningGateway) -> None:
    things = [{"id": n, "number": n} for n in range(1, 9)]
    calls = (numbered.call(f"{SERVICE}/CreateThing", thing=thing) for thing in things)
    assert [thing.id for thing in await asyncio.gather(*calls)] == list(range(1, 9))
    changes = [{"thing": {"id": n, "number": n}, "allow_missing": True} for n in (8, 9)]
    await numbered.call(f"{SERVICE}/BatchUpdateThings", requests=changes)
    creations = [{"thing": {"id": n, "number": n}} for n in (10, 11)]
    await numbered.call(f"{SERVICE}/BatchCreateThings", requests=creations)
    await numbered.call(BULK, things=[{"id": n, "number": n} for n in (11, 12)])
    assert await numbered.sql("SELECT FROM thing WHERE id <> number") == []
    assert len(await numbered.sql("SELECT FROM thing")) == 12


@pytest.mark.parametrize("thing", [{"id": 1, "number": 3}, {"id": 3, "number": 1}])
async def test_a_taken_key_is_refused_beside_it(numbered: RunningGateway, thing: dict[str, int]) -> None:
    await numbered.call(f"{SERVICE}/CreateThing", thing={"id": 1, "number": 1})
    sent = [thing, *({"id": n, "number": n} for n in (20, 21, 22))]
    calls = (numbered.call(f"{SERVICE}/CreateThing", thing=one) for one in sent)
    refused, *created = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(refused, RpcFailed)
    assert refused.reason == "UNIQUE_VIOLATION"
    assert [one.id for one in created if not isinstance(one, BaseException)] == [20, 21, 22]


DEFERRED = (
    "ALTER TABLE thing ALTER CONSTRAINT thing_shelf_id_fkey DEFERRABLE INITIALLY DEFERRED",
    "ALTER TABLE thing ADD CONSTRAINT theirs UNIQUE (number) DEFERRABLE INITIALLY DEFERRED",
    """CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.number < 0 THEN RAISE check_violation USING CONSTRAINT = 'judge'; END IF; RETURN NULL;
    END $$""",
    """CREATE CONSTRAINT TRIGGER judge AFTER INSERT OR UPDATE ON thing DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION judge()""",
    "INSERT INTO thing (id, number) VALUES (1, 1), (2, 2)",
)
ROWS = [
    {"id": 1, "number": 10},
    {"id": 2, "number": -1},
    {"id": 3, "number": 3},
    {"id": 4, "number": 4, "shelf_id": 404},
    {"id": 5, "number": 1},
    {"id": 6, "number": 3},
    {"id": 7, "number": -7},
]
REFUSED = {
    1: "CHECK_VIOLATION",
    3: "FOREIGN_KEY_VIOLATION",
    5: "UNIQUE_VIOLATION",
    6: "CHECK_VIOLATION",
}
STORED = [(1, 10), (2, 2), (3, 3), (5, 1)]


@pytest.fixture(params=WAYS)
def _way(request: pytest.FixtureRequest) -> Iterator[None]:
    with taking(request.param):
        yield


@pytest.fixture
async def deferred(databases: Databases, transport: str) -> AsyncIterator[RunningGateway]:
    """Serve things with a reference, a key and a trigger that are deferred."""
    gateway = await _served(databases, transport, *DEFERRED)
    yield gateway
    await gateway.stop()


async def _stored(gateway: RunningGateway) -> list[tuple[int, int]]:
    return [tuple(row.values()) for row in await gateway.sql("SELECT id, number FROM thing ORDER BY id")]


@pytest.mark.usefixtures("_way")
async def test_rows_that_commit_would_refuse_fail_alone(deferred: RunningGateway) -> None:
    answer = await deferred.call(BULK, things=ROWS, partial_failure=True)
    assert {index: reason for index, (reason, _) in named(answer).items()} == REFUSED
    assert (answer.inserted_count, answer.updated_count) == (2, 1)
    assert await _stored(deferred) == STORED


@pytest.mark.usefixtures("_way")
async def test_a_stream_passes_rows_that_commit_would_refuse(deferred: RunningGateway) -> None:
    talk = deferred.client.converse(f"{SERVICE}/IngestThings")
    await talk.ask(start={"stream_id": "one", "partial_failure": True})
    answer = await talk.ask(sequence=1, things=ROWS)
    assert (answer.watermark, sorted(named(answer))) == (1, sorted(REFUSED))
    await talk.end()
    assert await _stored(deferred) == STORED


async def test_rows_may_refer_to_each_other_until_commit(deferred: RunningGateway) -> None:
    """What is deferred may be broken within a request: two rows change their numbers."""
    things = [{"id": 1, "number": 2}, {"id": 2, "number": 1}]
    answer = await deferred.call(BULK, things=things)
    assert answer.updated_count == 2


REFUSED_ALONE = {"CHECK_VIOLATION": {"id": 2, "number": -1}, "FOREIGN_KEY_VIOLATION": ROWS[3]}


@pytest.mark.parametrize("reason", REFUSED_ALONE)
async def test_what_commit_refuses_is_told_by_its_own_reason(deferred: RunningGateway, reason: str) -> None:
    row = REFUSED_ALONE[reason]
    others = [{"id": n, "number": n} for n in range(20, 25)]
    calls = [
        deferred.call(f"{SERVICE}/CreateThing", thing={**row, "id": 50}),
        deferred.call(f"{SERVICE}/UpdateThing", thing={**row, "id": 1}),
        deferred.call(f"{SERVICE}/UpdateThing", thing={**row, "id": 51}, allow_missing=True),
        deferred.call(f"{SERVICE}/BatchCreateThings", requests=[{"thing": {**row, "id": 52}}]),
        *(deferred.call(f"{SERVICE}/CreateThing", thing=other) for other in others),
    ]
    *refused, _, _, _, _, last = await asyncio.gather(*calls, return_exceptions=True)
    assert [error.reason for error in refused if isinstance(error, RpcFailed)] == [reason] * 4
    assert last.id == 24
    assert await _stored(deferred) == [(1, 1), (2, 2), *((n, n) for n in range(20, 25))]
