"""Changes of the rows that a filter finds: which, how many at most, and what becomes of a refusal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

from google.protobuf.message import Message

from gateway.db.database import Row
from gateway.errors import FailedPrecondition, FieldViolation, InvalidArgument, PermissionDenied
from gateway.methods.engine import Engine
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.row_errors import unfit
from gateway.methods.row_changes.statement_shapes import MAX_SHAPES
from gateway.methods.selection import selection_reader
from gateway.policy.row_rules import ChangeRules, TableRules
from gateway.request.calls.call import Call
from gateway.request.transforms import NO_TRANSFORMS, Transforms
from gateway.schema.model import StandardMethod
from gateway.sql.dialect import dialect_of
from gateway.sql.reads.select import Rows
from gateway.sql.writes.by_filter import COUNTS, TOO_MANY, seize_by_filter
from gateway.sql.writes.change import Change
from gateway.sql.writes.kept_rows import kept_by_policy
from gateway.sql.writes.transforms import operand_column

ALL = "*"
"""The filter that finds all rows. An empty one is refused: nobody changes all by leaving something out."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows a request means to change.

    Args:
        rows: their shape.
        values: of its parameters.
        max_rows: the most that they may be.

    """

    rows: Rows
    values: Mapping[str, Any]
    max_rows: int


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change by a filter did.

    Args:
        count: how many rows it changed.
        rows: those that are told of.

    """

    count: int
    rows: Sequence[Row]


class ByFilter:
    """Finds the rows of one method's requests by their filters, and changes them.

    Rows that the caller may not read, or not change so, are not there: they are neither counted nor changed.

    Args:
        method: the method.
        engine: the gateway's parts.
        kind: the rules of this kind of change.

    """

    def __init__(
        self, method: StandardMethod, engine: Engine, kind: Callable[[TableRules], ChangeRules]
    ) -> None:
        self._method = method
        resource, table = method.resource, engine.table(method.resource)
        self._resource = resource
        rules = engine.rules_of(resource)
        self._rules = kind(rules) if rules is not None else None
        self._hides_rows = engine.hides_rows
        self._selection = selection_reader(method, rules, engine.relations_of(method), everything=ALL)
        statement = partial(dialect_of(resource).change_by_filter, resource, table, rules=self._rules)
        self._statement = lru_cache(MAX_SHAPES)(statement)
        self._seizure = lru_cache(MAX_SHAPES)(partial(seize_by_filter, resource, table))

    def read(self, request: Message, call: Call) -> Wanted:
        """Return which rows a request means; raises InvalidArgument."""
        limit = self._max_rows(request)
        rows, values = self._selection(request, call)
        name = self._method.request["filter"].name
        if not getattr(request, name) and not rows.equals:
            text = f'says no rows: "{ALL}" stands for all of them'
            raise InvalidArgument.field(name, text, reason="REQUIRED")
        using = self._rules.using if self._rules is not None else None
        return Wanted(replace(rows, using=using), values, limit)

    def _max_rows(self, request: Message) -> int:
        field, limits = self._method.request.get("max_rows"), self._method.row_limits
        asked = int(getattr(request, field.name)) if field is not None else 0
        name = field.name if field is not None else ""
        if not asked and not limits.default:
            text = f"says no limit: give 1 to {limits.most}"
            raise InvalidArgument.field(name, text, reason="REQUIRED")
        if not 0 <= asked <= limits.most:
            wrong = f"is {asked}: give 1 to {limits.most}"
            raise InvalidArgument.field(name, wrong, reason="OUT_OF_RANGE")
        return asked or limits.default

    async def change(
        self,
        session: Session,
        change: Change,
        wanted: Wanted,
        *,
        values: Mapping[str, Any],
        defaults: tuple[str, ...] = (),
        transforms: Transforms = NO_TRANSFORMS,
        shows: bool,
    ) -> Changed:
        """Make the same change of all rows; return how many they are, and the first where they are shown.

        Raises FailedPrecondition where they are too many, or a trigger keeps one (ROW_KEPT_OUT), and
        PermissionDenied where one may not become what is asked.
        """
        statement = self._statement(
            change,
            wanted.rows,
            columns=tuple(values),
            defaults=defaults,
            transforms=transforms.shape,
            shows=shows,
        )
        operands = {operand_column(column): value for column, value in transforms.operands.items()}
        given = {**wanted.values, TOO_MANY: wanted.max_rows + 1}
        arguments = statement.arguments({**values, **operands}, caller=given)
        told = await session.fetch(statement.statement, arguments)
        found, held, refused, changed, unfit_at = told[0][:COUNTS]
        self._check_count(found, wanted)
        if refused:
            raise _not_allowed()
        if unfit_at is not None:
            raise unfit(f"transforms[{unfit_at}]")
        if changed < held and not (change is Change.DELETE and await self._is_kept_by_policy(session)):
            raise _kept()
        rows = [row[COUNTS:] for row in told[:changed]] if shows else []
        return Changed(changed, rows)

    async def seize(self, session: Session, wanted: Wanted) -> Sequence[Row]:
        """Lock all rows, against new references too; return them. Raises FailedPrecondition for too many."""
        statement = self._seizure(wanted.rows)
        given = {**wanted.values, TOO_MANY: wanted.max_rows + 1}
        told = await session.fetch(statement.statement, statement.arguments({}, caller=given))
        found, held, *_ = told[0]
        self._check_count(found, wanted)
        return [row[COUNTS:] for row in told[:held]]

    def _check_count(self, found: int, wanted: Wanted) -> None:
        if found <= wanted.max_rows:
            return
        field = self._method.request.get("max_rows")
        text = f"more than {wanted.max_rows} rows are found: narrow the filter, or raise max_rows"
        raise FailedPrecondition(
            f"{text}; nothing was changed",
            reason="TOO_MANY_ROWS_FOUND",
            metadata={"max_rows": str(wanted.max_rows), "limit": str(self._method.row_limits.most)},
            violations=[FieldViolation(field.name, text, "TOO_MANY_ROWS_FOUND")] if field is not None else (),
        )

    async def _is_kept_by_policy(self, session: Session) -> bool:
        """Return whether rows that stay are those that a policy of the database hides from deletions."""
        if not self._hides_rows:
            return False
        [[by_policy]] = await session.fetch(*kept_by_policy(self._resource))
        return bool(by_policy)


def _not_allowed() -> PermissionDenied:
    return PermissionDenied(
        "a row that is found may not be changed so by the caller: nothing was changed",
        reason="ROW_NOT_ALLOWED",
    )


def _kept() -> FailedPrecondition:
    return FailedPrecondition(
        "a row that is found is kept as it is by a trigger in the database: nothing was changed",
        reason="ROW_KEPT_OUT",
    )
