"""Writes at once: nothing is lost, nothing is done twice, batches end."""

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.harness.polling import next_poll

ACCOUNTS = "ledger.v1.AccountService"
TAGS = "adversarial.v1.TagService"
NODES = "adversarial.v1.NodeService"


async def reason_of(call: Any) -> str:
    """Return the reason that a call fails with; empty where it succeeds."""
    try:
        await call
    except RpcFailed as failed:
        return failed.reason
    return ""


async def account(gateway: RunningGateway, number: int = 1) -> Any:
    """Create an account."""
    row = {"book": "b", "number": number, "title": f"t{number}", "iban": f"i{number}"}
    return await gateway.call(f"{ACCOUNTS}/CreateAccount", {"account": row})


async def test_one_of_fifty_clients_with_an_etag_wins_each_round(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    row = await account(gateway)
    for _ in range(5):
        asked = [
            gateway.call(
                f"{ACCOUNTS}/UpdateAccount",
                {"account": {"book": "b", "number": 1, "limit": i, "etag": row.etag}, "update_mask": "limit"},
            )
            for i in range(50)
        ]
        reasons = await asyncio.gather(*map(reason_of, asked))
        assert sorted(set(reasons)) == ["", "ETAG_MISMATCH"]
        assert reasons.count("") == 1
        before = row.revision
        row = await gateway.call(f"{ACCOUNTS}/GetAccount", book="b", number=1)
        assert (row.revision, row.limit) == (before + 1, reasons.index(""))


async def test_no_update_is_lost_between_readers_that_try_again(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    await account(gateway)

    async def add_one() -> None:
        while True:
            row = await gateway.call(f"{ACCOUNTS}/GetAccount", book="b", number=1)
            row.limit += 1
            request = gateway.client.message("ledger.v1.UpdateAccountRequest", update_mask="limit")
            request.account.CopyFrom(row)
            if await reason_of(gateway.client.call(f"{ACCOUNTS}/UpdateAccount", request)) == "":
                return

    await asyncio.gather(*(add_one() for _ in range(20)))
    row = await gateway.call(f"{ACCOUNTS}/GetAccount", book="b", number=1)
    assert (row.limit, row.revision) == (20, 21)


async def test_updates_without_an_etag_all_count(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    await account(gateway)
    request = {"account": {"book": "b", "number": 1, "owner": "x"}}
    await asyncio.gather(*(gateway.call(f"{ACCOUNTS}/UpdateAccount", request) for _ in range(30)))
    row = await gateway.call(f"{ACCOUNTS}/GetAccount", book="b", number=1)
    assert row.revision == 31


async def test_a_row_is_deleted_once(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    await gateway.call(f"{TAGS}/CreateTag", {"tag": {"name": "a"}})
    asked = (gateway.call(f"{TAGS}/DeleteTag", name="a") for _ in range(20))
    reasons = await asyncio.gather(*map(reason_of, asked))
    assert sorted(reasons) == ["", *["ROW_NOT_FOUND"] * 19]


async def test_a_missing_row_is_created_once_and_then_changed(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    request = {
        "account": {"book": "b", "number": 1, "title": "t", "owner": "x"},
        "allow_missing": True,
        "update_mask": "owner",
    }
    answers = await asyncio.gather(*(gateway.call(f"{ACCOUNTS}/UpdateAccount", request) for _ in range(30)))
    assert sorted(answer.revision for answer in answers) == list(range(1, 31))


async def test_batches_over_the_same_rows_in_any_order_all_end(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    numbers = list(range(1, 13))
    for number in numbers:
        await account(gateway, number)

    async def change(turn: int) -> str:
        order = numbers[turn % 12 :] + numbers[: turn % 12]
        if turn % 2:
            order.reverse()
        requests = [
            {
                "account": {"book": "b", "number": number, "limit": turn},
                "update_mask": "limit" if (number + turn) % 3 else "limit,note",
            }
            for number in order
        ]
        return await reason_of(gateway.call(f"{ACCOUNTS}/BatchUpdateAccounts", requests=requests))

    assert set(await asyncio.gather(*map(change, range(40)))) == {""}
    rows = await gateway.sql('SELECT revision, "limit" FROM "Ledger"."order"')
    assert {row["revision"] for row in rows} == {41}
    assert len({row["limit"] for row in rows}) == 1  # one batch was last, for every row


async def test_a_child_that_comes_meanwhile_goes_with_its_parent_or_stays_out(
    gateway_for: GatewayFor,
) -> None:
    gateway = await gateway_for("ledger")
    await account(gateway, 1)
    await account(gateway, 2)
    entry = {"book": "b", "sequence": 1, "part": 1, "debit": 1, "credit": 2, "amount": 1}
    service = "ledger.v1"
    for _ in range(5):
        row = {**entry, "booked_at": "2020-01-01T00:00:00Z"}
        await gateway.call(f"{service}.EntryService/CreateEntry", {"entry": row})
        remark = {"book": "b", "sequence": 1, "part": 1, "group": "g"}
        calls = [gateway.call(f"{service}.RemarkService/CreateRemark", {"remark": remark}) for _ in range(10)]
        delete = gateway.call(f"{service}.EntryService/DeleteEntry", book="b", sequence=1, part=1, force=True)
        reasons = await asyncio.gather(*map(reason_of, [*calls[:5], delete, *calls[5:]]))
        assert set(reasons) <= {"", "FOREIGN_KEY_VIOLATION"}
        assert reasons[5] == ""
        assert await gateway.sql('SELECT FROM "Ledger"."where"') == []


async def test_a_child_being_inserted_forbids_the_delete(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    await account(gateway, 1)
    await account(gateway, 2)
    row = {"book": "b", "sequence": 1, "part": 1, "debit": 1, "credit": 2, "amount": 1}
    entry = {**row, "booked_at": "2020-01-01T00:00:00Z"}
    await gateway.call("ledger.v1.EntryService/CreateEntry", entry=entry)
    connection = await asyncpg.connect(gateway.dsn)
    insert = 'INSERT INTO "Ledger"."where" (book, sequence, part, "group") VALUES (\'b\', 1, 1, \'g\')'
    async with connection.transaction():
        await connection.execute(insert)
        call = gateway.call("ledger.v1.EntryService/DeleteEntry", book="b", sequence=1, part=1)
        delete = asyncio.create_task(reason_of(call))
        while not await gateway.sql("SELECT FROM pg_locks WHERE NOT granted"):
            assert not delete.done()
            await next_poll()
    await connection.close()
    assert await delete == "ROW_IS_REFERENCED"
    assert len(await gateway.sql('SELECT FROM "Ledger"."where"')) == 1


async def test_a_statement_that_outlasts_the_databases_patience_says_so(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger", statement_timeout=0.2, lock_timeout=30)
    await account(gateway)
    locker = await asyncpg.connect(gateway.dsn)
    try:
        async with locker.transaction():
            await locker.execute('LOCK TABLE "Ledger"."order"')
            with pytest.raises(RpcFailed) as failed:
                await gateway.call(f"{ACCOUNTS}/DeleteAccount", book="b", number=1)
    finally:
        await locker.close()
    assert (failed.value.code.name, failed.value.reason) == ("DEADLINE_EXCEEDED", "QUERY_CANCELED")
