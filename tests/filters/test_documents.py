"""Filters that reach into documents: lists on the way, what no descriptor describes, functions of both."""

from typing import Any

import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.rpc.readside import Stored, insert

LIST = "types.v1.RichService/ListRiches"
DOCUMENTS: list[Any] = [
    {"name": "Ab", "sizes": [1, 2], "items": [{"sku": "a"}, {"sku": "b", "n": 1}]},
    {"name": 4, "sizes": "a", "items": {"sku": "a", "n": [1, "a"]}},
    {"name": "école", "items": [], "sizes": [], "a": True},
    {},
    {"items": [[{"sku": "a"}], "sku"], 'odd "key"': ["x*y"], "n": "4"},
]


@pytest.fixture(scope="module")
async def documents(module_gateway_for: GatewayFor) -> Stored:
    gateway = await module_gateway_for("types")
    rows = [
        {
            "id": i,
            "attributes": document,
            "jsonb_text": document,
            "strings": ["a"] * i,
            "parts": [{"name": "A"}] * i,
            "part": {"name": ["Rome", "ROMA", "rômé"][i % 3]},
        }
        for i, document in enumerate(DOCUMENTS)
    ]
    await insert(gateway, gateway.schema.resources["types.v1.Rich"], [*rows, {"id": len(rows)}])
    return Stored(gateway)


@pytest.fixture(scope="module")
async def parts(module_gateway_for: GatewayFor) -> Stored:
    gateway = await module_gateway_for("types")
    rows = [{"id": i, "part": part, "parts": [part]} for i, part in enumerate(PARTS)]
    await insert(gateway, gateway.schema.resources["types.v1.Rich"], [*rows, {"id": len(rows)}])
    return Stored(gateway)


async def found(documents: Stored, text: str) -> list[int]:
    page = await documents.call(LIST, filter=text)
    return [row.id for row in page.riches]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("attributes.items.sku:a", [0, 1]),
        ("attributes.items.sku:(a b)", [0]),
        ("attributes.items:sku", [0, 1, 4]),
        ("attributes.items.n:1", [0, 1]),
        ("attributes.items.n:a", [1]),
        ('attributes.items.sku:"*"', [0, 1]),
        ('attributes.name:"A*"', [0]),
        ("attributes.name:4", [1]),
        ("attributes.name = 4", [1]),
        ("attributes.n:4", []),
        ('attributes.n:"4"', [4]),
        ("NOT attributes.name = 4", []),
        ("NOT attributes.name = Ab", [2]),
        ("attributes.name != Ab", [2]),
        ("attributes.sizes:2", [0]),
        ("attributes.sizes:a", [1]),
        ("NOT attributes.sizes:a", [0, 2, 3, 4, 5]),
        ("attributes.a:true", [2]),
        (r'attributes."odd \"key\"":"x\*y"', [4]),
        ("jsonb_text.items.sku:b", [0]),
        ("lower(attributes.name) = AB", [0]),
        ("fold(attributes.name) = ecole", [2]),
        ("attributes.name.matches('^.b$')", [0]),
        ("length(attributes.name) > 2", [2]),
        ("length(attributes.sizes) = 2", [0]),
        ("length(attributes.items) = 0", [2]),
        ("length(strings) >= 3", [3, 4]),
        ("length(parts) < 2", [0, 1, 5]),
        ("fold(part.name) = Rome", [0, 2, 3]),
        ("part.name IN (Rome, ROMA)", [0, 1, 3, 4]),
        ("part.name = field(part.name)", [0, 1, 2, 3, 4]),
    ],
)
async def test_a_list_in_a_document_has_what_one_of_its_elements_is(
    documents: Stored, text: str, ids: list[int]
) -> None:
    assert await found(documents, text) == ids


PARTS: list[Any] = [
    {},
    {"name": "", "weight": 0, "big": "0", "hue": "HUE_UNSPECIFIED", "ratio": 0.0, "blob": "", "parts": []},
    {"name": "a", "weight": 0.5, "big": "5", "hue": "HUE_RED", "ratio": -0.5, "blob": "YQ==", "parts": [{}]},
    {"at": "1970-01-01T00:00:00Z"},
]


@pytest.mark.parametrize(
    "text", [f"part.{name}:*" for name in PARTS[1]] + [f"part:{name}" for name in PARTS[1]]
)
async def test_a_zero_of_a_field_without_presence_is_not_there(parts: Stored, text: str) -> None:
    """Whoever wrote the document may have written it, or left it out."""
    assert await found(parts, text) == [2]
    assert await found(parts, f"NOT {text}") == [0, 1, 3, 4]
    of_list = text.replace("part.", "parts.").replace("part:", "parts:")
    assert await found(parts, of_list) == [2]


@pytest.mark.parametrize("text", ["part.at:*", "part:at"])
async def test_a_field_with_presence_is_there_with_any_value(parts: Stored, text: str) -> None:
    assert await found(parts, text) == [3]


@pytest.mark.parametrize("text", ["length(labels) > 1", "lower(parts.name) = a", "lower(part) = a"])
async def test_what_is_no_one_value_is_refused(documents: Stored, text: str) -> None:
    with pytest.raises(RpcFailed) as refused:
        await found(documents, text)
    assert refused.value.reason == "INVALID_FILTER"
