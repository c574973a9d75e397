"""Plain updates, read straight into the arguments of the statement that makes them."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.db.coalesce import RequestedWrite, RowWrite
from gateway.errors import InvalidArgument
from gateway.methods.row_changes.by_key import Changes
from gateway.methods.row_changes.statement_shapes import MAX_SHAPES
from gateway.request.masks import means_all, update_columns
from gateway.schema.identity import key_identity
from gateway.schema.model import Field, StandardMethod
from gateway.schema.unknown_fields import has_unknown
from gateway.schema.values import InvalidValueError
from gateway.sql.writes.change import Change

Bind = Callable[[Message, int | None], RequestedWrite | None]
"""(the resource's message, the expected version) → the update; None where it isn't plain."""


class QuickUpdates:
    """Reads updates whose mask was seen before, at a fraction of the cost.

    Whatever is out of the ordinary, or wrong, is left to Updating.read, which knows all cases and what to
    say of them.

    Args:
        method: the Update method.
        changes: makes the statements.

    """

    def __init__(self, method: StandardMethod, changes: Changes) -> None:
        self._resource = method.resource
        self._empty = GetMessageClass(method.resource.message)()
        self._changes = changes
        self._has_mask = "update_mask" in method.request
        self._bind = lru_cache(MAX_SHAPES)(self._build)

    def requested_write(
        self, request: Message, message: Message, expected: int | None
    ) -> RequestedWrite | None:
        """Return a request's update of the row that `message` names; None where it isn't plain."""
        mask = request.update_mask if self._has_mask else None  # type: ignore[attr-defined]
        if has_unknown(message) and means_all(mask):
            return None
        paths = mask.paths if mask is not None else ()
        if paths:
            bind = self._bind(tuple(paths), expects=expected is not None)
        else:
            populated = tuple([descriptor.name for descriptor, _ in message.ListFields()])
            bind = self._bind(populated, expects=expected is not None, masked=False)
        return bind(message, expected) if bind is not None else None

    def _build(self, names: tuple[str, ...], *, expects: bool, masked: bool = True) -> Bind | None:
        resource = self._resource
        if not masked:
            names = tuple(name for name in names if name in resource.by_name)
        # A oneof's members change with what is set. Without them the mask alone decides.
        if resource.oneofs or resource.is_view or self._changes.has_rules or not names:
            return None
        try:
            wanted = update_columns(resource, FieldMask(paths=names), self._empty)
        except InvalidArgument:
            return None
        columns = tuple(field.column for field in wanted.fields)
        if wanted.below or not columns:
            return None
        write = self._changes.kind(Change.UPDATE, columns, expects=expects)
        return _binder(write, resource.key_fields)


def _binder(write: RowWrite, key: Sequence[Field]) -> Bind:
    """Return the function that makes the update of a message's values, in bind order."""
    binds = write.single.statement.binds
    fields = {f"v{i}": field for i, field in enumerate(write.single.fields)}
    constants = write.single.statement.constants
    given = [(at, *_reading(fields[name], key)) for at, name in enumerate(binds) if name in fields]
    template = [constants.get(name) for name in binds]
    expected_at = binds.index("expected") if "expected" in binds else None
    identity = key_identity(key)
    key_at = [binds.index(f"v{write.single.fields.index(field)}") for field in key]

    def bind(message: Message, expected: int | None) -> RequestedWrite | None:
        args = template.copy()
        try:
            for at, name, may_lack, must_have, encode in given:
                if may_lack and not message.HasField(name):
                    if must_have:
                        return None
                    continue
                value = getattr(message, name)
                args[at] = value if encode is None else encode(value)
        except InvalidValueError:
            return None
        if expected_at is not None:
            args[expected_at] = expected
        return RequestedWrite(write, args, identity([args[at] for at in key_at]))

    return bind


def _reading(field: Field, key: Sequence[Field]) -> tuple[str, bool, bool, Callable[[Any], Any] | None]:
    """Return a field's name, whether it can be unset, whether it must not be then, and its encoder."""
    must_have = field in key or (not field.nullable and field.default is not None)
    return field.name, field.has_presence, must_have, field.type.encode
