"""Servers that speak HTTP/2 themselves."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway.transport.http_server import HttpServer
from tests.transport.conftest import HandlerOfTest, Serve, Served


@pytest.fixture
async def serving() -> AsyncIterator[Serve]:
    """Give what starts a server around a handler, with settings by their flat names."""
    async with AsyncExitStack() as stack:

        async def start(handler: HandlerOfTest, **settings: Any) -> Served:
            one = await Served(HttpServer, handler, **settings).start()
            stack.push_async_callback(one.stop)
            return one

        yield start
