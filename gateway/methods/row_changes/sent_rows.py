"""Rows as they are sent, beside the rules of what may be written: they are refused before a taken key is."""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from gateway.db.bulk.merge import not_allowed
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.statement_shapes import MAX_SHAPES
from gateway.policy.row_rules import ChangeRules, TableRules
from gateway.schema.model import Resource
from gateway.sql.rule_checks import may_be_written


class SentRows:
    """Refuses rows that can't be written as they are sent.

    Args:
        resource: what they are.
        rules: of its table.
        change: those of what is done.

    """

    def __init__(self, resource: Resource, rules: TableRules, change: ChangeRules) -> None:
        self._rules = rules
        statement = partial(may_be_written, resource, checks=change.checks)
        self._statement = lru_cache(MAX_SHAPES)(statement)

    async def check(
        self, session: Session, columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Raise PermissionDenied where one of the rows, with values for `columns`, can't be written."""
        statement = self._statement(columns)
        if statement is None:
            return
        arguments = statement.arguments(rows, caller=self._rules.values(session.principal))
        ((allowed,),) = await session.fetch(statement.statement, arguments)
        if not allowed:
            raise not_allowed()
