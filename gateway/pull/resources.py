"""Tables → resources: which can be served, under which names and numbers, and why the others can't."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.introspect.tables.ddl import quoted
from gateway.introspect.tables.table_records import Catalog, Column, Key, Name, Table
from gateway.proto_files.numbers import CommittedMessage
from gateway.proto_files.text import ProtoField, ProtoMessage, Value
from gateway.pull.catalog import Found, Relation
from gateway.pull.columns import Carrier, InexpressibleError, carrier, may_be_unreadable
from gateway.pull.earlier.committed import CommittedTable
from gateway.pull.earlier.kept import kept_carrier, preferred_type, restated
from gateway.pull.enums import Enum, why_text
from gateway.pull.names import free_name, json_form, lower_snake
from gateway.pull.table_options import UNREADABLE, is_authors, table_options, unique_keys
from gateway.pull.vectors import with_vector
from gateway.schema.privileges import privileges_for
from gateway.schema.rules.names import reserved_column
from gateway.schema.types.sql_types import without_modifiers

_KINDS = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}
_WRITES = ("INSERT", "UPDATE", "DELETE")
_INFINITE = re.compile(r"'-?infinity'::(date|timestamp)")
OMITTED = "taken out of the protos"
_UNUSABLE = "the role may not use the schema of its type"


class UnservedError(Exception):
    """A relation that can't be served, and why."""


@dataclass(frozen=True, slots=True)
class Left:
    """A table or column that isn't served as it is: its name, and why or how.

    `kind` is what it has in common with others, where that isn't why.
    """

    name: str
    why: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """A table that is served.

    Args:
        table: its schema and name.
        message: one row's message, without references.
        fields: the fields' names, by column.
        key: the key's columns, in order; none of one without a key.
        is_key_computed: whether PostgreSQL computes any of them.
        is_view: whether it is a view or the like.
        has_sent_key: whether requests set all columns of some key, as PostgreSQL computes none of them.
        writes: how rows are written: INSERT, UPDATE, DELETE.
        left: the columns that no field carries.
        omitted: those of them that were taken out by hand.
        notes: the columns of which something is lost.
        knows_unreadable: whether a field that names unreadable values is, or was, offered.

    """

    table: Name
    message: ProtoMessage
    fields: Mapping[str, str]
    key: Sequence[str]
    is_key_computed: bool
    is_view: bool
    has_sent_key: bool
    writes: Collection[str]
    left: Sequence[Left]
    omitted: Collection[str]
    notes: Sequence[Left]
    knows_unreadable: bool


def read_resource(
    relation: Relation,
    found: Found,
    enums: Mapping[str, Enum],
    old: CommittedTable,
    declared_key: Sequence[str] = (),
) -> Resource:
    """Return the resource that a table is served as; raises UnservedError where it can't be.

    Args:
        relation: the table.
        found: what the database holds, of it too.
        enums: the enums that stand for enum types, by how the catalog prints these.
        old: its message as it stands, whose name it has; fields are kept as far as they fit.
        declared_key: a view's key, where somebody says it.

    """
    table = _table(relation, found.catalog)
    stands = old.key if set(old.key) <= table.columns.keys() else ()
    key, why_none = (
        _declared_key(relation, table, declared_key or stands) if table.is_view else _key(table, stands)
    )
    omitted = set(old.known) - {*old.fields, *key}
    barred = {
        **dict(_barred(table, found.unusable)),
        **dict.fromkeys(omitted & table.columns.keys(), OMITTED),
    }
    carriers, left = _carriers(table, key, enums, old, barred)
    if why := _unfit(key, carriers, left):
        key, why_none = (), why
        carriers, left = _carriers(table, key, enums, old, barred)
    if not carriers:
        raise UnservedError("it has no column that can be served")
    fields = _field_names(carriers, old.message)
    kept_out = {**_kept_out(table, left), **_uncompared(table, key, found.catalog)} if key else {}
    lost = [f"is served without a key, by List, Count and Stream alone: {why_none}"] if not key else []
    if key and not _has_sent_key(table, key):
        lost.append("is served without BulkUpsert and Ingest: PostgreSQL computes each of its keys")
    notes = [*_notes(table, carriers), *_texts(table, carriers, found.catalog)]
    message = _message(table, key, carriers, fields, old)
    return Resource(
        table.name,
        message,
        fields,
        key,
        any(table.columns[name].generated is not None for name in key),
        table.is_view,
        _has_sent_key(table, key),
        _writes(relation, table) - {*kept_out},
        [Left(f"{table.name}.{name}", why, _kind(table.columns[name], why)) for name, why in left.items()],
        [name for name in table.columns if name in omitted],
        [*(Left(str(table.name), why) for why in (*lost, *sorted(set(kept_out.values())))), *notes],
        old.knows_unreadable or UNREADABLE in message.table,
    )


def _has_sent_key(table: Table, key: Sequence[str]) -> bool:
    """Return whether there is a key of which PostgreSQL computes nothing."""
    keys = [key, *(one.columns for one in unique_keys(table))]
    return any(all(table.columns[name].generated is None for name in columns) for columns in keys)


def _unfit(key: Sequence[str], carriers: Mapping[str, Carrier], left: Mapping[str, str]) -> str:
    """Return why a key is none that requests can name; empty where it is one."""
    for name in key:
        if name in left:
            return f'"{name}" of its key is {left[name]}'
        if carriers[name].label == "repeated":
            return f'"{name}" of its key is an array'
    return ""


def _notes(table: Table, carriers: Mapping[str, Carrier]) -> Iterable[Left]:
    return (Left(f"{table.name}.{name}", carried.note) for name, carried in carriers.items() if carried.note)


def _texts(table: Table, carriers: Mapping[str, Carrier], catalog: Catalog) -> Iterator[Left]:
    """Yield the columns of enum types that have no enum."""
    types = {quoted(name): why_text(name, labels) for name, labels in catalog.enums.items()}
    for name, carried in carriers.items():
        if why := types.get(table.columns[name].stored_type.removesuffix("[]")):
            told = (
                "is told as text"
                if carried.type == "string"
                else "keeps an enum that follows its type no more"
            )
            yield Left(f"{table.name}.{name}", f"{told}: {why}")


def _kind(column: Column, why: str) -> str:
    is_why = why in (OMITTED, _UNUSABLE) or reserved_column(column.name)
    return why if is_why else without_modifiers(column.type)


def _message(
    table: Table,
    key: Sequence[str],
    carriers: Mapping[str, Carrier],
    fields: Mapping[str, str],
    old: CommittedTable,
) -> ProtoMessage:
    names = [*fields.values(), *(one.name for one in old.others)]
    unreadable = _unreadable(carriers.values(), names, old)
    names += [one.name for one in unreadable]
    numbers = old.message.numbered(names)
    protos = [
        replace(_proto_field(table, column, carriers[column], name, old), number=numbers[name])
        for column, name in fields.items()
    ]
    added = [replace(one, number=numbers[one.name]) for one in unreadable]
    numbers_left, names_left = old.message.reserved_without(names)
    return ProtoMessage(
        old.message.name,
        table.comment or f"A row of the table `{table.name.name}`.",
        sorted((*protos, *added, *old.others), key=lambda one: one.number),
        table_options(table, key, fields, old, *(one.name for one in added)),
        numbers_left,
        names_left,
    )


def _unreadable(carriers: Iterable[Carrier], names: Collection[str], old: CommittedTable) -> list[ProtoField]:
    """Return the field that names unreadable values, where there may be any and it wasn't offered yet."""
    if old.knows_unreadable or UNREADABLE in old.options or not any(map(may_be_unreadable, carriers)):
        return []
    taken = set(map(json_form, (*names, *old.message.numbers, *old.message.reserved_names)))
    name = free_name(UNREADABLE, lambda name: json_form(name) in taken, "_")
    comment = "What the row was read without, as its fields can't hold it."
    return [ProtoField(name, 0, "rowgate.v1.UnreadableValue", comment, "repeated")]


def _writes(relation: Relation, table: Table) -> frozenset[str]:
    """Return how rows are written by what the role may, and PostgreSQL can where it is a view."""
    known = table.writes if table.is_view else _WRITES
    return frozenset(write for write in known if privileges_for({write}) <= relation.privileges)


def _kept_out(table: Table, left: Mapping[str, str]) -> dict[str, str]:
    """Return what can't be done with the table whatever the role may do, and why."""
    if table.rules:
        why = f"is served for reading alone: it has rules ({', '.join(table.rules)})"
        return dict.fromkeys(_WRITES, why)
    unfilled = [name for name in left if not table.columns[name].fills_itself]
    why = f"takes no new rows: each needs a value for {', '.join(unfilled)}, which is left out"
    return {"INSERT": why} if unfilled else {}


def _uncompared(table: Table, key: Sequence[str], catalog: Catalog) -> dict[str, str]:
    """Return what can't be done as PostgreSQL has no `=` for the key: a domain over an enum type has none."""
    enums = {quoted(name) for name in catalog.enums}
    columns = [table.columns[name] for name in key]
    names = [one.name for one in columns if one.stored_type in enums and one.type != one.stored_type]
    if not names:
        return {}
    why = (
        f'takes no changes of its rows: "{names[0]}" of its key is a domain over an enum type, which has no ='
    )
    return dict.fromkeys(("UPDATE", "DELETE"), why)


def _table(relation: Relation, catalog: Catalog) -> Table:
    if relation.is_partition:
        raise UnservedError("a partition, whose rows are served as those of its table")
    if "SELECT" not in relation.privileges:
        part = "all of it, but some of its columns" if relation.reads_some else "it"
        raise UnservedError(f"the role may not read {part}")
    return catalog.tables[relation.name]


def _declared_key(relation: Relation, view: Table, declared: Sequence[str]) -> tuple[Sequence[str], str]:
    """Return a view's key, as somebody says it or as its unique index has it; or why it has none."""
    unknown = [name for name in declared if name not in view.columns]
    if unknown:
        raise UnservedError(f"it has no column {', '.join(unknown)}, which --key names")
    known = sorted(unique_keys(view), key=lambda key: (len(key.columns), key.name))
    if not declared and not known:
        return (), f"{_KINDS[relation.kind]}, whose key PostgreSQL doesn't know (--key names it)"
    return declared or known[0].columns, ""


def _key(table: Table, old: Sequence[str]) -> tuple[Sequence[str], str]:
    """Return the key that the message has, the primary, or else the shortest; or why there is none.

    Args:
        table: the table.
        old: the columns of the message's key; none where there is no message yet.

    """
    if table.children:
        heirs = ", ".join(map(str, table.children))
        return (), f"it is inherited by {heirs}, over whose rows its key isn't unique"
    primary = [key for key in table.keys.values() if key.primary]
    others = sorted(unique_keys(table), key=lambda key: (len(key.columns), key.name))
    required = [key for key in others if not any(table.columns[name].nullable for name in key.columns)]
    usable = [*(key for key in primary if not key.deferrable), *required]
    if any(sorted(key.columns) == sorted(old) for key in usable):
        return old, ""
    for key in usable:
        if not _infinite(table, key):
            return key.columns, ""
    if usable:
        [name, *_] = _infinite(table, usable[0])
        return (), f'"{name}" of its key is infinity by default, which its message can\'t hold'
    if primary or any(key.deferrable for key in table.keys.values()):
        kind = "primary" if primary else "unique"
        return (), f"its {kind} key is deferrable, and ON CONFLICT takes no such key"
    return (), "it has no primary key, nor another unique key whose columns are NOT NULL"


def _infinite(table: Table, key: Key) -> list[str]:
    """Return the columns of a key whose default no message holds: a row without its key can't be told."""
    return [name for name in key.columns if _INFINITE.match(table.columns[name].default or "")]


def _barred(table: Table, unusable: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the columns that no statement may name, or not the types that they are cast to; and why."""
    for column in table.columns.values():
        if wrong := reserved_column(column.name):
            yield column.name, f"a column that {wrong}"
        elif any(column.stored_type.startswith(f"{schema}.") for schema in unusable):
            yield column.name, _UNUSABLE


def _carriers(
    table: Table,
    key: Sequence[str],
    enums: Mapping[str, Enum],
    old: CommittedTable,
    barred: Mapping[str, str],
) -> tuple[dict[str, Carrier], dict[str, str]]:
    """Return what carries each column, and the columns that nothing does, with the reason."""
    known = {sql: (enum.full_name, enum.type) for sql, enum in enums.items()}
    found: dict[str, Carrier] = {}
    left = dict(barred)
    for column in table.columns.values():
        if column.name in barred:
            continue
        try:
            found[column.name] = _carrier(table, column, known, old, is_key=column.name in key)
        except InexpressibleError as error:
            left[column.name] = f"{column.type}: {error}"
    return found, left


def _carrier(
    table: Table,
    column: Column,
    enums: Mapping[str, tuple[str, Name]],
    committed: CommittedTable,
    *,
    is_key: bool,
) -> Carrier:
    """Return what carries a column: the field that it has, as long as that does."""
    # PostgreSQL doesn't say which columns of a view are NULL; those of its key are not.
    asked = replace(column, nullable=False) if is_key else column
    old = committed.fields.get(column.name)
    if old is None:
        return with_vector(carrier(asked, table.name.schema, enums, is_key=is_key), column, table)
    preferred = preferred_type(asked, old)
    kept = kept_carrier(asked, old, is_key=is_key, is_view=table.is_view)
    if kept is not None:
        return kept
    new = carrier(asked, table.name.schema, enums, is_key=is_key, preferred=preferred)
    return restated(with_vector(new, column, table), asked, old)


def _field_names(columns: Collection[str], old: CommittedMessage) -> dict[str, str]:
    """Return each column's field: the one that it has, or its name in lower_snake unless that was used."""
    names = {column: old.columns[column] for column in columns if column in old.columns}
    taken = set(map(json_form, (*old.numbers, *old.reserved_names)))
    for column in columns:
        if column not in names:
            wanted = lower_snake(column, "column")
            names[column] = free_name(wanted, lambda name: json_form(name) in taken, "_")
            taken.add(json_form(names[column]))
    return {column: names[column] for column in columns}


def _proto_field(table: Table, column: str, carried: Carrier, name: str, old: CommittedTable) -> ProtoField:
    """Return a column's field, which has no number yet."""
    found = table.columns[column]
    comment = found.comment or f"The column `{column}`: {found.type}."
    options: dict[str, Value] = {"name": column} if column != name else {}
    written = old.fields[column].proto.options if column in old.fields else {}
    if is_authors(written.get("references"), table):
        options["references"] = written["references"]
    return ProtoField(name, 0, carried.type, comment, carried.label, {**options, **carried.options})
