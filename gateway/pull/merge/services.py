"""The merge of a service with the one that stands: messages follow the key, the rest is the author's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from google.protobuf.descriptor_pb2 import DescriptorProto

from gateway.proto_files.numbers import read_numbers
from gateway.proto_files.options import written_field
from gateway.proto_files.text import ProtoField, ProtoMessage


def rekeyed(
    stand: Mapping[str, DescriptorProto], before: Sequence[ProtoMessage], after: Sequence[ProtoMessage]
) -> Iterator[ProtoMessage]:
    """Yield the messages of a service that another key changes, as they are to be.

    Args:
        stand: the messages as they stand, by name.
        before: the messages that the standard service has with the key as it was.
        after: those with the key as it is.

    """
    old = {message.name: _by_name(message) for message in before}
    for message in after:
        new = _by_name(message)
        if message.name in stand and message.name in old and old[message.name] != new:
            yield _rekeyed(stand[message.name], old[message.name], new)


def _by_name(message: ProtoMessage) -> dict[str, ProtoField]:
    return {one.name: replace(one, number=0) for one in message.fields}


def _rekeyed(
    stands: DescriptorProto, before: Mapping[str, ProtoField], after: Mapping[str, ProtoField]
) -> ProtoMessage:
    """Return a message with what differs between two standard ones."""
    fields = [written_field(one, {}) for one in stands.field]
    kept = [_changed(one, before, after) for one in fields if one.name in after or one.name not in before]
    names = {one.name for one in fields}
    added = [one for name, one in after.items() if name not in before and name not in names]
    numbers = read_numbers(stands)
    given = numbers.numbered([one.name for one in (*kept, *added)])
    ranges, reserved = numbers.reserved_without([one.name for one in (*kept, *added)])
    return ProtoMessage(
        stands.name,
        "",
        [replace(one, number=given[one.name]) for one in (*kept, *added)],
        reserved_numbers=ranges,
        reserved_names=reserved,
    )


def _changed(
    field: ProtoField, before: Mapping[str, ProtoField], after: Mapping[str, ProtoField]
) -> ProtoField:
    """Return a field with the type that a standard one has now, unless that had another from its author."""
    was, becomes = before.get(field.name), after.get(field.name)
    if was is None or becomes is None or (_own(field.type), field.label) != (_own(was.type), was.label):
        return field
    return replace(field, type=becomes.type, label=becomes.label)


def _own(type_: str) -> str:
    """Return a type's name without its package, which a standard message leaves out of its own."""
    return type_.rpartition(".")[2]
