"""What knowing callers costs a Get: tokens, rules of rows by Rowgate or by PostgreSQL, metrics, traces."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import copytree

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from bench import contenders
from bench.collector import collecting
from bench.datasets import ITEMS
from bench.load_generator import Load
from bench.measured_load import loading
from bench.results import ROWGATE
from bench.rounds import Turn, take_turns
from bench.testbed import Testbed
from bench.workloads.calls import IN_FLIGHT, gets_of

TRUST = "Get item, 128 in flight, 100 principals"
KNOWN = "Rowgate, JWT and policy and metrics"
TRACED = "Rowgate, and traces of 1 %"
NATIVE = "Rowgate, JWT and PostgreSQL's row-level security"
PRINCIPALS = 100
_KEY_BITS = 2048
_SECONDS = 24 * 3600
_ISSUER, _AUDIENCE = "https://issuer.example", "bench"
_TABLE = 'primary_key: "id"'
_POLICY = 'policy: {read: "quantity < principal.claims.most" create: "*" update: "*" delete: "*"}'
_SERVICE = "service ItemService {"
_ALLOW = 'option (rowgate.v1.service) = {allow: {roles: "reader"}};'
_ROLE = "bench_reader"
_SECURED = f"""
CREATE ROLE {_ROLE};
GRANT SELECT ON item TO {_ROLE};
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
CREATE POLICY {_ROLE} ON item USING (
  quantity < (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'most')::bigint
)
"""
_UNSECURED = f"""
DROP POLICY {_ROLE} ON item;
ALTER TABLE item DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON item FROM {_ROLE};
DROP ROLE {_ROLE}
"""


async def trust(testbed: Testbed) -> None:
    """Measure Get by key of callers who are known, beside callers who aren't."""
    keys = await testbed.fill(ITEMS, testbed.options.stored)
    requests = gets_of(testbed, ITEMS, keys)
    folder = testbed.folder / "trust"
    folder.mkdir()
    credentials = _credentials(folder)
    async with (
        _row_security(testbed),
        collecting() as collector,
        testbed.running(*_servers(testbed, folder, collector)) as running,
    ):
        turns = [
            Turn(
                TRUST,
                one.name,
                loading(
                    testbed,
                    one,
                    Load(
                        requests,
                        IN_FLIGHT,
                        testbed.options.seconds,
                        values=None if one.name == ROWGATE else credentials,
                    ),
                ),
            )
            for one in running
        ]
        await take_turns(testbed.results, turns, testbed.options.rounds)


@asynccontextmanager
async def _row_security(testbed: Testbed) -> AsyncIterator[None]:
    """Let the database have a policy as the protos have one; it doesn't hold for who may do everything."""
    await testbed.connection.execute(_SECURED)
    try:
        yield
    finally:
        await testbed.connection.execute(_UNSECURED)


def _servers(testbed: Testbed, folder: Path, collector: str) -> Iterator[tuple[str, contenders.Start]]:
    protos, unruled = _protos(folder / "protos", _POLICY), _protos(folder / "unruled", "")
    known = (
        *("--auth-providers", "jwt", "--auth-jwt-issuer", _ISSUER, "--auth-jwt-audience", _AUDIENCE),
        *("--auth-jwt-keys-file", str(folder / "keys.json"), "--admin-listen", "127.0.0.1:0"),
    )
    traces = ("--traces-endpoint", collector, "--traces-sample-ratio", "0.01")
    native = ("--auth-row-security", "postgres", "--auth-database-role", _ROLE)
    yield ROWGATE, lambda: contenders.rowgate(testbed.dsn, ITEMS.protos)
    yield KNOWN, lambda: contenders.rowgate(testbed.dsn, protos, *known, name=KNOWN)
    yield TRACED, lambda: contenders.rowgate(testbed.dsn, protos, *known, *traces, name=TRACED)
    yield NATIVE, lambda: contenders.rowgate(testbed.dsn, unruled, *known, *native, name=NATIVE)


def _protos(folder: Path, policy: str) -> Path:
    """Return the items' protos with a policy, which lets each caller read all rows."""
    protos = Path(copytree(ITEMS.protos, folder))
    (file,) = protos.rglob("item.proto")
    text = file.read_text()
    text = text.replace(_TABLE, f"{_TABLE} {policy}", 1).replace(_SERVICE, f"{_SERVICE} {_ALLOW}", 1)
    file.write_text(text)
    return protos


def _credentials(folder: Path) -> Path:
    """Write a key set, and as many callers' tokens, each signed by its key; return the tokens' file."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    published = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    (folder / "keys.json").write_text(json.dumps({"keys": [{**published, "kid": "bench", "use": "sig"}]}))
    now = int(time.time())
    common = {"iss": _ISSUER, "aud": _AUDIENCE, "iat": now, "exp": now + _SECONDS, "roles": ["reader"]}
    tokens = [
        jwt.encode(
            {**common, "sub": f"user {n}", "most": 10**9 + n},
            key,
            algorithm="RS256",
            headers={"kid": "bench"},
        )
        for n in range(PRINCIPALS)
    ]
    file = folder / "credentials"
    file.write_text("\n".join(f"Bearer {token}" for token in tokens))
    return file
