"""At start: a database role that row-level security doesn't hold for is no role of callers."""

import logging
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import MetaData

from gateway.db.database import Database
from gateway.introspect.tables.model_tables import table_name
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement

_logger = logging.getLogger(__name__)


def _question(text: str, *binds: str) -> Statement:
    return Statement(text, binds, (), writes=False, name="row security", constants={})


# Before PostgreSQL 16 whoever is a member of a role may take it.
_ROLES = _question(
    """
    SELECT wanted.name, r.oid IS NULL, r.rolsuper, r.rolbypassrls, NOT pg_has_role(session_user, r.oid,
        CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END)
    FROM unnest($1::text[]) AS wanted(name) LEFT JOIN pg_catalog.pg_roles AS r ON r.rolname = wanted.name
    ORDER BY 1
    """,
    "roles",
)
# Whoever has the owner's rights counts as the owner (check_enable_rls in PostgreSQL's rls.c).
_OWNED = _question(
    """
    SELECT r.rolname::text, format('%I.%I', n.nspname, c.relname)
    FROM unnest($1::text[], $2::text[]) AS wanted(namespace, name)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = wanted.namespace
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
    JOIN pg_catalog.pg_roles AS r ON r.rolname = ANY($3::text[])
    WHERE c.relrowsecurity AND NOT c.relforcerowsecurity AND pg_has_role(r.oid, c.relowner, 'USAGE')
    ORDER BY 1, 2
    """,
    "schemas",
    "tables",
    "roles",
)
# A view that looks at its tables by its caller's rights is as open as what it looks at.
_INVOKER = (
    "CASE split_part(option, '=', 1) WHEN 'security_invoker' THEN split_part(option, '=', 2)::boolean END"
)
_OPEN = _question(
    f"""
    WITH RECURSIVE found(served, oid) AS (
        SELECT c.oid, c.oid
        FROM unnest($1::text[], $2::text[]) AS wanted(namespace, name)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = wanted.namespace
        JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
        UNION
        SELECT found.served, below.refobjid
        FROM found
        JOIN pg_catalog.pg_class AS c ON c.oid = found.oid AND c.relkind = 'v'
        JOIN LATERAL unnest(c.reloptions) AS option
            ON {_INVOKER}
        JOIN pg_catalog.pg_rewrite AS rule ON rule.ev_class = c.oid
        JOIN pg_catalog.pg_depend AS below
            ON below.classid = 'pg_catalog.pg_rewrite'::regclass AND below.objid = rule.oid
            AND below.refclassid = 'pg_catalog.pg_class'::regclass
    )
    SELECT format('%s.%I', s.relnamespace::regnamespace, s.relname),
        format('%s.%I', c.relnamespace::regnamespace, c.relname)
    FROM found
    JOIN pg_catalog.pg_class AS s ON s.oid = found.served
    JOIN pg_catalog.pg_class AS c ON c.oid = found.oid
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT c.relrowsecurity
        AND NOT EXISTS (SELECT FROM unnest(c.reloptions) AS option WHERE {_INVOKER})
    ORDER BY 1, 2
    """,  # noqa: S608 - a constant
    "schemas",
    "tables",
)


class PoliciesBypassedError(Exception):
    """A role of callers goes round the database's policies, or can't be taken at all.

    Args:
        faults: what is wrong, each with its role.

    """

    def __init__(self, faults: Sequence[str]) -> None:
        listed = "".join(f"\n  {fault}" for fault in faults)
        super().__init__(f"callers can't act by these roles of the database:{listed}")
        self.faults = tuple(faults)


async def require_policies_hold(
    database: Database, roles: Collection[str], metadata: MetaData, call: Call
) -> None:
    """Raise PoliciesBypassedError unless the policies of all tables hold for the roles.

    Tables without row-level security are told in the log: who has the privileges sees all of their rows. So
    are views that look at their tables by their owner's rights, and those that look at such tables or views.
    """
    names = [table_name(table) for table in metadata.tables.values()]
    tables = [[name.schema for name in names], [name.name for name in names]]
    wanted = sorted(roles)
    known = await database.fetch(_ROLES, [wanted], call)
    owned = await database.fetch(_OWNED, [*tables, wanted], call)
    faults = [*_faults(known), *(_of_owner(role, table) for role, table in owned)]
    if faults:
        raise PoliciesBypassedError(faults)
    unguarded = [
        served if served == below else f"{served} (by {below})"
        for served, below in await database.fetch(_OPEN, tables, call)
    ]
    if unguarded:
        _logger.warning("tables have no row-level security of their own", extra={"tables": unguarded})


def _faults(known: Sequence[Sequence[object]]) -> Iterator[str]:
    for role, is_missing, is_superuser, bypasses, is_foreign in known:
        if is_missing:
            yield f"{role}: is no role of this database"
        elif is_superuser or bypasses:
            why = "is a superuser" if is_superuser else "has BYPASSRLS"
            yield f"{role}: {why}, so no policy holds for it"
        elif is_foreign:
            yield f"{role}: the gateway's role may not take it: GRANT it to that"


def _of_owner(role: str, table: str) -> str:
    return f"{role}: has the rights of the owner of {table}, which has no FORCE ROW LEVEL SECURITY"
