"""Large bodies are read in parts, between which others have their turn."""

import asyncio
import json
import time
from typing import Any

import pytest
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import InvalidArgument, OutOfRange
from gateway.transport.protocols.json import json_reader
from gateway.transport.protocols.json.reader import MAX_BYTES, MAX_ELEMENTS, MAX_VALUE_ELEMENTS, SLICE
from tests.transport.json.pools import descriptor

EDGE = descriptor("edge", "edge.v1.Edge")
READ = json_reader(EDGE)
LONGEST_TURN = 0.1
"""Seconds of CPU: 50 ms where nothing else has the caches."""
PADDING = "x" * SLICE


def spelled(plain: Any) -> bytes:
    return json.dumps(plain, separators=(",", ":")).encode()


async def longest_turn(body: bytes) -> float:
    """Return the most seconds of CPU that reading takes between two turns of others."""
    longest, reading = 0.0, asyncio.ensure_future(READ.in_slices(body))
    while not reading.done():
        before = time.process_time()
        await asyncio.sleep(0)
        longest = max(longest, time.process_time() - before)
    await reading
    return longest


@pytest.mark.parametrize(
    "body",
    [
        spelled({"[edge.v1.extra_edges]": [{"small": 1, "text": "x"}] * (MAX_ELEMENTS // 3 - 9)}),
        spelled({"truths": [True] * (MAX_ELEMENTS - 9)}),
        spelled({"times": ["2024-02-29T12:30:00.123456Z"] * (MAX_ELEMENTS - 9)}),
        spelled({"object": {str(n): {} for n in range(MAX_VALUE_ELEMENTS - 9)}, "text": PADDING}),
        spelled({"text": "\\" * (MAX_BYTES // 2 - 99)}),
        spelled({"text": '"' * (MAX_BYTES // 2 - 99)}),
        json.dumps({"nulls": [None] * (MAX_ELEMENTS - 9), "text": ": "}, indent=1).encode(),
    ],
    ids=["messages", "booleans", "times", "object", "backslashes", "quotes", "spaces"],
)
async def test_no_body_holds_up_others_for_long(body: bytes) -> None:
    turns = [await longest_turn(body) for _ in range(2)]
    assert min(turns) < LONGEST_TURN


@settings(max_examples=10, deadline=None)
@given(st.lists(st.fixed_dictionaries({"small": st.integers(0, 9), "truths": st.lists(st.booleans())})))
async def test_parts_make_the_message_that_the_whole_makes(edges: list[Any]) -> None:
    body = spelled(
        {"other": {}, "[edge.v1.extra_edges]": [*edges, *([{"small": 5}] * 9_000)], "text": PADDING}
    )
    cls = GetMessageClass(EDGE)
    assert cls.FromString(await READ.in_slices(body)) == cls.FromString(READ(body))


async def test_a_place_in_a_later_part_is_told_as_it_was_sent() -> None:
    edges = [{"small": 1, "large": 1}] * 20_000
    body = spelled({"[edge.v1.extra_edges]": [*edges, {"small": "x"}]})
    with pytest.raises(InvalidArgument) as caught:
        await READ.in_slices(body)
    assert [one.field for one in caught.value.violations] == ["[edge.v1.extra_edges][20000].small"]


@pytest.mark.parametrize(
    ("plain", "path"),
    [
        ({"object": {"a": [0] * MAX_VALUE_ELEMENTS}, "text": PADDING}, "object"),
        ({"values": [1, [0] * MAX_VALUE_ELEMENTS], "text": PADDING}, "values[1]"),
    ],
)
async def test_a_value_of_too_many_elements_is_refused(plain: Any, path: str) -> None:
    with pytest.raises(InvalidArgument, match="elements") as caught:
        await READ.in_slices(spelled(plain))
    assert [one.field for one in caught.value.violations] == [path]


async def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(OutOfRange) as caught:
        await READ.in_slices(b" " * (MAX_BYTES + 1))
    assert caught.value.reason == "REQUEST_TOO_LARGE"
