"""Bytes, as they stand."""

import base64
import binascii

from sqlalchemy.dialects import postgresql

from gateway.schema.types.sql_types import InvalidTypeError, SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType


def octets(sql: SqlType) -> ValueType:
    """Return the type of a bytes field; filters write them in base64, plain or URL-safe."""
    if sql != SqlType("bytea"):
        raise InvalidTypeError(f"bytes can't be stored as {sql}", "use bytea")
    return ValueType("bytea", postgresql.BYTEA(), ValueKind.BYTES, parse=_parse)


def _parse(text: str) -> bytes:
    plain = text.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidValueError('is no base64, as "aGk="', "INVALID_BASE64") from None
