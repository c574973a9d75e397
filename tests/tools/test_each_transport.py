"""grpcurl, ghz and grpc-health-probe over each transport: the sample, which other tests call, has one."""

import asyncio
import json
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway
from tests.harness.tools import tool
from tests.harness.transports import TRANSPORTS
from tests.transport.conftest import GET, SERVICE


@pytest.fixture(scope="module", params=TRANSPORTS)
async def ledger(databases: Databases, request: pytest.FixtureRequest) -> AsyncIterator[RunningGateway]:
    """Serve the ledger, with one account, over each."""
    async with gateways(databases, transport=request.param) as start:
        gateway = await start("ledger")
        account = {"book": "main", "number": 1, "title": "Cash", "iban": "1"}
        await gateway.call(f"{SERVICE}/CreateAccount", account=account)
        yield gateway


async def run(program: Path, *arguments: str) -> tuple[int | None, str, str]:
    """Run a program to its end; return its status, what it printed and its errors."""
    process = await create_subprocess_exec(program, *arguments, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(30):
        printed, said = await process.communicate()
    return process.returncode, printed.decode(), said.decode()


async def test_grpcurl_lists_calls_and_tells_errors(grpcurl: Path, ledger: RunningGateway) -> None:
    status, listed, _ = await run(grpcurl, "-plaintext", ledger.target, "list")
    assert status == 0
    assert SERVICE in listed.split()
    key = '{"book": "main", "number": 1}'
    status, got, _ = await run(grpcurl, "-plaintext", "-d", key, ledger.target, GET)
    assert (status, json.loads(got)["title"]) == (0, "Cash")
    _, _, said = await run(grpcurl, "-plaintext", "-d", '{"book": "other"}', ledger.target, GET)
    assert "Code: NotFound" in said
    assert "ROW_NOT_FOUND" in said


async def test_ghz_calls_without_errors(ghz: Path, ledger: RunningGateway) -> None:
    calls = ("--insecure", "--call", GET, "--data", '{"book": "main", "number": 1}', "--total", "500")
    status, printed, said = await run(ghz, *calls, "--format", "json", ledger.target)
    assert status == 0, said
    assert json.loads(printed)["statusCodeDistribution"] == {"OK": 500}


@pytest.mark.parametrize(
    ("service", "status", "said"),
    [("", 0, "SERVING"), (SERVICE, 0, "SERVING"), ("books.v1.NoSuchService", 3, "NotFound")],
)
async def test_grpc_health_probe_learns_what_is_served(
    ledger: RunningGateway, service: str, status: int, said: str
) -> None:
    probe = tool("grpc-health-probe")
    found = await run(probe, f"-addr={ledger.target}", f"-service={service}", "-connect-timeout=20s")
    assert found[0] == status, found
    assert said in found[2]
