"""What a filter's presence and zeros find, for fields with and without presence, beside the messages."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.conftest import GatewayFor
from tests.harness.gateway import RunningGateway

SERVICE = "values.v1.ModernService"
ROWS: Mapping[int, Mapping[str, Any]] = {
    1: {},
    2: {
        "text": "",
        "raw": "",
        "wrapped": "",
        "paper": {"text": "", "raw": "", "wrapped": "", "wrappedRaw": ""},
        "struct": {},
        "number": 0,
        "flag": False,
        "ratio": 0,
    },
    3: {
        "text": "x",
        "plain": "x",
        "raw": "eA==",
        "plainRaw": "eA==",
        "wrapped": "x",
        "kind": "KIND_FIRST",
        "network": "08:00:2b:01:02:03",
        "words": "x",
        "zero": 1,
        "struct": {"a": 1},
        "number": 1,
        "flag": True,
        "ratio": "NaN",
        "paper": {
            "kind": "KIND_FIRST",
            "maybe": "KIND_FIRST",
            "kinds": ["KIND_FIRST"],
            "text": "x",
            "plain": "x",
            "raw": "eA==",
            "wrapped": "x",
            "wrappedRaw": "eA==",
            "wrappedSingle": 0.1,
            "words": ["xy", "Z"],
            "papers": [{"text": "xy", "words": ["Z"]}, {}],
            "single": 0.1,
            "plainSingle": 0.1,
            "struct": {"a": 1},
            "inner": {"kind": "KIND_ONE"},
        },
    },
    4: {"paper": {"maybe": "KIND_ZERO", "single": 0, "struct": {}, "inner": {}}},
}


@pytest.fixture
async def gateway(gateway_for: GatewayFor) -> RunningGateway:
    gateway = await gateway_for("values")
    for key, row in ROWS.items():
        await gateway.call(f"{SERVICE}/CreateModern", modern={"id": key, **row})
    return gateway


async def _found(gateway: RunningGateway, text: str) -> set[int]:
    answer = await gateway.call(f"{SERVICE}/ListModerns", filter=text)
    return {row.id for row in answer.moderns}


async def test_presence_is_set_and_not_empty(gateway: RunningGateway) -> None:
    """AIP-160's `:*` for every kind of field; what it doesn't find, its negation does."""
    wanted = {
        "text": {3},
        "plain": {3},
        "raw": {3},
        "plain_raw": {3},
        "wrapped": {3},
        "kind": {3},
        "network": {3},
        "words": {3},
        "zero": {3},
        "struct": {3},
        "number": {2, 3},
        "flag": {2, 3},
        "ratio": {2, 3},
        "paper": {2, 3, 4},
        "paper.text": {3},
        "paper.plain": {3},
        "paper.raw": {3},
        "paper.wrapped": {3},
        "paper.wrapped_raw": {3},
        "paper.wrapped_single": {3},
        "paper.kind": {3},
        "paper.maybe": {3, 4},
        "paper.kinds": {3},
        "paper.single": {3, 4},
        "paper.plain_single": {3},
        "paper.struct": {3},
        "paper.inner": {3, 4},
        "paper.inner.kind": {3},
    }
    found = {name: await _found(gateway, f"{name}:*") for name in wanted}
    assert found == wanted
    rest = {name: await _found(gateway, f"NOT {name}:*") for name in wanted}
    assert rest == {name: set(ROWS) - keys for name, keys in wanted.items()}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("paper.kind = KIND_ZERO", {2, 4}),
        ("paper.kind != KIND_ZERO", {3}),
        ("paper.kind = KIND_ONE", {3}),
        ("paper.kind = KIND_FIRST", {3}),
        ("paper.kind = (KIND_ZERO OR KIND_ONE)", {2, 3, 4}),
        ("paper.maybe = KIND_ZERO", {4}),
        ("paper.maybe = KIND_ONE", {3}),
        ("paper.kinds:KIND_ONE", {3}),
        ("paper.inner.kind = KIND_ZERO", {4}),
        ("paper.single = 0.1", {3}),
        ("paper.plain_single = 0.1", {3}),
        ("paper.plain_single = 0", {2, 4}),
        ('paper.plain = ""', {2, 4}),
        ('paper.text = ""', {2}),
        ("kind = KIND_ZERO", {1, 2, 4}),
        ("paper.wrapped_single = 0.1", {3}),
        ("paper.wrapped_single < 0.1", set()),
    ],
)
async def test_a_stored_messages_zero_is_found(gateway: RunningGateway, text: str, wanted: set[int]) -> None:
    assert await _found(gateway, text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("paper = null", {1}),
        ("paper.plain = null", {1}),
        ("paper.plain != null", {2, 3, 4}),
        ("paper.kind = null", {1}),
        ("paper.kinds = null", {1}),
        ("paper.named = null", {1}),
        ("paper.inner.kind = null", {1, 2}),
        ("paper.text = null", {1, 4}),
        ("paper.wrapped_raw = null", {1, 4}),
    ],
)
async def test_what_has_no_presence_is_null_without_its_message_alone(
    gateway: RunningGateway, text: str, wanted: set[int]
) -> None:
    """What was left out counted as its zero, and as NULL too."""
    assert await _found(gateway, text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("paper.words:xy", {3}),
        ("paper.words:x", set()),
        ("paper.words:XY", set()),
        ('paper.words:"x*"', {3}),
        ("paper.words:(xy Z)", {3}),
        ("NOT paper.words:x", {1, 2, 3, 4}),
        ("paper.papers.text:xy", {3}),
        ("paper.papers.text:x", set()),
        ("paper.papers.words:Z", {3}),
        ("paper.papers.words:z", set()),
        ("paper.text:X", {3}),
    ],
)
async def test_a_stored_list_holds_whole_values(gateway: RunningGateway, text: str, wanted: set[int]) -> None:
    """As a column's list does; a part of an element, in any case, was enough."""
    assert await _found(gateway, text) == wanted
