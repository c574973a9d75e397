"""Calls that ask to be explained."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
import grpc.aio

from tests.harness.client import Client, RpcFailed


async def explained(
    client: Client, method: str, asked: Mapping[str, Any] | None = None, mode: str = "plan"
) -> list[dict[str, Any]]:
    """Call `package.Service/Method`, whatever streams; return what is told of its statements.

    Where nothing is found, too. Raises RpcFailed for any other error.
    """
    request = client.message(client.descriptor(method).input_type.full_name, asked)

    async def requests() -> AsyncIterator[bytes]:
        yield request.SerializeToString()

    call = client.channel.stream_stream(f"/{method}")(
        requests(), metadata=(("rowgate-explain", mode),), timeout=30
    )
    try:
        async for _ in call:
            pass
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise RpcFailed(error) from None
    trailers = dict(await call.trailing_metadata())
    found: list[dict[str, Any]] = json.loads(trailers["rowgate-explain-bin"])["statements"]
    return found
