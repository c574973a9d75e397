"""A call that is cancelled by another than its caller is answered: the caller waits."""

import asyncio
from typing import Any

import grpc
import pytest

from gateway.cli.servers import SERVERS
from gateway.db.coalesce import PointReads
from tests.conftest import gateways
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases


async def _cancelled(*_: Any) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


@pytest.mark.parametrize("transport", sorted(SERVERS))
async def test_a_call_that_its_caller_did_not_cancel_is_answered(
    databases: Databases, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateways(databases, transport=transport) as start:
        gateway = await start("books")
        with monkeypatch.context() as patch:
            patch.setattr(PointReads, "fetch", _cancelled)
            with pytest.raises(RpcFailed) as failed:
                await gateway.call("books.v1.BookService/GetBook", isbn="1", timeout=60)
        assert failed.value.code is grpc.StatusCode.UNAVAILABLE
        with pytest.raises(RpcFailed) as missing:
            await gateway.call("books.v1.BookService/GetBook", isbn="1")
        assert missing.value.code is grpc.StatusCode.NOT_FOUND
