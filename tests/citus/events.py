"""The events of tests/divided, in shards by their kind in place of several tables, or in one table."""

from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from rowgate.v1 import annotations_pb2

from tests.harness.gateway import descriptors_of

_SHARDS: dict[str, dict[str, Any]] = {
    "Page": {"reference": True},
    "Event": {"distribute_by": "kind"},
    "Note": {"distribute_by": "event_kind", "colocate_with": "event"},
    "Order": {"distribute_by": "tenant"},
    "Line": {"distribute_by": "tenant", "colocate_with": "shop.order"},
}
_WITHOUT = ("NoteService", "PageService")
LISTED = ("notes",)
"""What read masks name that is a list of other rows, which Citus doesn't send from its nodes."""


def events(*, in_shards: bool) -> FileDescriptorSet:
    """Return the schema, whose tables are spread over nodes or not; notes have their event in their key."""
    schema = FileDescriptorSet()
    schema.CopyFrom(descriptors_of("divided"))
    for file in schema.file:
        for service in [one for one in file.service if one.name in _WITHOUT]:
            file.service.remove(service)
        for message in file.message_type:
            if not message.options.HasExtension(annotations_pb2.table):  # type: ignore[arg-type]
                continue
            table = message.options.Extensions[annotations_pb2.table]  # type: ignore[index]
            table.ClearField("partition_by")
            if message.name == "Page":  # its events are on nodes, and it is on all of them
                message.field.remove(next(one for one in message.field if one.name == "events"))
            if message.name == "Note":
                table.primary_key[:] = ["event_kind", "id"]
            for option, value in (_SHARDS.get(message.name, {}) if in_shards else {}).items():
                setattr(table, option, value)
    return schema
