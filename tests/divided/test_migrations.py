"""Migrations make the tables of resources that are in several, and take over those that are there."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from rowgate.v1 import annotations_pb2
from sqlalchemy.sql.naming import conv

from gateway.introspect import SchemaMismatchError, require_match
from gateway.introspect.tables.table_records import Name
from gateway.migrate import (
    DestructiveChangeError,
    Folder,
    MigrationError,
    apply,
    connect_to,
    differences,
    preview,
    revise,
    upgrade,
)
from gateway.migrate.errors import NotOursError
from gateway.migrate.locks.lock import opened
from gateway.schema.model import Partition, Partitions
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import PARTITIONS, build_tables
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, schema_of
from tests.migrate.database import EmptyDatabase
from tests.migrate.models import empty

DAY = date(2026, 11, 23)
ACME, EVIL = {"acme": ["acme"]}, {"evil": ["evil", "o'brien"]}
OWN = Name("acme", "order")
# A tenant's own table from before, with its columns in another order.
FROM_BEFORE = """
    CREATE SCHEMA acme;
    CREATE TABLE acme."order" (id bigint PRIMARY KEY, article text NOT NULL);
    INSERT INTO acme."order" SELECT n, 'a' || n FROM generate_series(1, 3) AS n;
"""
# What makes it one of several: neither statement writes a row.
FITTED = """
    ALTER TABLE acme."order" ADD COLUMN tenant text NOT NULL DEFAULT 'acme' CHECK (tenant = 'acme'),
        DROP CONSTRAINT order_pkey, ADD PRIMARY KEY (tenant, id);
"""


def orders(tables: Mapping[str, Sequence[str]], *columns: sa.Column[str]) -> sa.MetaData:
    """Return a model of orders with a table in each schema, by the values that it holds, and of lines."""
    metadata, key = empty(), ("tenant", "id")
    given = Partitions(
        "tenant",
        tuple(Partition(schema, "order", tuple(of), tuple(of)) for schema, of in tables.items()),
    )
    sa.Table(
        "order",
        metadata,
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("id", sa.BigInteger, autoincrement=False),
        sa.Column("article", sa.Text, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint(*key, name=conv("order_pkey")),
        sa.Index(conv("order_article_idx"), "article"),
        postgresql_partition_by="LIST (tenant)" if tables else None,
        info={PARTITIONS: given if tables else None},
    )
    sa.Table(
        "line",
        metadata,
        *(
            sa.Column(name, kind, nullable=False)
            for name, kind in zip(key, (sa.Text, sa.BigInteger), strict=True)
        ),
        sa.PrimaryKeyConstraint(*key, name=conv("line_pkey")),
        sa.ForeignKeyConstraint(key, ["order.tenant", "order.id"], name=conv("line_tenant_fkey")),
    )
    return metadata


@pytest.fixture(params=["18", "15"])
async def database(databases: Databases, request: pytest.FixtureRequest) -> EmptyDatabase:
    server = databases if request.param == "18" else Databases(request.getfixturevalue("debian_15"))
    dsn = await server.empty()
    return EmptyDatabase(dsn, connect_to(dsn))


async def told(database: EmptyDatabase, metadata: sa.MetaData) -> list[str]:
    """Return what differs; nothing is there that the model lacks."""
    found = await differences(metadata, database.connect)
    assert found.left == ()
    return [str(one) for one in found.open]


async def test_tables_are_made_and_others_later(database: EmptyDatabase) -> None:
    """Those who read and write the tables that are there aren't kept waiting by one more."""
    await apply(orders(ACME), database.connect)
    assert await apply(orders(ACME), database.connect) == ()
    await database.run("""INSERT INTO "order" VALUES ('acme', 1, 'a')""")
    async with opened(database.connect) as other:
        await other.execute("BEGIN")
        await other.execute("""INSERT INTO "order" VALUES ('acme', 2, 'b')""")
        assert (await told(database, orders(ACME | EVIL)))[1] == (
            "table evil.order is missing: the schema says "
            """PARTITION OF public."order" FOR VALUES IN ('evil', 'o''brien')"""
        )
        await apply(orders(ACME | EVIL), database.connect)
        await other.execute("COMMIT")
    assert await told(database, orders(ACME | EVIL)) == []
    await database.run("""INSERT INTO "order" VALUES ('o''brien', 1, 'c')""")
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.run("""INSERT INTO evil."order" VALUES ('o''brien', 1, 'c')""")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await database.run("INSERT INTO line VALUES ('evil', 1)")


async def test_a_new_column_is_every_tables(database: EmptyDatabase) -> None:
    await apply(orders(ACME), database.connect)
    note = sa.Column("note", sa.Text)
    await apply(orders(ACME | EVIL, note), database.connect)
    await database.run(
        """INSERT INTO acme."order" VALUES ('acme', 1, 'a', 'b')""",
        """INSERT INTO evil."order" VALUES ('evil', 1, 'a', 'b')""",
    )


async def test_a_table_from_before_is_one_of_them_once_it_is_adopted(database: EmptyDatabase) -> None:
    await database.run(FROM_BEFORE)
    with pytest.raises(NotOursError, match=r"acme.order is no partition of it.*\n.*--adopt acme.order"):
        await apply(orders(ACME), database.connect)
    with pytest.raises(MigrationError, match=r'child table is missing column "tenant"|missing column'):
        await apply(orders(ACME), database.connect, adopted=[OWN])
    await database.run(FITTED)
    await apply(orders(ACME), database.connect, adopted=[OWN])
    assert await told(database, orders(ACME)) == []
    rows = await database.fetch("""SELECT article FROM "order" WHERE tenant = 'acme' ORDER BY id""")
    assert [article for (article,) in rows] == ["a1", "a2", "a3"]


async def test_values_go_to_another_table_where_no_row_is_in_the_way(database: EmptyDatabase) -> None:
    await apply(orders(ACME | EVIL), database.connect)
    moved = {"acme": ["acme", "o'brien"], "evil": ["evil"]}
    assert await told(database, orders(moved)) == [
        f"""table {name} is PARTITION OF public."order" FOR VALUES IN ({now}), the schema says """
        f"""PARTITION OF public."order" FOR VALUES IN ({wanted})"""
        for name, now, wanted in (
            ("acme.order", "'acme'", "'acme', 'o''brien'"),
            ("evil.order", "'evil', 'o''brien'", "'evil'"),
        )
    ]
    await database.run("""INSERT INTO "order" VALUES ('o''brien', 1, 'c')""")
    with pytest.raises(MigrationError, match="violated by some row"):
        await apply(orders(moved), database.connect)
    await database.run("""DELETE FROM "order" """)
    await apply(orders(moved), database.connect)
    assert await told(database, orders(moved)) == []


async def test_a_table_with_its_own_rows_is_not_divided(database: EmptyDatabase) -> None:
    await apply(orders({}), database.connect)
    with pytest.raises(NotOursError, match=r"public.order is not divided, the schema says PARTITION BY LIST"):
        await apply(orders(ACME), database.connect)


async def test_the_start_names_the_table_that_is_missing(database: EmptyDatabase) -> None:
    await apply(orders(ACME | EVIL), database.connect)
    await database.run("""ALTER TABLE "order" DETACH PARTITION evil."order" """)
    with pytest.raises(SchemaMismatchError, match=r"table evil.order is no partition of it, the schema says"):
        await require_match(database.connect, orders(ACME | EVIL), None, grants=())
    await require_match(database.connect, orders(ACME), None, grants=())


async def test_tables_that_others_manage_are_asked_for_as_well(database: EmptyDatabase) -> None:
    await apply(build_tables(schema_of("divided")).metadata, database.connect)
    theirs = FileDescriptorSet()
    theirs.CopyFrom(descriptors_of("divided"))
    for message in (message for file in theirs.file for message in file.message_type):
        if message.options.Extensions[annotations_pb2.table].primary_key:  # type: ignore[index]
            message.options.Extensions[annotations_pb2.table].managed = False  # type: ignore[index]
    metadata = build_tables(read_schema(theirs)).metadata
    assert await database.drift(metadata) == ()
    await database.run("ALTER TABLE shop.line DETACH PARTITION tenant_evil.line")
    assert [str(one) for one in await database.drift(metadata)] == [
        "table tenant_evil.line is missing: the schema says PARTITION OF shop.line FOR VALUES IN ('evil')"
    ]


async def test_a_folder_drops_the_table_that_it_made(database: EmptyDatabase, tmp_path: Path) -> None:
    """What it holds is lost: so it is named first. Without a folder it stays, and so do its rows."""
    folder = Folder(tmp_path)
    await revise(orders(ACME | EVIL), database.connect, folder, "make orders", day=DAY)
    await upgrade(folder, database.connect)
    assert await told(database, orders(ACME | EVIL)) == []
    with pytest.raises(DestructiveChangeError) as lost:
        await revise(orders(ACME), database.connect, folder, "drop evil", day=DAY)
    assert lost.value.losses == ("drops table evil.order",)
    await revise(orders(ACME), database.connect, folder, "drop evil", day=DAY, allow_destructive=True)
    await upgrade(folder, database.connect, allow_destructive=True)
    assert (await differences(orders(ACME), database.connect, folder)).open == ()
    assert await preview(orders(ACME), database.connect, folder) == ""
