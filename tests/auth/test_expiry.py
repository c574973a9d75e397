"""Streams end with the credential that they were begun with, whatever their deadline."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic, time
from typing import Any

import grpc
import pytest

from gateway.auth import key_sources
from tests.auth.issuer import AUDIENCE, ISSUER, Signer, key_set, publishing
from tests.harness.client import Conversation, RpcFailed
from tests.harness.gateway import RunningGateway

GatewayFor = Callable[..., Awaitable[RunningGateway]]
_SIGNER = Signer("key")
_INGEST = "flow.v1.EventService/IngestEvents"
_STREAM = "flow.v1.EventService/StreamEvents"
_JWT = {
    "auth_providers": "jwt",
    "auth_jwt_issuer": ISSUER,
    "auth_jwt_audience": AUDIENCE,
    "auth_jwt_leeway": 0,
}


def _headers(seconds: float, signer: Signer = _SIGNER) -> Any:
    return (("authorization", f"Bearer {signer.token(exp=time() + seconds)}"),)


async def _ended(talk: Conversation) -> RpcFailed:
    with pytest.raises(RpcFailed) as failed:
        await anext(talk)
    return failed.value


def _ingest(gateway: RunningGateway, metadata: Any, timeout: float | None = None) -> Conversation:
    talk = gateway.client.converse(_INGEST)
    talk.call.cancel()
    stub = gateway.client.channel.stream_stream(f"/{_INGEST}")
    talk.call = stub(metadata=metadata, timeout=timeout)
    return talk


@pytest.mark.parametrize("transport", ["http", "grpcio"])
async def test_an_ingest_ends_when_its_credential_does_and_goes_on_with_a_new_one(
    gateway_for: GatewayFor, transport: str, tmp_path: Path
) -> None:
    (tmp_path / "keys.json").write_bytes(key_set(_SIGNER))
    gateway = await gateway_for(
        "flow", transport=transport, auth_jwt_keys_file=tmp_path / "keys.json", **_JWT
    )
    begun = monotonic()
    # exp is whole seconds: so it ends between one and two seconds from now.
    talk = _ingest(gateway, _headers(2))
    await talk.ask(start={"stream_id": "s"})
    assert (await talk.ask(sequence=1, events=[{"id": 1, "name": "a"}])).watermark == 1
    failed = await _ended(talk)
    assert (failed.code, failed.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIAL_EXPIRED")
    assert failed.message == "the credential has expired: go on with a new one"
    assert 0.5 < monotonic() - begun < 10
    again = _ingest(gateway, _headers(60))
    assert (await again.ask(start={"stream_id": "s"})).watermark == 1
    again.call.cancel()


async def test_the_callers_own_deadline_is_said_where_that_comes_first(
    gateway_for: GatewayFor, tmp_path: Path
) -> None:
    (tmp_path / "keys.json").write_bytes(key_set(_SIGNER))
    gateway = await gateway_for("flow", auth_jwt_keys_file=tmp_path / "keys.json", **_JWT)
    talk = _ingest(gateway, _headers(60), timeout=0.5)
    await talk.ask(start={"stream_id": "s"})
    failed = await _ended(talk)
    assert failed.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_stream_whose_caller_was_known_after_waiting_ends_so_too(
    gateway_for: GatewayFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key is looked for when it has begun: so its deadline is cut then."""
    monkeypatch.setattr(key_sources, "_LEAST_SECONDS", 0.0)
    new = Signer("new")
    async with publishing(key_set(_SIGNER)) as publisher:
        gateway = await gateway_for("flow", auth_jwt_keys_url=publisher.url, **_JWT)
        publisher.body = key_set(new)
        talk = _ingest(gateway, _headers(2, new))
        await talk.ask(start={"stream_id": "s"})
        failed = await _ended(talk)
        assert (failed.reason, publisher.asked) == ("CREDENTIAL_EXPIRED", 2)


async def test_a_stream_is_not_begun_with_a_credential_that_has_ended(
    gateway_for: GatewayFor, tmp_path: Path
) -> None:
    (tmp_path / "keys.json").write_bytes(key_set(_SIGNER))
    gateway = await gateway_for("flow", auth_jwt_keys_file=tmp_path / "keys.json", **_JWT)
    stub = gateway.client.channel.unary_stream(f"/{_STREAM}")
    call = stub(b"", metadata=_headers(-5))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("transport", ["http", "grpcio"])
async def test_a_stream_of_reflection_ends_so_too(
    gateway_for: GatewayFor, transport: str, tmp_path: Path
) -> None:
    (tmp_path / "keys.json").write_bytes(key_set(_SIGNER))
    files = {"auth_jwt_keys_file": tmp_path / "keys.json", "auth_schema_roles": "reader"}
    gateway = await gateway_for("flow", transport=transport, **files, **_JWT)
    path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    call = gateway.client.channel.stream_stream(path)(metadata=_headers(2))
    await call.write(b"\x3a\x00")  # list_services
    assert await call.read()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert RpcFailed(caught.value).reason == "CREDENTIAL_EXPIRED"
