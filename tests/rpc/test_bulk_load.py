"""BulkUpsert of new rows: by COPY straight into the table, where that comes to the same as MERGE."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from gateway.db.bulk.copy_new_rows import FEWEST
from gateway.db.bulk.target_table import Target, lock_target
from gateway.db.connections.connect import Connection
from gateway.db.connections.type_codecs import set_codecs
from gateway.db.database import Transaction
from gateway.db.pool.connection_limiter import OWN
from gateway.sql.bulk.shape import BulkShape
from gateway.sql.bulk.write import bulk_statements
from tests.conftest import GatewayFor
from tests.harness.gateway import RunningGateway
from tests.harness.polling import next_poll
from tests.rpc.bulk_ways import taking

_ACCOUNTS = "ledger.v1.AccountService/BulkUpsertAccounts"
_TAGS = "adversarial.v1.TagService/BulkUpsertTags"
_COUNT = FEWEST + 499
_COPY, _MERGE = "COPY", "WITH"


def account(number: int, **more: Any) -> dict[str, Any]:
    """Return an account that breaks nothing."""
    return {"book": "a", "number": number, "title": f"t{number}", "iban": f"i{number}", **more}


async def watched(gateway: RunningGateway, table: str) -> None:
    """Note the beginning of each statement that inserts into a table."""
    await gateway.sql("CREATE TABLE way (statement text)")
    await gateway.sql(
        """CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO public.way VALUES (left(current_query(), 4)); RETURN NULL; END $$"""
    )
    await gateway.sql(f"CREATE TRIGGER note AFTER INSERT ON {table} EXECUTE FUNCTION note()")


async def ways(gateway: RunningGateway) -> set[str]:
    """Return the statements that rows were inserted by since the last time."""
    return {row["statement"] for row in await gateway.sql("DELETE FROM way RETURNING statement")}


async def test_new_rows_are_copied_and_stored_ones_merged(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    await watched(gateway, '"Ledger"."order"')
    rows = [account(n) for n in range(_COUNT)]
    answer = await gateway.call(_ACCOUNTS, accounts=rows, outcomes=True)
    assert answer.inserted_count == _COUNT
    assert list(answer.outcomes) == [1] * _COUNT
    assert await ways(gateway) == {_COPY}
    rows[7]["owner"] = "another"
    answer = await gateway.call(_ACCOUNTS, accounts=rows)
    assert (answer.inserted_count, answer.updated_count, answer.unchanged_count) == (0, 1, _COUNT - 1)
    assert await ways(gateway) == {_MERGE}


async def test_the_server_sets_its_columns_in_copied_rows(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    before = await gateway.sql("SELECT now() AS time")
    await gateway.call(_ACCOUNTS, accounts=[account(n, revision=9) for n in range(_COUNT)])
    stored = await gateway.sql(
        'SELECT DISTINCT revision, opened_at, changed_at, closed_at FROM "Ledger"."order"'
    )
    ((revision, opened, changed, closed),) = [tuple(row.values()) for row in stored]
    assert (revision, closed) == (1, None)
    assert before[0]["time"] < opened == changed <= (await gateway.sql("SELECT now() AS time"))[0]["time"]


async def test_a_table_that_holds_other_keys_is_copied_into(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    await watched(gateway, "tag")
    for letter in "abc":
        rows = [{"name": f"{letter}{n}"} for n in range(_COUNT)]
        answer = await gateway.call(_TAGS, tags=rows)
        assert answer.inserted_count == _COUNT
        assert await ways(gateway) == {_COPY}
    rows = [{"name": f"d{n}"} for n in range(_COUNT)]
    rows[1] = {"name": "a1"}
    answer = await gateway.call(_TAGS, tags=rows, outcomes=True)
    assert Counter(answer.outcomes) == {1: _COUNT - 1, 3: 1}
    assert answer.outcomes[1] == 3
    assert await ways(gateway) == {_MERGE}


@pytest.mark.parametrize(
    ("notes", "way"),
    [
        ([None] * _COUNT, _COPY),
        (["kept"] * _COUNT, _COPY),
        (["kept", *[None] * (_COUNT - 1)], _MERGE),
        ([*[None] * (_COUNT - 1), "kept"], _MERGE),
        ([*["kept"] * (_COUNT - 1), None], _MERGE),
    ],
    ids=["none", "all", "the first", "the last", "all but the last"],
)
async def test_what_is_left_out_takes_its_default(
    gateway_for: GatewayFor, notes: list[str | None], way: str
) -> None:
    gateway = await gateway_for("ledger")
    await watched(gateway, '"Ledger"."order"')
    rows = [account(n, **({"note": note} if note else {})) for n, note in enumerate(notes)]
    answer = await gateway.call(_ACCOUNTS, accounts=rows)
    assert answer.inserted_count == _COUNT
    assert await ways(gateway) == {way}
    stored = await gateway.sql('SELECT "select" AS note FROM "Ledger"."order" ORDER BY number')
    assert [row["note"] for row in stored] == [note or "none" for note in notes]


async def test_rows_that_a_trigger_keeps_out_are_told_as_merge_tells_them(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    await gateway.sql(
        """CREATE FUNCTION drop_odd() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.number % 2 = 1 THEN RETURN NULL; END IF; RETURN NEW; END $$"""
    )
    await gateway.sql(
        'CREATE TRIGGER odd BEFORE INSERT ON "Ledger"."order" FOR EACH ROW EXECUTE FUNCTION drop_odd()'
    )
    request = {
        "accounts": [account(n) for n in range(_COUNT)],
        "outcomes": True,
        "partial_failure": True,
    }
    answers = []
    for way in ("load", "merge"):
        with taking(way):
            answers.append(await gateway.call(_ACCOUNTS, request))
        await gateway.sql('TRUNCATE "Ledger"."order" CASCADE')
    assert answers[0] == answers[1]
    assert (answers[0].inserted_count, answers[0].failed_count) == (_COUNT // 2, _COUNT // 2)


async def test_a_key_that_is_stored_meanwhile_is_met(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    other = await asyncpg.connect(gateway.dsn)
    try:
        async with other.transaction():
            await other.execute("INSERT INTO tag VALUES ('a7')")
            tags = [{"name": f"a{n}"} for n in range(_COUNT)]
            upsert = asyncio.create_task(gateway.call(_TAGS, tags=tags))
            while not await gateway.sql("SELECT FROM pg_locks WHERE NOT granted"):
                assert not upsert.done()
                await next_poll()
        answer = await upsert
    finally:
        await other.close()
    assert (answer.inserted_count, answer.unchanged_count) == (_COUNT - 1, 1)
    assert len(await gateway.sql("SELECT FROM tag")) == _COUNT


async def test_a_table_whose_policies_hold_for_us_is_not_copied_into(gateway_for: GatewayFor) -> None:
    async with guest(await gateway_for("adversarial")) as sees:
        assert (await sees("GRANT SELECT ON tag TO guest")).takes_copy
        assert not (await sees("ALTER TABLE tag ENABLE ROW LEVEL SECURITY")).takes_copy


async def test_columns_are_named_freely_only_by_who_may_update_all(gateway_for: GatewayFor) -> None:
    async with guest(await gateway_for("adversarial")) as sees:
        assert not (await sees("GRANT SELECT, UPDATE (name) ON tag TO guest")).plain
        assert (await sees("GRANT UPDATE ON tag TO guest")).plain


@asynccontextmanager
async def guest(gateway: RunningGateway) -> AsyncIterator[Callable[[str], Awaitable[Target]]]:
    """Yield what runs a command and then returns the table of tags, as another role locks it."""
    resource = gateway.schema.resources["adversarial.v1.Tag"]
    statements = bulk_statements(BulkShape(resource, resource.primary_key))
    connection = await asyncpg.connect(gateway.dsn, connection_class=Connection)

    async def sees(command: str) -> Target:
        await connection.execute(f"RESET ROLE; {command}; SET LOCAL ROLE guest")
        return await lock_target(Transaction(connection, OWN), statements, 1, alone=False)

    try:
        await set_codecs(connection)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("CREATE ROLE guest")
        yield sees
        await transaction.rollback()
    finally:
        await connection.close()
