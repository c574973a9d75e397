"""Every type is written as plain SQL with one parameter per value would write it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.db.connections.type_codecs import set_codecs
from gateway.errors import InvalidArgument
from gateway.request.rows import encode_fields
from gateway.schema.model import Field, Resource
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway, schema_of
from tests.schema.messages import messages

KINDS = {"Scalar": "Scalars", "Rich": "Riches"}


@dataclass(frozen=True, repr=False)
class Bench:
    """A gateway, and a connection with a second set of its tables, to be written by plain SQL."""

    gateway: RunningGateway
    plain: asyncpg.Connection

    async def insert(self, resource: Resource, message: Message) -> None:
        """Insert a message's row with one parameter per value."""
        values = encode_fields(message, resource.fields, "")
        names = ", ".join(f'"{name}"' for name in values)
        places = ", ".join(_place(field, i) for i, field in enumerate(resource.fields, 1))
        await self.plain.execute(
            f"INSERT INTO plain_{resource.table} ({names}) VALUES ({places})",  # noqa: S608 - names of the schema under test
            *values.values(),
        )

    async def insert_storable(self, resource: Resource, message: Message) -> None:
        """Insert a message's row, without what PostgreSQL alone can judge where it refuses that."""
        try:
            await self.insert(resource, message)
        except asyncpg.DataError:
            for field in resource.fields:
                if field.type.text_cast:
                    message.ClearField(field.name)
            await self.insert(resource, message)

    async def rows(self, table: str) -> list[str]:
        """Return a table's rows as text."""
        found = await self.plain.fetch(f"SELECT t::text AS row FROM {table} AS t ORDER BY id")  # noqa: S608 - as above
        return [row["row"] for row in found]

    async def clear(self, resource: Resource) -> None:
        """Empty both tables."""
        await self.plain.execute(f"TRUNCATE {resource.table}; TRUNCATE plain_{resource.table}")


def _place(field: Field, i: int) -> str:
    text = f"${i}::text{'[]' if field.type.element else ''}::{field.type.sql}"
    return text if field.type.text_cast else f"${i}"


@pytest.fixture(scope="module")
async def bench(module_gateway_for: GatewayFor) -> AsyncIterator[Bench]:
    gateway = await module_gateway_for("types")
    plain = await asyncpg.connect(gateway.dsn)
    await set_codecs(plain)
    for kind in KINDS:
        table = resource_of(kind).table
        await plain.execute(f"CREATE TABLE plain_{table} (LIKE {table})")
    yield Bench(gateway, plain)
    await plain.close()


def resource_of(kind: str) -> Resource:
    """Return a resource of the schema."""
    return schema_of("types").resources[f"types.v1.{kind}"]


def storable(resource: Resource, message: Message, key: int) -> Message:
    """Return the message without the values that no column can hold, under a key."""
    for field in resource.fields:
        try:
            encode_fields(message, [field], "")
        except InvalidArgument:
            message.ClearField(field.name)
    message.id = key  # type: ignore[attr-defined]
    return message


async def call(bench: Bench, method: str, kind: str, rows: Sequence[Message], **item: Any) -> Any:
    """Call a batch method with a request per row."""
    client = bench.gateway.client
    request = client.message(f"types.v1.{method}{KINDS[kind]}Request")
    for row in rows:
        one = request.requests.add(**item)
        getattr(one, kind.lower()).MergeFromString(row.SerializeToString())
    return await client.call(f"types.v1.{kind}Service/{method}{KINDS[kind]}", request)


def drawn(kind: str) -> st.SearchStrategy[list[bytes]]:
    """Return batches of messages, as bytes: what a test draws must not change under its hands."""
    message = messages(resource_of(kind).message).map(lambda one: one.SerializeToString())
    return st.lists(message, min_size=1, max_size=4)


PATIENT = settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(batch=drawn("Scalar"))
@PATIENT
async def test_scalars_are_stored_as_plain_sql_stores_them(bench: Bench, batch: list[bytes]) -> None:
    await check(bench, "Scalar", batch)


@given(batch=drawn("Rich"))
@PATIENT
async def test_rich_types_are_stored_as_plain_sql_stores_them(bench: Bench, batch: list[bytes]) -> None:
    await check(bench, "Rich", batch)


async def check(bench: Bench, kind: str, batch: list[bytes]) -> None:
    """Create and replace rows by batches; compare the table with one written by plain SQL."""
    resource = resource_of(kind)
    make = GetMessageClass(resource.message)
    rows = [storable(resource, make.FromString(one), key) for key, one in enumerate(batch)]
    await bench.clear(resource)
    for row in rows:
        await bench.insert_storable(resource, row)
    answer = await call(bench, "BatchCreate", kind, rows)
    assert await bench.rows(resource.table) == await bench.rows(f"plain_{resource.table}")

    # A full replacement by the rows in another order stores those, whatever was there before.
    await bench.plain.execute(f"TRUNCATE plain_{resource.table}")
    turned = [type(row).FromString(row.SerializeToString()) for row in reversed(rows)]
    for key, row in enumerate(turned):
        row.id = key  # type: ignore[attr-defined]
        await bench.insert(resource, row)
    await call(bench, "BatchUpdate", kind, turned, update_mask={"paths": ["*"]})
    assert await bench.rows(resource.table) == await bench.rows(f"plain_{resource.table}")
    assert len(next(iter(answer.ListFields()))[1]) == len(rows)


@pytest.mark.parametrize(
    ("kind", "field", "value", "reason"),
    [
        ("Scalar", "short_text", "thirteen char", "TOO_LONG"),
        ("Scalar", "identifier", "no uuid", "INVALID_UUID"),
        ("Scalar", "string_value", "a\x00b", "NUL_IN_TEXT"),
        ("Scalar", "small", 40_000, "OUT_OF_RANGE"),
    ],
)
async def test_what_no_column_holds_is_refused_by_path(
    bench: Bench, kind: str, field: str, value: Any, reason: str
) -> None:
    resource = resource_of(kind)
    await bench.clear(resource)
    good = bench.gateway.client.message(f"types.v1.{kind}", id=1)
    bad = bench.gateway.client.message(f"types.v1.{kind}", id=2)
    setattr(bad, field, value)
    for method in ("BatchCreate", "BatchUpdate"):
        with pytest.raises(RpcFailed) as failed:
            await call(bench, method, kind, [good, bad])
        assert failed.value.code.name == "INVALID_ARGUMENT"
        assert failed.value.fields == [f"requests[1].{kind.lower()}.{field}"]
        assert failed.value.reason == reason
    assert await bench.rows(resource.table) == []
