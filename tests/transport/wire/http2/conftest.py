"""Servers that speak HTTP/2 themselves."""

from collections.abc import AsyncIterator

import pytest

from gateway.transport.http_server import HttpServer
from tests.transport.conftest import Serve, serving_by


@pytest.fixture
async def serving() -> AsyncIterator[Serve]:
    """Give what starts a server around a handler, with settings by their flat names."""
    async with serving_by(HttpServer) as start:
        yield start
