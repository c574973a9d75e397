"""A gateway doesn't serve audited tables whose changes it couldn't keep; migrations make what keeps them."""

from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.app import Gateway
from gateway.cli.servers import SERVERS
from gateway.config.load import settings_of
from gateway.introspect import AuditUnavailableError, SchemaMismatchError
from gateway.introspect.tables.model_tables import tables_of
from gateway.schema.protos.options import TABLE
from gateway.schema.tables.internal import AUDIT
from gateway.schema.tables.metadata import build_tables
from tests.audit.kept import audited_database, audited_tables
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import descriptors_of, schema_of

WRITER = "rowgate_audit_writer"
GRANTS = (
    f"DO $$ BEGIN IF to_regrole('{WRITER}') IS NULL THEN CREATE ROLE {WRITER} LOGIN; END IF; END $$",
    f"GRANT USAGE ON SCHEMA rowgate TO {WRITER}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {WRITER}",
    f"GRANT USAGE, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {WRITER}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON rowgate.idempotency, rowgate.ingest TO {WRITER}",
)
ORDER = {"user": "u", "number": 1}


async def _start(dsn: str, *, managed: bool = True, **more: object) -> None:
    settings = settings_of(dsn=dsn, listen="127.0.0.1:0", **more)
    descriptors = FileDescriptorSet()
    descriptors.CopyFrom(descriptors_of("audited"))
    for message in (message for file in descriptors.file for message in file.message_type):
        if message.options.HasExtension(TABLE):
            message.options.Extensions[TABLE].managed = managed
    gateway = await Gateway.start(descriptors, settings, SERVERS["http"])
    await gateway.stop(grace=0)


async def test_without_its_table_nothing_is_served(databases: Databases) -> None:
    dsn = await audited_database(databases)
    await fetch(dsn, "DROP TABLE rowgate.audit")
    with pytest.raises(SchemaMismatchError, match=r"rowgate\.audit(.|\n)*rowgate migrate"):
        await _start(dsn)


async def test_a_role_that_may_only_append_is_enough(
    databases: Databases, tmp_path: Path, transport: str
) -> None:
    dsn = await audited_database(databases)
    for statement in GRANTS:
        await fetch(dsn, statement)
    login = dsn.replace("//postgres@", f"//{WRITER}@")
    with pytest.raises(AuditUnavailableError) as refused:
        await _start(login)
    grant = f"GRANT INSERT ON TABLE rowgate.audit TO {WRITER};"
    assert str(refused.value).endswith(f"These give what it lacks:\n  {grant}")
    await fetch(dsn, grant)
    async with audited_tables(dsn, tmp_path, transport, login=login) as served:
        await served.call("ann", "OrderService/CreateOrder", order=ORDER)
        assert [one.action for one in await served.kept()] == ["INSERT"]
    with pytest.raises(AuditUnavailableError) as refused:
        await _start(login, audit_retention=86_400)
    await fetch(dsn, str(refused.value).splitlines()[-1])
    await _start(login, audit_retention=86_400)
    assert "SELECT, DELETE" in str(refused.value)


def test_tables_without_audit_need_no_table_for_it() -> None:
    """As before there was one: no migration is asked of anybody who keeps no changes."""
    assert [AUDIT in tables_of(build_tables(schema_of(name)).metadata) for name in ("tree", "audited")] == [
        False,
        True,
    ]


async def test_tables_that_others_manage_are_not_served_without_it(databases: Databases) -> None:
    """No comparison of tables finds it missing there."""
    dsn = await audited_database(databases)
    await fetch(dsn, "DROP TABLE rowgate.audit")
    with pytest.raises(AuditUnavailableError, match=r"is not there: .*--gateway-tables"):
        await _start(dsn, managed=False)
