"""The table of a bulk upsert: its lock, and what of it decides how rows are written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.db.database import Transaction
from gateway.schema.model import Resource
from gateway.sql.bulk.shape import table_name
from gateway.sql.bulk.write import BulkStatements
from gateway.sql.statement import Statement

SMALL = 1000
"""Up to so many rows, arrays are faster than COPY into a temporary table; keys are looked up one by one."""
_TOLD = 11
"""How many columns of the lock's answer say something; the others are settings that it makes."""
_BEFORE_EACH_ROW = 3
"""The bits of pg_trigger.tgtype for BEFORE and for each row; INSTEAD OF has another."""


@dataclass(frozen=True, slots=True)
class Target:
    """A table that is locked for a bulk upsert.

    Args:
        alone: whether no other bulk upsert writes it meanwhile.
        server_version: PostgreSQL's server_version_num.
        now: the transaction's time, in microseconds since 2000-01-01 UTC.
        takes_copy: whether COPY writes it as INSERT would: it is a table without rules, no policy of its rows
            holds for us, and its columns are of the very types that the schema says.
        takes_merge: whether MERGE may write it: it has no rules.
        empty: whether nothing was ever stored in it.
        plain: whether a statement does what it says and no more: no trigger, partition or child table writes
            beside it, any column may be named in SET, and the transaction's own statistics are kept, so that
            they tell exactly how many rows it inserts.
        keeps_out: whether a trigger, of a partition's perhaps, or a policy may keep a row from being written.
        judges_rows: whether a lack of privilege may be a row's: policies hold for us, who may write it.
        defers: whether a constraint of it is deferred until COMMIT, where no row could fail alone any more.
        always: the columns that PostgreSQL alone may number: GENERATED ALWAYS AS IDENTITY.
        encoding: the database's, in which its texts are stored.
        in_shards: whether Citus keeps its rows.

    """

    alone: bool
    server_version: int
    now: int
    takes_copy: bool
    takes_merge: bool
    empty: bool
    plain: bool
    keeps_out: bool
    judges_rows: bool
    defers: bool
    always: Sequence[str]
    encoding: str
    in_shards: bool = False


def _lock_statement(function: str, size: str = "pg_relation_size(oid)") -> Statement:
    """Return the statement that takes a table's lock, and settles how PostgreSQL joins the table.

    The wait may be longer than lock_timeout allows for a row: the caller's deadline bounds it.

    A table that was filled a moment ago counts as empty until it is analyzed, and ten thousand rows are then
    joined with it by scanning it for each. Its size on disk is never wrong: a small table is hashed, a large
    one is looked up by its index. A page holds some tens of rows and is read in the time of a few look-ups.
    Few rows are looked up one after the other, in the order in which their statement sorts them: a hash join
    would lock them as they lie in the table. Keys with NULLs that are equal are in no index as they are
    compared: each would be looked for in the whole table, so those are hashed, however few they are.
    Before PostgreSQL 18 a plan that had to be switched on counts as so dear that it would be compiled (JIT).
    """
    text = f"""
        SELECT current_setting('server_version_num')::integer, now(),
            kind IN ('r', 'p') AND NOT relhasrules AND NOT secured, NOT relhasrules, kind = 'r' AND size = 0,
            kind = 'r' AND NOT relhassubclass AND NOT relhasrules AND current_setting('track_counts')::boolean
                AND has_table_privilege(oid, 'UPDATE')
                AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = target.oid AND NOT tgisinternal),
            kind <> 'r' OR relhassubclass OR secured
                OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = target.oid AND tgtype & {_BEFORE_EACH_ROW} =
                           {_BEFORE_EACH_ROW} AND tgenabled <> 'D'),
            secured AND has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE'),
            EXISTS (SELECT FROM pg_trigger
                    WHERE tgrelid = target.oid AND tginitdeferred AND tgenabled <> 'D'),
            ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = target.oid AND attidentity = 'a'),
            current_setting('server_encoding'),
            set_config('lock_timeout', '0', true),
            set_config('jit', 'off', true),
            set_config('enable_nestloop', CASE WHEN small THEN 'off' ELSE 'on' END, true),
            set_config('enable_seqscan', CASE WHEN small THEN 'on' ELSE 'off' END, true),
            set_config('enable_hashjoin', CASE WHEN few THEN 'off' ELSE 'on' END, true),
            set_config('enable_mergejoin', CASE WHEN few THEN 'off' ELSE 'on' END, true),
            {function}(hashtextextended($1, 0))
        FROM (SELECT oid, relkind AS kind, relhassubclass, relhasrules, size,
                  row_security_active(oid) AS secured,
                  relkind = 'r' AND size / 8192 * 13 < $2::bigint AND NOT few AS small, few
              FROM pg_class, LATERAL (SELECT {size} AS size) AS stored,
                  (SELECT $2 <= {SMALL} AND $3::boolean AS few) AS rows
              WHERE oid = to_regclass($1)) AS target
    """  # noqa: S608 - the function is one of two named below
    return Statement(text, (), (), writes=True, name="bulk upsert lock", constants={})


_INSERTED = Statement(
    "SELECT pg_stat_get_xact_tuples_inserted(to_regclass($1))",
    binds=("table",),
    fields=(),
    writes=False,
    name="count inserted rows",
    constants={},
)
_ANY_JOIN = Statement(
    "SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true)",
    binds=(),
    fields=(),
    writes=False,
    name="join as you like",
    constants={},
)
_CHECK_DEFERRED = Statement(
    "SET CONSTRAINTS ALL IMMEDIATE",
    binds=(),
    fields=(),
    writes=True,
    name="check deferred constraints",
    constants={},
)
_SHARE = _lock_statement("pg_advisory_xact_lock_shared")
_CLAIM = _lock_statement("pg_advisory_xact_lock")
# Of a table in shards this server has none of the rows: how many there are isn't known.
_UNKNOWN = "1::bigint"
_SHARE_SHARDS = _lock_statement("pg_advisory_xact_lock_shared", _UNKNOWN)
_CLAIM_SHARDS = _lock_statement("pg_advisory_xact_lock", _UNKNOWN)


async def lock_target(
    transaction: Transaction, statements: BulkStatements, count: int, *, alone: bool
) -> Target:
    """Take the table's lock for a request of `count` rows: alone, or shared with other bulk upserts.

    Raises Internal (SCHEMA_MISMATCH) where a column's type has changed.
    """
    shape = statements.shape
    claim, share = (_CLAIM_SHARDS, _SHARE_SHARDS) if statements.in_shards else (_CLAIM, _SHARE)
    statement = claim if alone else share
    arguments = [table_name(shape.resource), count, not shape.nulls_equal]
    row, *_ = await transaction.fetch(statement, arguments)
    version, (now,), *told = row[:_TOLD]
    target = Target(alone, version, now, *told)
    # PostgreSQL would compare and assign many a type to another, and lose something of some.
    as_sent = await transaction.stores_as_sent(statements.stored)
    return replace(target, takes_copy=target.takes_copy and as_sent, in_shards=statements.in_shards)


async def allow_any_join(transaction: Transaction) -> None:
    """Let PostgreSQL choose how it joins the rest of the transaction's statements."""
    await transaction.fetch(_ANY_JOIN, ())


async def check_deferred(transaction: Transaction, target: Target) -> None:
    """Check now what is deferred until COMMIT, and from now on at once; a savepoint's end takes that back."""
    if target.defers:
        await transaction.fetch(_CHECK_DEFERRED, ())


async def inserted_so_far(transaction: Transaction, resource: Resource) -> int:
    """Return how many rows this session inserted into a table since some time before the transaction."""
    ((count,),) = await transaction.fetch(_INSERTED, [table_name(resource)])
    return int(count)
