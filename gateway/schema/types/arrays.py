"""Repeated fields: one-dimensional arrays without NULLs, and vectors."""

import math
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy.dialects import postgresql

from gateway.schema.types.sql_types import InvalidTypeError, NamedType, SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

_VECTOR_MAX = 16_000


def array(element: ValueType) -> ValueType:
    """Return the type of a repeated field whose elements are of that type."""
    return ValueType(
        sql=f"{element.sql}[]",
        engine=postgresql.ARRAY(element.engine, dimensions=1),
        kind=ValueKind.ARRAY,
        encode=_encoder(element.encode),
        decode=_decoder(element.decode),
        text_cast=element.text_cast,
        equality=element.equality,
        orderable=element.orderable,
        element=element,
    )


def _encoder(encode: Callable[[Any], Any] | None) -> Callable[[Iterable[Any]], list[Any]]:
    if encode is None:
        return list
    return lambda values: [encode(value) for value in values]


def _decoder(decode: Callable[[Any], Any] | None) -> Callable[[list[Any]], list[Any]]:
    def check(values: list[Any]) -> list[Any]:
        if any(value is None or isinstance(value, list) for value in values):
            raise InvalidValueError("the stored array holds NULL, or has several dimensions", "INEXACT")
        return values if decode is None else [decode(value) for value in values]

    return check


def vector(sql: SqlType) -> ValueType:
    """Return the type of a repeated float field in pgvector's `vector(n)`."""
    if len(sql.modifiers) != 1 or not 1 <= sql.modifiers[0] <= _VECTOR_MAX:
        raise InvalidTypeError(f"{sql} lacks its dimensions", "write vector(n), n from 1 to 16000")
    (size,) = sql.modifiers

    def encode(values: Iterable[float]) -> str:
        numbers = list(values)
        if len(numbers) != size:
            raise InvalidValueError(f"has {len(numbers)} elements, {size} are needed", "WRONG_DIMENSION")
        if not all(map(math.isfinite, numbers)):
            raise InvalidValueError("holds NaN or infinity, which a vector can't", "NOT_FINITE")
        return f"[{','.join(map(repr, numbers))}]"

    return ValueType(
        sql=str(sql),
        engine=NamedType(str(sql)),
        kind=ValueKind.OTHER,
        encode=encode,
        decode=lambda text: [float(part) for part in text.strip("[]").split(",")],
        parse=lambda text: encode(_numbers(text)),
        text_cast=True,
    )


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.strip("[]").split(",")]
    except ValueError:
        raise InvalidValueError("is no vector, as [1,2.5,3]", "INVALID_VECTOR") from None
