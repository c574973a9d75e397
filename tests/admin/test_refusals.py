"""Callers who aren't let in are counted, and named in the log."""

import logging
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from gateway.admin.server import AdminServer
from gateway.app import Gateway
from gateway.cli import main
from gateway.config.load import settings_of
from gateway.schema.tables.metadata import build_tables
from tests.auth.asking import LET_IN, READ, REFUSED, said
from tests.harness.client import Client
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, schema_of
from tests.harness.http import ask

REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


def key(path: Path, name: str, roles: str) -> str:
    """Make an API key."""
    done = CliRunner().invoke(main, ["keys", "create", name, "--roles", roles, "--auth-api-keys", str(path)])
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


async def test_refusals_of_policy_are_counted_by_reason_and_logged_with_the_principal(
    databases: Databases, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.access")
    path = tmp_path / "keys.json"
    reader, stranger = key(path, "reports", "reader"), key(path, "else", "nobody")
    dsn = await databases.copy_of("allowed", build_tables(schema_of("allowed")).metadata)
    settings = settings_of(
        dsn=dsn, listen="127.0.0.1:0", admin_listen="0", auth_providers="api_key", auth_api_keys=path
    )
    gateway = await Gateway.start(descriptors_of("allowed"), settings)
    assert gateway.source is not None
    admin = AdminServer(gateway.source, settings)
    await admin.start()
    client = Client(f"127.0.0.1:{gateway.port}", descriptors_of("allowed"))

    async def answer(credential: str) -> str:
        metadata = (("authorization", f"Bearer {credential}"),)
        return await said(client.channel.unary_unary(READ)(b"", metadata=metadata))

    assert await answer(reader) == LET_IN
    assert (await answer(stranger)).startswith("PERMISSION_DENIED CALL_NOT_ALLOWED")
    assert await answer("rgk_wrong") == REFUSED
    # Whoever asks for the schema is no caller of its methods, and is counted where it may not.
    about = client.channel.stream_stream(REFLECTION)(iter([b""]))
    with pytest.raises(grpc.aio.AioRpcError):
        await about.read()
    text = (await ask(str(admin.address), "GET", "/metrics")).body.decode()
    families = {one.name: one for one in text_string_to_metric_families(text)}
    refused = {one.labels["reason"]: one.value for one in families["rowgate_refusals"].samples}
    await client.close()
    await gateway.stop(grace=1)
    await admin.stop()
    assert refused == {"ROW_NOT_FOUND": 1, "CALL_NOT_ALLOWED": 2, "CREDENTIAL_REFUSED": 1}
    lines = [vars(one) for one in caplog.records if one.name == "gateway.access"]
    named = {line.get("reason"): line.get("principal") for line in lines}
    assert named["ROW_NOT_FOUND"] == "api_key:reports"
    assert named["CALL_NOT_ALLOWED"] == "api_key:else"
    assert named["CREDENTIAL_REFUSED"] is None
    assert reader not in repr(lines)
