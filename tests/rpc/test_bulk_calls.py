"""BulkUpsert as a call: concurrent ones, repeated ones, what it refuses, and rows of every shape."""

import asyncio
import random
from time import monotonic
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from gateway.db.bulk import target_table
from gateway.sql.bulk.shape import BulkShape, restated
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import schema_of
from tests.harness.polling import next_poll
from tests.rpc.bulk_ways import taking

_ACCOUNTS = "ledger.v1.AccountService/BulkUpsertAccounts"
_REMARKS = "ledger.v1.RemarkService/BulkUpsertRemarks"
_NODES = "adversarial.v1.NodeService/BulkUpsertNodes"
_TAGS = "adversarial.v1.TagService/BulkUpsertTags"


def account(number: int, **more: Any) -> dict[str, Any]:
    """Return an account that breaks nothing."""
    return {"book": "a", "number": number, "title": f"t{number}", "iban": f"i{number}", **more}


@pytest.mark.parametrize("way", ["arrays", "merge", "load"])
async def test_fifty_clients_with_the_same_keys_all_end(gateway_for: GatewayFor, way: str) -> None:
    with taking(way):
        await _meet(gateway_for)


async def _meet(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    keys = list(range(300))

    async def client(name: int) -> Any:
        mine = random.Random(name).sample(keys, 200)  # noqa: S311 - an order of its own
        rows = [account(number, owner=f"o{name}") for number in mine]
        return await gateway.client.call(_ACCOUNTS, {"accounts": rows}, timeout=60)

    answers = await asyncio.gather(*(client(name) for name in range(50)))
    stored = await gateway.sql('SELECT number, revision FROM "Ledger"."order" ORDER BY number')
    assert [row["number"] for row in stored] == keys
    assert sum(answer.inserted_count for answer in answers) == len(keys)
    # Each change is one more version: none was lost, none was made twice.
    assert sum(row["revision"] - 1 for row in stored) == sum(answer.updated_count for answer in answers)
    assert all(a.inserted_count + a.updated_count + a.unchanged_count == 200 for a in answers)


async def test_a_single_writer_in_the_way_is_waited_for(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    creates = [gateway.call("ledger.v1.AccountService/CreateAccount", account=account(n)) for n in range(20)]
    upsert = gateway.call(_ACCOUNTS, accounts=[account(n, owner="bulk") for n in range(20)])
    *created, answer = await asyncio.gather(*creates, upsert, return_exceptions=True)
    assert answer.inserted_count + answer.updated_count == 20
    refused = [error for error in created if isinstance(error, RpcFailed)]
    assert {error.reason for error in refused} <= {"UNIQUE_VIOLATION"}
    stored = await gateway.sql('SELECT "user" FROM "Ledger"."order"')
    assert [row["user"] for row in stored] == ["bulk"] * 20


async def test_a_request_id_is_honoured_once(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    request = {"accounts": [account(n) for n in range(5)], "request_id": str(uuid4()), "outcomes": True}
    first, again = [await gateway.call(_ACCOUNTS, request) for _ in range(2)]
    assert first == again
    assert list(again.outcomes) == [1] * 5
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(_ACCOUNTS, {**request, "accounts": [account(9)]})
    assert refused.value.reason == "REQUEST_ID_REUSED"
    assert len(await gateway.sql('SELECT 1 FROM "Ledger"."order"')) == 5


async def test_what_is_not_known_is_refused_with_what_is(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger", bulk_max_rows=3)
    wrong: dict[str, dict[str, Any]] = {
        "UNKNOWN_CONFLICT_TARGET": {"conflict_target": ["title"]},
        "INVALID_FIELD_MASK": {"update_mask": "nobody"},
        "UNKNOWN_ENUM_VALUE": {"on_conflict": 9},
        "TOO_MANY_ROWS": {"accounts": [account(n) for n in range(4)]},
    }
    for reason, fields in wrong.items():
        with pytest.raises(RpcFailed) as refused:
            await gateway.call(_ACCOUNTS, {"accounts": [account(1)], **fields})
        assert refused.value.reason == reason
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(_ACCOUNTS, conflict_target=["title"])
    assert "book, number; iban" in refused.value.message


async def test_calls_past_the_limit_wait_without_a_connection(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger", max_concurrent_bulk=2, pool_size=3)
    locker = await asyncpg.connect(gateway.dsn)
    busy = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    try:
        async with locker.transaction():
            await locker.execute('LOCK TABLE "Ledger"."order" IN SHARE MODE')
            upserts = [gateway.call(_ACCOUNTS, accounts=[account(n)]) for n in range(6)]
            calls = asyncio.gather(*upserts)
            while len(await gateway.sql(busy)) < 2:
                assert not calls.done()
                await next_poll()
            # The third connection is left for others.
            listed = await gateway.call("ledger.v1.AccountService/ListAccounts")
            assert not listed.accounts
            assert len(await gateway.sql(busy)) == 2
        answers = await calls
    finally:
        await locker.close()
    assert sum(answer.inserted_count for answer in answers) == 6


async def test_no_rows_are_no_work(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    answer = await gateway.call(_ACCOUNTS, partial_failure=True, outcomes=True)
    assert answer.ByteSize() == 0


async def test_rows_without_a_key_are_new_and_keep_their_order(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    texts = [f"r{n}" for n in range(30)]
    answer = await gateway.call(_REMARKS, remarks=[{"group": text} for text in texts], outcomes=True)
    assert list(answer.outcomes) == [1] * 30
    rows = await gateway.sql('SELECT "group", "groupLength" FROM "Ledger"."where" ORDER BY id')
    assert [row["group"] for row in rows] == texts
    assert [row["groupLength"] for row in rows] == [len(text) for text in texts]


async def test_a_table_that_is_all_key(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    rows = [{"name": name} for name in ("a", "b", "a")]
    first = await gateway.call(_TAGS, tags=rows)
    assert (first.inserted_count, first.superseded_count) == (2, 1)
    again = await gateway.call(_TAGS, tags=rows)
    assert (again.unchanged_count, again.superseded_count) == (2, 1)


async def test_keys_whose_nulls_are_equal_are_not_looked_for_in_the_whole_table(
    gateway_for: GatewayFor,
) -> None:
    """A few rows take no longer than many, which are joined by hash."""
    gateway = await gateway_for("ledger")
    count = target_table.SMALL + 1
    for start in range(0, 10 * count, 5 * count):
        await gateway.call(_ACCOUNTS, accounts=[account(n) for n in range(start, start + 5 * count)])

    async def upsert(rows: int) -> float:
        begun = monotonic()
        accounts = [account(number, limit=rows) for number in range(rows)]
        answer = await gateway.call(_ACCOUNTS, accounts=accounts, conflict_target=["iban"])
        assert answer.updated_count == rows
        return monotonic() - begun

    many = await upsert(count)
    assert await upsert(count - 1) < 20 * many


async def test_nulls_are_equal_in_a_key_that_says_so(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    target = ["parent_id", "position"]
    rows = [{"position": n % 4, "color": "COLOR_RED", "weight": n} for n in range(8)]
    first = await gateway.call(_NODES, nodes=rows, conflict_target=target, outcomes=True)
    assert list(first.outcomes) == [6] * 4 + [1] * 4
    rows = [{"position": n, "color": "COLOR_RED", "weight": 9} for n in range(4)]
    again = await gateway.call(_NODES, nodes=rows, conflict_target=target)
    assert again.updated_count == 4
    stored = await gateway.sql("SELECT position, weight, version FROM node ORDER BY position")
    assert [tuple(row.values()) for row in stored] == [(n, 9, 2) for n in range(4)]


async def test_the_threshold_between_the_ways_changes_nothing(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    for size in (target_table.SMALL - 1, target_table.SMALL, target_table.SMALL + 1):
        rows = [account(n, owner=str(size)) for n in range(size)]
        answer = await gateway.call(_ACCOUNTS, accounts=rows)
        assert answer.inserted_count + answer.updated_count == size
    stored = await gateway.sql('SELECT DISTINCT "user" AS owner FROM "Ledger"."order"')
    assert [row["owner"] for row in stored] == [str(target_table.SMALL + 1)]


@pytest.mark.parametrize("beside", ["nobody", "a trigger"])
async def test_sums_are_exact_where_nobody_asks_for_rows(gateway_for: GatewayFor, beside: str) -> None:
    gateway = await gateway_for("adversarial")
    if beside == "a trigger":
        await gateway.sql(
            """CREATE FUNCTION shadow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.name NOT LIKE '%!' THEN INSERT INTO tag VALUES (NEW.name || '!'); END IF;
            RETURN NEW; END $$"""
        )
        await gateway.sql("CREATE TRIGGER shadow AFTER INSERT ON tag FOR EACH ROW EXECUTE FUNCTION shadow()")
    with taking("merge"):
        for first, new, unchanged in ((0, 20, 0), (10, 10, 10), (10, 0, 20)):
            answer = await gateway.call(_TAGS, tags=[{"name": f"n{n}"} for n in range(first, first + 20)])
            assert (answer.inserted_count, answer.unchanged_count) == (new, unchanged)


async def test_sums_survive_rows_that_are_found_wrong(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    await gateway.call(_ACCOUNTS, accounts=[account(n) for n in range(10)])
    rows = [account(n, owner="new") for n in range(20)]
    rows[3]["limit"] = rows[15]["limit"] = -1
    rows[4] = account(4)
    with taking("merge"):
        answer = await gateway.call(_ACCOUNTS, accounts=rows, partial_failure=True)
    assert (answer.inserted_count, answer.updated_count, answer.unchanged_count) == (9, 8, 1)
    assert answer.failed_count == 2


@pytest.mark.parametrize(
    ("mask", "named"), [(None, {}), ({"note"}, {"user": 't."user"'}), ({"note", "user"}, {})]
)
def test_a_column_of_each_index_that_stays_is_named(mask: set[str] | None, named: dict[str, str]) -> None:
    resource = next(r for r in schema_of("ledger").resources.values() if r.table == "order")
    replaced = None if mask is None else frozenset(mask)
    assert restated(BulkShape(resource, resource.primary_key, replaced=replaced)) == named


async def test_a_trigger_of_a_column_that_stays_is_left_alone(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    await gateway.call(_ACCOUNTS, accounts=[account(n) for n in range(10)])
    await gateway.sql(
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE 'the owner was named'; END $$"""
    )
    await gateway.sql(
        """CREATE TRIGGER refuse BEFORE UPDATE OF "user" ON "Ledger"."order"
        FOR EACH ROW EXECUTE FUNCTION refuse()"""
    )
    rows = [account(n, note="new") for n in range(10)]
    with taking("merge"):
        answer = await gateway.call(_ACCOUNTS, accounts=rows, update_mask="note")
    assert answer.updated_count == 10
