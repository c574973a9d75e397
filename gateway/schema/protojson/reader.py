"""ProtoJSON as plain Python → messages: one function a type, which makes what its constructor takes."""

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.errors.suggest import did_you_mean
from gateway.schema.protojson import steps
from gateway.schema.protojson.errors import JsonError
from gateway.schema.protojson.scalars import SCALARS, Read, double, read_enum, read_key
from gateway.schema.protojson.texts import read_duration, read_mask, read_timestamp

_LONGEST_NAME = 64


class Readers:
    """The readers of message types, each made once: a message may hold others of its own type.

    Args:
        pool: where packed messages and extensions are looked up.
        proto_names: whether a name that is one field's in the proto and another one's in JSON is the first's.

    """

    def __init__(self, pool: DescriptorPool, *, proto_names: bool = False) -> None:
        self._pool = pool
        self._proto_names = proto_names
        self._messages: dict[Descriptor, Read] = {}

    def of_message(self, message: Descriptor) -> Callable[[Any], Message]:
        """Return what makes messages of a type; raises JsonError, when called, for JSON that is none."""
        cls, read = GetMessageClass(message), self._of_message(message)
        return lambda plain: _made(cls, read(plain))

    def of_field(self, field: FieldDescriptor) -> Read:
        """Return what makes a field's whole value, a list or map too, as a constructor takes it."""
        if not field.is_repeated:
            return self._of_value(field)
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
            return _map(read_key(key), self._of_value(value))
        return _list(self._of_value(field))

    def _of_value(self, field: FieldDescriptor) -> Read:
        if field.full_name == steps.FIELD:
            return self._request_of_step
        if field.message_type is not None:
            return self._of_message(field.message_type)
        if field.enum_type is not None:
            return read_enum(field.enum_type)
        return SCALARS[field.type]

    def _of_message(self, message: Descriptor) -> Read:
        made = self._messages.get(message)
        if made is None:
            made = self._messages[message] = self._new(message)
        return made

    def _new(self, message: Descriptor) -> Read:
        name = message.full_name
        if name in _TEXTS:
            return _TEXTS[name]
        if name in _FILLED:
            cls, fill = GetMessageClass(message), _FILLED[name]
            return lambda plain: fill(cls(), plain)
        if name == "google.protobuf.Any":
            return self._any
        if message.file.name == "google/protobuf/wrappers.proto":
            read = self._of_value(message.fields_by_name["value"])
            return lambda plain: {"value": read(plain)}
        return self._object(message)

    def _object(self, message: Descriptor) -> Read:
        fields = self._names(message)
        known: dict[str, tuple[str, Read, bool]] = {}
        oneofs = [_members(oneof) for oneof in message.oneofs if len(oneof.fields) > 1]
        extend = self._extender(message) if message.is_extendable else None

        def learn(name: str) -> tuple[str, Read, bool]:
            field = fields.get(name) or self._extension(message, name)
            if field is None:
                raise JsonError(
                    f"is no field of {message.full_name}{did_you_mean(name, fields)}", name[:_LONGEST_NAME]
                )
            target = f"[{field.full_name}]" if field.is_extension else field.name
            known[name] = target, self.of_field(field), _takes_null(field)
            return known[name]

        def read(plain: Any) -> Any:
            if type(plain) is not dict:
                raise JsonError("is no object")
            made: dict[str, Any] = {}
            for name, value in plain.items():
                target, read_value, takes_null = known.get(name) or learn(name)
                try:
                    made[target] = read_value(value) if value is not None or takes_null else None
                except JsonError as error:
                    raise error.below(target) from None
            if len(made) < len(plain):
                raise _twice(plain, known)
            for members in oneofs:
                _check_oneof(made, members)
            return made if extend is None else extend(made)

        return read

    def _names(self, message: Descriptor) -> Mapping[str, FieldDescriptor]:
        proto = {field.name: field for field in message.fields}
        json = {field.json_name: field for field in message.fields}
        return json | proto if self._proto_names else proto | json

    def _extension(self, message: Descriptor, name: str) -> FieldDescriptor | None:
        """Return the extension that `[its.full.name]` stands for."""
        if not (message.is_extendable and name.startswith("[") and name.endswith("]")):
            return None
        try:
            found: FieldDescriptor = self._pool.FindExtensionByName(name[1:-1])
        except KeyError:
            return None
        return found if found.containing_type == message else None

    def _extender(self, message: Descriptor) -> Callable[[dict[str, Any]], Any]:
        """Return what makes the message where there are extensions, which no constructor takes."""
        cls = GetMessageClass(message)

        def extend(made: dict[str, Any]) -> Any:
            extensions = {name: value for name, value in made.items() if name.startswith("[")}
            if not extensions:
                return made
            message: Any = cls(**{name: value for name, value in made.items() if name not in extensions})
            for name, value in extensions.items():
                if value is not None:
                    _set_extension(message, self._pool.FindExtensionByName(name[1:-1]), value)
            return message

        return extend

    def _any(self, plain: Any) -> dict[str, Any]:
        if plain == {}:
            return {}
        if type(plain) is not dict or type(plain.get("@type")) is not str:
            raise JsonError("is no object with the type of what is packed as @type")
        url = plain["@type"]
        try:
            message = self._pool.FindMessageTypeByName(url.rpartition("/")[2])
        except KeyError:
            raise JsonError("is no message that the schema knows", "@type") from None
        content: Any = {name: value for name, value in plain.items() if name != "@type"}
        if stands_as_value(message):
            if content.keys() != {"value"}:
                raise JsonError(f"needs the packed {message.full_name} as value, and nothing else")
            content = content["value"]
        # Packed bytes are compared as they stand, so they are those that protobuf itself would write.
        packed = self.of_message(message)(content).SerializePartialToString()
        return {"type_url": url, "value": packed}

    def _request_of_step(self, plain: Any) -> dict[str, Any]:
        """Return a packed request; of one that is none its error, as its caller isn't known to be let in."""
        try:
            return self._any(plain)
        except JsonError as error:
            url = plain.get("@type") if type(plain) is dict else None
            if type(url) is not str:
                raise
            return steps.unread(url, error)


def stands_as_value(message: Descriptor) -> bool:
    """Return whether a packed message stands as `value` beside its type: its JSON is no object of fields."""
    return message.full_name in _AS_VALUES or message.file.name == "google/protobuf/wrappers.proto"


def _made(cls: type[Message], arguments: Any) -> Message:
    return arguments if isinstance(arguments, Message) else cls(**arguments)


def _set_extension(message: Any, field: FieldDescriptor, value: Any) -> None:
    """Set an extension to what a constructor would take."""
    if field.message_type is None:
        if field.is_repeated:
            message.Extensions[field].extend(value)
        else:
            message.Extensions[field] = value
        return
    cls = GetMessageClass(field.message_type)
    if field.is_repeated:
        message.Extensions[field].extend(_made(cls, one) for one in value)
    else:
        message.Extensions[field].CopyFrom(_made(cls, value))
        message.Extensions[field].SetInParent()


def _members(oneof: Any) -> tuple[str, ...]:
    return tuple(field.name for field in oneof.fields)


def _check_oneof(made: Mapping[str, Any], members: tuple[str, ...]) -> None:
    named = [name for name in members if made.get(name) is not None]
    if len(named) > 1:
        raise JsonError(f"stands beside {named[0]}, of which only one can be set", named[1])


def _twice(plain: Mapping[str, Any], known: Mapping[str, tuple[str, Read, bool]]) -> JsonError:
    targets = [known[name][0] for name in plain]
    twice = next(target for target in targets if targets.count(target) > 1)
    return JsonError("is named twice", twice)


def _takes_null(field: FieldDescriptor) -> bool:
    """Return whether null is a value of the field, and doesn't leave it unset."""
    if field.is_repeated:
        return False
    if field.enum_type is not None:
        return bool(field.enum_type.full_name == "google.protobuf.NullValue")
    return field.message_type is not None and field.message_type.full_name == "google.protobuf.Value"


def _list(read: Read) -> Read:
    def read_list(values: Any) -> list[Any]:
        if type(values) is not list:
            raise JsonError("is no list")
        made: list[Any] = []
        try:
            for value in values:
                made.append(read(value))  # noqa: PERF401 - how many are made tells which one is wrong
        except JsonError as error:
            raise error.below(len(made)) from None
        return made

    return read_list


def _map(read_name: Read, read: Read) -> Read:
    def read_map(values: Any) -> dict[Any, Any]:
        if type(values) is not dict:
            raise JsonError("is no object")
        made: dict[Any, Any] = {}
        name = ""
        try:
            for name, value in values.items():
                made[read_name(name)] = read(value)
        except JsonError as error:
            raise error.below(f"[{name[:_LONGEST_NAME]}]") from None
        if len(made) < len(values):
            raise JsonError("names a key twice")
        return made

    return read_map


def _fill_struct(message: Any, plain: Any) -> Any:
    if type(plain) is not dict:
        raise JsonError("is no object")
    fields = message.fields
    for name, value in plain.items():
        _fill_value(fields[name], value)
    return message


def _fill_list(message: Any, plain: Any) -> Any:
    if type(plain) is not list:
        raise JsonError("is no list")
    add = message.values.add
    for value in plain:
        _fill_value(add(), value)
    return message


def _fill_value(message: Any, plain: Any) -> Any:
    kind = type(plain)
    if kind is str:
        message.string_value = plain
    elif kind is dict:
        held = message.struct_value
        held.SetInParent()
        if plain:
            _fill_struct(held, plain)
    elif kind is list:
        held = message.list_value
        held.SetInParent()
        if plain:
            _fill_list(held, plain)
    elif kind is bool:
        message.bool_value = plain
    elif plain is None:
        message.null_value = 0
    else:
        message.number_value = double(plain)
    return message


# A constructor takes a dict for the content of a Struct, or for its fields, as it sees fit.
_FILLED: Mapping[str, Callable[[Any, Any], Any]] = {
    "google.protobuf.Struct": _fill_struct,
    "google.protobuf.Value": _fill_value,
    "google.protobuf.ListValue": _fill_list,
}
_TEXTS: Mapping[str, Read] = {
    "google.protobuf.Timestamp": read_timestamp,
    "google.protobuf.Duration": read_duration,
    "google.protobuf.FieldMask": read_mask,
}
_AS_VALUES = frozenset({*_FILLED, *_TEXTS, "google.protobuf.Any"})
