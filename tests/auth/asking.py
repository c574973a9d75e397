"""Calls with credentials, and what became of them."""

from collections.abc import Awaitable

import grpc

from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

READ = "/allowed.v1.SheetService/GetSheet"
OPEN = "/allowed.v1.SheetService/ListSheets"
REFUSED = "UNAUTHENTICATED CREDENTIAL_REFUSED: the credential is not accepted"
LET_IN = "NOT_FOUND"
"""What a caller hears who may ask for a sheet: there is none."""


async def answer(gateway: RunningGateway, *authorization: str | bytes, path: str = READ) -> str:
    """Return how a call ended that has these `authorization` headers: its code, reason and message."""
    stub = gateway.client.channel.unary_unary(path)
    metadata = tuple(("authorization", value) for value in authorization)
    return await said(stub(b"", metadata=metadata, timeout=30))


async def said(call: Awaitable[bytes]) -> str:
    """Return how a call ended: as `answer`."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        failed = RpcFailed(error)
        if failed.code is grpc.StatusCode.NOT_FOUND:
            return LET_IN
        return f"{failed.code.name} {failed.reason}: {failed.message}"
    return "OK"
