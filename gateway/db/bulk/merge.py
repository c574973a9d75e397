"""The writing of staged rows: by MERGE, or in two steps where other transactions are in the way.

A bulk upsert holds an advisory lock on its table, shared with the others. One that meets another (a key
inserted meanwhile, a deadlock) starts over with the lock for itself, so every one of them ends.
"""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar

import asyncpg

from gateway.db.bulk.bad_rows import BadRowFinder, Collision, judged
from gateway.db.bulk.copy_format import HEADER, TRAILER, Chunk, CopyRows
from gateway.db.bulk.insert_then_update import Told, TwoSteps, Untold
from gateway.db.bulk.outcomes import Outcome, Outcomes
from gateway.db.bulk.target_table import SMALL, Target, check_deferred, inserted_so_far
from gateway.db.bulk.update_then_look import UpdateThenLook
from gateway.db.database import Transaction
from gateway.db.steps import is_of_steps
from gateway.errors import AlreadyExists, FailedPrecondition, RowgateError
from gateway.errors.sqlstate import NOT_ALLOWED, rule_for
from gateway.policy.row_rules import caller_values
from gateway.schema.tables.metadata import constraints
from gateway.sql.bulk.shape import INDEX, stage_name
from gateway.sql.bulk.write import BulkStatements
from gateway.sql.statement import Statement

MERGE_RETURNS = 170_000
"""The first server_version_num whose MERGE has RETURNING."""

T = TypeVar("T")

_Attempt: TypeAlias = Callable[[list[int]], Awaitable[RowgateError | None]]
"""Tries the staged rows from the first to the last index; returns why not."""

_HALVINGS = 4096
_UNIQUE_VIOLATION = "23505"
_GENERATED_ALWAYS = "428C9"


class EncodedRows:
    """Rows as COPY takes them; each slice is encoded when it is asked for.

    Args:
        rows: encodes them, behind their places in the request.
        slices: the rows.

    """

    def __init__(self, rows: CopyRows, slices: AsyncIterator[Chunk]) -> None:
        self._ready: list[bytes] = []
        self._others = self._encoded(rows, slices)
        self.indexes: list[int] = []
        """The places of those that are encoded, ascending."""

    async def prepare(self) -> None:
        """Encode all of them, before they are asked for."""
        self._ready = [part async for part in self._others]

    async def parts(self) -> AsyncGenerator[bytes]:
        """Yield their bytes."""
        for part in self._ready:
            yield part
        async for part in self._others:
            yield part

    async def _encoded(self, rows: CopyRows, slices: AsyncIterator[Chunk]) -> AsyncGenerator[bytes]:
        yield HEADER
        async for part in slices:
            self.indexes += part.indexes
            yield rows.encode([part.indexes], part.columns, len(part.indexes))
        yield TRAILER


class BulkWriter:
    """Writes the chunks of one bulk upsert within a transaction, and notes each row's outcome.

    Args:
        transaction: the transaction.
        target: the table, locked.
        statements: what to run.
        tally: where outcomes and failures go.
        refuses_stored: whether a row whose key is stored fails, instead of being ignored.
        last_wins: which of two rows with one key is written.
        tells_rows: whether each row's outcome is asked for, or their sums are enough.

    """

    def __init__(
        self,
        transaction: Transaction,
        target: Target,
        statements: BulkStatements,
        tally: Outcomes,
        *,
        refuses_stored: bool,
        last_wins: bool,
        tells_rows: bool,
    ) -> None:
        self._transaction = transaction
        self._statements = statements
        self._shape = statements.shape
        self._tally = tally
        self._refuses_stored = refuses_stored
        self._last_wins = last_wins
        draws_keys = any(field.identity for field in self._shape.target_fields)
        # Sums are told by the table's statistics, and held by keys: where neither is sure, rows are told.
        self._tells_rows = tells_rows or refuses_stored or draws_keys or not target.plain
        self._tells_rows = self._tells_rows or self._shape.audited is not None
        # A row that was transformed isn't as it was sent, so that it could be held by that.
        self._tells_rows = self._tells_rows or bool(self._shape.transforms)
        self._target = target
        can_merge = target.server_version >= MERGE_RETURNS and target.takes_merge and not target.in_shards
        rules = self._shape.rules
        self._merges = can_merge and not self._shape.nulls_equal and not target.alone and rules is None
        self._caller = caller_values(rules, transaction.principal)
        self._rows = CopyRows(self._shape.staged, ["i"])
        self._staging = False
        self._halvings = _HALVINGS
        self._bad_rows = BadRowFinder(transaction, statements, tally, target)
        self._target_names = frozenset(
            name
            for name, columns in constraints(self._shape.resource).items()
            if set(columns) == set(self._shape.target)
        )

    def takes_arrays(self, count: int) -> bool:
        """Return whether so many rows are best written by `write_sent`."""
        shape = self._shape
        plain = shape.compares_in_python and not shape.has_arrays and not shape.found_by_number
        return count <= SMALL and plain and self._merges

    async def write_sent(self, chunk: Chunk) -> None:
        """Write rows by one statement that is sent with them; raises Collision as `write` does."""
        if chunk.indexes and not await self._merge_sent(chunk):
            await self.write(self.encoded(_each(chunk.parts())))

    def encoded(self, slices: AsyncIterator[Chunk]) -> EncodedRows:
        """Return rows as they are staged. Nothing of it needs the connection."""
        return EncodedRows(self._rows, slices)

    async def write(self, rows: EncodedRows) -> None:
        """Write rows whose keys no other has; raises Collision where others are in the way."""
        await self.stage(rows)
        await self.settle(rows)

    async def stage(self, rows: EncodedRows) -> None:
        """Send rows to PostgreSQL, as fast as they are encoded."""
        if not self._staging:
            await self._transaction.fetch(self._statements.create, ())
            self._staging = True
        names = [INDEX, *self._rows.names]
        await self._transaction.copy(stage_name(self._shape.resource), names, rows.parts())
        if not self._shape.compares_in_python:
            await self._drop_unread_keys(rows.indexes)
            await self._drop_duplicates()
        await self._drop_unknown_numbers()
        await self._drop_forbidden()

    async def end(self) -> None:
        """Make room for the next bulk upsert of the transaction, where it is one of steps."""
        if self._staging and is_of_steps(self._transaction):
            await self._transaction.fetch(self._statements.drop, ())

    async def settle(self, rows: EncodedRows) -> None:
        """Write the staged rows; bad ones are found and left out. Raises Collision."""
        indexes = self._tally.open(rows.indexes)
        while indexes:
            error = await self._attempt(indexes)
            if error is None:
                return
            if not await self._bad_rows.remove(indexes[0], indexes[-1], error):
                await self._halve(indexes, error, self._attempt)
                return
            indexes = self._tally.open(indexes)

    async def _merge_sent(self, chunk: Chunk) -> bool:
        try:
            async with self._transaction.savepoint():
                told = await self._told_of_sent(chunk)
                await check_deferred(self._transaction, self._target)
        except Untold:
            return False
        except (RowgateError, asyncpg.PostgresError) as error:
            judged(error, self._target)
            return False
        self._note(chunk.indexes, told)
        return True

    async def _told_of_sent(self, chunk: Chunk) -> Told:
        sent = [chunk.indexes, *chunk.columns]
        told = await self._merged(self._statements.merge_sent, sent)
        written = _indexes_of(told)
        if not await self._rest_is_held(self._statements.hold_sent, [*sent, written], chunk.indexes, written):
            raise Untold
        return told

    async def _drop_unread_keys(self, indexes: list[int]) -> None:
        """Take the rows out whose keys PostgreSQL can't read: they are equal to none, and refused."""
        while indexes and (error := await self._unread(indexes)) is not None:
            if not await self._bad_rows.remove(indexes[0], indexes[-1], error):
                await self._halve(indexes, error, self._unread)
                left = self._tally.open(indexes)
                await self._transaction.fetch(self._statements.remove, [sorted({*indexes}.difference(left))])
            indexes = self._tally.open(indexes)

    async def _unread(self, indexes: list[int]) -> RowgateError | None:
        """Read the staged keys from the first to the last index; return why one can't be."""
        statement, bounds = self._statements.read_keys, [indexes[0], indexes[-1]]
        read = await self._tried(partial(self._transaction.fetch, statement, bounds))
        return read if isinstance(read, RowgateError) else None

    async def _drop_duplicates(self) -> None:
        """Let PostgreSQL find equal keys, where only it knows which ones are."""
        statements = self._statements
        drop = statements.drop_duplicates if self._last_wins else statements.drop_repetitions
        error = repeated_key()
        for (index,) in await self._transaction.fetch(drop, ()):
            if self._last_wins:
                self._tally.settle([index], Outcome.SUPERSEDED)
            else:
                self._tally.fail(index, error)

    async def _drop_unknown_numbers(self) -> None:
        """Take the rows out that send a number which only PostgreSQL gives, and which it gave to none."""
        statement = self._statements.drop_unknown_numbers
        if statement is not None:
            unknown = [index for (index,) in await self._transaction.fetch(statement, ())]
            column = self._shape.found_by_number[0].column
            self._refuse(unknown, numbered_by_postgresql(column, self._shape.resource.table))

    async def _drop_forbidden(self) -> None:
        """Take the rows out that the rules of the table let nobody write who calls."""
        statement = self._statements.forbidden
        if statement is not None:
            arguments = statement.arguments(self._caller)
            forbidden = [index for (index,) in await self._transaction.fetch(statement, arguments)]
            await self._transaction.fetch(self._statements.remove, [forbidden])
            self._refuse(forbidden, not_allowed())

    async def _halve(self, indexes: list[int], error: RowgateError, attempt: _Attempt) -> None:
        """Find the bad rows by trying halves, where no query can tell them."""
        if len(indexes) == 1:
            self._tally.fail(indexes[0], error)
            return
        middle = len(indexes) // 2
        for half in (indexes[:middle], indexes[middle:]):
            self._halvings -= 1
            if self._halvings < 0:
                raise error
            refused = await attempt(half)
            if refused is not None:
                await self._halve(half, refused, attempt)

    async def _attempt(self, indexes: list[int]) -> RowgateError | None:
        """Write the staged rows from the first to the last index, or none of them; return why not."""
        try:
            done = await self._tried(partial(self._apply, indexes))
        except Untold:
            return kept_out()
        if isinstance(done, RowgateError):
            return done
        if isinstance(done, Counter):
            self._note_counts(indexes, done)
        else:
            self._note(indexes, done)
        return None

    async def _tried(self, work: Callable[[], Awaitable[T]]) -> T | RowgateError:
        """Return what the work returns, or the error of bad rows, which undoes it."""
        try:
            async with self._transaction.savepoint():
                done = await work()
                await check_deferred(self._transaction, self._target)
                return done
        except (RowgateError, asyncpg.PostgresError) as error:
            return judged(error, self._target)

    async def _apply(self, indexes: list[int]) -> Told | Counter[Outcome]:
        if not self._merges:
            return await self._in_two_steps(indexes).write()
        if self._tells_rows or len(indexes) <= SMALL:
            return await self._merge(indexes)
        bounds = [indexes[0], indexes[-1]]
        counts = await self._merge_counted(bounds)
        if self._leaves_some(len(indexes), counts.total()):
            await self._hold(self._statements.hold, [*bounds, []], len(indexes))
        return counts

    async def _merge(self, indexes: list[int]) -> Told:
        bounds = [indexes[0], indexes[-1]]
        few = len(indexes) <= SMALL
        told = await self._merged(self._statements.merge_few if few else self._statements.merge, bounds)
        written = _indexes_of(told)
        if await self._rest_is_held(self._statements.hold, [*bounds, written], indexes, written):
            return told
        return [*told, *await self._in_two_steps(indexes, written).write()]

    async def _merged(self, statement: Statement, args: Sequence[Any]) -> Told:
        actions = {"INSERT": Outcome.INSERTED, "UPDATE": Outcome.UPDATED}
        return [(actions[action], done) for action, done in await self._transaction.fetch(statement, args)]

    async def _rest_is_held(
        self, statement: Statement, args: Sequence[Any], indexes: Sequence[int], written: Sequence[int]
    ) -> bool:
        """Return whether the rows that MERGE left alone are what they seem, and stay so.

        Raises Collision where somebody changed one; who else it was can't be told where rows are kept out.
        """
        if not self._leaves_some(len(indexes), len(written)):
            return True
        return self._shape.updates and await self._hold(statement, args, len(indexes) - len(written))

    def _leaves_some(self, count: int, written: int) -> bool:
        """Return whether some of `count` rows stayed as they are, which have to be looked at.

        They do while others of the request are written, or where they may not be stored at all. Where
        triggers write beside the statement, rows look as if somebody had changed them: they are not held.
        """
        if written == count or self._target.keeps_out:
            return written < count
        partly = written > 0 or count < len(self._tally.outcomes)
        return self._shape.updates and self._target.plain and partly

    async def _hold(self, statement: Statement, args: Sequence[Any], count: int) -> bool:
        """Lock `count` rows that are as they were sent; return whether all are.

        MERGE locks what it writes. A row that it found equal may be changed before that is committed, by a
        transaction that saw nothing of the rows that were written: then Collision is raised.
        """
        ((held,),) = await self._transaction.fetch(statement, args)
        if held != count and not self._target.keeps_out:
            raise Collision
        return bool(held == count)

    def _in_two_steps(self, indexes: list[int], settled: Sequence[int] = ()) -> TwoSteps:
        steps = UpdateThenLook if self._target.in_shards else TwoSteps
        return steps(self._transaction, self._statements, self._target, indexes, settled, caller=self._caller)

    async def _merge_counted(self, bounds: list[int]) -> Counter[Outcome]:
        # RETURNING would cost a twentieth of the whole, and the command tag doesn't tell what was new.
        before = await inserted_so_far(self._transaction, self._shape.resource)
        touched = await self._transaction.run(self._statements.merge_untold, bounds)
        new = await inserted_so_far(self._transaction, self._shape.resource) - before
        return Counter({Outcome.INSERTED: new, Outcome.UPDATED: touched - new})

    def _note_counts(self, indexes: Sequence[int], counts: Counter[Outcome]) -> None:
        rest = Outcome.UNCHANGED if self._shape.updates else Outcome.IGNORED
        counts[rest] = len(indexes) - counts.total()
        self._tally.settle_counted(indexes, counts)

    def _note(self, indexes: Sequence[int], told: Told) -> None:
        for outcome, done in told:
            if outcome is Outcome.FAILED:
                self._refuse(done, kept_out())
            else:
                self._tally.settle(done, outcome)
        rest = self._tally.open(indexes)
        if self._shape.updates:
            self._tally.settle(rest, Outcome.UNCHANGED)
        elif not self._refuses_stored:
            self._tally.settle(rest, Outcome.IGNORED)
        else:
            self._refuse(rest, stored_key(self._target_names, self._shape.resource.table))

    def _refuse(self, indexes: Iterable[int], error: RowgateError) -> None:
        for index in indexes:
            self._tally.fail(index, error)


async def _each(slices: Iterable[Chunk]) -> AsyncIterator[Chunk]:
    for part in slices:
        yield part


def _indexes_of(told: Told) -> list[int]:
    return [index for _, done in told for index in done]


def kept_out() -> RowgateError:
    """Return the error of a row that a trigger, or a policy, doesn't let in."""
    return FailedPrecondition(
        "a trigger or a policy in the database keeps the row out", reason="ROW_KEPT_OUT"
    )


def repeated_key() -> RowgateError:
    """Return the error of a row whose key an earlier row of the request has."""
    return AlreadyExists("an earlier row of the request has the same key", reason="DUPLICATE_IN_REQUEST")


def numbered_by_postgresql(column: str, table: str) -> RowgateError:
    """Return the error of a row that sends a number which PostgreSQL alone may give (GENERATED ALWAYS)."""
    rule = rule_for(_GENERATED_ALWAYS)
    return rule.error(rule.message, reason=rule.reason, metadata={"column": column, "table": table})


def not_allowed() -> RowgateError:
    """Return the error of a row that the table's policy lets the caller neither create nor update."""
    rule = rule_for(NOT_ALLOWED)
    return rule.error(rule.message, reason=rule.reason)


def stored_key(target_names: frozenset[str], table: str) -> RowgateError:
    """Return the error of a row whose key is stored, where the request says FAIL."""
    taken = rule_for(_UNIQUE_VIOLATION)
    metadata = {"constraint": min(target_names), "table": table} if target_names else {}
    return taken.error("a row with this key is stored", reason=taken.reason, metadata=metadata)
