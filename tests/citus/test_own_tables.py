"""Where others manage all tables, what the gateway keeps is committed with the shards, or isn't kept."""

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from rowgate.v1 import annotations_pb2

from gateway.introspect import has_own_tables, require_match
from gateway.introspect.tables.model_tables import GATEWAY_TABLES
from gateway.migrate import apply, connect_to
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.citus.cluster import Cluster
from tests.harness.databases import fetch
from tests.harness.gateway import descriptors_of
from tests.pull.pulling import run

pytestmark = pytest.mark.citus
DISTRIBUTED = """
CREATE SCHEMA gauges;
CREATE TABLE gauges.device_event (
    device_id uuid, id uuid DEFAULT gen_random_uuid(), told_at timestamptz, severity text NOT NULL,
    value float8, text text NOT NULL, PRIMARY KEY (device_id, id)
);
SELECT create_distributed_table('gauges.device_event', 'device_id');
"""


def unmanaged() -> FileDescriptorSet:
    """Return the gauges' schema, whose table others manage."""
    schema = FileDescriptorSet.FromString(descriptors_of("gauges").SerializeToString())
    for file in schema.file:
        for message in file.message_type:
            if message.options.HasExtension(annotations_pb2.table):  # type: ignore[arg-type]
                table = message.options.Extensions[annotations_pb2.table]  # type: ignore[index]
                table.managed = False
    return schema


async def test_tables_without_the_trigger_are_not_used(cluster: Cluster) -> None:
    dsn = await cluster.database()
    await run(dsn, DISTRIBUTED)
    connect, metadata = connect_to(dsn), build_tables(read_schema(unmanaged())).metadata
    await require_match(connect, metadata)
    assert not await has_own_tables(connect, metadata)
    metadata.info[GATEWAY_TABLES] = True
    assert await apply(metadata, connect)
    assert await has_own_tables(connect, metadata)
    await fetch(dsn, "DROP TRIGGER rowgate_two_phases ON rowgate.ingest")
    assert not await has_own_tables(connect, metadata)
