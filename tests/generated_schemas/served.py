"""A case carried out: its schema migrated and served, each step's answer compared with model and SQL."""

from collections.abc import Awaitable, Callable, Mapping

import asyncpg

from gateway import migrate
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.generated_schemas import bulks, reads, writes
from tests.generated_schemas.altering import altered, as_role
from tests.generated_schemas.descriptors import descriptor_set
from tests.generated_schemas.drawing import Case
from tests.generated_schemas.model import Model
from tests.generated_schemas.schemas import name_of
from tests.generated_schemas.table import Table
from tests.harness.databases import FORGETFUL
from tests.harness.gateway import client_of

DDL_ALONE = {**FORGETFUL, "jit": "off"}
"""Settings of a PostgreSQL that spends its time on DDL, and need not survive anything."""
_SETTINGS = {"pool_size": 2, "secret": "a secret of sixteen or more"}

_STEPS: Mapping[str, Callable[..., Awaitable[None]]] = {
    "get": reads.get,
    "batch_get": reads.batch_get,
    "list": reads.select,
    "count": reads.count,
    "below": writes.below,
    "batch": writes.batch,
    "refused": writes.refused,
    "dry_run": writes.dry_run,
    "unknown": writes.unknown,
    "upsert": bulks.upsert,
    "ingest": bulks.ingest,
}
"""What is done by the first word of a step; any other is a write of one row."""


async def carry_out(case: Case, dsn: str, transport: str) -> None:
    """Migrate and serve a case's schema over an empty database, and do its steps; raises AssertionError."""
    schema, descriptors = case.schema, descriptor_set(case.schema)
    metadata = build_tables(read_schema(descriptors)).metadata

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(dsn)

    await migrate.apply(metadata, connect)
    if not schema.altered:  # half of them: of an altered one the same would be asked, before it is altered
        found = await migrate.differences(metadata, connect)
        assert (found.open, found.left) == ((), ()), found
    (name,) = (table.name for table in metadata.sorted_tables)
    relation = f"{name_of(schema.place or 'public')}.{name_of(name)}"
    sql = await connect()
    try:
        for statement in altered(schema, relation):
            await sql.execute(statement)
        async with client_of(descriptors, as_role(dsn), transport=transport, **_SETTINGS) as client:
            empty = client.message(f"{schema.package}.{schema.message}")
            await _do(case, Table(schema, relation, client, sql, Model(schema, empty)))
    finally:
        await sql.close()


async def _do(case: Case, table: Table) -> None:
    for step in case.steps:
        do = _STEPS.get(step[0])
        await (do(table, *step[1:]) if do else writes.single(table, *step))
    await reads.compare(table)


async def emptied(dsn: str) -> None:
    """Drop all that a case left."""
    connection = await asyncpg.connect(dsn)
    try:
        found = await connection.fetch(
            r"SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
        )
        names = ", ".join(name_of(row["nspname"]) for row in found)
        await connection.execute(f"DROP SCHEMA IF EXISTS {names} CASCADE; CREATE SCHEMA public")
    finally:
        await connection.close()
