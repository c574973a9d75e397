"""Files of keys and certificates in whose place something stands that is never read to its end."""

import asyncio
import json
import os
import signal
import ssl
from collections.abc import Callable
from http.client import HTTPSConnection
from pathlib import Path

import jwt
import pytest
from click.testing import CliRunner

from gateway.auth.authenticator import Credentials
from gateway.auth.provider_chain import ProviderChain
from gateway.auth.providers import provider_chain
from gateway.cli import main
from gateway.config.errors import ConfigError
from gateway.config.load import settings_of
from gateway.errors import Unauthenticated
from gateway.schema.tables.metadata import build_tables
from tests.auth.asking import READ
from tests.auth.issuer import AUDIENCE, ISSUER, Signer, key_set, right_claims
from tests.cli.running import servers
from tests.harness.certificates import Certificate
from tests.harness.databases import Databases
from tests.harness.gateway import SCHEMAS, schema_of
from tests.harness.polling import next_poll

_SIGNER, _OTHER = Signer("ec"), Signer("ec")
_Made = tuple[dict[str, str], str, Callable[[], object]]
"""Settings that name a file, a credential by it, and what revokes that."""
_ISSUER = {"auth_providers": "jwt", "auth_jwt_issuer": ISSUER, "auth_jwt_audience": AUDIENCE}


def _key(path: Path, *args: str) -> str:
    done = CliRunner().invoke(main, ["keys", *args, "--auth-api-keys", str(path)])
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def _api_keys(path: Path) -> _Made:
    key = _key(path, "create", "reports")
    settings = {"auth_providers": "api_key", "auth_api_keys": str(path)}
    return settings, key, lambda: _key(path, "revoke", "reports")


def _key_set(path: Path) -> _Made:
    path.write_bytes(key_set(_SIGNER))
    changed = key_set(_OTHER)
    return {**_ISSUER, "auth_jwt_keys_file": str(path)}, _SIGNER.token(), lambda: path.write_bytes(changed)


def _secret(path: Path) -> _Made:
    path.write_text("s" * 32)
    settings = {**_ISSUER, "auth_jwt_secret_file": str(path), "auth_jwt_algorithms": "HS256"}
    token = jwt.encode(right_claims(), "s" * 32, "HS256")
    return settings, token, lambda: path.write_text("t" * 32)


def _is_known(chain: ProviderChain, credential: str) -> bool:
    try:
        chain.recall(Credentials(f"Bearer {credential}".encode()))
    except Unauthenticated:
        return False
    return True


@pytest.mark.parametrize("make", [_api_keys, _key_set, _secret])
async def test_a_fifo_in_the_place_of_keys_is_told_and_revocation_goes_on(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[Path], _Made],
) -> None:
    path, aside = tmp_path / "keys", tmp_path / "aside"
    settings, credential, revoke = make(path)
    chain = provider_chain(settings_of(**settings))
    assert chain is not None
    await chain.start()
    path.rename(aside)
    os.mkfifo(path)
    while "can't be used" not in caplog.text:
        await next_poll()
    assert "is no regular file" in str([vars(one).get("error") for one in caplog.records])
    assert _is_known(chain, credential)
    path.unlink()
    aside.rename(path)
    revoke()
    while _is_known(chain, credential):
        await next_poll()
    await chain.stop()


@pytest.mark.parametrize("make", [_api_keys, _key_set, _secret])
async def test_a_fifo_in_the_place_of_keys_is_refused_at_the_start(
    tmp_path: Path, make: Callable[[Path], _Made]
) -> None:
    path = tmp_path / "keys"
    settings, _, _ = make(path)
    path.unlink()
    os.mkfifo(path)
    chain = provider_chain(settings_of(**settings))
    assert chain is not None
    with pytest.raises(ConfigError, match="is no regular file"):
        await chain.start()


async def test_a_server_whose_files_have_become_fifos_serves_and_ends(
    databases: Databases, tmp_path: Path
) -> None:
    authority = Certificate(tmp_path, "authority")
    certificate, keys = Certificate(tmp_path, "server", authority), tmp_path / "keys.json"
    key = _key(keys, "create", "reports", "--roles", "reader")
    dsn = await databases.copy_of("allowed", build_tables(schema_of("allowed")).metadata)
    flags = {
        "--protos": SCHEMAS / "allowed",
        "--dsn": dsn,
        "--tls-cert": certificate.cert_path,
        "--tls-key": certificate.key_path,
        "--auth-providers": "api_key",
        "--auth-api-keys": keys,
    }
    async with servers(*(str(one) for pair in flags.items() for one in pair)) as start:
        server = await start()
        target = await server.ready()
        trusting = ssl.create_default_context(cafile=authority.cert_path)
        open_connection = HTTPSConnection(target, timeout=30, context=trusting)
        assert await asyncio.to_thread(_asked, open_connection, key) == "not_found"
        for path in (certificate.cert_path, keys):
            path.unlink()
            os.mkfifo(path)
        for told in ("TLS files", "the API keys"):
            event = f"{told} have changed and can't be used"
            if not any(line["event"] == event for line in server.log):
                await server.logged(event)
            assert "is no regular file" in str(server.log)
        for connection in (open_connection, HTTPSConnection(target, timeout=30, context=trusting)):
            assert await asyncio.to_thread(_asked, connection, key) == "not_found"
            connection.close()
        server.signal(signal.SIGTERM)
        assert (await server.ended())[0] == 0


def _asked(connection: HTTPSConnection, key: str) -> str:
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    connection.request("POST", READ, b"{}", headers)
    return str(json.loads(connection.getresponse().read())["code"])
