"""PgBouncer in front of a test's server, as Debian packages it."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

_CONFIG = """\
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 200
"""


@contextmanager
def bouncer(folder: Path, dsn: str, *, size: int, mode: str = "transaction") -> Iterator[str]:
    """Run PgBouncer; yield the DSN of the same database through it.

    Args:
        folder: a new folder for its configuration.
        dsn: of a database on a server that listens in a folder and trusts who comes.
        size: server connections per database.
        mode: what it pools: `session`, `transaction` or `statement`.

    """
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer isn't installed")
    parts = urlsplit(dsn)
    with socket.create_server(("127.0.0.1", 0)) as found:
        listen = found.getsockname()[1]
    folder.mkdir()
    config = folder / "pgbouncer.ini"
    where = parse_qs(parts.query)
    host, port = where["host"][0], where.get("port", ["5432"])[0]
    config.write_text(
        _CONFIG.format(host=host, port=port, user=parts.username, listen=listen, size=size, mode=mode)
    )
    running = subprocess.Popen([program, "-q", *_as_user(host), str(config)])
    try:
        _until_it_listens(running, listen)
        yield f"postgresql://{parts.username}@127.0.0.1:{listen}{parts.path}"
    finally:
        running.terminate()
        running.wait(10)


def _as_user(host: str) -> list[str]:
    """Return what makes root run it as the server's user: not root, and able to reach the socket."""
    return ["-u", Path(host).owner() if host.startswith("/") else "nobody"] if os.geteuid() == 0 else []


def _until_it_listens(running: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end and running.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            os.sched_yield()
        else:
            return
    raise AssertionError(f"PgBouncer doesn't listen: {running.poll()}")
