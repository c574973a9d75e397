"""Delete, Undelete and BatchDelete: soft and hard, with and without what refers to the row."""

from typing import Any

import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

ACCOUNTS = "ledger.v1.AccountService"
ENTRIES = "ledger.v1.EntryService"
REMARKS = "ledger.v1.RemarkService"
TAGS = "adversarial.v1.TagService"
KEY = {"book": "b", "number": 1}
ENTRY = {"book": "b", "sequence": 1, "part": 1}


async def refused(call: Any) -> RpcFailed:
    """Return how a call fails."""
    with pytest.raises(RpcFailed) as failed:
        await call
    return failed.value


async def ledger(gateway_for: GatewayFor) -> RunningGateway:
    """Serve the ledger with two accounts, an entry between them, and two remarks on it."""
    gateway = await gateway_for("ledger")
    for number in (1, 2):
        account = {"book": "b", "number": number, "iban": str(number), "title": str(number)}
        await gateway.call(f"{ACCOUNTS}/CreateAccount", account=account)
    booked = {"debit": 1, "credit": 2, "amount": 5, "booked_at": "2020-01-01T00:00:00Z"}
    await gateway.call(f"{ENTRIES}/CreateEntry", entry={**ENTRY, **booked})
    for group in "ab":
        await gateway.call(f"{REMARKS}/CreateRemark", remark={**ENTRY, "group": group})
    return gateway


async def count(gateway: RunningGateway, table: str) -> int:
    """Return the number of rows of a table."""
    return len(await gateway.sql(f"SELECT FROM {table}"))


async def test_soft_delete_marks_the_row_and_undelete_takes_the_mark_off(gateway_for: GatewayFor) -> None:
    gateway = await ledger(gateway_for)
    gone = await gateway.call(f"{ACCOUNTS}/DeleteAccount", KEY)
    assert (gone.HasField("closed_at"), gone.revision, gone.closed_at) == (True, 2, gone.changed_at)
    assert await gateway.call(f"{ACCOUNTS}/GetAccount", KEY) == gone
    assert await count(gateway, '"Ledger"."Entry"') == 1
    back = await gateway.call(f"{ACCOUNTS}/UndeleteAccount", KEY)
    assert (back.HasField("closed_at"), back.revision) == (False, 3)
    assert await gateway.call(f"{ACCOUNTS}/GetAccount", KEY) == back


async def test_a_row_deleted_already_is_missing(gateway_for: GatewayFor) -> None:
    gateway = await ledger(gateway_for)
    gone = await gateway.call(f"{ACCOUNTS}/DeleteAccount", KEY)
    failed = await refused(gateway.call(f"{ACCOUNTS}/DeleteAccount", KEY))
    assert (failed.code.name, failed.reason) == ("NOT_FOUND", "ROW_NOT_FOUND")
    assert await gateway.call(f"{ACCOUNTS}/DeleteAccount", KEY, allow_missing=True, etag='"v1"') == gone
    never = await gateway.call(f"{ACCOUNTS}/DeleteAccount", book="b", number=99, allow_missing=True)
    assert never.ListFields() == []


async def test_undelete_wants_a_deleted_row(gateway_for: GatewayFor) -> None:
    gateway = await ledger(gateway_for)
    failed = await refused(gateway.call(f"{ACCOUNTS}/UndeleteAccount", KEY))
    assert (failed.code.name, failed.reason) == ("ALREADY_EXISTS", "ROW_NOT_DELETED")
    failed = await refused(gateway.call(f"{ACCOUNTS}/UndeleteAccount", book="b", number=99))
    assert failed.reason == "ROW_NOT_FOUND"


async def test_undelete_meets_the_holder_of_its_title(gateway_for: GatewayFor) -> None:
    gateway = await ledger(gateway_for)
    await gateway.call(f"{ACCOUNTS}/DeleteAccount", KEY)
    await gateway.call(f"{ACCOUNTS}/UpdateAccount", account={"book": "b", "number": 2, "title": "1"})
    failed = await refused(gateway.call(f"{ACCOUNTS}/UndeleteAccount", KEY))
    assert (failed.code.name, failed.reason, failed.fields) == (
        "ALREADY_EXISTS",
        "UNIQUE_VIOLATION",
        ["title"],
    )


@pytest.mark.parametrize("method", ["DeleteAccount", "UndeleteAccount"])
@pytest.mark.parametrize("expected", [{"etag": '"v9"'}, {"version": 9}, {"etag": '"v1"', "version": 9}])
async def test_a_row_at_another_version_stays(
    gateway_for: GatewayFor, method: str, expected: dict[str, Any]
) -> None:
    gateway = await ledger(gateway_for)
    if method == "UndeleteAccount":
        await gateway.call(f"{ACCOUNTS}/DeleteAccount", KEY)
    before = await gateway.call(f"{ACCOUNTS}/GetAccount", KEY)
    failed = await refused(gateway.call(f"{ACCOUNTS}/{method}", KEY, **expected))
    assert (failed.code.name, failed.reason) == ("ABORTED", "ETAG_MISMATCH")
    assert await gateway.call(f"{ACCOUNTS}/GetAccount", KEY) == before
    after = await gateway.call(f"{ACCOUNTS}/{method}", KEY, etag=before.etag, version=before.revision)
    assert after.revision == before.revision + 1


async def test_hard_delete_removes_the_row(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    await gateway.call(f"{TAGS}/CreateTag", tag={"name": "a"})
    assert (await gateway.call(f"{TAGS}/DeleteTag", name="a", validate_only=True)).ListFields() == []
    assert await count(gateway, "tag") == 1
    await gateway.call(f"{TAGS}/DeleteTag", name="a")
    assert await count(gateway, "tag") == 0
    failed = await refused(gateway.call(f"{TAGS}/DeleteTag", name="a"))
    assert (failed.code.name, failed.reason) == ("NOT_FOUND", "ROW_NOT_FOUND")
    await gateway.call(f"{TAGS}/DeleteTag", name="a", allow_missing=True)


async def test_rows_that_cascade_forbid_without_force(gateway_for: GatewayFor) -> None:
    gateway = await ledger(gateway_for)
    for request in ({}, {"validate_only": True}):
        failed = await refused(gateway.call(f"{ENTRIES}/DeleteEntry", ENTRY, **request))
        assert (failed.code.name, failed.reason) == ("FAILED_PRECONDITION", "ROW_IS_REFERENCED")
        assert failed.metadata["table"] == "where"
    assert await count(gateway, '"Ledger"."where"') == 2
    await gateway.call(f"{ENTRIES}/DeleteEntry", ENTRY, force=True)
    assert (await count(gateway, '"Ledger"."where"'), await count(gateway, '"Ledger"."Entry"')) == (0, 0)


async def test_force_takes_along_what_refers_to_the_row_alone(gateway_for: GatewayFor) -> None:
    gateway = await ledger(gateway_for)
    await gateway.sql(
        'INSERT INTO "Ledger"."Entry" (book, sequence, part, debit, credit, amount, booked_at)'
        " SELECT 'b', 2, part, 2, 1, 1, now() FROM generate_series(1, 3) AS part"
    )
    await gateway.call(
        f"{REMARKS}/CreateRemark", remark={"book": "b", "sequence": 2, "part": 2, "group": "c"}
    )
    await gateway.call(f"{ENTRIES}/DeleteEntry", ENTRY, force=True)
    assert (await count(gateway, '"Ledger"."where"'), await count(gateway, '"Ledger"."Entry"')) == (1, 3)


async def test_a_missing_row_with_force(gateway_for: GatewayFor) -> None:
    gateway = await ledger(gateway_for)
    key = {**ENTRY, "sequence": 9}
    assert (await refused(gateway.call(f"{ENTRIES}/DeleteEntry", key, force=True))).reason == "ROW_NOT_FOUND"
    await gateway.call(f"{ENTRIES}/DeleteEntry", key, force=True, allow_missing=True)
    assert await count(gateway, '"Ledger"."Entry"') == 1


async def test_a_batch_deletes_all_or_none(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    names = [str(i) for i in range(100)]
    await gateway.call(f"{TAGS}/BatchCreateTags", requests=[{"tag": {"name": name}} for name in names])
    failed = await refused(gateway.call(f"{TAGS}/BatchDeleteTags", names=[*names[:50], "none", *names[50:]]))
    assert (failed.reason, failed.fields) == ("ROW_NOT_FOUND", ["names[50]"])
    failed = await refused(gateway.call(f"{TAGS}/BatchDeleteTags", names=["1", "2", "1"]))
    assert (failed.reason, failed.fields) == ("DUPLICATE_IN_BATCH", ["names[2]"])
    failed = await refused(gateway.call(f"{TAGS}/BatchDeleteTags", names=["1"] * 1001))
    assert (failed.reason, failed.fields) == ("BATCH_TOO_LARGE", ["names"])
    failed = await refused(gateway.call(f"{TAGS}/BatchDeleteTags", names=["1", "\0"]))
    assert (failed.reason, failed.fields) == ("NUL_IN_TEXT", ["names[1]"])
    assert await count(gateway, "tag") == 100
    await gateway.call(f"{TAGS}/BatchDeleteTags", names=[*names[:60], "none"], allow_missing=True)
    assert await count(gateway, "tag") == 40


async def test_a_batch_of_requests_answers_the_rows_in_order(gateway_for: GatewayFor) -> None:
    gateway = await ledger(gateway_for)
    requests = [{"book": "b", "number": 2, "etag": '"v1"'}, {"book": "b", "number": 1}]
    stale = [*requests[:1], {**requests[1], "version": 5}]
    failed = await refused(gateway.call(f"{ACCOUNTS}/BatchDeleteAccounts", requests=stale))
    assert (failed.reason, failed.fields) == ("ETAG_MISMATCH", ["requests[1]"])
    answer = await gateway.call(f"{ACCOUNTS}/BatchDeleteAccounts", requests=requests)
    assert [(one.number, one.revision, one.HasField("closed_at")) for one in answer.accounts] == [
        (2, 2, True),
        (1, 2, True),
    ]


async def test_a_batch_names_the_item_that_others_refer_to(gateway_for: GatewayFor) -> None:
    gateway = await ledger(gateway_for)
    await gateway.sql(
        'INSERT INTO "Ledger"."Entry" (book, sequence, part, debit, credit, amount, booked_at)'
        " VALUES ('b', 0, 1, 2, 1, 1, now())"
    )
    both = [{**ENTRY, "sequence": 0}, ENTRY]
    failed = await refused(gateway.call(f"{ENTRIES}/BatchDeleteEntries", requests=both))
    assert (failed.reason, failed.fields) == ("ROW_IS_REFERENCED", ["requests[1]"])
    mixed = [both[0], {**both[1], "force": True}]
    await gateway.call(f"{ENTRIES}/BatchDeleteEntries", requests=mixed)
    assert (await count(gateway, '"Ledger"."where"'), await count(gateway, '"Ledger"."Entry"')) == (0, 0)
