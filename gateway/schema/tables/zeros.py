"""The values that fields without presence are stored as while nobody sets them."""

from typing import Any

from google.protobuf.message_factory import GetMessageClass

from gateway.schema import model
from gateway.schema.tables.literals import value_literal
from gateway.schema.values import InvalidValueError


def zero_of(field: model.Field) -> Any:
    """Return what a Create stores for a field that its message leaves out, as the driver takes it.

    None where there is no such value: unset is NULL or a default, PostgreSQL makes it, or the type has none,
    such as `uuid`.
    """
    if field.has_presence or field.nullable or field.default or field.generated or field.identity:
        return None
    message = GetMessageClass(field.descriptor.containing_type)()  # type: ignore[arg-type]
    unset = getattr(message, field.descriptor.name)
    try:
        return field.type.encode(unset) if field.type.encode else unset
    except InvalidValueError:
        return None


def zero_literal(field: model.Field) -> str | None:
    """Return the same as a literal of SQL, None where there is none."""
    return value_literal(zero_of(field))
