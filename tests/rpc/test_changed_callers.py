"""What is kept for a caller is the caller's as it was: not of one with another role or other claims."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gateway.auth.principal import Principal
from gateway.db.steps import StepExecutor, StepReads, StepWrites
from gateway.methods.caller_key import StepKeys
from gateway.methods.engine import Engine
from gateway.policy.permissions import methods_of
from tests.auth.issuer import AUDIENCE, ISSUER, Signer, key_set
from tests.conftest import GatewayFor
from tests.harness.callers import Caller
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, schema_of
from tests.rpc.walls import ITEMS, READER, Walled, walled_database, walled_items
from tests.transactions.bank import TRANSACT, get_account, open_account, step

_ACME = {"tenant": "acme", "iat": 1, "exp": 2, "jti": "a"}
_REFUSED = ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")
_NATIVE: Mapping[str, Any] = {}
# By a login of all rights, for whom no policy of the database holds.
_TENANTS = {
    "auth_row_security": "rowgate",
    "auth_database_role": None,
    "auth_database_role_claim": None,
    "auth_database_roles": None,
    "login": "owner",
    "auth_tenant_column": "tenant",
    "auth_tenant_claim": "tenant",
}


class Repeated:
    """Calls that ann sends again, as she is by then."""

    def __init__(self, dsn: str, folder: Path, transport: str, settings: Mapping[str, Any]) -> None:
        self._dsn, self._folder, self._transport = dsn, folder, transport
        self._settings = {**settings, **({"login": dsn} if "login" in settings else {})}
        self._ids = [str(uuid4()) for _ in range(3)]

    async def as_(self, claims: Mapping[str, Any], roles: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
        """Return what comes of each call, from a caller of such claims."""
        callers = [Caller("ann", roles, claims)]
        self._folder.mkdir(exist_ok=True)
        (self._folder / "keys.json").unlink(missing_ok=True)
        served = walled_items(self._dsn, self._folder, self._transport, callers, **self._settings)
        async with served as walled:
            create, upsert, batch = self._ids
            item = {"id": 50, "tenant": "acme"}
            batched = [{"item": {**item, "id": 51}}]
            return [
                await _outcome(walled, "CreateItem", item=item, requestId=create),
                await _outcome(walled, "BatchCreateItems", requests=batched, requestId=batch),
                await _outcome(walled, "BulkUpsertItems", items=[{**item, "id": 52}], requestId=upsert),
                await _ingested(walled),
            ]


async def _outcome(walled: Walled, method: str, **asked: Any) -> tuple[Any, ...]:
    try:
        return "OK", str(await walled.call("ann", method, **asked))
    except RpcFailed as failed:
        return failed.code.name, failed.reason


async def _ingested(walled: Walled) -> tuple[Any, ...]:
    """Go on with a stream of one chunk; return what is told of it."""
    talk = walled.clients["ann"].converse(f"{ITEMS}/IngestItems")
    try:
        told = await talk.ask(start={"stream_id": "one"})
        if not told.watermark:
            told = await talk.ask(sequence=1, items=[{"id": 53, "tenant": "acme"}])
    except RpcFailed as failed:
        return failed.code.name, failed.reason
    return "OK", told.watermark


@pytest.mark.parametrize("settings", [_NATIVE, _TENANTS], ids=["PostgreSQL's policies", "the protos'"])
async def test_answers_are_of_the_caller_as_it_was(
    databases: Databases, tmp_path: Path, transport: str, settings: Mapping[str, Any]
) -> None:
    dsn = await walled_database(databases)
    ann = Repeated(dsn, tmp_path / "keys", transport, settings)
    first = await ann.as_(_ACME)
    assert [code for code, _ in first] == ["OK"] * 4
    assert await ann.as_({**_ACME, "iat": 3, "exp": 4, "jti": "b"}) == first, "the next token"
    others = [*[_REFUSED] * 3, ("INVALID_ARGUMENT", "STREAM_ID_REUSED")]
    assert await ann.as_({**_ACME, "tenant": "evil"}) == others
    assert await ann.as_(_ACME) == first


async def test_answers_are_of_the_database_s_role(
    databases: Databases, tmp_path: Path, transport: str
) -> None:
    """And of the caller's roles, which PostgreSQL's policies can ask for."""
    ann = Repeated(await walled_database(databases), tmp_path / "keys", transport, _NATIVE)
    first = await ann.as_(_ACME)
    others = [*[_REFUSED] * 3, ("INVALID_ARGUMENT", "STREAM_ID_REUSED")]
    assert await ann.as_({**_ACME, "role": READER}) == others
    assert await ann.as_(_ACME, ("auditor",)) == others
    assert await ann.as_(_ACME) == first


async def test_steps_are_kept_for_what_their_tables_ask_of_a_caller(
    gateway_for: GatewayFor, tmp_path: Path
) -> None:
    signer = Signer("key")
    (tmp_path / "keys.json").write_bytes(key_set(signer))
    jwt = {"auth_jwt_issuer": ISSUER, "auth_jwt_audience": AUDIENCE}
    gateway = await gateway_for(
        "bank", auth_providers="jwt", auth_jwt_keys_file=tmp_path / "keys.json", **jwt
    )
    request_id = str(uuid4())

    async def outcome(*more: dict[str, Any], **claims: Any) -> tuple[str, str]:
        token = signer.token(sub="ann", **claims)
        client = Client(gateway.target, descriptors_of("bank"), authorization=f"Bearer {token}")
        steps = [open_account("a", owner="ann"), get_account("a"), *more]
        try:
            answer = await client.call(TRANSACT, {"steps": steps, "requestId": request_id})
        except RpcFailed as failed:
            return failed.code.name, failed.reason
        finally:
            await client.close()
        return "OK", str(answer)

    first = await outcome()
    assert first[0] == "OK"
    assert await outcome(unrelated="b") == first
    assert await outcome(roles=["teller"]) == _REFUSED
    assert await outcome(step(f"{TRANSACT.partition('/')[0]}/SumUp", {})) == _REFUSED, "another request"


@pytest.mark.parametrize("name", ["GetAccount", "CreateAccount"])
def test_the_key_of_steps_tells_callers_with_other_columns_apart(name: str) -> None:
    methods = {one.full_name: one for one in methods_of(schema_of("bank"))}
    engine = Engine(
        database=StepExecutor(),
        reads=StepReads(),
        writes=StepWrites(),
        tables={},
        rules={},
        presets={},
        caller_roles=None,
        identified=True,
    )
    called = [methods[f"bank.v1.AccountService.{name}"], methods["bank.v1.TransferService.GetTransfer"]]
    key = partial(StepKeys(engine), called)
    ann, other, teller = (Principal("ann", "jwt", roles) for roles in (frozenset(), {"x"}, {"teller"}))
    assert key(ann) == key(other) != key(teller)
