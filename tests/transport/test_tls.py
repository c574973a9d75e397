"""TLS and mutual TLS from files."""

from pathlib import Path
from typing import Any

import grpc
import pytest

from gateway.config.errors import ConfigError
from gateway.config.load import settings_of
from gateway.transport.served_api import ServedApi
from gateway.transport.server import Server, ServerFactory
from tests.harness.certificates import Certificate
from tests.harness.gateway import descriptors_of


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("tls"), "authority")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory, authority: Certificate) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("tls"), "server", authority)


def tls_server(make_server: ServerFactory, certificate: Certificate, **settings: Any) -> Server:
    files = {"tls_cert": certificate.cert_path, "tls_key": certificate.key_path}
    values = settings_of(**{"listen": "127.0.0.1:0", **files, **settings})
    return make_server(
        ServedApi({}, descriptors_of("ledger"), values.server, values.limits, authorization=None), values
    )


async def health_over(port: int, credentials: grpc.ChannelCredentials) -> bytes:
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
        answer: bytes = await channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=10)
        return answer


async def test_tls_serves_those_who_trust_its_authority(
    make_server: ServerFactory, authority: Certificate, certificate: Certificate
) -> None:
    server = tls_server(make_server, certificate)
    port = await server.start()
    trusting = grpc.ssl_channel_credentials(authority.cert_path.read_bytes())
    assert await health_over(port, trusting) == b"\x08\x01"
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    await server.stop()


async def test_mutual_tls_refuses_those_without_a_certificate(
    make_server: ServerFactory, authority: Certificate, certificate: Certificate
) -> None:
    server = tls_server(make_server, certificate, tls_client_ca=authority.cert_path)
    port = await server.start()
    root = authority.cert_path.read_bytes()
    key, cert = certificate.key_path.read_bytes(), certificate.cert_path.read_bytes()
    assert await health_over(port, grpc.ssl_channel_credentials(root, key, cert)) == b"\x08\x01"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health_over(port, grpc.ssl_channel_credentials(root))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    await server.stop()


async def test_files_that_do_not_fit_are_named(
    make_server: ServerFactory, authority: Certificate, certificate: Certificate, tmp_path: Path
) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("garbage")
    for files in ({"tls_cert": garbage}, {"tls_key": garbage}, {"tls_key": authority.key_path}):
        with pytest.raises(ConfigError, match=r"server\.tls_cert .*no certificate and its unencrypted key"):
            await tls_server(make_server, certificate, **files).start()
    with pytest.raises(ConfigError, match=r"server\.tls_client_ca .*garbage\.pem.*holds no certificate"):
        await tls_server(make_server, certificate, tls_client_ca=garbage).start()


async def test_a_file_that_is_not_there_is_named(
    make_server: ServerFactory, certificate: Certificate, tmp_path: Path
) -> None:
    missing = tmp_path / "nothing.pem"
    with pytest.raises(ConfigError, match=r"server\.tls_cert .*nothing\.pem.*No such file"):
        await tls_server(make_server, certificate, tls_cert=missing).start()
