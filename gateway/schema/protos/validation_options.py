"""Rules of `buf.validate` (protovalidate.com): which messages carry some, and the file that declares them."""

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message

from gateway.schema.reachable_messages import reachable
from gateway.schema.unknown_fields import unknown_numbers

RULES_FILE = "buf/validate/validate.proto"
_EXTENSION = 1159
"""The number of `(buf.validate.message)`, `(buf.validate.field)` and `(buf.validate.oneof)` alike."""


def carries_rules(message: Descriptor) -> bool:
    """Whether the message itself, one of its fields or of its oneofs has a rule."""
    elements = (message, *message.fields, *message.oneofs)
    return any(one.has_options and _has_extension(one.GetOptions()) for one in elements)


def has_rules(message: Descriptor) -> bool:
    """Whether the message has a rule, or what it can hold."""
    return any(carries_rules(one) for one in reachable(message).values())


def _has_extension(options: Message) -> bool:
    # It is a known one once somebody, as a handler, has imported code that is generated of buf's file.
    return _EXTENSION in unknown_numbers(options) or any(
        field.number == _EXTENSION for field, _ in options.ListFields()
    )


def rules_file() -> FileDescriptorSet:
    """Return the file that schemas import for these rules: the one of protovalidate, which evaluates them."""
    from protovalidate import ViolationPb  # noqa: PLC0415 - a library of 10 MB, which few schemas need

    files = FileDescriptorSet()
    files.file.add().ParseFromString(ViolationPb.desc().file.proto.to_binary())
    return files
