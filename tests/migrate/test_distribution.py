"""What migrations have Citus do, as far as a PostgreSQL without it can tell."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.introspect import SchemaMismatchError, read_sides, require_match
from gateway.introspect.drift.compare import compare
from gateway.introspect.tables.table_records import Catalog, Distribution, Name
from gateway.migrate import MigrationError, apply, connect_to, preview
from gateway.migrate.locks.lock import opened
from gateway.migrate.plan.plan import plan
from gateway.migrate.plan.scope import Managed
from gateway.migrate.plan.steps import Step
from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import Databases
from tests.harness.gateway import schema_of

ORDER, TENANT = Name("public", "order"), Name("public", "tenant")


@pytest.fixture(scope="module")
async def sides(databases: Databases) -> tuple[Catalog, Catalog]:
    """Return the market's tables, and an empty database that has the extension."""
    async with opened(connect_to(await databases.empty())) as connection, connection.transaction():
        read = await read_sides(connection, build_tables(schema_of("market")).metadata)
    return read.wanted, replace(read.found, extensions=read.found.extensions | {"citus"})


def _at(steps: Sequence[Step], text: str) -> int:
    (found,) = [at for at, step in enumerate(steps) if text in step.sql]
    return found


async def test_a_database_without_citus_is_refused(databases: Databases) -> None:
    connect, metadata = connect_to(await databases.empty()), build_tables(schema_of("market")).metadata
    for migrate in (apply, preview):
        with pytest.raises(MigrationError, match="this database is none of Citus'"):
            await migrate(metadata, connect)
    with pytest.raises(SchemaMismatchError, match=r"extension citus is missing(.|\n)*citus_add_node"):
        await require_match(connect, metadata)


def test_each_table_is_distributed_once_those_are_that_it_needs(sides: tuple[Catalog, Catalog]) -> None:
    steps = plan(*sides, Managed())
    assert steps[0].sql == "SET LOCAL citus.multi_shard_modify_mode TO 'sequential'"
    in_order = [
        "CREATE TABLE public.item",
        "CREATE INDEX order_placed_at_idx",
        "create_reference_table('public.product')",
        "create_distributed_table('public.tenant', 'id', colocate_with => 'none')",
        """create_distributed_table('public."order"', 'tenant_id', colocate_with => 'public.tenant')""",
        """create_distributed_table('public.item', 'tenant_id', colocate_with => 'public."order"')""",
        "ADD CONSTRAINT item_tenant_id_fkey",
    ]
    places = [_at(steps, text) for text in in_order]
    assert places == sorted(places)
    assert not any("CREATE EXTENSION" in step.sql for step in steps)


def test_the_gateways_own_tables_are_committed_with_shards(sides: tuple[Catalog, Catalog]) -> None:
    wanted, found = sides
    made = [step.sql for step in plan(wanted, found, Managed())]
    triggers = [re.search(r"INSERT OR UPDATE ON (\S+)", sql) for sql in made]
    assert [match[1] for match in triggers if match] == [
        "rowgate.audit",
        "rowgate.idempotency",
        "rowgate.ingest",
    ]
    ingest = Name("rowgate", "ingest")
    there = replace(
        wanted, tables={**wanted.tables, ingest: replace(wanted.tables[ingest], in_two_phases=False)}
    )
    assert [str(one) for one in compare(wanted, there)] == [
        "table rowgate.ingest: its commit in two phases is missing"
    ]
    again = plan(wanted, there, Managed())
    assert [step.sql.partition(" ")[0] for step in again] == ["SET", "DO", "CREATE"]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Distribution("tenant_id", frozenset({TENANT, Name("public", "more")})), None),
        (
            Distribution("tenant_id"),
            'is distributed by "tenant_id", the schema says distributed by "tenant_id" beside public.tenant',
        ),
        (
            Distribution("id", frozenset({TENANT})),
            (
                'is distributed by "id" beside public.tenant, '
                'the schema says distributed by "tenant_id" beside public.tenant'
            ),
        ),
        (
            Distribution(None),
            'is a reference table, the schema says distributed by "tenant_id" beside public.tenant',
        ),
        (
            Distribution("tenant_id", frozenset({TENANT}), "spread otherwise"),
            'is spread otherwise, the schema says distributed by "tenant_id" beside public.tenant',
        ),
        (
            None,
            (
                'is on one node, the schema says distributed by "tenant_id" beside public.tenant: '
                """SELECT pg_catalog.create_distributed_table('public."order"', 'tenant_id', """
                "colocate_with => 'public.tenant')"
            ),
        ),
    ],
)
def test_what_is_distributed_otherwise_is_not_served(
    sides: tuple[Catalog, Catalog], found: Distribution | None, told: str | None
) -> None:
    wanted, _ = sides
    table = replace(wanted.tables[ORDER], distribution=found)
    differences = compare(wanted, replace(wanted, tables={**wanted.tables, ORDER: table}))
    assert [str(one) for one in differences] == ([] if told is None else [f"table public.order {told}"])
    assert all(one.forbids_serving for one in differences)


def test_what_the_schema_says_nothing_of_is_not_served(sides: tuple[Catalog, Catalog]) -> None:
    wanted, _ = sides
    unsaid = replace(wanted.tables[TENANT], distribution=None)
    differences = compare(replace(wanted, tables={**wanted.tables, TENANT: unsaid}), wanted)
    assert [str(one) for one in differences] == [
        'table public.tenant is distributed by "id", the schema says on one node'
    ]
