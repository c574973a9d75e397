"""Indexes that a migration began to build and didn't finish, and that the schema has no longer.

PostgreSQL keeps them, INVALID: no query uses one, and a unique one goes on refusing rows.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gateway.introspect.drift.matching import parts_of
from gateway.introspect.tables.ddl import quoted
from gateway.introspect.tables.table_records import Catalog, Name
from gateway.migrate.locks.lock import Connection
from gateway.migrate.plan.scope import Managed
from gateway.migrate.plan.steps import Step

_INVALID = """
SELECT n.nspname::text, t.relname::text, c.relname::text
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE NOT i.indisvalid
ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An index that isn't whole.

    Args:
        table: its table.
        index: its name.

    """

    table: Name
    index: str

    def __str__(self) -> str:
        return f"index {self.index} of {self.table} wasn't finished, and the schema no longer has it"


async def unfinished(connection: Connection, wanted: Catalog, managed: Managed) -> tuple[Unfinished, ...]:
    """Return those of the schema's tables that migrations began.

    Args:
        connection: inside a transaction.
        wanted: what the database is to hold.
        managed: what migrations made.

    """
    found = [
        Unfinished(Name(schema, table), index)
        for schema, table, index in await connection.fetch(_INVALID)
        if managed.made("index", Name(schema, table), index)
    ]
    return tuple(
        one
        for one in found
        if one.table in wanted.tables
        and one.index not in {part.name for part in parts_of(wanted.tables[one.table])}
    )


def drop_unfinished(left: Collection[Unfinished], others: Collection[Step]) -> Iterator[Step]:
    """Yield what drops them, but for those that other steps build anew."""
    built = {step.index for step in others}
    for one in left:
        if (one.table, one.index) not in built:
            drop = f"DROP INDEX {quoted(Name(one.table.schema, one.index))}"
            yield Step(drop, str(one))
