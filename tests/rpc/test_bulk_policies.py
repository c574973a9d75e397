"""BulkUpsert into a table whose policies hold for the gateway's role: rows that they refuse fail alone."""

from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.rpc.bulk_ways import taking
from tests.rpc.test_bulk_errors import named

BULK = "guarded.v1.ThingService/BulkUpsertThings"
_ROLE = "rowgate_tenant"
_GRANTS = (
    f"DO $$ BEGIN IF to_regrole('{_ROLE}') IS NULL THEN CREATE ROLE {_ROLE} LOGIN; END IF; END $$",
    f"GRANT USAGE ON SCHEMA rowgate, public TO {_ROLE}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rowgate, public TO {_ROLE}",
    "ALTER TABLE thing ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY seen ON thing FOR SELECT USING (id < 100)",
    "CREATE POLICY new ON thing FOR INSERT WITH CHECK (number >= 0)",
    "CREATE POLICY changed ON thing FOR UPDATE USING (id < 50) WITH CHECK (number >= 0)",
    "INSERT INTO thing (id, number) VALUES (1, 1), (2, 2), (60, 60), (200, 200)",
)


@pytest.fixture(params=["arrays", "merge", "two steps"])
def _way(request: pytest.FixtureRequest) -> Iterator[None]:
    with taking(request.param):
        yield


@pytest.fixture
async def tenant(databases: Databases, transport: str) -> AsyncIterator[RunningGateway]:
    """Serve things as a role that sees some of them, may change fewer, and stores no negative number."""
    dsn = await databases.copy_of("guarded", build_tables(schema_of("guarded")).metadata)
    for statement in _GRANTS:
        await fetch(dsn, statement)
    gateway = await serve("guarded", dsn.replace("//postgres@", f"//{_ROLE}@"), transport=transport)
    yield gateway
    await gateway.stop()


@pytest.mark.usefixtures("_way")
async def test_rows_that_a_policy_refuses_fail_alone(tenant: RunningGateway) -> None:
    rows = [(1, 1), (2, -5), (3, 3), (4, -1), (60, 60), (200, 200), (61, 61)]
    things = [{"id": id_, "number": number} for id_, number in rows]
    answer = await tenant.call(BULK, things=things, partial_failure=True, outcomes=True)
    # What may not be changed can't be held as it is, what may not be seen is in the way all the same.
    assert {index: reason for index, (reason, _) in named(answer).items()} == {
        **dict.fromkeys((1, 3, 5), "ROW_NOT_ALLOWED"),
        4: "ROW_KEPT_OUT",
    }
    assert (answer.inserted_count, answer.updated_count) == (2, 0)
    stored = await tenant.sql("SELECT id, number FROM thing ORDER BY id")
    assert [(row["id"], row["number"]) for row in stored] == [(1, 1), (2, 2), (3, 3), (60, 60), (61, 61)]


@pytest.mark.usefixtures("_way")
async def test_without_partial_failure_the_refused_row_is_named(tenant: RunningGateway) -> None:
    with pytest.raises(RpcFailed) as refused:
        await tenant.call(BULK, things=[{"id": 5, "number": 5}, {"id": 6, "number": -1}])
    assert (refused.value.code.name, refused.value.reason) == ("PERMISSION_DENIED", "ROW_NOT_ALLOWED")
    assert refused.value.fields == ["things[1]"]


async def test_what_the_role_may_not_do_at_all_refuses_all(tenant: RunningGateway) -> None:
    owner = tenant.dsn.replace(f"//{_ROLE}@", "//postgres@")
    await fetch(owner, f"REVOKE INSERT ON thing FROM {_ROLE}")
    with pytest.raises(RpcFailed) as refused:
        await tenant.call(BULK, things=[{"id": n, "number": 1} for n in range(9)], partial_failure=True)
    assert refused.value.reason == "INSUFFICIENT_PRIVILEGE"
