"""AuditTrail of audited tables: gathered in their transaction, kept as its rows, or as lines of the log."""

import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from gateway.db.statements.commit_outcome import MARK
from gateway.observe.log import AUDIT_LOGGER
from gateway.request.calls.call import Call
from gateway.schema.tables.internal import AUDIT
from gateway.sql.audit import AuditedRows, Changed
from gateway.sql.statement import Statement

LOGGED_KEYS = 100
"""The most keys that a line of the log names. It has the number of all."""

_logger = logging.getLogger(AUDIT_LOGGER)

_GIVEN = (
    ("table_name", "text"),
    ("action", "text"),
    ("method", "text"),
    ("principal_kind", "text"),
    ("principal_id", "text"),
    ("request_id", "text"),
    ("idempotency_key", "uuid"),
    ("trace_id", "text"),
)
_NAMES = ", ".join(name for name, _ in _GIVEN)
_ARRAYS = ", ".join(f"${n}::{kind}[]" for n, (_, kind) in enumerate(_GIVEN, 1))
APPEND = Statement(
    f"""
    WITH appended AS (
        INSERT INTO {AUDIT.fullname} ({_NAMES}, key)
        SELECT {_NAMES}, one.key
        FROM unnest({_ARRAYS}, ${len(_GIVEN) + 1}::text[]) AS change({_NAMES}, keys),
            LATERAL pg_catalog.jsonb_array_elements(change.keys::jsonb) AS one(key)
    ) {MARK}
    """,  # noqa: S608 - names of our own
    binds=(*(name for name, _ in _GIVEN), "keys"),
    fields=(),
    writes=True,
    name="audit",
    constants={},
)
"""Appends rows: of each call, table and action one item, whose keys are a JSON array.

It returns the transaction's mark, which would take a round trip of its own.
"""


class AuditTrail:
    """The changes of one transaction, in their order."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: list[tuple[Changed, Call]] = []

    def __len__(self) -> int:
        return len(self._made)

    def undo(self, size: int) -> None:
        """Forget all but the first ones, which a savepoint keeps."""
        del self._made[size:]

    def take(self, audited: AuditedRows, rows: Sequence[Any], call: Call) -> list[Any]:
        """Take note of what a statement's rows tell; return them without that."""
        sharing = call.sharing
        self._made += [(one, sharing[one.place] if sharing else call) for one in audited.changes(rows)]
        return [row[1:] for row in rows]

    def rows(self, idempotency_key: UUID | None) -> Sequence[Any] | None:
        """Return the arguments of APPEND; None where nothing is kept as rows."""
        items = [
            (*_facts(one, call), idempotency_key, _trace(call) or None, f"[{','.join(one.keys)}]")
            for one, call in self._made
            if one.table.in_table
        ]
        return list(zip(*items, strict=True)) if items else None

    def tell(self, idempotency_key: UUID | None = None) -> None:
        """Write the lines of the log of what is kept there: the transaction is committed."""
        for one, call in self._made:
            if not one.table.in_table:
                _tell(one, call, idempotency_key)
        self._made.clear()


def _facts(one: Changed, call: Call) -> tuple[str, ...]:
    principal = call.principal
    service, _, method = call.method.rpartition(".")
    request_id = "" if call.record is None else call.record.request_id
    return one.table.name, one.action, f"{service}/{method}", principal.kind, principal.id, request_id


def _trace(call: Call) -> str:
    return "" if call.record is None else call.record.trace_id


def _tell(one: Changed, call: Call, idempotency_key: UUID | None) -> None:
    table, action, method, kind, id_, request_id = _facts(one, call)
    line: dict[str, object] = {"table": table, "action": action, "method": method}
    line |= {"principal_kind": kind, "principal_id": id_, "request_id": request_id}
    if idempotency_key is not None:
        line["idempotency_key"] = str(idempotency_key)
    if trace_id := _trace(call):
        line["trace_id"] = trace_id
    _logger.info("changed", extra={**line, "rows": len(one.keys), "keys": _shown(one.keys[:LOGGED_KEYS])})


def _shown(keys: Iterable[str]) -> list[Any]:
    # A decimal keeps its digits as a text alone.
    return [json.loads(key, parse_float=str) for key in keys]
