"""The options of a table: its keys, of the catalog, and what the message's author added."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gateway.introspect.tables.ddl import DEFAULT_SCHEMA
from gateway.introspect.tables.table_records import Key, Name, Table
from gateway.proto_files.text import Message, Value
from gateway.pull.earlier.committed import CommittedTable

UNREADABLE = "unreadable"
"""The option that names the field for unreadable values, and what a pull calls that field."""
# Options that are the catalog's; all others are the author's, and stay whatever they are.
_OF_CATALOG = (
    *("name", "schema", "primary_key", "unique", "foreign_key", "managed"),
    *("distribute_by", "colocate_with", "reference"),
)
# Options that name one field.
_OF_A_FIELD = ("version", "created_at", "updated_at", "soft_delete", "etag", UNREADABLE)


def is_authors(reference: Any, table: Table) -> bool:
    """Return whether a reference is the author's: the catalog has none of views, and none unenforced."""
    return reference is not None and (table.is_view or reference.get("enforced") is False)


def table_options(
    table: Table, key: Sequence[str], fields: Mapping[str, str], old: CommittedTable, unreadable: str = ""
) -> dict[str, Value]:
    """Return the options of a table, but for references.

    Args:
        table: as the catalog has it.
        key: the columns of its key.
        fields: the fields' names, by column.
        old: its message as it stands.
        unreadable: the new field that names unreadable values; none where there is none.

    """
    others: list[Message] = [
        {
            "columns": [fields[column] for column in one.columns],
            **({"nulls_not_distinct": True} if one.nulls_not_distinct else {}),
            "name": one.name,
        }
        for one in sorted(unique_keys(table), key=lambda one: one.name)
        if set(one.columns) <= set(fields) and set(one.columns) != set(key)
    ]
    schema: dict[str, Value] = {"schema": table.name.schema} if table.name.schema != DEFAULT_SCHEMA else {}
    said = [one for one in old.options.get("unique", ()) if table.is_view or one in others]
    unique = [*said, *(one for one in others if one not in said)]
    return {
        "name": table.name.name,
        **schema,
        **({"primary_key": [fields[column] for column in key]} if key else {}),
        **({"unique": unique} if unique else {}),
        **_authors(old, {*fields.values(), *(one.name for one in old.others)}),
        **({UNREADABLE: unreadable} if unreadable else {}),
        **_distribution(table, fields, old),
        **(
            {}
            if old.options and "managed" not in old.options
            else {"managed": old.options.get("managed", False)}
        ),
    }


def _distribution(table: Table, fields: Mapping[str, str], old: CommittedTable) -> dict[str, Value]:
    """Return how Citus spreads the rows; of tables that are colocated each names the first, or as it did."""
    found = table.distribution
    if found is None or found.otherwise:
        return {}
    if found.column is None:
        return {"reference": True}
    first = min((*found.colocated, table.name))
    said = str(old.options.get("colocate_with", ""))
    schema, _, name = said.rpartition(".")
    if name and Name(schema or table.name.schema, name) in found.colocated:
        return {"distribute_by": fields[found.column], "colocate_with": said}
    beside = first.name if first.schema == table.name.schema else str(first)
    return {
        "distribute_by": fields[found.column],
        **({} if first == table.name else {"colocate_with": beside}),
    }


def _authors(old: CommittedTable, names: Collection[str]) -> dict[str, Value]:
    """Return the options that no catalog brings, without what names a field which is gone."""
    kept = {name: value for name, value in old.options.items() if name not in _OF_CATALOG}
    gone = [name for name in _OF_A_FIELD if kept.get(name, "") not in ("", *names)]
    indexes = [
        one
        for one in kept.pop("index", ())
        if {*(column.split()[0] for column in one.get("columns", ())), *one.get("include", ())} <= {*names}
    ]
    search = _searched(kept.pop("search", {}), names)
    said = {name: value for name, value in kept.items() if name not in gone}
    return {**said, **({"index": indexes} if indexes else {}), **({"search": search} if search else {})}


def _searched(options: Mapping[str, Any], names: Collection[str]) -> dict[str, Value]:
    """Return how rows are searched for, but by fields that are gone."""
    words = dict(options.get("words", {}))
    words["column"] = [one for one in words.get("column", ()) if one.get("name") in names]
    likeness = [one for one in options.get("likeness", ()) if one.get("column") in names]
    found: dict[str, Value] = {"words": words} if words["column"] else {}
    return {**found, **({"likeness": likeness} if likeness else {})}


def unique_keys(table: Table) -> list[Key]:
    """Return what is unique beside the primary key: constraints and indexes."""
    keys = [key for key in table.keys.values() if not key.primary and not key.deferrable]
    indexes = [index for index in table.indexes.values() if index.is_key]
    made = (Key(one.name, one.plain, nulls_not_distinct=one.nulls_not_distinct) for one in indexes)
    return [*keys, *made]
