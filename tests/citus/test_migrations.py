"""Migrations on a cluster: what they make is distributed, goes on from there, and nothing else is served."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import asyncpg
import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorSet
from rowgate.v1 import annotations_pb2
from sqlalchemy import MetaData

from gateway.introspect import SchemaMismatchError, require_match
from gateway.migrate import Folder, MigrationError, apply, connect_to, differences, preview, revise, upgrade
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.citus.cluster import Cluster
from tests.harness.databases import fetch
from tests.harness.gateway import descriptors_of

pytestmark = pytest.mark.citus

SCHEMAS: Mapping[str, Mapping[str, str]] = {
    "market": {
        '"order"': "tenant_id",
        "item": "tenant_id",
        "product": "<none>",
        "tenant": "id",
    },
    "gauges": {"gauges.device_event": "device_id"},
    "quoted_shards": {'"Odd Schema"."Select"': "From"},
}
"""The tables of each schema, and by which column they are distributed."""
BY_HAND = (
    "SELECT pg_catalog.create_distributed_table('gauges.device_event', 'device_id', colocate_with => 'none')"
)
_TABLES = """
SELECT table_name::text AS name, distribution_column AS by_, colocation_id AS beside
FROM citus_tables WHERE citus_table_type <> 'local'
"""


def _metadata(name: str, change: Callable[[DescriptorProto], None] = lambda _: None) -> MetaData:
    """Return the tables of a schema, with each message changed."""
    descriptors = FileDescriptorSet.FromString(descriptors_of(name).SerializeToString())
    for file in descriptors.file:
        if file.package == f"{name}.v1":
            for message in file.message_type:
                if message.options.HasExtension(annotations_pb2.table):  # type: ignore[arg-type]
                    change(message)
    return build_tables(read_schema(descriptors)).metadata


def _options(message: DescriptorProto) -> annotations_pb2.TableOptions:
    options: annotations_pb2.TableOptions = message.options.Extensions[annotations_pb2.table]  # type: ignore[index]
    return options


def _with_more(message: DescriptorProto) -> None:
    """Give items another column and orders another index."""
    if message.name == "Item":
        message.field.add(name="more", number=20, type="TYPE_INT32", label="LABEL_OPTIONAL")
    if message.name == "Order":
        _options(message).index.add(columns=["total_cents"])


@pytest.mark.parametrize("name", SCHEMAS)
async def test_tables_are_made_and_distributed(cluster: Cluster, name: str) -> None:
    dsn = await cluster.database()
    connect, metadata = connect_to(dsn), _metadata(name)
    assert "create_distributed_table" in await preview(metadata, connect)
    assert await apply(metadata, connect)
    assert await apply(metadata, connect) == ()
    assert (await differences(metadata, connect)).open == ()
    found = await fetch(dsn, _TABLES)
    assert {row["name"]: row["by_"] for row in found} == SCHEMAS[name]
    assert len({row["beside"] for row in found if row["by_"] != "<none>"}) == 1
    await require_match(connect, metadata)


async def test_a_table_with_rows_gets_columns_and_indexes(cluster: Cluster) -> None:
    dsn = await cluster.holding("market")
    await fetch(dsn, "INSERT INTO tenant VALUES (1, 'one'), (2, 'two')")
    await fetch(dsn, "INSERT INTO product VALUES (1, 'a', 'anvil')")
    await fetch(
        dsn,
        'INSERT INTO "order" (tenant_id, total_cents, placed_at, version, created_at, updated_at) '
        "SELECT n, 0, now(), 1, now(), now() FROM generate_series(1, 2) n",
    )
    await fetch(dsn, 'INSERT INTO item SELECT tenant_id, id, 1, 1, 1 FROM "order"')
    metadata = _metadata("market", _with_more)
    steps = await apply(metadata, connect_to(dsn))
    assert any("CREATE INDEX CONCURRENTLY" in step.sql for step in steps)
    assert (await differences(metadata, connect_to(dsn))).open == ()
    assert [row["more"] for row in await fetch(dsn, "SELECT more FROM item")] == [0, 0]


async def test_a_folder_makes_what_a_direct_migration_does(cluster: Cluster, tmp_path: Path) -> None:
    dsn = await cluster.database()
    connect, folder = connect_to(dsn), Folder(tmp_path / "migrations")
    for day, metadata in ((24, _metadata("market")), (25, _metadata("market", _with_more))):
        assert await revise(metadata, connect, folder, f"day {day}", day=date(2026, 11, day))
        assert await upgrade(folder, connect)
        assert (await differences(metadata, connect, folder)).open == ()
    assert {row["name"] for row in await fetch(dsn, _TABLES)} == SCHEMAS["market"].keys()


def _alone(message: DescriptorProto) -> None:
    for option in ("distribute_by", "colocate_with", "reference"):
        _options(message).ClearField(option)  # type: ignore[arg-type]


def _by_id(message: DescriptorProto) -> None:
    _options(message).distribute_by = "id"


async def test_other_distributions_are_refused(cluster: Cluster) -> None:
    dsn = await cluster.holding("gauges")
    said = {
        _alone: 'is distributed by "device_id", the schema says on one node',
        _by_id: 'is distributed by "device_id", the schema says distributed by "id"',
    }
    for change, words in said.items():
        metadata = _metadata("gauges", change)
        with pytest.raises(SchemaMismatchError, match=words):
            await require_match(connect_to(dsn), metadata)
        with pytest.raises(MigrationError, match=words):
            await apply(metadata, connect_to(dsn))


async def test_a_table_that_stands_is_distributed_by_hand(cluster: Cluster) -> None:
    """The refusal tells the statement, after which the schema fits."""
    dsn = await cluster.database()
    await apply(_metadata("gauges", _alone), connect_to(dsn))
    metadata = _metadata("gauges")
    with pytest.raises(MigrationError, match="is on one node, the schema says") as refused:
        await apply(metadata, connect_to(dsn))
    assert BY_HAND in str(refused.value)
    await fetch(dsn, BY_HAND)
    await apply(metadata, connect_to(dsn))
    await require_match(connect_to(dsn), metadata)


async def test_the_gateways_own_tables_are_committed_with_the_workers(cluster: Cluster) -> None:
    """Without it the worker commits by itself, before the coordinator."""
    dsn = await cluster.holding("market")
    told: list[str] = []
    connection = await asyncpg.connect(dsn)
    connection.add_log_listener(lambda _, message: told.append(str(message)))
    await connection.execute("INSERT INTO tenant VALUES (1, 'one')")
    await connection.execute("SET citus.log_remote_commands TO on")
    for own in ("SELECT 1", "INSERT INTO rowgate.ingest VALUES ('p', 'm', 's', '', gen_random_uuid())"):
        told.clear()
        async with connection.transaction():
            await connection.execute("UPDATE tenant SET name = 'two' WHERE id = 1")
            await connection.execute(own)
        assert any("PREPARE TRANSACTION" in one for one in told) == own.startswith("INSERT")
    await connection.close()
