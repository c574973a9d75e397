"""Client certificates: whom their names stand for, over each way that a call may come."""

import asyncio
import datetime as dt
import json
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import grpc
import pytest
from cryptography import x509

from gateway.auth.authenticator import Credentials
from gateway.auth.principal import ANONYMOUS, Principal
from gateway.auth.provider_chain import ProviderChain
from gateway.auth.providers import provider_chain
from gateway.config.errors import ConfigError
from gateway.config.load import settings_of
from gateway.errors import Unauthenticated
from tests.auth.asking import LET_IN, READ, REFUSED, said
from tests.harness.certificates import Certificate
from tests.harness.gateway import RunningGateway

GatewayFor = Callable[..., Awaitable[RunningGateway]]
_URI, _DNS, _EMAIL = x509.UniformResourceIdentifier, x509.DNSName, x509.RFC822Name
_SERVICE = "spiffe://example.org/ns/shop"
_ROLES = "spiffe://example.org/ns/*=reader,CN=ci=reader,*.example.org=writer"
_DENIED = "PERMISSION_DENIED CALL_NOT_ALLOWED: the caller may not call this method"


def _chain(roles: str = _ROLES) -> ProviderChain:
    settings = settings_of(
        auth_providers="client_certificate",
        auth_certificate_roles=roles,
        tls_cert="c",
        tls_key="k",
        tls_client_ca="a",
    )
    chain = provider_chain(settings)
    assert chain is not None
    return chain


def _known(folder: Path, name: str, *names: x509.GeneralName) -> Principal:
    principal = _chain().recall(Credentials(certificate=Certificate(folder, name, names=names).der))
    assert principal is not None
    return principal


@pytest.mark.parametrize(
    ("names", "expected", "roles"),
    [
        ([_DNS("a.example.org"), _EMAIL("a@b.org"), _URI(_SERVICE)], _SERVICE, {"reader"}),
        ([_DNS("A.example.org"), _DNS("b.example.org"), _EMAIL("a@b.org")], "a.example.org", {"writer"}),
        ([_DNS("*.example.org"), _EMAIL("a@b.org")], "a@b.org", set()),
        ([_URI("https://example.org/ns/shop")], "CN=ci", {"reader"}),
        ([_URI("spiffe://example.org/ns/shop/deeper")], "spiffe://example.org/ns/shop/deeper", set()),
    ],
)
def test_an_id_is_the_first_of_the_names_in_their_order(
    tmp_path: Path, names: Sequence[x509.GeneralName], expected: str, roles: set[str]
) -> None:
    principal = _known(tmp_path, "ci", *names)
    assert (principal.name, principal.roles) == (
        f"client_certificate:{expected}",
        frozenset({"authenticated", *roles}),
    )
    assert principal.expires_at is not None
    assert principal.claims["common_name"] == ["CN=ci"]


@pytest.mark.parametrize("disguised", [_DNS(_SERVICE), _EMAIL(f"{_SERVICE}@x"), _DNS("CN=ci")])
def test_no_name_of_one_kind_is_taken_for_one_of_another(tmp_path: Path, disguised: x509.GeneralName) -> None:
    assert _known(tmp_path, "x", disguised).roles == {"authenticated"}


def test_a_common_name_is_no_service(tmp_path: Path) -> None:
    certificate = Certificate(tmp_path, "x", names=[_DNS("*.org")], common_name=_SERVICE)
    principal = _chain().recall(Credentials(certificate=certificate.der))
    assert principal is not None
    assert (principal.id, principal.roles) == (f"CN={_SERVICE}", frozenset({"authenticated"}))


@pytest.mark.parametrize(
    ("names", "ends", "why"),
    [
        ([_URI(_SERVICE), _URI(f"{_SERVICE}2")], 1, "the client's certificate has no name that can be read"),
        ([_URI("spiffe://"), _DNS("a.org")], 1, "the client's certificate has no name that can be read"),
        ([_URI(_SERVICE)], 0, "the client's certificate has expired"),
    ],
)
def test_a_certificate_that_tells_nobody_is_refused(
    tmp_path: Path, names: Sequence[x509.GeneralName], ends: int, why: str
) -> None:
    certificate = Certificate(tmp_path, "ci", names=names, ends=dt.timedelta(hours=ends))
    for der, reason in (
        (certificate.der, why),
        (b"\x30\x00", "the client's certificate has no name that can be read"),
        (b"x" * 20_000, "the client's certificate is too long"),
    ):
        with pytest.raises(Unauthenticated) as caught:
            _chain().recall(Credentials(certificate=der))
        assert str(caught.value.__cause__) == reason


class _Authority:
    """An authority, a server's certificate, and those of clients."""

    def __init__(self, folder: Path) -> None:
        self.authority = Certificate(folder, "authority")
        self.server = Certificate(folder, "server", self.authority)
        self.reader = Certificate(folder, "reader", self.authority, names=[_URI(_SERVICE)])
        self.other = Certificate(folder, "other", self.authority, names=[_DNS("a.example.com")])
        self.ended = Certificate(
            folder, "ended", self.authority, names=[_URI(_SERVICE)], ends=dt.timedelta(minutes=-1)
        )
        self.foreign = Certificate(folder, "foreign", Certificate(folder, "rogue"), names=[_URI(_SERVICE)])

    def settings(self, providers: str) -> dict[str, object]:
        """Return what serves by them."""
        return {
            "tls_cert": self.server.cert_path,
            "tls_key": self.server.key_path,
            "tls_client_ca": self.authority.cert_path,
            "auth_providers": providers,
            "auth_certificate_roles": _ROLES,
        }

    def channel(self, target: str, client: Certificate | None) -> grpc.aio.Channel:
        """Return a channel of a client's, with its certificate."""
        roots = self.authority.cert_path.read_bytes()
        pair = (client.key_path.read_bytes(), client.cert_path.read_bytes()) if client else (None, None)
        return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(roots, *pair))

    async def asked(
        self, gateway: RunningGateway, client: Certificate | None, *, compressed: bool = False
    ) -> str:
        """Return how a call ended over TLS."""
        async with self.channel(gateway.target, client) as channel:
            compression = grpc.Compression.Gzip if compressed else None
            return await said(channel.unary_unary(READ)(b"\x08\x01", timeout=30, compression=compression))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> _Authority:
    return _Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize("transport", ["http", "grpcio"])
async def test_callers_are_let_in_by_their_certificates(
    gateway_for: GatewayFor, transport: str, authority: _Authority
) -> None:
    settings = authority.settings("client_certificate")
    gateway = await gateway_for("allowed", transport=transport, **settings)
    assert await authority.asked(gateway, authority.reader) == LET_IN
    assert await authority.asked(gateway, authority.reader, compressed=True) == LET_IN
    assert await authority.asked(gateway, authority.other) == _DENIED
    for wrong in (authority.foreign, authority.ended, None):  # TLS has no other answer
        assert (await authority.asked(gateway, wrong)).startswith("UNAVAILABLE :")
    assert await authority.asked(gateway, authority.reader) == LET_IN


async def test_among_other_providers_a_client_without_one_is_served_too(
    gateway_for: GatewayFor, authority: _Authority, tmp_path: Path
) -> None:
    (tmp_path / "keys.json").write_text("{}")
    settings = authority.settings("api_key,client_certificate")
    gateway = await gateway_for("allowed", transport="http", auth_api_keys=tmp_path / "keys.json", **settings)
    assert await authority.asked(gateway, authority.reader) == LET_IN
    assert await authority.asked(gateway, None) == _DENIED
    for wrong in (authority.foreign, authority.ended):
        assert (await authority.asked(gateway, wrong)).startswith("UNAVAILABLE :")
    async with authority.channel(gateway.target, authority.reader) as channel:
        key = ("authorization", f"Bearer rgk_{'0' * 16}_{'0' * 64}")
        assert await said(channel.unary_unary(READ)(b"", timeout=30, metadata=(key,))) == REFUSED


def test_over_grpcio_certificates_cannot_be_one_way_of_several(authority: _Authority) -> None:
    settings = authority.settings("api_key,client_certificate")
    with pytest.raises(ConfigError, match="over grpcio it stands alone"):
        settings_of(transport="grpcio", auth_api_keys="k", **settings)


async def test_over_http_1_the_certificate_is_the_connections(
    gateway_for: GatewayFor, authority: _Authority
) -> None:
    gateway = await gateway_for("allowed", transport="http", **authority.settings("client_certificate"))
    for client, code in ((authority.reader, "not_found"), (authority.other, "permission_denied")):
        assert json.loads(await _over_http_1(gateway.target, authority, client))["code"] == code


async def _over_http_1(target: str, authority: _Authority, client: Certificate) -> bytes:
    context = ssl.create_default_context(cafile=authority.authority.cert_path)
    context.load_cert_chain(client.cert_path, client.key_path)
    host, _, port = target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    writer.write(
        f"POST {READ} HTTP/1.1\r\nhost: {target}\r\ncontent-type: application/json\r\n"
        "content-length: 2\r\nconnection: close\r\n\r\n{}".encode()
    )
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2]


def test_without_a_certificate_a_caller_is_anonymous() -> None:
    assert _chain().recall(Credentials()) is ANONYMOUS
