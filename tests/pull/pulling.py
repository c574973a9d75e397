"""Pulls, without a process of their own, and the databases that they read."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.app import Gateway
from gateway.cli.servers import SERVERS
from gateway.config.load import settings_of
from gateway.pull import Change, Pulled, changes, pull_protos, read_choices, write
from tests.harness.client import Client
from tests.harness.gateway import SCHEMAS

BUF = Path(sys.executable).parent / "buf"
# As buf.yaml of this project has it.
LINT = {
    "version": "v2",
    "lint": {
        "use": ["STANDARD", "COMMENTS"],
        "except": ["RPC_REQUEST_RESPONSE_UNIQUE", "RPC_RESPONSE_STANDARD_NAME"],
        "ignore": ["google", "rowgate"],
    },
}


async def run(dsn: str, *statements: str) -> None:
    """Run statements on a database."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def foreign(dsn: str, *names: str) -> None:
    """Make databases of other people's products, all in one."""
    await run(dsn, *((SCHEMAS / "foreign" / name / "tables.sql").read_text() for name in names))


async def pulled(dsn: str, folder: Path, **choices: Any) -> tuple[Pulled, Sequence[Change]]:
    """Pull a database into a folder; return what was found, and what changed."""
    connection = await asyncpg.connect(dsn)
    try:
        found = await pull_protos(connection, folder, read_choices(folder, choices))
    finally:
        await connection.close()
    made = changes(folder, found)
    write(folder, made)
    return found, made


def lint(descriptors: FileDescriptorSet, folder: Path) -> str:
    """Return what buf has to say of a folder's protos, of their content and their form."""
    image = folder.parent / "image.binpb"
    image.write_bytes(descriptors.SerializeToString())
    return _buf("lint", str(image), "--config", json.dumps(LINT)) + badly_formed(folder)


def badly_formed(folder: Path) -> str:
    """Return what buf would write otherwise."""
    return _buf("format", "--diff", str(folder))


def _buf(*args: str) -> str:
    done = subprocess.run([BUF, *args], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


@asynccontextmanager
async def served(descriptors: FileDescriptorSet, dsn: str) -> AsyncIterator[Client]:
    """Serve pulled protos over a database; give a client."""
    settings = settings_of(dsn=dsn, listen="127.0.0.1:0", log_access="none", transport="http")
    gateway = await Gateway.start(descriptors, settings, SERVERS["http"])
    client = Client(f"127.0.0.1:{gateway.port}", descriptors)
    try:
        yield client
    finally:
        await client.close()
        await gateway.stop(grace=1)
