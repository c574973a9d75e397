"""The facts needed to COPY new rows straight into their table."""

from gateway.schema.model import Field, ServerSet
from gateway.sql.bulk.shape import (
    BulkShape,
    is_sent_as_stored,
    may_be_unset,
    quote,
    staged_type,
    table_name,
)
from gateway.sql.statement import Statement
from gateway.sql.unnest import unnest_text


def can_load(shape: BulkShape) -> bool:
    """Return whether COPY stores the values as the other statements do, and keys can be told apart here.

    It checks no rules of rows, and tells of no row that it stores.
    """
    if shape.audited is not None or shape.resource.zeroed:
        return False
    as_sent = all(is_sent_as_stored(field) and field.is_created for field in shape.staged)
    return shape.rules is None and shape.compares_in_python and as_sent


def left_to_default(field: Field) -> bool:
    """Return whether the column's default stands for the value of a row that leaves the field out."""
    return may_be_unset(field) and (field.default is not None or field.identity)


def stamped(shape: BulkShape) -> tuple[Field, ...]:
    """Return the fields that the server sets in a new row: its version, and times that are now."""
    stamps = (ServerSet.VERSION, ServerSet.CREATED_AT, ServerSet.UPDATED_AT)
    return tuple(field for field in shape.resource.fields if field.server_set in stamps)


def any_stored(shape: BulkShape) -> Statement:
    """Return the statement that tells whether any key is stored; it binds an array per column of the key."""
    types = [staged_type(field) for field in shape.target_fields]
    arrays = [f"${n}::{type_}[]" for n, type_ in enumerate(types, 1)]
    names = ", ".join(map(quote, shape.target))
    same = " AND ".join(f"t.{quote(column)} = k.{quote(column)}" for column in shape.target)
    table = table_name(shape.resource)
    text = f"SELECT EXISTS (SELECT 1 FROM {unnest_text(*arrays)} AS k({names}) JOIN {table} AS t ON {same})"
    name = f"bulk upsert {shape.resource.table}"
    return Statement(text, (), (), writes=False, name=name, constants={})
