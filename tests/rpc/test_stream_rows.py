"""Stream: every row once in any order, from anywhere on; chunks of bounded size."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.rpc.readside import Stored, insert
from tests.rpc.scalars import ORDERS, rows

STREAM = "types.v1.ScalarService/StreamScalars"
NODES = "adversarial.v1.NodeService/StreamNodes"
CHUNK = 2048


@pytest.fixture(scope="module")
async def stored(module_gateway_for: GatewayFor) -> Stored:
    gateway = await module_gateway_for("types", stream_chunk_bytes=CHUNK)
    await insert(gateway, gateway.schema.resources["types.v1.Scalar"], rows(200))
    return Stored(gateway)


async def chunks(stored: Stored, method: str = STREAM, **request: Any) -> list[Any]:
    return [chunk async for chunk in stored.gateway.client.stream(method, request)]


async def ids(stored: Stored, **request: Any) -> list[int]:
    return [row.id for chunk in await chunks(stored, **request) for row in chunk.scalars]


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(order=ORDERS, data=st.data())
async def test_each_row_comes_once_in_order_from_any_chunk_on(
    stored: Stored, order: list[tuple[str, bool]], data: st.DataObject
) -> None:
    order_by = ", ".join(f"{column} desc" if descending else column for column, descending in order)
    found = await chunks(stored, order_by=order_by)
    last = " DESC" if order and order[-1][1] else ""
    terms = [f"{column} DESC" if descending else column for column, descending in order]
    sql = f"SELECT id FROM scalar ORDER BY {', '.join([*terms, 'id' + last])}"  # noqa: S608 - written here
    expected = [row["id"] for row in await stored.sql(sql)]
    assert [row.id for chunk in found for row in chunk.scalars] == expected
    stop = data.draw(st.integers(1, len(found)))
    read = sum(len(chunk.scalars) for chunk in found[:stop])
    rest = await ids(stored, order_by=order_by, resume_token=found[stop - 1].resume_token)
    assert rest == expected[read:]


async def test_chunks_are_of_bounded_size(stored: Stored) -> None:
    found = await chunks(stored)
    assert all(chunk.ByteSize() <= CHUNK for chunk in found)
    full = [chunk.ByteSize() for chunk in found[1:-1]]
    assert min(full) > CHUNK / 4


async def test_rows_alike_fill_their_chunks_at_once(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("types", stream_chunk_bytes=CHUNK)
    alike = [{"id": i, "string_value": "x" * 10} for i in range(1000, 2000)]
    await insert(gateway, gateway.schema.resources["types.v1.Scalar"], alike)
    full = [chunk.ByteSize() for chunk in await chunks(Stored(gateway))][4:-1]
    assert CHUNK * 0.7 < min(full) <= max(full) < CHUNK * 0.98


async def test_a_row_larger_than_a_chunk_comes_alone(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("types", stream_chunk_bytes=CHUNK)
    texts = ["x" * (10 * CHUNK if i in (3, 90) else 1) for i in range(100)]
    await insert(
        gateway,
        gateway.schema.resources["types.v1.Scalar"],
        [{"id": i, "string_value": text} for i, text in enumerate(texts)],
    )
    found = await chunks(Stored(gateway))
    assert [row.string_value for chunk in found for row in chunk.scalars] == texts
    assert [len(chunk.scalars) for chunk in found if chunk.ByteSize() > CHUNK] == [1, 1]


async def test_no_rows_are_no_chunks(stored: Stored) -> None:
    assert await chunks(stored, filter="id < 0") == []


async def test_filters_masks_and_equality_are_those_of_lists(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    resource = gateway.schema.resources["adversarial.v1.Node"]
    uuids = [f"00000000-0000-0000-0000-00000000000{i}" for i in range(3)]
    plain = {"color": "COLOR_RED"}
    await insert(gateway, resource, [{"id": uuids[0], "position": 1, **plain}])
    await insert(gateway, resource, [{"id": uuids[1], "position": 2, "parent_id": uuids[0], **plain}])
    gone = {"position": 3, "parent_id": uuids[0], "deleted_at": "2024-01-01T00:00:00Z", **plain}
    await insert(gateway, resource, [{"id": uuids[2], **gone}])

    async def found(**request: Any) -> list[Any]:
        return [node for chunk in await chunks(Stored(gateway), NODES, **request) for node in chunk.nodes]

    assert [node.id for node in await found()] == uuids[:2]
    assert [node.id for node in await found(show_deleted=True)] == uuids
    assert [node.id for node in await found(parent_id=uuids[0], show_deleted=True)] == uuids[1:]
    (one,) = await found(filter="position > 1", read_mask="position")
    assert (one.id, one.position) == ("", 2)


@pytest.mark.parametrize(
    "change", [{"filter": "id > 1"}, {"order_by": "id desc"}, {"order_by": "string_value"}]
)
async def test_a_token_serves_its_own_stream_alone(stored: Stored, change: dict[str, Any]) -> None:
    token = (await chunks(stored))[0].resume_token
    with pytest.raises(RpcFailed) as failed:
        await chunks(stored, resume_token=token, **change)
    assert failed.value.reason == "RESUME_TOKEN_MISMATCH"
    assert failed.value.fields == ["resume_token"]
    with pytest.raises(RpcFailed) as failed:
        await chunks(stored, resume_token=token[:-1])
    assert failed.value.reason == "INVALID_RESUME_TOKEN"


async def test_a_wrong_request_is_refused_before_any_chunk(stored: Stored) -> None:
    with pytest.raises(RpcFailed) as failed:
        await chunks(stored, filter="nothing = 1")
    assert failed.value.code.name == "INVALID_ARGUMENT"
    assert failed.value.fields == ["filter"]


async def test_a_row_that_no_message_holds_ends_the_stream_after_those_before_it(
    gateway_for: GatewayFor,
) -> None:
    gateway = await gateway_for("types", stream_chunk_bytes=1024)
    await insert(gateway, gateway.schema.resources["types.v1.Scalar"], rows(100))
    await gateway.sql(
        "UPDATE scalar SET at = 'infinity' WHERE id = (SELECT id FROM scalar ORDER BY id OFFSET 80 LIMIT 1)"
    )
    read: list[int] = []

    async def read_all() -> None:
        async for chunk in gateway.client.stream(STREAM):
            read.extend(row.id for row in chunk.scalars)

    with pytest.raises(RpcFailed) as failed:
        await read_all()
    assert failed.value.reason == "UNREPRESENTABLE_VALUE"
    assert 0 < len(read) <= 80
