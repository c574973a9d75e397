"""A body of JSON is refused before it takes much, and what is allowed doesn't hold up others."""

import asyncio
import json
import time
from typing import Any

import pytest

from gateway.errors import OutOfRange
from gateway.transport.protocols.json import json_reader
from gateway.transport.protocols.json.reader import MAX_BYTES, MAX_ELEMENTS
from gateway.transport.protocols.messages import converted
from tests.transport.json.pools import descriptor

READ = json_reader(descriptor("edge", "edge.v1.Edge"))


def spelled(plain: Any) -> bytes:
    return json.dumps(plain, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "body",
    [
        spelled({"[edge.v1.extra_edges]": [{"small": 1, "text": "x"}] * (MAX_ELEMENTS // 3 - 9)}),
        spelled({"times": ["2024-02-29T12:30:00.123456Z"] * (MAX_ELEMENTS - 9)}),
        spelled({"object": {str(n): {} for n in range(MAX_ELEMENTS // 2 - 9)}}),
    ],
    ids=["messages", "times", "object"],
)
async def test_a_long_body_leaves_turns_to_others(body: bytes) -> None:
    """What C does at once, such as the parse itself, is a small part of it."""
    started = before = time.perf_counter()
    longest, reading = 0.0, asyncio.ensure_future(converted(READ, body))
    while not reading.done():
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
    assert await reading
    assert longest < (before - started) / 2


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(OutOfRange) as caught:
        READ(b" " * (MAX_BYTES + 1))
    assert caught.value.reason == "REQUEST_TOO_LARGE"
