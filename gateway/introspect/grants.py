"""Privileges that methods need and the gateway's role lacks, told at start."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from gateway.db.database import Database
from gateway.request.call import Call
from gateway.schema.model import Method, MethodKind, Schema
from gateway.schema.privileges import writes_of
from gateway.schema.tables.internal import IDEMPOTENCY, INGEST, INTERNAL_SCHEMA
from gateway.sql.statement import Statement

_logger = logging.getLogger(__name__)

_READ = frozenset({"SELECT"})
_ALL = _READ | {"INSERT", "UPDATE", "DELETE"}

Name = tuple[str, str]
"""A table's schema and name."""

_LACKING = Statement(
    """
    SELECT current_user::text, wanted.namespace, wanted.name, wanted.privilege
    FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted(namespace, name, privilege)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = wanted.namespace
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
    WHERE NOT (has_schema_privilege(n.oid, 'USAGE') AND CASE wanted.privilege
        WHEN 'DELETE' THEN has_table_privilege(c.oid, 'DELETE')
        ELSE has_any_column_privilege(c.oid, wanted.privilege) END)
    ORDER BY 2, 3, 4
    """,
    binds=("schemas", "tables", "privileges"),
    fields=(),
    writes=False,
    name="privileges",
    constants={},
)


async def warn_of_missing_grants(database: Database, schema: Schema, call: Call) -> None:
    """Write a line of the log for each table with which the role may not do what methods do."""
    needed = _needed(schema)
    asked = [(*table, privilege) for table, methods in needed.items() for privilege in sorted(methods)]
    schemas, tables, privileges = ([one[i] for one in asked] for i in range(3))
    lacking: dict[tuple[str, Name], list[str]] = {}
    for role, *table, privilege in await database.fetch(_LACKING, [schemas, tables, privileges], call):
        lacking.setdefault((role, (table[0], table[1])), []).append(privilege)
    for (role, name), missing in lacking.items():
        methods = sorted({method for privilege in missing for method in needed[name][privilege]})
        facts = {"role": role, "table": ".".join(name), "privileges": missing, "methods": methods}
        _logger.warning("the database role lacks privileges: calls will be refused", extra=facts)


def _needed(schema: Schema) -> Mapping[Name, Mapping[str, Sequence[str]]]:
    """Return the methods that need a privilege, by table and privilege."""
    needed: dict[Name, dict[str, list[str]]] = {}
    for service in schema.services.values():
        for method in service.methods:
            for table, privileges in _needed_by(method):
                for privilege in privileges:
                    needed.setdefault(table, {}).setdefault(privilege, []).append(method.full_name)
    return needed


def _needed_by(method: Method) -> Iterator[tuple[Name, AbstractSet[str]]]:
    resource = method.resource
    # Every write returns its row, or looks for it: none does without SELECT.
    privileges = _READ | writes_of(method.kind, soft_delete=bool(resource.soft_delete))
    yield (resource.schema, resource.table), privileges
    if "request_id" in method.request:
        yield (INTERNAL_SCHEMA, IDEMPOTENCY.name), _ALL
    if method.kind is MethodKind.INGEST:
        yield (INTERNAL_SCHEMA, INGEST.name), _ALL
