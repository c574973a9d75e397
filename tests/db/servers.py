"""PostgreSQL servers that a test may break: embedded ones, and Debian's PostgreSQL 15."""

import os
import pwd
import select
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import asyncpg
import pytest

from gateway.db.embedded import EmbeddedPostgres
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement
from tests.harness.client import fresh_name

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
FAST = {"fsync": "off", "max_connections": "60"}
CALL = Call("test.v1.Test/Call")


def statement(text: str, *, writes: bool = False) -> Statement:
    """Return a statement of literal SQL."""
    return Statement(text, (), (), writes, "test", {})


def write(text: str) -> Statement:
    """Return a statement that changes rows."""
    return statement(text, writes=True)


async def sql(dsn: str, text: str, *args: Any) -> list[Any]:
    """Run SQL past the gateway; return the rows as tuples."""
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(text, *args)]
    finally:
        await connection.close()


async def make_database(dsn: str) -> str:
    """Create a database on the server; return its DSN."""
    name = fresh_name("db")
    await sql(dsn, f"CREATE DATABASE {name}")
    return dsn.replace("/postgres?", f"/{name}?")


def kill_server(server: EmbeddedPostgres, number: signal.Signals = signal.SIGKILL) -> None:
    """Kill the postmaster, as a machine's failure would; return when it is gone."""
    pid = server.postmaster_pid()
    assert pid is not None
    watched = os.pidfd_open(pid)
    try:
        os.kill(pid, number)
        ended, _, _ = select.select([watched], [], [], 10)
        assert ended, f"the postmaster outlived {number.name}"
    finally:
        os.close(watched)


@contextmanager
def debian_server(
    folder: Path, *, hba: str = "", settings: Mapping[str, object] = MappingProxyType({})
) -> Iterator[str]:
    """Run Debian's PostgreSQL 15 in a folder; yield its DSN. Skips where it isn't installed.

    Args:
        folder: a new folder for it.
        hba: more lines for pg_hba.conf, before those that trust everybody.
        settings: the server's own, besides no TCP and no fsync.

    """
    if not (DEBIAN_15 / "initdb").exists():
        pytest.skip("PostgreSQL 15 isn't installed in /usr/lib/postgresql/15")
    folder.mkdir()
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        entry = pwd.getpwnam("postgres")
        user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        for parent in folder.parents:
            parent.chmod(parent.stat().st_mode | 0o011)
    data = folder / "data"
    run: dict[str, Any] = {"capture_output": True, "cwd": "/", "timeout": 60, **user}
    subprocess.run(
        [DEBIAN_15 / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8"],
        check=True,
        **run,
    )
    rules = data / "pg_hba.conf"
    rules.write_text(hba + rules.read_text())
    chosen = {"listen_addresses": "''", "fsync": "off", "unix_socket_directories": folder, **settings}
    options = " ".join(f"-c {name}={value}" for name, value in chosen.items())
    control: list[Any] = [DEBIAN_15 / "pg_ctl", "-D", data, "-s", "-w", "-l", folder / "log"]
    subprocess.run([*control, "start", "-o", options], check=True, **run)
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        subprocess.run([*control, "stop", "-m", "immediate"], check=True, **run)
