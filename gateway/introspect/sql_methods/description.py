"""A query as PostgreSQL describes it when it prepares it, and plans it without values. It isn't run."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from gateway.db.statements.plan import PREPARE, explained
from gateway.introspect.sql_methods.plan import Plan
from gateway.schema.sql_method import SqlMethod
from gateway.schema.sql_text import NumberedQuery

_BEGIN = "BEGIN READ ONLY"
_TYPES = """
SELECT t.oid, pg_catalog.format_type(t.oid, NULL), t.typtype, n.nspname, t.typname
FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
WHERE t.oid = ANY($1::oid[])
"""
_UNTYPED = ("42P18", "42P08")
"""SQLSTATEs of a parameter whose type nothing tells, or whose places tell different ones."""
_SYNTAX = "42601"
_UTILITY = "a method runs one SELECT, VALUES, INSERT, UPDATE, DELETE or MERGE"


@dataclass(frozen=True, slots=True)
class FoundType:
    """A type of the database.

    Args:
        name: as SQL spells it, without modifiers.
        enum: the schema and the name of an enum; None of another type.

    """

    name: str
    enum: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """What PostgreSQL says of a query.

    Args:
        parameters: their types, in their order.
        columns: the names and types of those of its rows.
        plan: what it would do.

    """

    parameters: Sequence[FoundType]
    columns: Sequence[tuple[str, FoundType]]
    plan: Plan


class QueryRefusedError(Exception):
    """PostgreSQL doesn't prepare a query.

    Args:
        offset: where, in the query as it was written.
        wrong: what is wrong.
        right: what would be right.

    """

    def __init__(self, offset: int, wrong: str, right: str) -> None:
        super().__init__(wrong)
        self.offset = offset
        self.wrong = wrong
        self.right = right


async def describe(connection: Any, method: SqlMethod, roles: Collection[str] = ()) -> Description:
    """Return what PostgreSQL says of a method's query; raises QueryRefusedError.

    Args:
        connection: of the driver, in no transaction.
        method: the method.
        roles: other roles, by which it may be asked where the connection's own may not.

    """
    query = method.query.numbered()
    refused: QueryRefusedError | None = None
    for before in ("", *(f"SET LOCAL role TO {_quoted(role)}" for role in sorted(roles))):
        try:
            return await _described(connection, query, before)
        except QueryRefusedError as error:
            refused = refused or error
            if not isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
                raise
    raise refused or AssertionError


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def _described(connection: Any, query: NumberedQuery, before: str) -> Description:
    with _refusing(query):
        parameters, columns = await _prepared(connection, query.text, before)
    with _refusing(query, len(PREPARE)):
        plan = await explained(connection, query.text, "(VERBOSE, FORMAT JSON)", before)
    return Description(parameters, columns, Plan(json.loads(plan)[0]["Plan"]))


async def _prepared(
    connection: Any, text: str, before: str
) -> tuple[Sequence[FoundType], Sequence[tuple[str, FoundType]]]:
    # By the extended protocol, which takes a single statement.
    await connection.execute(f"{_BEGIN}; {before}")
    try:
        prepared = await connection.prepare(text, name="")
        taken = [one.oid for one in prepared.get_parameters()]
        given = [(one.name, one.type.oid) for one in prepared.get_attributes()]
        types = await _types(connection, [*taken, *(oid for _, oid in given)])
    finally:
        await connection.execute("ROLLBACK")
    return [types[oid] for oid in taken], [(name, types[oid]) for name, oid in given]


async def _types(connection: Any, oids: Sequence[int]) -> Mapping[int, FoundType]:
    rows = await connection.fetch(_TYPES, oids)
    return {
        oid: FoundType(name, (schema, short) if kind == b"e" else None)
        for oid, name, kind, schema, short in rows
    }


@contextmanager
def _refusing(query: NumberedQuery, before: int = 0) -> Iterator[None]:
    """Raise what PostgreSQL refuses as QueryRefusedError, of a text that stands behind so many characters."""
    try:
        yield
    except asyncpg.PostgresError as error:
        details: Any = error
        offset = query.offset_of(max(int(details.position or 1) - 1 - before, 0))
        raise QueryRefusedError(offset, details.message, _right(details, before)) from error


def _right(error: Any, before: int) -> str:
    if error.sqlstate in _UNTYPED:
        return "say the type where the parameter stands first: :name::text"
    if before and error.sqlstate == _SYNTAX:
        return _UTILITY
    return str(error.hint or error.detail or "")
