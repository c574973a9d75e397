"""Queries of handlers' own: looked at the first time, as those of SQL methods are at the start."""

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from gateway.db.statements.plan import explained_within
from gateway.handlers.database.values import codec_of
from gateway.introspect.sql_methods.plan import Plan
from gateway.introspect.sql_methods.policies import policy_problems
from gateway.introspect.sql_methods.touched import touched_by
from gateway.schema.diagnostics import Diagnostic
from gateway.schema.model import Schema
from gateway.schema.sql_text import Query, QueryTextError, read_query

_OTHER_STATEMENT = "the statement is none of SELECT, VALUES, INSERT, UPDATE, DELETE and MERGE"
MAX_KNOWN = 1_000
"""The most queries of which it is kept what they are."""
_OF_SAVEPOINTS = re.compile(r"(SAVEPOINT|ROLLBACK TO SAVEPOINT|RELEASE SAVEPOINT) \w+")
_RIGHT = (
    "call the methods, which uphold it, or say bypass_policies() and have the query say who may have what"
)


class RefusedQueryError(Exception):
    """A query of a handler's that isn't run: its author has to change the code."""


@dataclass(frozen=True, slots=True)
class KnownQuery:
    """What is known of a query.

    Args:
        attributes: its columns, as the driver describes them.
        encode: what is made of each parameter.
        decode: what is made of each column's values.

    """

    attributes: Sequence[Any] = ()
    encode: Sequence[Callable[[Any], Any] | None] = ()
    decode: Sequence[Callable[[Any], Any] | None] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query as the policies' rules know it."""

    query: Query
    bypasses_policies: bool

    def wrong(self, _offset: int, wrong: str, right: str) -> Diagnostic:
        return Diagnostic("", 0, "", wrong, right)


class Queries:
    """Knows queries by their text, once they have been seen to do what they may.

    Args:
        schema: has the tables' policies.
        by_callers: whether PostgreSQL's own policies hold, as statements run by callers' roles.

    """

    def __init__(self, schema: Schema, *, by_callers: bool) -> None:
        self._schema = schema
        self._by_callers = by_callers
        self._known: OrderedDict[tuple[str, bool], KnownQuery] = OrderedDict()

    async def known(self, connection: Any, text: str, *, is_policed: bool) -> KnownQuery:
        """Return what is known of a query; raises RefusedQueryError, and the driver's exceptions.

        Args:
            connection: of the driver, in an open transaction.
            text: one SELECT, VALUES, INSERT, UPDATE, DELETE or MERGE, with `$n` for parameters.
            is_policed: whether it may touch no table whose policies don't hold in it.

        """
        found = self._known.get((text, is_policed))
        if found is not None:
            self._known.move_to_end((text, is_policed))
            return found
        if _OF_SAVEPOINTS.fullmatch(text):
            return KnownQuery()
        found = await self._looked_at(connection, text, is_policed=is_policed)
        self._known[text, is_policed] = found
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return found

    async def _looked_at(self, connection: Any, text: str, *, is_policed: bool) -> KnownQuery:
        try:
            query = read_query(text, numbered=True)
        except QueryTextError as error:
            raise RefusedQueryError(f"{error}: {error.right}".rstrip(": ")) from error
        # By the extended protocol, which takes a single statement.
        prepared = await connection.prepare(text, name="")
        parameters = [codec_of(one.name) for one in prepared.get_parameters()]
        attributes = prepared.get_attributes()
        columns = [codec_of(one.type.name) for one in attributes]
        try:
            explained = await explained_within(connection, text, "(VERBOSE, FORMAT JSON)")
        except asyncpg.PostgresSyntaxError as error:  # what can be prepared, but not by PREPARE
            raise RefusedQueryError(_OTHER_STATEMENT) from error
        plan = Plan(json.loads(explained)[0]["Plan"])
        touched = await touched_by(connection, query, plan)
        asked = _Asked(query, bypasses_policies=not is_policed)
        for problem in policy_problems(asked, self._schema, touched, by_callers=self._by_callers):
            raise RefusedQueryError(f"{problem.wrong}: {_RIGHT}")
        return KnownQuery(
            attributes,
            [None if one is None else one.encode for one in parameters],
            [None if one is None else one.decode for one in columns],
        )
