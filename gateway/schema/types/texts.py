"""Text: as it stands, or as one of the PostgreSQL types that are written as text."""

import re
from collections.abc import Callable
from uuid import UUID

from sqlalchemy.dialects import postgresql

from gateway.schema.types.sqltypes import NamedType, SqlType, TypeFault
from gateway.schema.values import ValueFault, ValueKind, ValueType

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def text(sql: SqlType) -> ValueType:
    """Return the type of a string field: `text`, `varchar(n)`, `uuid`, or a type that is cast from text."""
    if sql == SqlType("text"):
        return ValueType("text", postgresql.TEXT(), ValueKind.TEXT, encode=plain, parse=plain)
    if sql.name == "character varying":
        return _varchar(sql)
    if sql.name == "uuid":
        return ValueType("uuid", postgresql.UUID(), ValueKind.UUID, encode=_uuid, decode=str, parse=_uuid)
    if sql.name == "character":
        raise TypeFault(
            f"{sql} pads with blanks, so text would not come back as sent", "use text or varchar(n)"
        )
    return ValueType(
        str(sql), NamedType(str(sql)), ValueKind.OTHER, encode=plain, parse=plain, text_cast=True
    )


def plain(value: str) -> str:
    """Return the text; raises ValueFault where it holds NUL, which PostgreSQL can't store."""
    if "\0" in value:
        raise ValueFault("holds a NUL character, which text can't", "NUL_IN_TEXT")
    return value


def _varchar(sql: SqlType) -> ValueType:
    if not sql.modifiers:
        return ValueType(str(sql), postgresql.VARCHAR(), ValueKind.TEXT, encode=plain, parse=plain)
    (length,) = sql.modifiers
    return ValueType(
        str(sql), postgresql.VARCHAR(length), ValueKind.TEXT, encode=_at_most(length), parse=plain
    )


def _at_most(length: int) -> Callable[[str], str]:
    def check(value: str) -> str:
        if "\0" in value:
            raise ValueFault("holds a NUL character, which text can't", "NUL_IN_TEXT")
        if len(value) > length:
            raise ValueFault(f"has {len(value)} characters, {length} are allowed", "TOO_LONG")
        return value

    return check


def _uuid(value: str) -> UUID:
    if not _UUID.fullmatch(value):
        raise ValueFault("is no UUID, as 123e4567-e89b-12d3-a456-426614174000", "INVALID_UUID")
    return UUID(value)
