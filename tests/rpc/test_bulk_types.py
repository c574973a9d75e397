"""BulkUpsert stores every type, and a hundred columns, as the methods for single rows store them."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import InvalidArgument
from gateway.request.rows import encode_fields
from gateway.schema.model import Resource
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway, schema_of
from tests.rpc.bulk_ways import WAYS, taking
from tests.schema.messages import messages

_PLURALS = {"Scalar": "Scalars", "Rich": "Riches", "Wide": "Wides"}
_SCHEMAS = {"Scalar": "types", "Rich": "types", "Wide": "adversarial"}

Gateways = dict[str, RunningGateway]


def resource_of(kind: str) -> Resource:
    """Return the resource of a message."""
    schema = _SCHEMAS[kind]
    return schema_of(schema).resources[f"{schema}.v1.{kind}"]


def drawn(kind: str) -> st.SearchStrategy[list[bytes]]:
    """Return batches of messages, as bytes."""
    message = messages(resource_of(kind).message).map(lambda one: one.SerializeToString())
    return st.lists(message, min_size=1, max_size=4)


@pytest.fixture(scope="module")
async def gateways(module_gateway_for: GatewayFor) -> Gateways:
    """Serve each schema once."""
    served = {name: await module_gateway_for(name) for name in sorted(set(_SCHEMAS.values()))}
    return {kind: served[schema] for kind, schema in _SCHEMAS.items()}


PATIENT = settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module", params=WAYS)
def _way(request: pytest.FixtureRequest) -> Iterator[None]:
    with taking(request.param):
        yield


@pytest.mark.usefixtures("_way")
@given(batch=drawn("Scalar"))
@PATIENT
async def test_scalars(gateways: Gateways, batch: list[bytes]) -> None:
    await check(gateways["Scalar"], "Scalar", batch)


@pytest.mark.usefixtures("_way")
@given(batch=drawn("Rich"))
@PATIENT
async def test_rich_types(gateways: Gateways, batch: list[bytes]) -> None:
    await check(gateways["Rich"], "Rich", batch)


@pytest.mark.usefixtures("_way")
@given(batch=drawn("Wide"))
@PATIENT
async def test_a_hundred_columns(gateways: Gateways, batch: list[bytes]) -> None:
    await check(gateways["Wide"], "Wide", batch)


async def check(gateway: RunningGateway, kind: str, batch: list[bytes]) -> None:
    """Insert, send again, and replace all values by other rows' values."""
    resource = resource_of(kind)
    make = GetMessageClass(resource.message)
    rows = [storable(resource, make.FromString(one), key) for key, one in enumerate(batch)]
    turned = [type(row).FromString(row.SerializeToString()) for row in reversed(rows)]
    for key, row in enumerate(turned):
        row.id = key  # type: ignore[attr-defined]
    expected = [await created(gateway, resource, each) for each in (rows, turned)]
    await gateway.sql(f"TRUNCATE {resource.table}")
    assert (await upsert(gateway, resource, rows)).inserted_count == len(rows)
    assert await stored(gateway, resource) == expected[0]
    assert (await upsert(gateway, resource, rows)).unchanged_count == len(rows)
    assert (await upsert(gateway, resource, rows, update_mask="*")).unchanged_count == len(rows)
    await upsert(gateway, resource, turned, update_mask="*")
    assert await stored(gateway, resource) == expected[1]


def storable(resource: Resource, message: Message, key: int) -> Message:
    """Return the message without the values that no column can hold, under a key."""
    for field in resource.fields:
        try:
            encode_fields(message, [field], "")
        except InvalidArgument:
            message.ClearField(field.name)
    message.id = key  # type: ignore[attr-defined]
    return message


async def created(gateway: RunningGateway, resource: Resource, rows: list[Message]) -> list[str]:
    """Return the table after BatchCreate; what PostgreSQL alone refuses is cleared in `rows`."""
    await gateway.sql(f"TRUNCATE {resource.table}")
    schema, plural = resource.message.file.package, _PLURALS[resource.name]
    method = f"{schema}.{resource.name}Service/BatchCreate{plural}"

    def request() -> Any:
        made = gateway.client.message(f"{schema}.BatchCreate{plural}Request")
        for row in rows:
            getattr(made.requests.add(), resource.name.lower()).MergeFromString(row.SerializeToString())
        return made

    try:
        await gateway.client.call(method, request())
    except RpcFailed:
        for row in rows:
            for field in resource.fields:
                if field.type.text_cast:
                    row.ClearField(field.name)
        await gateway.client.call(method, request())
    return await stored(gateway, resource)


async def upsert(gateway: RunningGateway, resource: Resource, rows: list[Message], **options: Any) -> Any:
    """Call BulkUpsert."""
    schema, plural = resource.message.file.package, _PLURALS[resource.name]
    request = gateway.client.message(f"{schema}.BulkUpsert{plural}Request", options)
    for row in rows:
        getattr(request, plural.lower()).add().MergeFromString(row.SerializeToString())
    return await gateway.client.call(f"{schema}.{resource.name}Service/BulkUpsert{plural}", request)


async def stored(gateway: RunningGateway, resource: Resource) -> list[str]:
    """Return the table's rows as text."""
    found = await gateway.sql(f"SELECT t::text AS row FROM {resource.table} AS t ORDER BY id")  # noqa: S608 - of the schema
    return [row["row"] for row in found]
