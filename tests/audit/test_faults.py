"""A change and what is kept of it are both there, or neither: whatever can't be written, or ends."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.audit.kept import Audited, audited_database, audited_tables, key_of
from tests.harness.databases import Databases, fetch
from tests.harness.transports import TRANSPORTS

SERVICE = "OrderService"
FAILING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF new.key ->> 'user' = 'bad' THEN RAISE EXCEPTION 'not this one'; END IF;
    RETURN new;
END $$
"""
ENDING = """
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF new.key ->> 'user' = 'cut' AND nextval('cuts') = 1 THEN
        PERFORM pg_terminate_backend(pg_backend_pid());
    END IF;
    RETURN new;
END $$
"""


@pytest.fixture(params=TRANSPORTS)
async def audited(
    request: pytest.FixtureRequest, databases: Databases, tmp_path: Path
) -> AsyncIterator[Audited]:
    dsn = await audited_database(databases)
    async with audited_tables(dsn, tmp_path, request.param) as served:
        yield served


async def _agree(audited: Audited) -> None:
    """Look whether each order's version is the number of its changes that are kept."""
    kept = [one.key for one in await audited.kept()]
    stored = await fetch(audited.dsn, 'SELECT "user", "Mixed ""Case""" AS number, version FROM "Order"')
    versions = {key_of(user=row["user"], number=row["number"]): row["version"] for row in stored}
    assert {key: kept.count(key) for key in kept} == versions


@pytest.mark.parametrize("together", [False, True])
async def test_what_can_not_be_kept_is_not_changed(audited: Audited, *, together: bool) -> None:
    """Nor does it keep those away from theirs who share its statement."""
    await fetch(audited.dsn, FAILING)
    await fetch(
        audited.dsn,
        "CREATE TRIGGER refuse BEFORE INSERT ON rowgate.audit FOR EACH ROW EXECUTE FUNCTION refuse()",
    )

    async def create(user: str, number: int) -> None:
        order = {"user": user, "number": number}
        if user == "bad":
            assert await audited.reason("ann", f"{SERVICE}/CreateOrder", order=order) == "AUDIT_FAILED"
        else:
            await audited.call("ann", f"{SERVICE}/CreateOrder", order=order)

    calls = [create("bad" if n % 5 == 2 else "good", n) for n in range(60 if together else 3)]
    if together:
        await asyncio.gather(*calls)
    else:
        for call in calls:
            await call
    assert len(await audited.kept()) == len(calls) - len(calls[2::5])
    rows = [{"user": "good", "number": 1, "text": "b"}, {"user": "bad", "number": 1}]
    for method, fields in (
        ("BulkUpsertOrders", {"orders": rows}),
        ("BatchCreateOrders", {"requests": [{"order": {"user": "bad", "number": 9}}]}),
        ("UpdateOrder", {"order": rows[1], "allow_missing": True}),
    ):
        assert await audited.reason("ann", f"{SERVICE}/{method}", **fields) == "AUDIT_FAILED"
    await _agree(audited)


@pytest.mark.parametrize("when", ["as it is kept", "at the COMMIT"])
async def test_a_connection_that_ends_in_between(audited: Audited, when: str) -> None:
    await fetch(audited.dsn, "CREATE SEQUENCE cuts")
    await fetch(audited.dsn, ENDING)
    how = "CONSTRAINT TRIGGER cut AFTER" if when == "at the COMMIT" else "TRIGGER cut BEFORE"
    late = "DEFERRABLE INITIALLY DEFERRED" if when == "at the COMMIT" else ""
    await fetch(
        audited.dsn, f"CREATE {how} INSERT ON rowgate.audit {late} FOR EACH ROW EXECUTE FUNCTION cut()"
    )

    async def write(user: str, number: int) -> None:
        await audited.call("bob", f"{SERVICE}/CreateOrder", order={"user": user, "number": number})
        await audited.call(
            "bob", f"{SERVICE}/UpdateOrder", order={"user": user, "number": number, "text": "b"}
        )

    await asyncio.gather(*(write("cut" if n % 7 == 3 else "other", n) for n in range(40)))
    ((cuts,),) = [tuple(row.values()) for row in await fetch(audited.dsn, "SELECT last_value FROM cuts")]
    assert cuts > 1
    assert len(await audited.kept()) == 80
    await _agree(audited)
