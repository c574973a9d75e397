"""Every status that a server answers with says why, by ErrorInfo."""

import pytest

from tests.transport.conftest import Gate, Serve
from tests.transport.refused_calls import EVERYWHERE, refused
from tests.transport.wire.http2.peer import peer_of


@pytest.mark.parametrize("name", EVERYWHERE)
async def test_a_refusal_says_why(served: Serve, name: str) -> None:
    server = await served(Gate(), max_request_bytes=4000)
    async with peer_of(server.target) as peer:
        assert await refused(peer, EVERYWHERE[name]) == EVERYWHERE[name][3:]
