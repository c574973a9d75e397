"""The order of rows by their keys: whatever locks or inserts many rows goes by it, and so doesn't deadlock.

PostgreSQL alone sorts, by the order that its equality belongs to: Python knows neither collations nor how
inet, numeric or citext compare. Text goes by its bytes (COLLATE "C"): columns may have collations of their
own, values that are sent have the database's, and two orders would be as bad as none.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Text, collate, type_coerce

from gateway.schema.model import Field, Resource

_COLLATED = ("text", "character varying", "citext")
_BYTES = "C"


def by_key(resource: Resource, values: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """Return what to order by, of the values of the key's columns; columns without a value are left out."""
    fields = [field for field in resource.key_fields if field.column in values]
    return [_in_order(field, values[field.column]) for field in fields]


def _in_order(field: Field, value: ColumnElement[Any]) -> ColumnElement[Any]:
    return collate(type_coerce(value, Text), _BYTES) if has_collation(field) else value


def by_key_text(field: Field, value: str) -> str:
    """Return the same of one field, as text."""
    return f'{value} COLLATE "{_BYTES}"' if has_collation(field) else value


def has_collation(field: Field) -> bool:
    """Return whether values of the field's column compare by a collation."""
    return field.type.sql.startswith(_COLLATED)
