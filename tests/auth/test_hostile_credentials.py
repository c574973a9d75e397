"""Hostile credentials over each transport: one answer, reasons in the log alone, nobody else harmed."""

import asyncio
import logging
import string
import tracemalloc
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.auth.authenticator import Credentials
from gateway.auth.principal import ANONYMOUS
from gateway.auth.provider_chain import ProviderChain
from gateway.auth.providers import provider_chain
from gateway.config.load import settings_of
from gateway.errors import Unauthenticated
from tests.auth.asking import LET_IN, OPEN, READ, REFUSED, answer
from tests.auth.hostile import EC, HOSTILE, RSA
from tests.auth.issuer import AUDIENCE, ISSUER, Signer, key_set, publishing
from tests.conftest import GatewayFor, gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway

_JWT = {"auth_jwt_issuer": ISSUER, "auth_jwt_audience": AUDIENCE}
_UNKNOWN = "no provider knows this kind of credential"
_SCHEMES = {
    "Basic YW5uOmFubg==": _UNKNOWN,
    "Digest username=ann": _UNKNOWN,
    "Negotiate YII=": _UNKNOWN,
    "Bearer": _UNKNOWN,
    "Bearer token": _UNKNOWN,
    "Token a.b.c": _UNKNOWN,
    "bearer=a.b.c": _UNKNOWN,
    "Bearer Bearer a.b.c": _UNKNOWN,
    "Bearer ..": "the token's header can't be read",
    "Bearer rgk_": "no API key has this form",
    f"Bearer rgk_{'0' * 16}_{'0' * 64}": "no API key has this id: it may be revoked",
    f"Bearer rgk_{'0' * 16}_{'0' * 64}.a.b": "no API key has this form",
}
_SENDABLE = [name for name in HOSTILE if name not in {"not ASCII", "with a space", "an API key"}]
"""Those that clients can send as they are, and that are wrong where there are API keys too."""


@pytest.fixture(scope="module", params=["http", "grpcio"])
async def gateway(
    databases: Databases, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("keys")
    (folder / "tokens.json").write_bytes(key_set(EC, RSA))
    (folder / "keys.json").write_text("{}")
    files = {"auth_jwt_keys_file": folder / "tokens.json", "auth_api_keys": folder / "keys.json"}
    async with gateways(databases, transport=request.param) as start:
        yield await start("allowed", auth_providers="api_key,jwt", log_access="all", **_JWT, **files)


async def _logged(gateway: RunningGateway, caplog: pytest.LogCaptureFixture, *headers: str) -> list[str]:
    """Return what the log says of two refused calls: one needs a role, and everybody may make the other."""
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        assert await answer(gateway, *headers) == REFUSED
        assert await answer(gateway, *headers, path=OPEN) == REFUSED
    for header in filter(None, headers):
        assert header.removeprefix("Bearer ")[:40] not in caplog.text
    calls = [vars(record) for record in caplog.records if record.name == "gateway.access"]
    assert all(call["reason"] == "CREDENTIAL_REFUSED" for call in calls)
    return [call["cause"] for call in calls]


@pytest.mark.parametrize("name", _SENDABLE)
async def test_a_wrong_token_has_the_same_answer_as_every_other(
    gateway: RunningGateway, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    make, reason = HOSTILE[name]
    assert set(await _logged(gateway, caplog, f"Bearer {make()}")) == {reason}


@pytest.mark.parametrize("header", _SCHEMES)
async def test_so_has_what_is_no_token(
    gateway: RunningGateway, caplog: pytest.LogCaptureFixture, header: str
) -> None:
    assert set(await _logged(gateway, caplog, header)) == {_SCHEMES[header]}


async def test_so_have_two_headers_of_which_one_is_right(
    gateway: RunningGateway, caplog: pytest.LogCaptureFixture
) -> None:
    right = f"Bearer {EC.token()}"
    for headers in (
        (right, right),
        (right, "Basic x"),
        ("Basic x", right),
        ("", right),
        (right, ""),
        ("", ""),
    ):
        assert set(await _logged(gateway, caplog, *headers)) == {"there are two authorization headers"}
        assert await answer(gateway, right) == LET_IN  # what is remembered of one header isn't used for two


@pytest.mark.parametrize(
    ("line", "content_type"),
    [
        ("GET /v1/sheets/1", "application/json"),
        (f"GET {OPEN}?connect=v1&encoding=json&message=%7B%7D", ""),
        (f"POST {READ}", "application/json"),
        (f"POST {READ}", "application/grpc-web+proto"),
        ("GET /openapi.json", ""),
        ("GET /nothing", ""),
    ],
)
async def test_so_have_two_headers_by_each_protocol(
    gateway_for: GatewayFor, tmp_path: Path, line: str, content_type: str
) -> None:
    path, right = tmp_path / "tokens.json", f"Bearer {EC.token()}"
    path.write_bytes(key_set(EC))
    gateway = await gateway_for(
        "allowed", transport="http", auth_providers="jwt", auth_jwt_keys_file=path, **_JWT
    )
    for headers in (("", right), (right, ""), ("", "")):
        head = [f"{line} HTTP/1.1", f"host: {gateway.target}", "connection: close"]
        head += [f"content-type: {content_type}", "content-length: 0"] if content_type else []
        said = await _sent(gateway, *head, *(f"authorization: {one}" for one in headers))
        assert b"the credential is not accepted" in said.replace(b"%20", b" ")


async def _sent(gateway: RunningGateway, *head: str) -> bytes:
    """Return all that is answered to a request that is nothing but a head."""
    host, _, port = gateway.target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write("\r\n".join((*head, "", "")).encode())
    said = await reader.read()
    writer.close()
    return said


async def test_a_method_that_there_is_not_is_not_told_to_who_brings_a_wrong_credential(
    gateway: RunningGateway,
) -> None:
    for path in ("/allowed.v1.SheetService/Nothing", "/nothing.v1.Nothing/Nothing"):
        assert await answer(gateway, "Bearer a.b.c", path=path) == REFUSED


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.text(string.ascii_letters + string.digits + string.punctuation, min_size=1, max_size=200))
async def test_random_text_is_refused(gateway: RunningGateway, header: str) -> None:
    assert await answer(gateway, header) == REFUSED
    assert await answer(gateway, f"Bearer {header}") == REFUSED


async def test_a_flood_of_wrong_tokens_keeps_nobody_from_calling(gateway: RunningGateway) -> None:
    right, wrong = f"Bearer {EC.token()}", Signer("ec")
    flood = [answer(gateway, f"Bearer {wrong.token(n=number)}") for number in range(300)]
    others = [answer(gateway, right) for _ in range(50)]
    assert set(await asyncio.gather(*flood)) == {REFUSED}
    assert set(await asyncio.gather(*others)) == {LET_IN}


@pytest.mark.parametrize("transport", ["http", "grpcio"])
async def test_keys_that_do_not_come_keep_nobody_from_calling_whose_key_is_known(
    gateway_for: GatewayFor, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.auth.key_sources._LEAST_SECONDS", 0.0)
    held = asyncio.Event()

    async def hold(_writer: asyncio.StreamWriter) -> None:
        await held.wait()

    async with publishing(key_set(EC)) as publisher:
        settings = {"auth_providers": "jwt", "auth_jwt_keys_url": publisher.url, **_JWT}
        gateway = await gateway_for("allowed", transport=transport, **settings)
        publisher.answer = hold
        unknown = Signer("unknown")
        waiting = [
            asyncio.ensure_future(answer(gateway, f"Bearer {unknown.token(n=number)}"))
            for number in range(200)
        ]
        # Most are refused at once; the others wait, and hold up nobody.
        while sum(one.done() for one in waiting) < 200 - 64:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=0.05)
        begun = monotonic()
        for number in range(20):
            assert await answer(gateway, f"Bearer {EC.token(n=number)}") == LET_IN
        assert monotonic() - begun < 2
        assert not all(one.done() for one in waiting)
        held.set()
        assert {await one for one in waiting} == {REFUSED}


@pytest.fixture(scope="module")
async def chain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProviderChain]:
    path = tmp_path_factory.mktemp("keys") / "tokens.json"
    path.write_bytes(key_set(EC, RSA))
    (path.parent / "keys.json").write_text("{}")
    files = {"auth_jwt_keys_file": path, "auth_api_keys": path.parent / "keys.json"}
    certificates = {"tls_cert": "c", "tls_key": "k", "tls_client_ca": "a"}
    providers = "jwt,api_key,client_certificate"
    made = provider_chain(settings_of(auth_providers=providers, **_JWT, **files, **certificates))
    assert made is not None
    await made.start()
    yield made
    await made.stop()


_BYTES = st.binary(max_size=300)
_PART = st.binary().map(urlsafe_b64encode).map(lambda part: part.rstrip(b"="))
_ENCODED = st.lists(_PART, min_size=3, max_size=3).map(b".".join)
_TOKEN = st.lists(_BYTES, min_size=1, max_size=5).map(b".".join)


@settings(max_examples=500)
@given(
    authorization=st.one_of(
        _BYTES,
        _TOKEN.map(lambda token: b"Bearer " + token),
        _TOKEN.map(lambda token: b"Bearer rgk_" + token),
        _ENCODED.map(lambda token: b"Bearer " + token),
    ),
    certificate=st.one_of(st.just(b""), _BYTES),
)
def test_random_bytes_are_refused_and_never_an_error_of_ours(
    chain: ProviderChain, authorization: bytes, certificate: bytes
) -> None:
    credentials = Credentials(authorization, certificate)
    if not authorization and not certificate:
        assert chain.recall(credentials) is ANONYMOUS
        return
    with pytest.raises(Unauthenticated) as caught:
        chain.recall(credentials)
    assert caught.value.message == "the credential is not accepted"


def test_what_wrong_tokens_take_of_memory_is_bounded(chain: ProviderChain) -> None:
    tracemalloc.start()
    for number in range(4000):
        with pytest.raises(Unauthenticated):
            chain.recall(Credentials(f"Bearer {number}.{'x' * 8000}.y".encode()))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1024 * 8192 * 2
    assert len(chain._refused) <= 1024
    assert chain.recall(Credentials(f"Bearer {EC.token()}".encode())) is not None


@pytest.mark.parametrize("header", [b"Bearer a.b.c\xff", b"Bearer \x80.b.c", b"\xff\xfe"])
async def test_bytes_that_are_no_text_are_refused_over_http_1(
    gateway_for: GatewayFor, tmp_path: Path, header: bytes
) -> None:
    path = tmp_path / "tokens.json"
    path.write_bytes(key_set(EC))
    gateway = await gateway_for(
        "allowed", transport="http", auth_providers="jwt", auth_jwt_keys_file=path, **_JWT
    )
    host, _, port = gateway.target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {READ} HTTP/1.1\r\nhost: {gateway.target}\r\ncontent-type: application/json\r\n"
    writer.write(head.encode() + b"authorization: " + header + b"\r\nconnection: close\r\n")
    writer.write(b"content-length: 2\r\n\r\n{}")
    said = await reader.read()
    writer.close()
    assert b'"code":"unauthenticated"' in said.replace(b" ", b"")
