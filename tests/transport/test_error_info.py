"""Every status that a server answers with says why, by ErrorInfo, and when to try again, by RetryInfo."""

import json
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from gateway.errors import ResourceExhausted
from tests.transport.conftest import GET, Gate, Serve
from tests.transport.refused_calls import EVERYWHERE, refused
from tests.transport.wire.http2.answering import Answering
from tests.transport.wire.http2.peer import peer_of


@pytest.mark.parametrize("name", EVERYWHERE)
async def test_a_refusal_says_why(served: Serve, name: str) -> None:
    server = await served(Gate(), max_request_bytes=4000)
    async with peer_of(server.target) as peer:
        assert await refused(peer, EVERYWHERE[name]) == EVERYWHERE[name][3:]


class Busy(Answering):
    """Refuses a call, and answers the next."""

    async def __call__(self, request: Any, call: Any) -> Message:
        """Refuse the first."""
        if not self.calls:
            self.calls += 1
            raise ResourceExhausted("busy", reason="BUSY", retry_delay=0.01)
        return await super().__call__(request, call)


async def test_a_retry_policy_waits_as_long_as_retry_info_says(served: Serve) -> None:
    server = await served(Busy())
    policy = {
        "maxAttempts": 2,
        "initialBackoff": "3600s",
        "maxBackoff": "3600s",
        "backoffMultiplier": 1,
        "retryableStatusCodes": ["RESOURCE_EXHAUSTED"],
    }
    config = json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": policy}]})
    async with grpc.aio.insecure_channel(server.target, [("grpc.service_config", config)]) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{GET}")
        answered = await call(b"", timeout=30)
    assert server.account.FromString(answered) == server.account(book="b")
