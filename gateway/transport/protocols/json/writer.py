"""The serialised message → JSON text."""

from collections.abc import Callable
from functools import cache

import orjson
from google.protobuf.descriptor import Descriptor
from google.protobuf.message_factory import GetMessageClass

from gateway.errors import DataLoss, FieldViolation
from gateway.schema.protojson.errors import JsonError
from gateway.schema.protojson.writer import Writers


@cache
def _writers(*, proto_names: bool, defaults: bool) -> Writers:
    return Writers(proto_names=proto_names, defaults=defaults)


def json_writer(
    descriptor: Descriptor, *, proto_names: bool = False, defaults: bool = False
) -> Callable[[bytes], bytes]:
    """Return the function that makes JSON text of a serialised message of a type.

    Raises DataLoss, when called, for what JSON can't hold.

    Args:
        descriptor: the type.
        proto_names: whether fields are called as in the proto, and not in lowerCamelCase.
        defaults: whether fields without presence are written that are zero or empty.

    """
    cls = GetMessageClass(descriptor)
    plain = _writers(proto_names=proto_names, defaults=defaults).of_message(descriptor)

    def write(message: bytes) -> bytes:
        try:
            return orjson.dumps(plain(cls.FromString(message)))
        except (JsonError, RecursionError, orjson.JSONEncodeError) as error:
            raise _unfit(descriptor, error) from error

    return write


def _unfit(descriptor: Descriptor, error: Exception) -> DataLoss:
    found = error if isinstance(error, JsonError) else JsonError("is nested too deeply")
    text = f"{found.path or descriptor.full_name}: {found.description}"
    violations = [FieldViolation(found.path, found.description, "UNREPRESENTABLE_VALUE")]
    return DataLoss(text, reason="UNREPRESENTABLE_VALUE", violations=violations)
