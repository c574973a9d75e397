"""Fields that a row's message holds and its resource doesn't know are refused wherever they would be lost."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

SERVICE = "values.v1.ModernService"
UNKNOWN = b"\xf8\x7f\x01"
"""Field 2047, a varint: 1."""


@pytest.fixture(scope="module")
async def gateway(module_gateway_for: GatewayFor) -> RunningGateway:
    return await module_gateway_for("values")


def _request(gateway: RunningGateway, method: str, **fields: Any) -> tuple[Any, Any]:
    """Return a request and its row, which holds what the schema doesn't know."""
    request = gateway.client.message(f"values.v1.{method}Request", fields)
    if method.startswith("Bulk"):
        row = request.moderns.add()
    elif method.startswith("Batch"):
        row = request.requests.add().modern
    else:
        row = request.modern
    row.id, row.text = 1, "sent"
    row.MergeFromString(UNKNOWN)
    return request, row


PATHS: Mapping[str, str] = {
    "CreateModern": "modern.2047",
    "UpdateModern": "modern.2047",
    "BatchCreateModerns": "requests[0].modern.2047",
    "BulkUpsertModerns": "moderns[0].2047",
}


@pytest.mark.parametrize("method", PATHS)
async def test_an_unknown_field_is_refused_by_its_number(gateway: RunningGateway, method: str) -> None:
    request, _ = _request(gateway, method)
    with pytest.raises(RpcFailed) as caught:
        await gateway.call(f"{SERVICE}/{method}", request)
    assert (caught.value.reason, caught.value.fields) == ("UNKNOWN_FIELDS", [PATHS[method]])
    assert await gateway.sql("SELECT id FROM modern WHERE id = 1") == []


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({}, True),
        ({"updateMask": "*"}, True),
        ({"updateMask": "text", "allowMissing": True}, True),
        ({"updateMask": "text"}, False),
    ],
)
async def test_an_update_refuses_what_it_would_lose(
    gateway: RunningGateway, fields: Mapping[str, Any], *, refused: bool
) -> None:
    await gateway.sql("DELETE FROM modern")
    await gateway.call(f"{SERVICE}/CreateModern", modern={"id": 1, "text": "held"})
    request, _ = _request(gateway, "UpdateModern", **fields)
    if not refused:
        assert (await gateway.call(f"{SERVICE}/UpdateModern", request)).text == "sent"
        return
    with pytest.raises(RpcFailed) as caught:
        await gateway.call(f"{SERVICE}/UpdateModern", request)
    assert (caught.value.reason, caught.value.fields) == ("UNKNOWN_FIELDS", ["modern.2047"])
    (row,) = await gateway.sql("SELECT text FROM modern")
    assert row["text"] == "held"


async def test_rows_with_unknown_fields_fail_alone(gateway: RunningGateway) -> None:
    await gateway.sql("DELETE FROM modern")
    request, _ = _request(gateway, "BulkUpsertModerns", partial_failure=True)
    for key in (2, 3):
        request.moderns.add(id=key)
    request.moderns[2].MergeFromString(UNKNOWN + b"\x80\x7d\x01")
    done = await gateway.call(f"{SERVICE}/BulkUpsertModerns", request)
    assert (done.inserted_count, done.failed_count) == (1, 2)
    assert [row["id"] for row in await gateway.sql("SELECT id FROM modern")] == [2]


@pytest.mark.parametrize(("resource", "plural"), [("Rich", "Riches"), ("Scalar", "Scalars")])
async def test_nothing_is_dropped_inside_of_a_value(
    gateway_for: GatewayFor, resource: str, plural: str
) -> None:
    """Timestamp, Money, wrappers …: messages that are one value of PostgreSQL, alone and in lists."""
    types = await gateway_for("types")
    service, row = f"types.v1.{resource}Service", resource.lower()
    several = types.client.message(f"types.v1.BulkUpsert{plural}Request", {"partial_failure": True})
    fields = [
        field
        for field in types.client.message(f"types.v1.{resource}").DESCRIPTOR.fields
        if field.message_type is not None and not field.message_type.GetOptions().map_entry
    ]
    for field in fields:
        request = types.client.message(f"types.v1.Create{resource}Request")
        held = getattr(getattr(request, row), field.name)
        (held.add() if field.is_repeated else held).MergeFromString(UNKNOWN)
        with pytest.raises(RpcFailed) as caught:
            await types.call(f"{service}/Create{resource}", request)
        assert (caught.value.reason, caught.value.fields) == ("UNKNOWN_FIELDS", [f"{row}.{field.name}"])
        sent = getattr(several, plural.lower()).add()
        sent.CopyFrom(getattr(request, row))
        sent.id = field.number
    assert len(fields) > 1
    done = await types.call(f"{service}/BulkUpsert{plural}", several)
    said = [failure.status.message.rpartition(", ")[0] for failure in done.failures]
    assert said == [f"{field.name}: holds a field that the schema doesn't know" for field in fields]
    assert not await types.sql(f"SELECT FROM {row}")


async def test_a_closed_enums_number_without_a_name_is_one(gateway: RunningGateway) -> None:
    legacy = gateway.client.message("values.v1.Legacy", {"id": 1})
    legacy.MergeFromString(b"\x40\x4d")
    request = gateway.client.message("values.v1.CreateLegacyRequest")
    request.legacy.CopyFrom(legacy)
    with pytest.raises(RpcFailed) as caught:
        await gateway.call("values.v1.LegacyService/CreateLegacy", request)
    assert (caught.value.reason, caught.value.fields) == ("UNKNOWN_FIELDS", ["legacy.8"])
