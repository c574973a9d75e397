"""Privileges that methods need and the gateway's role lacks, told at start with the GRANTs that give them."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import Table

from gateway.db.database import Database
from gateway.introspect.startup.own_tables import own_tables_of
from gateway.introspect.tables.model_tables import managed_tables_of, table_name
from gateway.introspect.tables.table_records import Name
from gateway.request.calls.call import Call
from gateway.schema.model import Method, MethodKind, Schema, StandardMethod
from gateway.schema.privileges import privileges_for, related_writes_of, writes_of
from gateway.schema.tables.internal import AUDIT, INTERNAL_SCHEMA
from gateway.schema.tables.metadata import Tables
from gateway.sql.statement import Statement
from gateway.sql.writes.cascade import references_to

_logger = logging.getLogger(__name__)

_READ = frozenset({"SELECT"})
_ALL = _READ | {"INSERT", "UPDATE", "DELETE"}
_APPENDED = frozenset({"INSERT"})
_AUDIT = table_name(AUDIT)
_BULK = frozenset({MethodKind.BULK_UPSERT, MethodKind.INGEST})

_Needed = dict[Name, dict[str, set[str]]]
"""The methods that need a privilege, by table and privilege."""

_LACKING = Statement(
    """
    WITH there AS (
        SELECT wanted.*, n.oid AS place, c.oid
        FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted(namespace, name, privilege)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = wanted.namespace
        JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
    ), lacking AS (
        SELECT 1 AS step, 'DATABASE' AS kind, quote_ident(current_database()) AS object,
               'TEMPORARY' AS privilege, '' AS namespace, '' AS name
        WHERE $4::boolean AND NOT has_database_privilege(current_database(), 'TEMPORARY')
        UNION SELECT 2, 'SCHEMA', quote_ident(namespace), 'USAGE', namespace, name
        FROM there WHERE NOT has_schema_privilege(place, 'USAGE')
        UNION SELECT 3, 'TABLE', format('%I.%I', namespace, name), privilege, namespace, name
        FROM there WHERE NOT CASE privilege WHEN 'DELETE' THEN has_table_privilege(oid, 'DELETE')
            ELSE has_any_column_privilege(oid, privilege) END
        UNION SELECT 4, 'SEQUENCE', format('%I.%I', n.nspname, s.relname), 'USAGE', namespace, name
        FROM there
        JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = there.oid
        JOIN pg_catalog.pg_depend AS uses
            ON uses.classid = 'pg_catalog.pg_attrdef'::regclass AND uses.objid = d.oid
            AND uses.refclassid = 'pg_catalog.pg_class'::regclass
        JOIN pg_catalog.pg_class AS s ON s.oid = uses.refobjid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = s.relnamespace
        WHERE privilege = 'INSERT'
            AND NOT CASE s.relkind WHEN 'S' THEN has_sequence_privilege(s.oid, 'USAGE, UPDATE') ELSE true END
    )
    SELECT quote_ident(current_user), kind, object, privilege, namespace, name
    FROM lacking ORDER BY step, object, privilege
    """,
    binds=("schemas", "tables", "privileges", "makes_temporary"),
    fields=(),
    writes=False,
    name="privileges",
    constants={},
)


class LackedPrivilegeError(Exception):
    """The role may not even do what comparing the schema with the database takes, such as temporary tables.

    Args:
        grants: the statements that give all that it lacks.

    """

    def __init__(self, grants: str) -> None:
        why = "the database role lacks privileges that comparing the schema with the database takes"
        super().__init__(f"{why}. These give all that it lacks:\n  {grants}")


@dataclass(frozen=True, slots=True)
class _Lack:
    """A privilege that the role has not: as _LACKING's columns say, all but the names in SQL's spelling."""

    role: str
    kind: str
    object: str
    privilege: str
    namespace: str
    name: str

    @property
    def table(self) -> Name:
        """The table for whose sake it is needed."""
        return Name(self.namespace, self.name)


async def warn_of_missing_grants(
    database: Database, schema: Schema, tables: Tables, call: Call, *, by_callers: bool = False
) -> str:
    """Write a line of the log with all that the role may not do and methods do.

    Return the GRANT statements for it; empty where nothing is lacking. With `by_callers` statements
    run by roles of their callers', and the gateway's own needs no more than its own tables.
    """
    needed = _needed(schema, tables)
    if by_callers:
        needed = {table: methods for table, methods in needed.items() if table.schema == INTERNAL_SCHEMA}
    asked = [(*table, privilege) for table, methods in needed.items() for privilege in sorted(methods)]
    schemas, names, privileges = ([one[i] for one in asked] for i in range(3))
    kinds = {method.kind for service in schema.services.values() for method in service.standard_methods}
    # The schema's tables are made as temporary ones, too, to be compared.
    makes_temporary = bool(managed_tables_of(tables.metadata) or kinds & _BULK)
    rows = await database.fetch(_LACKING, [schemas, names, privileges, makes_temporary], call)
    lacking = [_Lack(*row) for row in rows]
    if not lacking:
        return ""
    grants = " ".join(_grants(lacking))
    facts = {"role": lacking[0].role, "lacking": _by_object(lacking), "methods": _refused(lacking, needed)}
    _logger.warning(
        "the database role lacks privileges: calls will be refused", extra={**facts, "grants": grants}
    )
    return grants


def _by_object(lacking: Sequence[_Lack]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for lack in lacking:
        privileges = found.setdefault(lack.object, [])
        if lack.privilege not in privileges:
            privileges.append(lack.privilege)
    return found


def _grants(lacking: Sequence[_Lack]) -> Iterator[str]:
    kinds = {lack.object: lack.kind for lack in lacking}
    for name, privileges in _by_object(lacking).items():
        yield f"GRANT {', '.join(privileges)} ON {kinds[name]} {name} TO {lacking[0].role};"


def _refused(lacking: Sequence[_Lack], needed: _Needed) -> Sequence[str]:
    """Return the methods that can't do all that they should."""
    refused: set[str] = set()
    for lack in lacking:
        by_privilege = needed.get(lack.table, {})
        alone = by_privilege.get(lack.privilege if lack.kind == "TABLE" else "INSERT", set())
        refused |= set().union(*by_privilege.values()) if lack.kind == "SCHEMA" else alone
    return sorted(refused)


def _needed(schema: Schema, tables: Tables) -> _Needed:
    needed: _Needed = {}
    for service in schema.services.values():
        for method in service.methods:
            for table, privileges in _needed_by(method, tables):
                for privilege in privileges:
                    needed.setdefault(table, {}).setdefault(privilege, set()).add(method.full_name)
    return needed


def _needed_by(method: Method, tables: Tables) -> Iterator[tuple[Name, AbstractSet[str]]]:
    for own in own_tables_of(method):
        yield own, _APPENDED if own == _AUDIT else _ALL
    if isinstance(method, StandardMethod):
        yield from _needed_of_resource(method, tables)


def _needed_of_resource(method: StandardMethod, tables: Tables) -> Iterator[tuple[Name, AbstractSet[str]]]:
    resource, roles = method.resource, {*method.request, *(method.item.request if method.item else ())}
    privileges = privileges_for(writes_of(method.kind, soft_delete=bool(resource.soft_delete)))
    if "DELETE" in privileges:
        if "force" in roles:
            yield from _needed_by_force(tables.tables[resource.message.full_name])
    elif "UPDATE" in privileges and "allow_missing" in roles and method.kind in _UPDATES:
        privileges |= {"INSERT"}
    yield Name(resource.schema, resource.table), privileges
    for one in method.related.values():
        yield Name(one.schema, one.table), privileges_for(related_writes_of(method, one))
    if method.kind in _BULK:
        # They look for the rows whose references lead nowhere.
        for key in resource.foreign_keys:
            if key.enforced:
                yield Name(key.target_schema, key.target_table), _READ


_UPDATES = frozenset({MethodKind.UPDATE, MethodKind.BATCH_UPDATE})


def _needed_by_force(target: Table) -> Iterator[tuple[Name, AbstractSet[str]]]:
    """Yield what it takes to look for rows that refer to deleted ones, and to remove them too."""
    reached, left = {target}, [target]
    while left:
        for reference in references_to(left.pop()):
            if reference.table not in reached:
                reached.add(reference.table)
                left.append(reference.table)
                yield table_name(reference.table), _READ | {"UPDATE", "DELETE"}
