"""JSON is read and written as protobuf's json_format does, or stricter where that is right."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from gateway.errors import DataLoss, InvalidArgument
from gateway.schema.protojson.form import JsonForm
from gateway.transport.protocols.json import json_reader
from tests.generated_schemas.descriptors import descriptor_set
from tests.generated_schemas.drawing import schemas
from tests.schema.messages import messages
from tests.transport.json.pools import NAMES, kinds, pool_from

QUICK = settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 2**70, 1.0, 0.5, 1e2, 1e39, 1e308, -0.0),
    *("", "1", "-1", "1.0", "1e2", "0.5", "NaN", "-Infinity", "x", "YQ", "YQ==", "_-8", "+/8=", "9" * 30),
    *(
        "2024-02-29T12:30:00.123456789+01:30",
        "0001-01-01T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1.5s",
        "-0.5s",
        "a.bC",
    ),
    *([], {}, [None], [1], {"a": None}, {"1": 1}, {"@type": "type.googleapis.com/edge.v1.Edge", "small": 1}),
)
TOLERATED: Mapping[str, tuple[Any, ...]] = {
    "is no number": (True, False),
    "is no value of": (True, False, 0.5, 1.0, 1e2, -0.0, 1e308, 1e39),
    "is no object": ([], "", [None], [1]),
    "is no base64": (
        *("1", "-1", "1.0", "1e2", "0.5", "NaN", "-Infinity", "x", "1.5s", "-0.5s", "a.bC"),
        *("2024-02-29T12:30:00.123456789+01:30", "0001-01-01T00:00:00Z", "2023-02-29T00:00:00Z"),
    ),
    "past the largest float": (1e39, 1e308, 2**70),
    "is named twice": ODD,
}
"""What json_format takes, which is no value of the field: by our words, what it was."""


def expected_text(message: Message, **options: Any) -> str:
    """Return what json_format writes; raises ValueError."""
    pool: Any = message.DESCRIPTOR.file.pool
    try:
        return json_format.MessageToJson(message, descriptor_pool=pool, **options)
    except (json_format.Error, TypeError) as error:
        raise ValueError from error


def expected_message(text: str | bytes, message: Message) -> bytes | None:
    """Return what json_format reads, None where it refuses."""
    pool: Any = message.DESCRIPTOR.file.pool
    try:
        made = json_format.Parse(text, message, descriptor_pool=pool)
    except (json_format.Error, ValueError, AttributeError):
        return None
    return canonical(made.SerializePartialToString(), made)


def canonical(serialized: bytes, like: Message) -> bytes:
    message: Message = type(like).FromString(serialized)
    return bytes(message.SerializePartialToString(deterministic=True))


def drawn(data: st.DataObject, kind: Descriptor) -> Message:
    message = data.draw(messages(kind, 2))
    _pack(message)
    return message


def _pack(message: Message) -> None:
    """Pack messages of the schema where something else is drawn."""
    for field, value in message.ListFields():
        if field.message_type is None or (field.is_repeated and field.message_type.GetOptions().map_entry):
            continue
        for one in value if field.is_repeated else [value]:
            if field.message_type.full_name == "google.protobuf.Any":
                name = ("Timestamp", "Int64Value", "Value", "FieldMask", "Empty")[len(one.value) % 5]
                one.type_url = f"type.googleapis.com/google.protobuf.{name}"
                one.value = b""
            else:
                _pack(one)


def check_written(message: Message, **options: Any) -> None:
    kind: Any = message.DESCRIPTOR
    write = JsonForm(kind, **options).of_bytes
    theirs = {
        "preserving_proto_field_name": options.get("proto_names", False),
        "always_print_fields_with_no_presence": options.get("defaults", False),
    }
    try:
        expected = expected_text(message, **theirs)
    except ValueError:
        with pytest.raises(DataLoss):
            write(message.SerializePartialToString())
        return
    assert json.loads(write(message.SerializePartialToString())) == json.loads(expected)


def check_read(text: str | bytes, kind: Descriptor) -> InvalidArgument | None:
    """Compare what is read; return our refusal, where json_format takes it."""
    like = GetMessageClass(kind)()
    expected = expected_message(text, like)
    try:
        read = json_reader(kind)(text.encode() if isinstance(text, str) else text)
    except InvalidArgument as error:
        return None if expected is None else error
    assert canonical(read, like) == expected or (expected is None and _is_own(text))
    return None


def _is_own(text: str | bytes) -> bool:
    """Return whether json_format may write it but not read it: nulls in lists, the largest float."""
    return '"nulls"' in str(text) or "3.4028235e+38" in str(text)


@pytest.mark.parametrize("schema", NAMES)
@QUICK
@given(data=st.data())
def test_messages_are_written_and_read_as_protobuf_does(schema: str, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(kinds(schema)))
    message = drawn(data, kind)
    options = data.draw(st.fixed_dictionaries({"proto_names": st.booleans(), "defaults": st.booleans()}))
    check_written(message, **options)
    try:
        text = expected_text(message, preserving_proto_field_name=options["proto_names"])
    except ValueError:
        return
    assert check_read(text, kind) is None or _names_a_field_twice(text, kind)


def _names_a_field_twice(text: str, kind: Descriptor) -> bool:
    """Whether a field's name is another's in JSON, and both are there: json_format takes one of them."""
    mine = {field.json_name: field.name for field in kind.fields}
    found = json.loads(text)
    return any(name in found and mine[name] != name and mine[name] in found for name in mine)


@pytest.mark.parametrize("schema", NAMES)
@QUICK
@given(data=st.data())
def test_odd_json_is_read_as_protobuf_does_or_refused(schema: str, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(kinds(schema)))
    try:
        plain = json.loads(expected_text(drawn(data, kind)))
    except ValueError:
        assume(False)
    odd = data.draw(st.sampled_from(ODD))
    names = [field.json_name for field in kind.fields] + [field.name for field in kind.fields]
    plain = (
        {**plain, data.draw(st.sampled_from(names)): odd}
        if data.draw(st.booleans())
        else _replaced(data, plain, odd)
    )
    refusal = check_read(json.dumps(plain), kind)
    if refusal is not None:
        assert any(said in refusal.message and odd in held for said, held in TOLERATED.items()), refusal


def _replaced(data: st.DataObject, plain: Any, odd: Any) -> Any:
    """Return the JSON with something odd in some place."""
    if isinstance(plain, dict) and plain and data.draw(st.integers(0, 3)):
        name = data.draw(st.sampled_from(sorted(plain)))
        return {**plain, name: _replaced(data, plain[name], odd)}
    if isinstance(plain, list) and plain and data.draw(st.integers(0, 3)):
        place = data.draw(st.integers(0, len(plain) - 1))
        return [*plain[:place], _replaced(data, plain[place], odd), *plain[place + 1 :]]
    return odd


@given(data=st.data())
@settings(max_examples=10, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
def test_messages_of_generated_schemas_are_written_and_read_as_protobuf_does(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    kind = pool_from(descriptor_set(schema)).FindMessageTypeByName(f"{schema.package}.{schema.message}")
    message = drawn(data, kind)
    check_written(message)
    try:
        text = expected_text(message)
    except ValueError:
        return
    assert check_read(text, kind) is None
