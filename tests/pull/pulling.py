"""Pulls, without a process of their own, and the databases that they read."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
from click.testing import CliRunner
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.cli import main
from gateway.proto_files.changes import Change, write
from gateway.pull import Pulled, changes, pull_protos, read_choices
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


async def pulled(
    dsn: str, folder: Path, renames: Sequence[str] = (), **choices: Any
) -> tuple[Pulled, Sequence[Change]]:
    """Pull a database into a folder, whatever breaks; return what was found, and what changed."""
    connection = await asyncpg.connect(dsn)
    try:
        found = await pull_protos(connection, folder, read_choices(folder, choices), renames)
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


def breaking(before: Path, after: Path) -> str:
    """Return what buf has to say of the change of an image."""
    rules = json.dumps({"version": "v2", "breaking": {"use": ["FILE"]}})
    return _buf("breaking", str(after), "--against", str(before), "--config", rules)


def badly_formed(folder: Path) -> str:
    """Return what buf would write otherwise."""
    return _buf("format", "--diff", str(folder))


def _buf(*args: str) -> str:
    done = subprocess.run([BUF, *args], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


async def command(*args: str) -> tuple[int, str, str]:
    """Run a command in this process; return its status, output and errors."""
    done = await asyncio.to_thread(CliRunner().invoke, main, args)
    return done.exit_code, done.stdout, done.stderr
