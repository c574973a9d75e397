"""A column's field as it stands: kept as long as it carries the column, else changed as little as it can be.

So types that somebody chose, options that they added and presence that clients rely on outlive other pulls.
"""

from dataclasses import replace

from gateway.introspect.tables.ddl import DEFAULT_SCHEMA
from gateway.introspect.tables.table_records import Column
from gateway.proto_files.imports import IMPORTS
from gateway.pull.columns import Carrier, note_of
from gateway.pull.earlier.committed import CommittedField
from gateway.schema.types.sql_types import without_modifiers

# Options of a column that follow its name and its table's references, and those that its type brings.
_ELSEWHERE = ("name", "references")
_OF_TYPE = ("type", "length", "enum_type", "not_null", "generated", "identity", "vector")


def kept_carrier(column: Column, old: CommittedField, *, is_key: bool, is_view: bool) -> Carrier | None:
    """Return the field that a column has, if it carries it still.

    Args:
        column: as the catalog has it.
        old: the field.
        is_key: whether it is part of the table's key, which has no NULL.
        is_view: whether PostgreSQL can't say which columns are NULL.

    """
    if not is_of(old.sql, column):
        return None
    kept = Carrier(
        old.proto.type,
        old.proto.label,
        {name: value for name, value in old.proto.options.items() if name not in _ELSEWHERE},
        note_of(column, old.proto.type, is_repeated=old.proto.label == "repeated"),
    )
    if is_key and old.has_null and not old.is_message:
        return replace(kept, options={**kept.options, "not_null": True})
    has_place = old.has_null or is_view or kept.label == "repeated"
    return kept if has_place or not column.nullable else _nullable(kept, old)


def is_of(sql: str, column: Column) -> bool:
    """Return whether a field that stores a type carries a column, as far as types go."""
    own = f"{DEFAULT_SCHEMA}."
    return sql.removeprefix(own) in (
        column.stored_type.removeprefix(own),
        column.type.removeprefix(own),
    )


def _nullable(carrier: Carrier, old: CommittedField) -> Carrier:
    """Return the field with a place for NULL."""
    options = {name: value for name, value in carrier.options.items() if name != "not_null"}
    return replace(carrier, label="" if old.is_message else "optional", options=options)


def preferred_type(column: Column, old: CommittedField) -> str:
    """Return the proto type to carry a column whose type changed in its modifiers alone: the one it has."""
    own = f"{DEFAULT_SCHEMA}."
    names = {without_modifiers(sql).removeprefix(own) for sql in (old.sql, column.stored_type)}
    return old.proto.type if len(names) == 1 else ""


def restated(carrier: Carrier, column: Column, old: CommittedField) -> Carrier:
    """Return a new carrier of a column with the presence that its field had, and with what its author said.

    Args:
        carrier: what carries the column.
        column: as the catalog has it.
        old: the field as it stands, which doesn't.

    """
    said = {name: value for name, value in old.proto.options.items() if name not in (*_ELSEWHERE, *_OF_TYPE)}
    options = {**said, **carrier.options}
    if carrier.type in IMPORTS or "repeated" in (carrier.label, old.proto.label) or column.nullable:
        return replace(carrier, options=options)
    required = {"not_null": True} if old.proto.label else {}
    options = {name: value for name, value in options.items() if name != "not_null"}
    return replace(carrier, label=old.proto.label, options={**options, **required})
