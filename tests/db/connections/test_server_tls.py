"""TLS and passwords to a real server, whose rules let nobody in without them."""

import os
import pwd
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from gateway.db.database import Database
from gateway.db.database_settings import DatabaseSettings
from gateway.errors import Unavailable
from tests.db.servers import CALL, debian_server, sql, statement
from tests.harness.certificates import Certificate

PASSWORD = "in the night"  # noqa: S105 - of a server that lives as long as the tests
RULES = """\
hostssl all certified 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 scram-sha-256
hostnossl all all 127.0.0.1/32 reject
"""


class Server:
    """The server, and its certificates."""

    def __init__(self, folder: Path) -> None:
        self.authority = Certificate(folder, "authority")
        self.own = Certificate(folder, "server", self.authority)
        self.client = Certificate(folder, "certified", self.authority)
        self.stranger = Certificate(folder, "stranger")
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]

    def settings(self) -> dict[str, object]:
        """Return the server's settings."""
        files = {
            "ssl_cert_file": self.own.cert_path,
            "ssl_key_file": self.own.key_path,
            "ssl_ca_file": self.authority.cert_path,
        }
        return {"listen_addresses": "127.0.0.1", "port": self.port, "ssl": "on", **files}

    def dsn(self, user: str = "keeper", password: str = PASSWORD, **query: object) -> str:
        """Return a DSN of it."""
        login = f"{user}:{password.replace(' ', '%20')}" if password else user
        return f"postgresql://{login}@127.0.0.1:{self.port}/postgres?{urlencode(query)}"


@pytest.fixture(scope="module")
def folder(data_folder: Path) -> Path:
    """Return a folder of keys that the server's user owns."""
    keys = data_folder / "server-tls-keys"
    keys.mkdir()
    return keys


@pytest.fixture(scope="module")
async def server(data_folder: Path, folder: Path) -> AsyncIterator[Server]:
    """Run the server, with a role that has a password and one that has none."""
    made = Server(folder)
    made.own.key_path.chmod(0o600)
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        shutil.chown(made.own.key_path, owner.pw_uid, owner.pw_gid)
    with debian_server(data_folder / "server-tls", hba=RULES, settings=made.settings()) as local:
        await sql(f"{local}&port={made.port}", f"CREATE ROLE keeper LOGIN PASSWORD '{PASSWORD}'")
        await sql(f"{local}&port={made.port}", "CREATE ROLE certified LOGIN")
        yield made


async def encrypted(dsn: str) -> bool:
    """Open the gateway's pool; return whether its session is encrypted."""
    database = await Database.open(DatabaseSettings(dsn, start_timeout=60))
    try:
        asked = statement("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        [row] = await database.fetch(asked, (), CALL)
        return bool(row[0])
    finally:
        await database.close()


async def test_the_certificate_is_verified(server: Server) -> None:
    assert await encrypted(server.dsn(sslmode="verify-full", sslrootcert=server.authority.cert_path))


async def test_a_strangers_certificate_is_refused(server: Server) -> None:
    with pytest.raises(Unavailable) as refused:
        await encrypted(server.dsn(sslmode="verify-full", sslrootcert=server.stranger.cert_path))
    assert refused.value.reason == "DATABASE_TLS_FAILED"
    assert "self-signed certificate in certificate chain (sslmode=verify-full)" in refused.value.message


async def test_a_certificate_lets_in_without_a_password(server: Server) -> None:
    files = {"sslcert": server.client.cert_path, "sslkey": server.client.key_path}
    root = server.authority.cert_path
    assert await encrypted(server.dsn("certified", "", sslmode="verify-full", sslrootcert=root, **files))


@pytest.mark.parametrize(
    ("password", "mode", "said"),
    [
        ("in the day", "require", 'PostgreSQL says 28P01, password authentication failed for user "keeper"'),
        (PASSWORD, "disable", "no encryption (sslmode=disable)"),
    ],
    ids=["password", "no-tls"],
)
async def test_a_refused_login_is_told_without_the_password(
    server: Server, password: str, mode: str, said: str
) -> None:
    with pytest.raises(Unavailable) as refused:
        await encrypted(server.dsn(password=password, sslmode=mode))
    assert refused.value.reason == "DATABASE_LOGIN_REFUSED"
    assert password not in str(refused.value)
    assert said in refused.value.message
