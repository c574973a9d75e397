"""Tables → resources: which can be served, under which names and numbers, and why the others can't."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.introspect.ddl import DEFAULT_SCHEMA
from gateway.introspect.table_records import Catalog, Column, ForeignKey, Key, Name, Table
from gateway.pull.catalog import Relation
from gateway.pull.columns import Carrier, InexpressibleError, carrier
from gateway.pull.committed import CommittedMessage
from gateway.pull.enums import Enum
from gateway.pull.names import free_name, json_form, lower_snake
from gateway.pull.proto_text import Message, ProtoField, ProtoMessage, Value, Word

_KINDS = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}
# Types that PostgreSQL compares in a foreign key.
_FAMILIES = ({"smallint", "integer", "bigint", "numeric"}, {"text", "character varying"})


class UnservedError(Exception):
    """A relation that can't be served, and why."""


@dataclass(frozen=True, slots=True)
class Left:
    """A table or column that isn't served as it is: its name, and why or how."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Resource:
    """A table that is served.

    Args:
        table: its schema and name.
        message: one row's message, without references.
        fields: the fields' names, by column.
        key: the key's columns, in order.
        is_key_computed: whether PostgreSQL computes any of them.
        is_view: whether it is a view or the like.
        privileges: what the role may do with it.
        left: the columns that no field carries.
        notes: the columns of which something is lost.

    """

    table: Name
    message: ProtoMessage
    fields: Mapping[str, str]
    key: Sequence[str]
    is_key_computed: bool
    is_view: bool
    privileges: Collection[str]
    left: Sequence[Left]
    notes: Sequence[Left]


def read_resource(
    relation: Relation,
    catalog: Catalog,
    enums: Mapping[str, Enum],
    old: CommittedMessage,
    declared_key: Sequence[str] = (),
) -> Resource:
    """Return the resource that a table is served as; raises UnservedError where it can't be.

    Args:
        relation: the table.
        catalog: what the database holds of it.
        enums: the enums that stand for enum types, by how the catalog prints these.
        old: its message as it stands, whose name it has; names and numbers of fields are kept.
        declared_key: a view's key, where somebody says it.

    """
    table = _table(relation, catalog)
    key = _declared_key(relation, table, declared_key) if table.is_view else _key(table)
    carriers, left = _carriers(table, key, enums)
    fields = _field_names(carriers, old)
    numbers = old.numbered(list(fields.values()))
    protos = [_proto_field(table.columns[name], carriers[name], fields[name], numbers) for name in carriers]
    numbers_left, names_left = old.reserved_without(list(fields.values()))
    proto = ProtoMessage(
        old.name,
        table.comment or f"A row of the table `{table.name}`.",
        sorted(protos, key=lambda one: one.number),
        _table_options(table, key, fields),
        numbers_left,
        names_left,
    )
    kept_out = _kept_out(table, left)
    notes = [Left(f"{table.name}.{name}", carried.note) for name, carried in carriers.items() if carried.note]
    return Resource(
        table.name,
        proto,
        fields,
        key,
        any(table.columns[name].generated is not None for name in key),
        table.is_view,
        (relation.privileges & {"SELECT", *table.writes} if table.is_view else relation.privileges)
        - {*kept_out},
        [Left(f"{table.name}.{name}", why) for name, why in left.items()],
        [*(Left(str(table.name), why) for why in sorted(set(kept_out.values()))), *notes],
    )


def _kept_out(table: Table, left: Mapping[str, str]) -> dict[str, str]:
    """Return what can't be done with the table whatever the role may do, and why."""
    if table.rules:
        why = f"is served for reading alone: it has rules ({', '.join(table.rules)})"
        return dict.fromkeys(("INSERT", "UPDATE", "DELETE"), why)
    unfilled = [name for name in left if not table.columns[name].fills_itself]
    why = f"takes no new rows: each needs a value for {', '.join(unfilled)}, which is left out"
    return {"INSERT": why} if unfilled else {}


def _table(relation: Relation, catalog: Catalog) -> Table:
    if relation.is_partition:
        raise UnservedError("a partition, whose rows are served as those of its table")
    if "SELECT" not in relation.privileges:
        raise UnservedError("the role may not read it")
    table = catalog.tables[relation.name]
    if table.children:
        raise UnservedError(
            f"it is inherited by {', '.join(map(str, table.children))}, over whose rows its key isn't unique"
        )
    return table


def _declared_key(relation: Relation, view: Table, declared: Sequence[str]) -> Sequence[str]:
    """Return a view's key: what somebody says, or a unique index of a materialized one."""
    unknown = [name for name in declared if name not in view.columns]
    if unknown:
        raise UnservedError(f"it has no column {', '.join(unknown)}, which --key names")
    known = sorted(_unique(view), key=lambda key: (len(key.columns), key.name))
    if not declared and not known:
        raise UnservedError(f"{_KINDS[relation.kind]}, whose key PostgreSQL doesn't know: name it with --key")
    return declared or known[0].columns


def _key(table: Table) -> Sequence[str]:
    """Return the columns of the primary key, or else of the shortest key that says which row it is."""
    required = [
        key for key in _unique(table) if not any(table.columns[name].nullable for name in key.columns)
    ]
    primary = [key for key in table.keys.values() if key.primary]
    if primary and not primary[0].deferrable:
        return primary[0].columns
    if not required:
        raise UnservedError(
            "its primary key is deferrable, and ON CONFLICT takes no such key"
            if primary
            else "it has no primary key, nor another unique key whose columns are NOT NULL"
        )
    return min(required, key=lambda key: (len(key.columns), key.name)).columns


def _carriers(
    table: Table, key: Sequence[str], enums: Mapping[str, Enum]
) -> tuple[dict[str, Carrier], dict[str, str]]:
    """Return what carries each column, and the columns that nothing does, with the reason."""
    known = {sql: (enum.full_name, enum.type) for sql, enum in enums.items()}
    found: dict[str, Carrier] = {}
    left: dict[str, str] = {}
    for column in table.columns.values():
        is_key = column.name in key
        # PostgreSQL doesn't say which columns of a view are NULL; those of its key are not.
        kept = replace(column, nullable=False) if is_key else column
        try:
            found[column.name] = carrier(kept, table.name.schema, known, is_key=is_key)
        except InexpressibleError as error:
            left[column.name] = f"{column.type}: {error}"
            if column.name in key:
                raise UnservedError(f'"{column.name}" of its key is {left[column.name]}') from error
    return found, left


def _field_names(columns: Collection[str], old: CommittedMessage) -> dict[str, str]:
    """Return each column's field: the one that it has, or its name in lower_snake where that is free."""
    names = {column: old.columns[column] for column in columns if column in old.columns}
    taken = set(map(json_form, names.values()))
    for column in columns:
        if column not in names:
            wanted = lower_snake(column, "column")
            names[column] = free_name(wanted, lambda name: json_form(name) in taken, "_")
            taken.add(json_form(names[column]))
    return {column: names[column] for column in columns}


def _proto_field(column: Column, carried: Carrier, name: str, numbers: Mapping[str, int]) -> ProtoField:
    named: dict[str, Value] = {"name": column.name} if column.name != name else {}
    comment = column.comment or f"The column `{column.name}`: {column.type}."
    return ProtoField(name, numbers[name], carried.type, comment, carried.label, {**named, **carried.options})


def _table_options(table: Table, key: Sequence[str], fields: Mapping[str, str]) -> dict[str, Value]:
    others: list[Message] = [
        {
            "columns": [fields[column] for column in one.columns],
            **({"nulls_not_distinct": True} if one.nulls_not_distinct else {}),
            "name": one.name,
        }
        for one in sorted(_unique(table), key=lambda one: one.name)
        if set(one.columns) <= set(fields) and set(one.columns) != set(key)
    ]
    schema: dict[str, Value] = {"schema": table.name.schema} if table.name.schema != DEFAULT_SCHEMA else {}
    return {
        "name": table.name.name,
        **schema,
        "primary_key": [fields[column] for column in key],
        **({"unique": others} if others else {}),
        "managed": False,
    }


def _unique(table: Table) -> list[Key]:
    """Return what is unique beside the primary key: constraints and indexes."""
    keys = [key for key in table.keys.values() if not key.primary and not key.deferrable]
    indexes = [index for index in table.indexes.values() if index.is_key]
    made = (Key(one.name, one.plain, nulls_not_distinct=one.nulls_not_distinct) for one in indexes)
    return [*keys, *made]


def with_references(resource: Resource, catalog: Catalog, known: Mapping[Name, Resource]) -> ProtoMessage:
    """Return the message with the table's references to tables that are served, too."""
    single: dict[str, Value] = {}
    several: list[Message] = []
    keys = catalog.tables[resource.table].foreign_keys.values()
    for key in sorted(keys, key=lambda one: one.name):
        reference = _reference(key, resource, catalog, known)
        if reference is None:
            continue
        names = [resource.fields[column] for column in key.columns]
        if len(names) == 1 and names[0] not in single:
            single[names[0]] = reference
        else:
            several.append({"columns": names, "references": reference, "name": key.name})
    fields = [
        replace(one, options={**one.options, "references": single[one.name]}) if one.name in single else one
        for one in resource.message.fields
    ]
    options = {**resource.message.table}
    managed = options.pop("managed")
    listed: dict[str, Value] = {"foreign_key": several} if several else {}
    return replace(resource.message, fields=fields, table={**options, **listed, "managed": managed})


def _reference(
    key: ForeignKey, resource: Resource, catalog: Catalog, known: Mapping[Name, Resource]
) -> dict[str, Value] | None:
    """Return a foreign key as an option; None where it can't be one."""
    target = known.get(key.target)
    served = target is not None and set(key.target_columns) <= set(target.fields)
    if target is None or not served or not key.enforced or not set(key.columns) <= set(resource.fields):
        return None
    own, theirs = catalog.tables[resource.table].columns, catalog.tables[key.target].columns
    pairs = zip(key.columns, key.target_columns, strict=True)
    if not all(_is_alike(own[column].type, theirs[other].type) for column, other in pairs):
        return None
    same_schema = key.target.schema == resource.table.schema
    columns = [target.fields[column] for column in key.target_columns]
    return {
        "table": key.target.name if same_schema else str(key.target),
        **({"columns": columns} if tuple(key.target_columns) != tuple(target.key) else {}),
        **{
            option: Word(action.replace(" ", "_"))
            for option, action in (("on_delete", key.on_delete), ("on_update", key.on_update))
            if action != "NO ACTION"
        },
    }


def _is_alike(one: str, other: str) -> bool:
    """Return whether the model takes a column of one type for a reference to one of the other."""
    plain = {sql.partition("(")[0] for sql in (one, other)}
    return len(plain) == 1 or any(plain <= family for family in _FAMILIES)
