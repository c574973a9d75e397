"""What a role lacks is told at start, all at once, and the GRANTs that are told with it are enough."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.app import Gateway
from gateway.cli.servers import SERVERS
from gateway.config.load import settings_of
from gateway.introspect import LackedPrivilegeError
from gateway.schema.tables.metadata import build_tables
from tests.cli.running import rowgate
from tests.harness.client import Client, RpcFailed, fresh_name
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import SCHEMAS, descriptors_of, schema_of

ID = "123e4567-e89b-12d3-a456-426614174000"
LACKS = "the database role lacks privileges: calls will be refused"


@pytest.fixture
async def role(databases: Databases) -> AsyncIterator[str]:
    """Make a role that may do nothing but log in; its name needs quotes."""
    name = fresh_name("Guest")
    await fetch(databases.dsn, f'CREATE ROLE "{name}" LOGIN')
    yield name
    await fetch(databases.dsn, f'DROP ROLE "{name}"')


@asynccontextmanager
async def database_of(databases: Databases, name: str, role: str) -> AsyncIterator[str]:
    """Make a schema's database, in which only its owner may make temporary tables."""
    dsn = await databases.copy_of(name, build_tables(schema_of(name)).metadata)
    database = dsn.rpartition("/")[2].partition("?")[0]
    await fetch(dsn, f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    await fetch(dsn, f'GRANT CONNECT ON DATABASE {database} TO "{role}"')
    try:
        yield dsn
    finally:
        await fetch(dsn, f'DROP OWNED BY "{role}"')


async def started(name: str, dsn: str) -> Gateway:
    given = {"dsn": dsn, "listen": "127.0.0.1:0", "log_access": "none", "transport": "http"}
    return await Gateway.start(descriptors_of(name), settings_of(**given), SERVERS["http"])


def filled(message: Message, text: str, depth: int = 0) -> Message:
    """Set every field of a request to something, and those of its messages."""
    for field in message.DESCRIPTOR.fields:
        if field.name.endswith(("page_token", "filter", "order_by", "mask", "etag", "validate_only")):
            continue
        if field.name in ("request_id", "conflict_target") or depth > 2:
            continue
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if field.message_type.GetOptions().map_entry or field.message_type.full_name.startswith("google"):
                continue
            held = getattr(message, field.name)
            filled(held.add() if field.is_repeated else held, text, depth + 1)
            continue
        value: Any = {"bool": True, "str": text, "bytes": b"1"}.get(_kind(field), 1)
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)
    return message


def _kind(field: FieldDescriptor) -> str:
    return {
        FieldDescriptor.CPPTYPE_BOOL: "bool",
        FieldDescriptor.CPPTYPE_STRING: "bytes" if field.type == FieldDescriptor.TYPE_BYTES else "str",
    }.get(field.cpp_type, "number")


async def reasons(client: Client, name: str, text: str) -> Mapping[str, str]:
    """Call every method that isn't a stream to; return what each says."""
    said: dict[str, str] = {}
    for service in schema_of(name).services.values():
        for method in service.methods:
            if method.descriptor.client_streaming or method.descriptor.server_streaming:
                continue
            request = filled(GetMessageClass(method.descriptor.input_type)(), text)
            try:
                await client.call(method.path.removeprefix("/"), request)
                said[method.full_name] = ""
            except RpcFailed as failed:
                said[method.full_name] = failed.reason
    return said


@pytest.mark.parametrize(
    ("name", "text"),
    [("ledger", "1"), ("adversarial", ID), ("numbered", "1"), ("guarded", "1"), ("tree", "1")],
)
async def test_the_grants_that_are_told_are_all_that_the_methods_need(
    databases: Databases, role: str, name: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with database_of(databases, name, role) as dsn:
        guest = dsn.replace("//postgres@", f"//{role}@")
        with caplog.at_level(logging.WARNING), pytest.raises(LackedPrivilegeError) as refused:
            await started(name, guest)
        (line,) = (record for record in caplog.records if record.message == LACKS)
        grants = str(getattr(line, "grants", ""))
        assert grants in str(refused.value)
        for grant in grants.split(";")[:-1]:
            await fetch(dsn, grant)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            gateway = await started(name, guest)
        assert not [record for record in caplog.records if record.message == LACKS]
        client = Client(f"127.0.0.1:{gateway.port}", descriptors_of(name))
        try:
            said = await reasons(client, name, text)
        finally:
            await client.close()
            await gateway.stop(grace=1)
        assert [method for method, reason in said.items() if reason == "INSUFFICIENT_PRIVILEGE"] == []


async def test_a_role_without_rights_is_told_by_the_command_how_to_get_them(
    databases: Databases, role: str
) -> None:
    async with database_of(databases, "ledger", role) as dsn:
        guest = dsn.replace("//postgres@", f"//{role}@")
        flags = ("--protos", str(SCHEMAS / "ledger"), "--dsn", guest, "--listen", "127.0.0.1:0")
        status, _, errors = await rowgate("serve", *flags, "--log-level", "error")
    assert status == 1
    assert "Traceback" not in errors
    assert f'GRANT USAGE ON SCHEMA "Ledger" TO "{role}";' in errors
    assert f'GRANT INSERT, SELECT, UPDATE ON TABLE "Ledger"."order" TO "{role}";' in errors


@pytest.mark.parametrize("lacked", ["TEMPORARY", "all"])
async def test_migrate_tells_what_comparing_takes_by_the_grants_of_serve(
    databases: Databases, role: str, lacked: str
) -> None:
    protos = ("--protos", str(SCHEMAS / "ledger"))
    dsn = await databases.empty()
    assert (await rowgate("migrate", *protos, "--dsn", dsn))[0] == 0
    database = dsn.rpartition("/")[2].partition("?")[0]
    await fetch(dsn, f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
    if lacked != "all":
        await fetch(dsn, f'GRANT USAGE ON SCHEMA rowgate, "Ledger" TO "{role}"')
        await fetch(dsn, f'GRANT SELECT ON ALL TABLES IN SCHEMA rowgate TO "{role}"')
    flags = (*protos, "--dsn", dsn.replace("//postgres@", f"//{role}@"))
    _, _, by_serve = await rowgate("serve", *flags, "--listen", "127.0.0.1:0", "--log-level", "error")
    said = {await rowgate("migrate", *flags, *how) for how in ([], ["--check"])}
    ((status, out, errors),) = said
    assert (status, out) == (1, "")
    about, grants = errors.splitlines()
    assert about == by_serve.splitlines()[0]
    assert f'GRANT TEMPORARY ON DATABASE {database} TO "{role}";' in grants
    for grant in grants.split(";")[:-1]:
        assert "managed_object" in grant or grant in by_serve
        await fetch(dsn, grant)
    assert (await rowgate("migrate", *flags, "--check"))[:2] == (0, "the database is at the schema\n")
    await fetch(dsn, f'DROP OWNED BY "{role}"')


async def test_migrate_ends_where_the_role_may_compare_and_not_make(databases: Databases, role: str) -> None:
    guest = (await databases.empty()).replace("//postgres@", f"//{role}@")
    status, _, errors = await rowgate("migrate", "--protos", str(SCHEMAS / "tree"), "--dsn", guest)
    assert status == 1
    assert "permission denied for database" in errors


async def test_the_numbers_of_serial_columns_are_granted_too(
    databases: Databases, role: str, caplog: pytest.LogCaptureFixture
) -> None:
    dsn = await databases.empty()
    for statement in (SCHEMAS / "unmanaged" / "tables.sql").read_text().split(";\n"):
        await fetch(dsn, statement)
    with caplog.at_level(logging.WARNING), pytest.raises(LackedPrivilegeError):
        await started("unmanaged", dsn.replace("//postgres@", f"//{role}@"))
    (line,) = (record for record in caplog.records if record.message == LACKS)
    grants = str(getattr(line, "grants", ""))
    assert f'GRANT USAGE ON SCHEMA shop TO "{role}";' in grants
    assert 'GRANT USAGE ON SEQUENCE shop."Customer_number_seq"' in grants
