"""Rules of rows in the statements of a bulk upsert: conditions as text, over the table as `t`."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, column, false, func, literal_column, not_, or_, table

from gateway.policy.row_rules import RowRule, TableRules
from gateway.sql.bulk.shape import INDEX, BulkShape, may_be_unset, quote, stage_name
from gateway.sql.rule_checks import RowAfter, decidable, is_met
from gateway.sql.statement import Statement, compile_statement

# A parameter, where it is none within a quoted name or a text.
_PARAMETER = re.compile(r'("(?:[^"]|"")*"|\'(?:[^\']|\'\')*\')|\$(\d+)')


class RuleConditions:
    """Writes the conditions of one statement, whose own parameters come first.

    Args:
        parameters: how many the statement has of its own.

    """

    def __init__(self, parameters: int) -> None:
        self._parameters = parameters
        self._binds: list[str] = []
        self._constants: dict[str, Any] = {}

    def met(self, *rules: RowRule) -> str:
        """Return the condition that a row of `t` meets some rules; unknown, as false, is not met."""
        columns = {f.column: column(f.column, f.type.engine) for rule in rules for f in rule.resource.fields}
        stored: Any = table("t", *columns.values())
        return self._text(and_(*(is_met(rule, stored) for rule in rules)))

    def met_after(self, changed: Mapping[str, str], *rules: RowRule) -> str:
        """Return the condition that a row of `t` would meet some rules whose columns are `changed` so.

        What PostgreSQL computes of them is left out: it is known afterwards alone.
        """
        parts = []
        for rule in rules:
            fields = rule.resource.fields
            after = RowAfter(
                {
                    f.column: literal_column(f"({changed[f.column]})", f.type.engine)
                    if f.column in changed
                    else literal_column(f"t.{quote(f.column)}", f.type.engine)
                    for f in fields
                }
            )
            known = frozenset(f.column for f in fields if f.generated is None)
            parts += [is_met(one, after) for one in decidable(rule, known)]
        return self._text(and_(*parts)) if parts else "true"

    def statement(self, text: str, name: str) -> Statement:
        """Return a statement with such conditions; its binds are those that follow its own parameters."""
        constants = dict(self._constants)
        return Statement(text, tuple(self._binds), (), writes=True, name=name, constants=constants)

    def _text(self, condition: Any) -> str:
        compiled = compile_statement(condition, name="")
        first = self._parameters + len(self._binds)
        self._binds += compiled.binds
        self._constants |= compiled.constants
        return f"({_PARAMETER.sub(lambda found: found[1] or f'${first + int(found[2])}', compiled.text)})"


def passed(condition: str) -> str:
    """Return what is true where a condition is met, and else fails (gateway.sql.rule_checks).

    PostgreSQL doesn't work it out before there is a row, whatever the condition: random() differs for each.
    """
    buckets = f"CASE WHEN {condition} THEN 1 ELSE (pg_catalog.random() * 0)::integer END"
    zero, one = "0.0::double precision", "1.0::double precision"
    return f"(pg_catalog.width_bucket({zero}, {zero}, {one}, {buckets}) > 0)"


def checked(value: str, condition: str) -> str:
    """Return a value of a row that has to meet a condition, or else the statement fails."""
    return f"CASE WHEN {passed(condition)} THEN {value} ELSE {value} END"


def guarded(using: str, condition: str) -> str:
    """Return a condition of rows that the caller has to be allowed to change, or else the statement fails."""
    return f"CASE WHEN {using} THEN ({condition}) ELSE {passed(using)} END"


def forbidden_rows(shape: BulkShape, rules: TableRules) -> Statement | None:
    """Return the statement that names the staged rows which neither could be created so, nor updated.

    None where what is always sent doesn't tell. Rows are checked again when they are written: but a key that
    is taken is found before that, and must not tell of a row beside which the caller could write none anyway.
    """
    resource = shape.resource
    told = frozenset(f.column for f in shape.staged if not (may_be_unset(f) or f.type.text_cast))
    created = told & {field.column for field in shape.staged if field.is_created}
    changed = told & {*shape.target, *(field.column for field in shape.updated)} - shape.transformed.keys()
    known = ((rules.creating, created), (rules.updating, changed))
    ways = [[one for rule in way.checks for one in decidable(rule, sent)] for way, sent in known]
    if not all(ways):
        return None
    staged: Any = table("s", *(column(field.column, field.type.engine) for field in shape.staged))
    allowed = or_(*(and_(*(is_met(rule, staged) for rule in way)) for way in ways))
    compiled = compile_statement(not_(func.coalesce(allowed, false())), name=f"check {resource.table}")
    query = f"SELECT s.{quote(INDEX)} FROM pg_temp.{quote(stage_name(resource))} AS s WHERE {compiled.text}"
    return Statement(
        query, compiled.binds, (), writes=False, name=compiled.name, constants=compiled.constants
    )
