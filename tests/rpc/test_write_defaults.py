"""The defaults that proto2 and editions give unset fields are for readers: they are never written."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

SERVICE = "values.v1.LegacyService"
HELD: Mapping[str, Any] = {
    "number": 1,
    "text": "held",
    "flag": False,
    "raw": b"held",
    "ratio": 0.5,
    "big": 3,
    "tone": "TONE_LOW",
    "toned": 3,
    "filled": 5,
    "uuid": "00000000-0000-0000-0000-000000000003",
    "left": None,
    "right": 0,
    "sheet": "{}",
    "spelled": "{}",
}
"""A stored row, in which no field holds its default."""
NEW = {
    **dict.fromkeys(HELD),
    "filled": 42,
    "uuid": "00000000-0000-0000-0000-000000000002",
}
"""What a row that was sent by its key alone has: the columns' defaults, else NULL."""
_COLUMNS = ", ".join(f"{name}::text" if name == "uuid" else f'"{name}"' for name in HELD)
_INSERT = f"""INSERT INTO legacy (id, version, tones, {", ".join(f'"{name}"' for name in HELD)})
    VALUES ($1, 1, '{{}}', {", ".join(f"${i}" for i in range(2, len(HELD) + 2))})"""  # noqa: S608 - our own names

Write = Callable[[RunningGateway, Mapping[str, Any]], Awaitable[Any]]


async def _create(gateway: RunningGateway, row: Mapping[str, Any]) -> None:
    await gateway.call(f"{SERVICE}/CreateLegacy", legacy=row)


async def _batch_create(gateway: RunningGateway, row: Mapping[str, Any]) -> None:
    await gateway.call(f"{SERVICE}/BatchCreateLegacies", requests=[{"legacy": row}])


async def _upsert_one(gateway: RunningGateway, row: Mapping[str, Any]) -> None:
    await gateway.call(f"{SERVICE}/UpdateLegacy", legacy=row, allow_missing=True)


async def _update(gateway: RunningGateway, row: Mapping[str, Any]) -> None:
    await gateway.call(f"{SERVICE}/UpdateLegacy", legacy=row)


async def _batch_update(gateway: RunningGateway, row: Mapping[str, Any]) -> None:
    await gateway.call(f"{SERVICE}/BatchUpdateLegacies", requests=[{"legacy": row}])


async def _bulk(gateway: RunningGateway, row: Mapping[str, Any]) -> None:
    await gateway.call(f"{SERVICE}/BulkUpsertLegacies", legacies=[row])


async def _load(gateway: RunningGateway, row: Mapping[str, Any]) -> None:
    """Send so many rows that COPY stores them."""
    others = [{"id": 10_000 + i} for i in range(1_100)]
    await gateway.call(f"{SERVICE}/BulkUpsertLegacies", legacies=[row, *others])


async def _ingest(gateway: RunningGateway, row: Mapping[str, Any]) -> None:
    talk = gateway.client.converse(f"{SERVICE}/IngestLegacies")
    await talk.ask(start={"stream_id": "one"})
    assert (await talk.ask(sequence=1, legacies=[row])).watermark == 1
    await talk.end()


@pytest.mark.parametrize("write", [_update, _batch_update, _upsert_one, _bulk, _load, _ingest])
async def test_a_row_that_is_sent_by_its_key_alone_keeps_what_it_holds(
    gateway_for: GatewayFor, write: Write
) -> None:
    gateway = await gateway_for("values")
    await gateway.sql(_INSERT, 1, *HELD.values())
    await write(gateway, {"id": 1})
    assert await _stored(gateway) == HELD


@pytest.mark.parametrize("write", [_create, _batch_create, _upsert_one, _bulk, _load, _ingest])
async def test_a_new_row_takes_its_columns_defaults(gateway_for: GatewayFor, write: Write) -> None:
    gateway = await gateway_for("values")
    await write(gateway, {"id": 1})
    assert await _stored(gateway) == NEW


@pytest.mark.parametrize("method", ["UpdateLegacy", "BulkUpsertLegacies"])
async def test_a_field_that_a_mask_names_and_nobody_set_becomes_null(
    gateway_for: GatewayFor, method: str
) -> None:
    gateway = await gateway_for("values")
    await gateway.sql(_INSERT, 1, *HELD.values())
    row = {"legacy": {"id": 1}} if method == "UpdateLegacy" else {"legacies": [{"id": 1}]}
    await gateway.call(f"{SERVICE}/{method}", {**row, "update_mask": ",".join(HELD)})
    assert await _stored(gateway) == dict.fromkeys(HELD)


@pytest.mark.parametrize("write", [_create, _batch_create, _bulk])
async def test_a_value_that_is_sent_is_stored_though_it_is_the_default_or_zero(
    gateway_for: GatewayFor, write: Write
) -> None:
    gateway = await gateway_for("values")
    zeros = {"number": 0, "text": "", "flag": False, "raw": b"", "ratio": 0.0, "big": 0}
    defaults = {"number": -7, "text": "unsaid", "flag": True, "raw": b"unsaid", "toned": 5, "filled": -7}
    await write(gateway, {"id": 1, **zeros, "raw": ""})
    assert await _stored(gateway) == {**NEW, **zeros}
    await gateway.sql("DELETE FROM legacy")
    await write(gateway, {"id": 1, **defaults, "raw": "dW5zYWlk", "toned": "TONE_HIGH"})
    assert await _stored(gateway) == {**NEW, **defaults}


@pytest.mark.parametrize("write", [_create, _batch_create, _update, _bulk, _ingest])
async def test_a_key_is_never_a_default(gateway_for: GatewayFor, write: Write) -> None:
    gateway = await gateway_for("values")
    await gateway.sql(_INSERT, 99, *HELD.values())
    with pytest.raises(RpcFailed):
        await write(gateway, {"number": 2})
    (row,) = await gateway.sql("SELECT id, number FROM legacy")
    assert (row["id"], row["number"]) == (99, 1)


async def _stored(gateway: RunningGateway) -> dict[str, Any]:
    (row,) = await gateway.sql(f"SELECT {_COLUMNS} FROM legacy WHERE id = 1")  # noqa: S608 - our own names
    return dict(row)
