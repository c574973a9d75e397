"""Functions that others called as PostgreSQL's own, for types that are nearer: none of them is called."""

from tests.harness.databases import Databases, fetch
from tests.harness.gateway import ledger_database, serve
from tests.rpc.test_bulk_errors import account, named

_SERVICE = "ledger.v1.AccountService"
_POLYMORPHIC = {
    "unnest": ("bigint[]", "integer[]", "smallint[]", "int2vector", "text[]", "name[]", "varchar[]"),
    "array_agg": ("integer",),  # asyncpg itself calls that of texts
    "cardinality": ("integer[]", "bigint[]", "text[]"),
}


async def test_an_overload_is_not_taken_for_the_function(databases: Databases, transport: str) -> None:
    """The start ended with a traceback: PostgreSQL's unnest takes any array, and so was never the nearest."""
    dsn = await ledger_database(databases)
    for name, kinds in _POLYMORPHIC.items():
        for kind in kinds:
            await fetch(dsn, f"CREATE FUNCTION {name}({kind}) RETURNS int LANGUAGE sql AS 'SELECT 1 / 0'")
    gateway = await serve("ledger", dsn, transport=transport)
    try:
        rows = [account(number) for number in range(1, 1500)]
        rows[7]["limit"] = -1
        answer = await gateway.call(f"{_SERVICE}/BulkUpsertAccounts", accounts=rows, partial_failure=True)
        assert named(answer) == {7: ("CHECK_VIOLATION", ["accounts[7].limit"])}
        update = {"account": {"book": "a", "number": 1, "owner": "me"}, "update_mask": "owner"}
        await gateway.call(f"{_SERVICE}/BatchUpdateAccounts", requests=[update])
        keys = [{"book": "a", "number": 1}]
        found = await gateway.call(f"{_SERVICE}/BatchGetAccounts", requests=keys)
        assert [row.owner for row in found.accounts] == ["me"]
    finally:
        await gateway.stop()
