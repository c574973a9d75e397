"""Every value comes back from PostgreSQL as it was sent, or is refused before."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from ipaddress import ip_interface
from typing import Any

import asyncpg
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from gateway.db.connections.type_codecs import set_codecs
from gateway.schema.model import Field, Resource
from gateway.schema.tables.metadata import build_tables
from gateway.schema.values import InvalidValueError, ValueKind
from tests.harness.databases import Databases
from tests.harness.gateway import schema_of
from tests.schema.messages import values

RESOURCES = [schema_of("types").resources[f"types.v1.{name}"] for name in ("Scalar", "Rich")]


VALUES = {
    resource.name: {field.name: values(field.descriptor) for field in resource.fields}
    for resource in RESOURCES
}


@pytest.fixture(scope="module")
async def probe(databases: Databases) -> AsyncIterator[asyncpg.Connection]:
    """Return a connection with tables `probe_<table>`: the real columns, without constraints."""
    dsn = await databases.copy_of("types", build_tables(schema_of("types")).metadata)
    connection = await asyncpg.connect(dsn)
    await set_codecs(connection)
    for resource in RESOURCES:
        table = resource.table
        await connection.execute(f"CREATE TEMP TABLE probe_{table} AS TABLE {table} WITH NO DATA")
    yield connection
    await connection.close()


def through(types: Sequence[Field], text: Callable[[Field], str]) -> str:
    """Join what `text` says of each field."""
    return ", ".join(text(field) for field in types)


def parameter(field: Field, index: int) -> str:
    if not field.type.text_cast:
        return f"${index}"
    array = "[]" if field.type.element else ""
    return f"${index}::text{array}::{field.type.sql}"


def output(field: Field) -> str:
    if not field.type.text_cast:
        return f'"{field.column}"'
    return f'"{field.column}"::text{"[]" if field.type.element else ""}'


async def store(probe: asyncpg.Connection, resource: Resource, row: dict[str, Any]) -> dict[str, Any]:
    """Insert the columns and return what PostgreSQL holds then."""
    fields = [field for field in resource.fields if field.name in row]
    names = through(fields, lambda field: f'"{field.column}"')
    places = ", ".join(parameter(field, i) for i, field in enumerate(fields, 1))
    into = f"probe_{resource.table} ({names})"
    sql = f"INSERT INTO {into} VALUES ({places}) RETURNING {through(fields, output)}"  # noqa: S608 - our own names
    found = await probe.fetchrow(sql, *row.values())
    return dict(zip(row, found or (), strict=True))


def encode(resource: Resource, message: Message) -> dict[str, Any]:
    """Return the driver values of the fields that are set, but for those that are refused."""
    row = {}
    refused: list[InvalidValueError] = []
    for field in resource.fields:
        if field.has_presence and not message.HasField(field.name):
            continue
        value = getattr(message, field.name)
        try:
            row[field.name] = value if field.type.encode is None else field.type.encode(value)
        except InvalidValueError as error:
            event(f"{field.name} refused")
            refused.append(error)
    assert all(error.reason.isupper() and len(error.description) < 200 for error in refused)
    return row


def decode(resource: Resource, row: dict[str, Any]) -> Message:
    """Return the message of a stored row."""
    types = {name: resource.by_name[name].type for name in row}
    decoders = {name: type_.decode for name, type_ in types.items()}
    fields = {
        name: value if (convert := decoders[name]) is None else convert(value) for name, value in row.items()
    }
    message: Message = GetMessageClass(resource.message)(**fields)
    return message


def meaning(field: Field, message: Message) -> Any:
    """Return what the field says, one for all spellings of one value."""
    value = getattr(message, field.name)
    kind = (field.type.element or field.type).kind
    if kind is ValueKind.JSON and field.descriptor.type == field.descriptor.TYPE_STRING:
        return json.loads(value, parse_float=Decimal)
    if kind is ValueKind.DECIMAL and field.descriptor.type == field.descriptor.TYPE_STRING:
        return Decimal(value or 0)
    spell = _SPELLING.get((kind, value.DESCRIPTOR.full_name if hasattr(value, "DESCRIPTOR") else ""))
    if spell is not None:
        return spell(value)
    if field.name in _LISTS:
        return [_LISTS[field.name](one) for one in value]
    alone = type(message)()
    alone.CopyFrom(message)
    for other, _ in message.ListFields():
        if other.name != field.name:
            alone.ClearField(other.name)
    return alone.SerializeToString(deterministic=True)


_SPELLING: dict[tuple[ValueKind, str], Callable[[Any], Any]] = {
    (ValueKind.UUID, ""): lambda value: (
        value.lower() if isinstance(value, str) else [v.lower() for v in value]
    ),
    (ValueKind.NETWORK, ""): lambda value: (
        ip_interface(value) if isinstance(value, str) else [ip_interface(v) for v in value]
    ),
    (ValueKind.DECIMAL, "google.type.Decimal"): lambda value: Decimal(value.value or 0),
}
_LISTS: dict[str, Callable[[Any], Any]] = {"decimals": lambda one: Decimal(one.value or 0)}


@pytest.mark.parametrize("name", VALUES)
@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_values_come_back_or_are_refused(
    probe: asyncpg.Connection, name: str, data: st.DataObject
) -> None:
    resource = schema_of("types").resources[f"types.v1.{name}"]
    field = resource.by_name[data.draw(st.sampled_from(sorted(VALUES[name])))]
    sent = GetMessageClass(resource.message)(**{field.name: data.draw(VALUES[name][field.name])})
    row = encode(resource, sent)
    if field.name not in row or not is_certain(field, row[field.name]):
        return
    returned = decode(resource, await store(probe, resource, {field.name: row[field.name]}))
    assert meaning(field, returned) == meaning(field, sent)


def is_certain(field: Field, value: Any) -> bool:
    """Whether only the driver value's encoder judges it: a macaddr is judged by PostgreSQL's own cast."""
    texts = [value] if isinstance(value, str) else value
    return not field.name.startswith("mac") or all(text.count(":") == 5 for text in texts)
