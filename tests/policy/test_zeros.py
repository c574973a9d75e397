"""New rows of callers who may not write columns without presence: they hold what an unset field holds."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.gateway import RunningGateway
from tests.rpc.bulk_ways import WAYS, taking

WAGES = "wages.v1.WageService"
BONUSES = "wages.v1.BonusService"
CALLERS = (Caller("hr", roles=("hr",)), Caller("ann"))

Served = tuple[RunningGateway, Mapping[str, Client]]


@pytest.fixture
async def served(
    gateway_for: Callable[..., Awaitable[RunningGateway]], tmp_path: Path
) -> AsyncIterator[Served]:
    path = tmp_path / "keys.json"
    keys = write_keys(path, CALLERS)
    gateway = await gateway_for("wages", auth_providers="api_key", auth_api_keys=path)
    async with clients_of(gateway, "wages", keys) as clients:
        yield gateway, clients


async def create(client: Client, number: int) -> None:
    await client.call(f"{WAGES}/CreateWage", wage={"id": number, "name": "x"})


async def create_many(client: Client, number: int) -> None:
    requests = [{"wage": {"id": n, "name": "x"}} for n in (number, -number)]
    await client.call(f"{WAGES}/BatchCreateWages", requests=requests)


async def update_missing(client: Client, number: int) -> None:
    await client.call(f"{WAGES}/UpdateWage", wage={"id": number, "name": "x"}, allowMissing=True)


async def upsert(client: Client, number: int) -> None:
    await client.call(f"{WAGES}/BulkUpsertWages", wages=[{"id": number, "name": "x"}])


async def ingest(client: Client, number: int) -> None:
    talk = client.converse(f"{WAGES}/IngestWages")
    await talk.ask(start={"stream_id": str(number)})
    await talk.ask(sequence=1, wages=[{"id": number, "name": "x"}])


@pytest.mark.parametrize("made", [create, create_many, update_missing, upsert, ingest])
async def test_a_new_row_is_that_of_who_may_write_all(served: Served, made: Callable[..., Any]) -> None:
    """The same row as of somebody who may set the fields, and doesn't."""
    gateway, clients = served
    await made(clients["hr"], 1)
    await made(clients["ann"], 2)
    mine, theirs = [await row(gateway, number) for number in (2, 1)]
    assert mine == theirs
    assert (mine["salary"], mine["remark"], mine["seal"], mine["tags"]) == (0, "", b"", [])


@pytest.mark.parametrize("way", WAYS)
async def test_a_bulk_upsert_leaves_stored_values_alone(served: Served, way: str) -> None:
    gateway, clients = served
    await clients["hr"].call(f"{WAGES}/CreateWage", wage={"id": 1, "salary": 7, "remark": "r"})
    rows, others = [[{"id": n, "name": "x"} for n in numbers] for numbers in (range(1, 20), range(20, 39))]
    with taking(way):
        answer = await clients["ann"].call(f"{WAGES}/BulkUpsertWages", wages=rows)
        new = await clients["ann"].call(f"{WAGES}/BulkUpsertWages", wages=others)
    assert (answer.inserted_count, answer.updated_count, new.inserted_count) == (18, 1, 19)
    stored = await gateway.sql("SELECT id, salary, remark FROM wage WHERE salary <> 0 OR remark <> ''")
    assert [tuple(one.values()) for one in stored] == [(1, 7, "r")]


async def row(gateway: RunningGateway, number: int) -> dict[str, Any]:
    """Return a stored row but for its key."""
    ((found),) = await gateway.sql(f"SELECT * FROM wage WHERE id = {number}")  # noqa: S608 - a number of this test
    return {name: value for name, value in dict(found).items() if name != "id"}


async def test_rules_see_the_zeros(served: Served) -> None:
    """Before a taken key is told, too."""
    _, clients = served
    for call, make in (("CreateBonus", one), ("BatchCreateBonuses", batch), ("BulkUpsertBonuses", bulk)):
        await clients["ann"].call(f"{BONUSES}/{call}", **make({"id": len(call), "name": "gift"}))
        for number in (len(call), 100 + len(call)):
            if call == "BulkUpsertBonuses" and number < 100:
                continue  # a stored row is judged by what updates are
            error = await refusal(clients["ann"], f"{BONUSES}/{call}", **make({"id": number, "name": "wage"}))
            assert error.reason == "ROW_NOT_ALLOWED"


async def test_refusals_name_no_hidden_column(served: Served) -> None:
    """Nor a constraint that one has a part in, which those hear of who may read it."""
    gateway, clients = served
    free = {"id": 1, "name": "free"}
    calls: dict[str, dict[str, Any]] = {
        "CreateWage": {"wage": free},
        "BatchCreateWages": {"requests": [{"wage": free}]},
        "UpdateWage": {"wage": free, "allowMissing": True},
        "BulkUpsertWages": {"wages": [free]},
    }
    for method, request in calls.items():
        known, unknown = [
            await refusal(clients[who], f"{WAGES}/{method}", **request) for who in ("hr", "ann")
        ]
        assert (unknown.code, unknown.reason) == (known.code, known.reason), (method, unknown.message)
        assert known.metadata["constraint"] in str(known.status)
        assert known.metadata["constraint"] not in str(unknown.status)
        assert "salary" not in str(unknown.status)
    await gateway.sql("ALTER TABLE wage ALTER remark SET DEFAULT NULL, ADD CHECK (remark IS NULL)")
    partial = await clients["ann"].call(f"{WAGES}/BulkUpsertWages", wages=[free], partialFailure=True)
    assert "salary" not in str(partial)
    assert "remark" not in str(partial)
    assert [failure.index for failure in partial.failures] == [0]


def one(bonus: dict[str, Any]) -> dict[str, Any]:
    return {"bonus": bonus}


def batch(bonus: dict[str, Any]) -> dict[str, Any]:
    return {"requests": [{"bonus": bonus}]}


def bulk(bonus: dict[str, Any]) -> dict[str, Any]:
    return {"bonuses": [bonus]}


async def refusal(client: Client, method: str, **fields: Any) -> RpcFailed:
    with pytest.raises(RpcFailed) as refused:
        await client.call(method, **fields)
    return refused.value


async def test_a_refused_deletion_names_none_either(served: Served) -> None:
    gateway, clients = served
    await clients["hr"].call(f"{WAGES}/CreateWage", wage={"id": 1, "salary": 7})
    await gateway.sql(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' "
        "USING ERRCODE = '23514', TABLE = 'wage', COLUMN = 'salary', CONSTRAINT = 'paid_salary'; END $$"
    )
    await gateway.sql("CREATE TRIGGER kept BEFORE DELETE ON wage FOR EACH ROW EXECUTE FUNCTION keep()")
    known, unknown = [await refusal(clients[who], f"{WAGES}/DeleteWage", id=1) for who in ("hr", "ann")]
    assert known.metadata["column"] == "salary"
    assert (unknown.reason, "salary" in str(unknown.status)) == (known.reason, False)
