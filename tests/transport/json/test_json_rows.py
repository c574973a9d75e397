"""Rows become the JSON that json_format makes of their messages, without a message between."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import EncodeError, Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.errors import DataLoss
from gateway.methods.handlers import Response, WrittenResponse
from gateway.methods.reads.row_responses import RowResponse, RowsResponse
from gateway.request.calls.call import Call
from gateway.request.masks import read_fields
from gateway.response.serialized import serialized
from gateway.response.shape import Row, RowShape
from gateway.schema.model import Field, MethodKind, Resource, Schema, StandardMethod
from gateway.schema.protojson.form import JsonForm
from gateway.schema.read import read_schema
from gateway.schema.values import ValueKind
from gateway.sql.reads.select import selected
from tests.generated_schemas.descriptors import descriptor_set
from tests.generated_schemas.drawing import schemas
from tests.harness.gateway import SCHEMAS, schema_of
from tests.schema.messages import values

NAMES = sorted(folder.name for folder in SCHEMAS.iterdir() if folder.name != "foreign")


def readers_of(schema: Schema) -> Sequence[StandardMethod]:
    """Return the methods that answer rows."""
    methods = [method for service in schema.services.values() for method in service.standard_methods]
    return [method for method in methods if method.kind in (MethodKind.GET, MethodKind.LIST)]


METHODS = [method for name in NAMES for method in readers_of(schema_of(name))]
OTHERS: Mapping[str, Any] = {"next_page_token": "a/+=", "total_size": 0, "count": 7}
"""What a response holds beside rows, by the names that the schemas have for it."""


def stored(data: st.DataObject, field: Field) -> Any:
    """Draw what the driver returns of a column; None where a drawn value can't be stored."""
    if data.draw(st.integers(0, 4)) == 0:
        return None
    strategy = values(field.descriptor)
    if strategy is None:
        return None
    holder: Any = GetMessageClass(field.descriptor.containing_type)  # type: ignore[arg-type]
    try:
        held = getattr(holder(**{field.name: data.draw(strategy)}), field.name)
        return held if field.type.encode is None else field.type.encode(held)
    except (
        ValueError,
        EncodeError,
    ):  # a closed enum, and required fields, as drawn
        return None


def spoilt(data: st.DataObject, resource: Resource, row: list[Any]) -> list[Any]:
    """Have a value in some rows that the message can't hold."""
    times = [
        place
        for place, field in enumerate(resource.fields)
        if field.type.kind is ValueKind.TIMESTAMP and field.column not in resource.primary_key
    ]
    if times and data.draw(st.integers(0, 19)) == 0:
        row[data.draw(st.sampled_from(times))] = (2**63 - 1,)  # infinity
    return row


def drawn(data: st.DataObject, resource: Resource) -> tuple[RowShape, Sequence[Row]]:
    """Draw rows, and what a mask shows of them."""
    whole = [
        spoilt(data, resource, [stored(data, field) for field in resource.fields])
        for _ in range(data.draw(st.integers(1, 3)))
    ]
    places = {field.column: i for i, field in enumerate(resource.fields)}
    for row in whole:
        if resource.version is not None:
            row[places[resource.version]] = data.draw(st.integers(1, 2**62))
    whole += [counted(whole[0], number) for number in range(data.draw(st.sampled_from((0, 0, 0, 20))))]
    mask = read_fields(resource, data.draw(st.lists(st.sampled_from(paths(resource)), max_size=4)))
    shown = [nullable(field, whole, places) for field in selected(resource, mask)]
    rows = [tuple(row[places[field.column]] for field in shown) for row in whole]
    return RowShape(resource, shown, mask), rows


def counted(row: Sequence[Any], number: int) -> list[Any]:
    """Return a row with another number in it: of most columns many values are equal, of some none."""
    return [number if type(value) is int else value for value in row]


def nullable(field: Field, rows: Sequence[Row], places: Mapping[str, int]) -> Field:
    """Return the field as one of a column that holds NULL, where that was drawn."""
    return replace(field, nullable=field.nullable or any(row[places[field.column]] is None for row in rows))


def paths(resource: Resource) -> list[str]:
    """Return what a mask may name: fields, and parts of documents."""
    named = [*(field.name for field in resource.fields), *([resource.etag] if resource.etag else [])]
    for field in resource.fields:
        message = field.descriptor.message_type
        if field.type.kind is not ValueKind.JSON or message is None or message.GetOptions().map_entry:
            continue
        step = f"{field.name}.*" if field.descriptor.is_repeated else field.name
        if not message.full_name.startswith("google.protobuf."):
            named += [f"{step}.{part.name}" for part in message.fields]
    return named


async def answered(
    method: StandardMethod,
    shape: RowShape,
    rows: Sequence[Row],
    only: str,
    options: Mapping[str, bool] | None,
) -> Response:
    """Return what a Get or List answers; in JSON where options of it are given."""
    form = None if options is None else JsonForm(method.descriptor.output_type, only, **options)
    call = Call(method.full_name, json=form)
    if method.kind is MethodKind.GET:
        return RowResponse(shape)(rows[0], call)
    names = {field.name for field in method.response.values()}
    return await RowsResponse(method, shape)(rows, {k: v for k, v in OTHERS.items() if k in names}, call)


async def check(data: st.DataObject, method: StandardMethod) -> None:
    """Compare what a Get or List answers of drawn rows, as JSON and as a message."""
    shape, rows = drawn(data, method.resource)
    options = data.draw(st.fixed_dictionaries({"proto_names": st.booleans(), "defaults": st.booleans()}))
    only = data.draw(
        st.sampled_from(["", "", *(field.name for field in method.descriptor.output_type.fields)])
    )
    try:
        plain = await answered(method, shape, rows, "", None)
        expected = as_protobuf_has_it(message_of(plain, method), only, **options)
    except (DataLoss, ValueError) as error:
        told = getattr(error, "violations", None)
        with pytest.raises(DataLoss) as caught:
            await answered(method, shape, rows, only, options)
        assert told in (None, caught.value.violations)
        return
    found = await answered(method, shape, rows, only, options)
    assert isinstance(found, WrittenResponse)
    assert same(json.loads(found.body), expected), (found.body, expected)


def message_of(response: Response, method: StandardMethod) -> Message:
    """Return what a response says."""
    body = response.body if isinstance(response, WrittenResponse) else serialized(response)
    return GetMessageClass(method.descriptor.output_type).FromString(body)


def same(found: Any, expected: Any) -> bool:
    """Compare JSON by its spelling, which tells -0.0 from 0 and true from 1."""
    return json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)


def as_protobuf_has_it(message: Message, only: str, *, proto_names: bool, defaults: bool) -> Any:
    """Return what json_format makes of a message, or of one of its fields; raises ValueError."""
    pool: Any = message.DESCRIPTOR.file.pool

    def plain(one: Message, *, zeros: bool) -> Any:
        try:
            return json.loads(
                json_format.MessageToJson(
                    one,
                    descriptor_pool=pool,
                    preserving_proto_field_name=proto_names,
                    always_print_fields_with_no_presence=zeros,
                )
            )
        except (json_format.Error, TypeError) as error:
            raise ValueError from error

    if not only:
        return plain(message, zeros=defaults)
    field = message.DESCRIPTOR.fields_by_name[only]
    for other, _ in message.ListFields():
        if other.name != only:
            message.ClearField(other.name)
    name = field.name if proto_names else field.json_name
    held = plain(message, zeros=defaults)
    return held[name] if name in held else plain(type(message)(), zeros=True).get(name)


@given(data=st.data(), method=st.sampled_from(METHODS))
@settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
async def test_rows_are_written_as_protobuf_writes_their_messages(
    data: st.DataObject, method: StandardMethod
) -> None:
    await check(data, method)


@given(data=st.data())
@settings(max_examples=25, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
async def test_rows_of_generated_schemas_are_written_as_protobuf_does(data: st.DataObject) -> None:
    schema = read_schema(descriptor_set(data.draw(schemas())))
    await check(data, data.draw(st.sampled_from(readers_of(schema))))
