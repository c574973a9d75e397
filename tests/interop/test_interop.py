"""gRPC's interoperability tests, by grpc-go's client, over each transport.

Left out are the cases of Google's credentials, which have no server of ours, and of ORCA load reports.
"""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, create_subprocess_exec
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.mounted import mounted
from tests.harness.tools import tool
from tests.harness.transports import TRANSPORTS

CASES = (
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "timeout_on_sleeping_server",
    "cancel_after_begin",
    "cancel_after_first_response",
    "status_code_and_message",
    "special_status_message",
    "custom_metadata",
    "unimplemented_method",
    "unimplemented_service",
    "pick_first_unary",
    "rpc_soak",
    "channel_soak",
)


async def _failure(client: Path, case: str, port: int) -> str | None:
    """Run one case; return what the client says of its failure."""
    process = await create_subprocess_exec(
        *(str(client), f"-test_case={case}", "-server_host=127.0.0.1", f"-server_port={port}"),
        stdout=DEVNULL,
        stderr=PIPE,
    )
    async with asyncio.timeout(30):
        _, said = await process.communicate()
    return said.decode() if process.returncode else None


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_every_case_passes(transport: str, tell: Callable[[str], None]) -> None:
    client, failed = tool("grpc-interop-client"), {}
    async with mounted("tests.interop.service", transport) as server:
        for case in CASES:
            failure = await _failure(client, case, server.port)
            if failure is not None:
                failed[case] = failure
    tell(f"grpc-go's interop client over {transport}: {len(CASES) - len(failed)} of {len(CASES)} passed")
    assert failed == {}
