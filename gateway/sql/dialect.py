"""The statements that depend on where a table's rows are: in one server, or in shards that Citus keeps.

Handlers ask for a resource's dialect once, when they are made, and know nothing else of it
(docs/decisions/0070-citus-is-a-dialect.md).
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.schema.model import Resource
from gateway.sql.bulk.write import BulkStatements, bulk_statements
from gateway.sql.citus import bulk, by_filter, change, insert, select
from gateway.sql.reads.select import select_by_keys
from gateway.sql.statement import Statement
from gateway.sql.writes.by_filter import change_by_filter
from gateway.sql.writes.change import change_row, change_rows
from gateway.sql.writes.insert import insert_row, insert_rows
from gateway.sql.writes.row_arrays import RowsStatement, RowStatement
from gateway.sql.writes.shared_writes import change_each, insert_each


@dataclass(frozen=True, slots=True)
class Dialect:
    """What makes the statements of a table's rows. Each takes and returns what PostgreSQL's does.

    Args:
        select_by_keys: reads the rows of many keys.
        change_row: changes a row.
        change_rows: changes many rows, and tells of each what it met.
        change_by_filter: changes the rows that a filter finds.
        change_each: changes many callers' rows; None where callers share no statement that writes.
        insert_row: inserts a row.
        insert_rows: inserts many rows.
        insert_each: inserts many callers' rows; None as before.
        bulk_statements: makes all statements of a bulk upsert.

    """

    select_by_keys: Callable[..., Statement]
    change_row: Callable[..., RowStatement]
    change_rows: Callable[..., RowsStatement]
    change_by_filter: Callable[..., RowStatement]
    change_each: Callable[..., RowsStatement] | None
    insert_row: Callable[..., RowStatement]
    insert_rows: Callable[..., RowsStatement]
    insert_each: Callable[..., RowsStatement | None] | None
    bulk_statements: Callable[..., BulkStatements]


POSTGRESQL = Dialect(
    select_by_keys=select_by_keys,
    change_row=change_row,
    change_rows=change_rows,
    change_by_filter=change_by_filter,
    change_each=change_each,
    insert_row=insert_row,
    insert_rows=insert_rows,
    insert_each=insert_each,
    bulk_statements=bulk_statements,
)
CITUS = Dialect(
    select_by_keys=select.select_by_keys,
    change_row=change.change_row,
    change_rows=change.change_rows,
    change_by_filter=by_filter.change_by_filter,
    change_each=None,
    insert_row=insert.insert_row,
    insert_rows=insert.insert_rows,
    insert_each=None,
    bulk_statements=bulk.bulk_statements,
)


def dialect_of(resource: Resource) -> Dialect:
    """Return the dialect of a resource's rows."""
    return POSTGRESQL if resource.distribution is None else CITUS


def lists_rows(holder: Resource, held: Resource) -> bool:
    """Return whether a statement can have rows of one table as a list of each row of another.

    Citus sends no arrays of records from its nodes.
    """
    return not any(one.distribution is not None and one.distribution.column for one in (holder, held))
