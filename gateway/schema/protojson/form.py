"""The form of a response in JSON: what its members are called, which of them are written, and their text."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.errors import DataLoss, FieldViolation
from gateway.schema.protojson.errors import JsonError
from gateway.schema.protojson.writer import Writers

_TOO_DEEP = "is nested too deeply"


@cache
def _writers(*, proto_names: bool, defaults: bool) -> Writers:
    return Writers(proto_names=proto_names, defaults=defaults)


class JsonForm:
    """How the messages of a type are written.

    Args:
        message: the type.
        only: the field that is written in the message's place; empty for the whole.
        proto_names: whether fields are called as in the proto, and not in lowerCamelCase.
        defaults: whether fields without presence are written that are zero or empty.

    """

    def __init__(
        self, message: Descriptor, only: str = "", *, proto_names: bool = False, defaults: bool = False
    ) -> None:
        self._message = message
        self._read = GetMessageClass(message).FromString
        self.writers = _writers(proto_names=proto_names, defaults=defaults)
        """The writers of what it holds."""
        self._only = message.fields_by_name[only] if only else None

    def of_message(self, message: Message) -> bytes:
        """Return a message's text; raises DataLoss for what JSON can't hold."""
        try:
            return self.text(self._members(message))
        except (JsonError, RecursionError) as error:
            raise self._unfit(error) from error

    def of_bytes(self, message: bytes) -> bytes:
        """Return the text of a serialised message; raises DataLoss for what JSON can't hold."""
        return self.of_message(self._read(message))

    def text(self, members: Mapping[str, Any]) -> bytes:
        """Return the text of a message whose members are plain; raises JsonError."""
        only = self._only
        if only is None:
            return _dumped(members)
        name = self.writers.name_of(only)
        if name in members:
            return _dumped(members[name])
        return _dumped(None if only.has_presence else self.writers.of_default(only))

    def holds(self, field: FieldDescriptor) -> bool:
        """Return whether a field of the message is written."""
        return self._only in (None, field)

    def around(self, items: FieldDescriptor, members: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """Return the text before a list's items, and after them, where other members are plain."""
        if self._only is not None:
            return b"[", b"]"
        others = {name: value for name, value in members.items() if name != self.writers.name_of(items)}
        before = b"{%s:[" % _dumped(self.writers.name_of(items))
        return before, b"],%s" % _dumped(others)[1:] if others else b"]}"

    def _members(self, message: Message) -> Mapping[str, Any]:
        only, writers = self._only, self.writers
        if only is None:
            return writers.of_message(self._message)(message)  # type: ignore[no-any-return]
        held = dict(message.ListFields())
        try:
            return {writers.name_of(only): writers.of_field(only)(held[only])} if only in held else {}
        except JsonError as error:
            raise error.below(only.name) from None

    def _unfit(self, error: Exception) -> DataLoss:
        found = error if isinstance(error, JsonError) else JsonError(_TOO_DEEP)
        text = f"{found.path or self._message.full_name}: {found.description}"
        violations = [FieldViolation(found.path, found.description, "UNREPRESENTABLE_VALUE")]
        return DataLoss(text, reason="UNREPRESENTABLE_VALUE", violations=violations)


def items_text(objects: Sequence[Any]) -> bytes:
    """Return the text of a list's items; raises JsonError where it is nested too deeply."""
    return _dumped(objects)[1:-1]


def _dumped(plain: Any) -> bytes:
    try:
        return orjson.dumps(plain)
    except orjson.JSONEncodeError:
        raise JsonError(_TOO_DEEP) from None
