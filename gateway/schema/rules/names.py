"""Rules of names: each once, short enough, and none of PostgreSQL's own."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from google.protobuf.descriptor import Descriptor
from google.protobuf.empty_pb2 import Empty

from gateway.schema.diagnostics import Diagnostics
from gateway.schema.model import Resource
from gateway.schema.protos.options import column_options
from gateway.schema.rules.finding import Finding, Findings
from gateway.schema.tables.internal import INTERNAL_SCHEMA, OWN_COLUMNS
from gateway.schema.tables.naming import MAX_BYTES, primary_key_name
from gateway.schema.types.enums import enum_type_name

# https://www.postgresql.org/docs/current/ddl-system-columns.html
_TAKEN_SCHEMAS = frozenset({"information_schema", INTERNAL_SCHEMA})
# What protobuf's Python classes have beside the fields: a field of such a name hides it.
_OF_MESSAGES = frozenset(dir(Empty))
_SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})


def name_findings(resource: Resource, diagnostics: Diagnostics) -> Findings:
    """Yield what is wrong with the names of one table, its columns and constraints."""
    where = resource.message.full_name
    yield from _lengths(where, resource)
    owners: dict[str, str] = {}
    for field in resource.fields:
        place = field.descriptor.full_name
        if wrong := reserved_column(field.column):
            yield Finding(place, f'"{field.column}" {wrong}', "give the column another name")
        if field.column in owners:
            wrong = f'is stored in the column "{field.column}", as {owners[field.column]} is'
            yield Finding(place, wrong, "give one of them another name")
        owners[field.column] = field.name
        enum_type = column_options(place, diagnostics).enum_type
        yield from _short(place, enum_type.rpartition(".")[2], "enum_type")
    yield from _twice(where, [name for name in _constraint_names(resource) if name])


def reserved_column(column: str) -> str:
    """Return why a column of that name can't be served; empty where it can."""
    if column in _SYSTEM_COLUMNS:
        return "is a system column of every table"
    owned = column.startswith(OWN_COLUMNS)
    return f'begins with "{OWN_COLUMNS}", as columns of the gateway\'s own do' if owned else ""


def hiding_findings(messages: Iterable[Descriptor]) -> Findings:
    """Yield the fields that hide what protobuf's Python classes need, whose messages could not be read."""
    for message in messages:
        for field in message.fields:
            if field.name in _OF_MESSAGES:
                wrong = f'"{field.name}" is what protobuf calls a part of every message in Python'
                yield Finding(field.full_name, wrong, "give the field another name, as in snake_case")


def _lengths(where: str, resource: Resource) -> Findings:
    if resource.schema in _TAKEN_SCHEMAS or resource.schema.startswith("pg_"):
        yield Finding(where, f'the schema "{resource.schema}" is not for tables of yours', "use another")
    yield from _short(where, resource.schema, "schema")
    yield from _short(where, resource.table, "table")
    for field in resource.fields:
        yield from _short(field.descriptor.full_name, field.column, "column")
    for name in _constraint_names(resource):
        yield from _short(where, name or "", "constraint")


def _short(where: str, name: str, what: str) -> Findings:
    if len(name.encode()) > MAX_BYTES:
        right = f"PostgreSQL keeps {MAX_BYTES} bytes of a name"
        yield Finding(where, f'the {what} name "{name}" has {len(name.encode())} bytes', right)
    if "\0" in name:
        yield Finding(where, f"the {what} name holds NUL")


def _constraint_names(resource: Resource) -> list[str | None]:
    """Return the names that a migration gives; a table that others manage gets none."""
    if not resource.managed:
        return []
    return [
        primary_key_name(resource.table),
        *(key.name for key in resource.unique),
        *(check.name for check in resource.checks),
        *(key.name for key in resource.foreign_keys if key.enforced),
        *(index.name for index in resource.indexes),
    ]


def _twice(where: str, names: Iterable[str]) -> Findings:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield Finding(
                where, f'two constraints or indexes are named "{name}"', 'say name: "…" at one of them'
            )
        seen.add(name)


def shared_name_findings(resources: Mapping[str, Resource]) -> Findings:
    """Yield the tables and indexes of one schema that share a name."""
    owners: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for full_name, resource in resources.items():
        for name in dict.fromkeys(_relations(resource)):
            owners[resource.schema, name].append(full_name)
    for (schema, name), messages in owners.items():
        for message in messages[1:]:
            what = f'"{schema}.{name}" is the name of a table or index of {messages[0]} too'
            yield Finding(message, what, "give one of them another name")


def shared_enum_findings(resources: Mapping[str, Resource], diagnostics: Diagnostics) -> Findings:
    """Yield the fields whose PostgreSQL enum stores another enum of the schema already."""
    owners: dict[tuple[str, str], str] = {}
    tables = {(resource.schema, resource.table): name for name, resource in resources.items()}
    for resource in resources.values():
        for field in resource.fields:
            place, enum = field.descriptor.full_name, field.descriptor.enum_type
            enum_type = column_options(place, diagnostics).enum_type
            if not enum_type or enum is None:
                continue
            table = tables.get(enum_type_name(enum_type, resource.schema))
            if table:
                wrong = (
                    f'the enum_type "{enum_type}" is called as the table of {table} is, whose rows are a type'
                )
                yield Finding(place, wrong, "give it another name")
            owner = owners.setdefault(enum_type_name(enum_type, resource.schema), enum.full_name)
            if owner != enum.full_name:
                yield Finding(
                    place, f'the enum_type "{enum_type}" stores {owner} already', "give it another name"
                )


def _relations(resource: Resource) -> Iterable[str]:
    yield resource.table
    if not resource.managed:
        return
    yield primary_key_name(resource.table)
    yield from (key.name for key in resource.unique if key.name)
    yield from (index.name for index in resource.indexes if index.name)
