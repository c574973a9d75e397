"""Documents are written and read as protobuf's own ProtoJSON is, and come back as they were."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.schema.model import Field
from gateway.schema.protojson.errors import JsonError
from gateway.schema.protojson.reader import Readers
from gateway.schema.protojson.scalars import FLOAT_MAX
from gateway.schema.types.documents import spell
from gateway.schema.values import InvalidValueError
from tests.harness.gateway import schema_of
from tests.schema.messages import values

DOCUMENTS = {
    ("types", "types.v1.Rich"): ("part", "parts_by_number", "doubles_by_bool", "values"),
    ("values", "values.v1.Modern"): ("paper", "kinds"),
    ("values", "values.v1.Legacy"): ("spelled",),
}


def _documents() -> Iterator[Any]:
    for (schema, name), fields in DOCUMENTS.items():
        for field in schema_of(schema).resources[name].fields:
            if field.name in fields:
                yield pytest.param(field, id=f"{name}.{field.name}")


def _holder(field: Field, **given: Any) -> Message:
    made: Message = GetMessageClass(field.descriptor.containing_type)(**given)
    return made


def _plain(holder: Message) -> Any:
    """Return what protobuf writes."""
    pool: Any = holder.DESCRIPTOR.file.pool
    return json_format.MessageToDict(holder, preserving_proto_field_name=True, descriptor_pool=pool)


def _parsed(field: Field, plain: Any) -> bytes:
    """Return what protobuf reads."""
    holder = _holder(field)
    pool: Any = holder.DESCRIPTOR.file.pool
    json_format.ParseDict({field.name: plain}, holder, descriptor_pool=pool)
    return holder.SerializeToString(deterministic=True)


def _read(field: Field, plain: Any) -> bytes:
    holder = _holder(field)
    pool: Any = holder.DESCRIPTOR.file.pool
    read = Readers(pool, proto_names=True).of_message(field.descriptor.containing_type)
    read_back = read({field.name: json.loads(json.dumps(plain))})
    return read_back.SerializeToString(deterministic=True)


QUICK = settings(max_examples=20, suppress_health_check=list(HealthCheck))
ODD = st.sampled_from(
    [None, True, 0, -1, 2**70, 1.0, 0.5, 1e39, FLOAT_MAX, "", "1", "NaN", "x", "YQ", [], {}, [None]]
)


def _drawn(data: st.DataObject, field: Field) -> tuple[Message, Any]:
    strategy = values(field.descriptor, 2)
    assert strategy is not None
    try:
        holder = _holder(field, **{field.name: data.draw(strategy)})
    except ValueError:  # a closed enum has no other numbers
        assume(False)
    return holder, getattr(holder, field.name)


@pytest.mark.parametrize("field", [*_documents()])
@QUICK
@given(data=st.data())
def test_a_document_is_written_and_read_as_protobuf_does(field: Field, data: st.DataObject) -> None:
    holder, value = _drawn(data, field)
    assert field.type.encode is not None
    assert field.type.decode is not None
    try:
        text = field.type.encode(value)
    except InvalidValueError:
        assume(False)
    plain = json.loads(text)
    assert plain == _plain(holder).get(field.name, plain if not value else None)
    sent = _holder(field, **{field.name: value}).SerializeToString(deterministic=True)
    assert _read(field, plain) == _parsed(field, plain) == sent
    decoded = _holder(field, **{field.name: field.type.decode(text)})
    assert decoded.SerializeToString(deterministic=True) == sent


@pytest.mark.parametrize(("depth", "kept"), [(0, True), (16, True), (17, False), (5_000, False)])
def test_messages_are_packed_in_each_other_to_some_depth(depth: int, *, kept: bool) -> None:
    field = next(f for f in schema_of("values").resources["values.v1.Modern"].fields if f.name == "paper")
    holder: Any = _holder(field)
    packed = holder.paper.any
    content = b""
    for _ in range(depth):
        packed.type_url, packed.value = "type.googleapis.com/google.protobuf.Any", content
        content = packed.SerializeToString()
    assert field.type.encode is not None
    assert field.type.decode is not None
    if kept:
        assert field.type.decode(field.type.encode(holder.paper)) == holder.paper
    else:
        with pytest.raises(InvalidValueError, match="packs messages more than 16 deep"):
            field.type.encode(holder.paper)


def test_packed_bytes_that_are_no_message_are_refused() -> None:
    field = next(f for f in schema_of("values").resources["values.v1.Modern"].fields if f.name == "paper")
    holder: Any = _holder(field)
    holder.paper.any.type_url, holder.paper.any.value = "type.googleapis.com/values.v1.Paper", b"\xff"
    assert field.type.encode is not None
    with pytest.raises(InvalidValueError, match="packs what is no message"):
        field.type.encode(holder.paper)


def _replaced(data: st.DataObject, plain: Any) -> Any:
    """Return the JSON with something odd in some place."""
    if isinstance(plain, dict) and plain and data.draw(st.booleans() | st.just(value=True)):
        name = data.draw(st.sampled_from(sorted(plain)))
        return {**plain, name: _replaced(data, plain[name])}
    if isinstance(plain, list) and plain and data.draw(st.booleans() | st.just(value=True)):
        place = data.draw(st.integers(0, len(plain) - 1))
        return [*plain[:place], _replaced(data, plain[place]), *plain[place + 1 :]]
    return data.draw(ODD)


@pytest.mark.parametrize("field", [*_documents()])
@QUICK
@given(data=st.data())
def test_what_others_wrote_is_read_as_protobuf_does_or_refused(field: Field, data: st.DataObject) -> None:
    holder, _ = _drawn(data, field)
    try:
        plain = _replaced(data, _plain(holder).get(field.name, {}))
    except (json_format.Error, ValueError, TypeError, DecodeError):
        assume(False)
    try:
        found = _read(field, plain)
    except JsonError:
        return
    # Protobuf refuses numbers that round to the largest float.
    if "3.4028235e+38" not in spell(plain):
        with suppress(AttributeError):  # of a null in the place of a list of values
            assert found == _parsed(field, plain)
