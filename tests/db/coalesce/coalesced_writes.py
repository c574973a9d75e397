"""Coalesced writes of accounts, in front of a query executor that tells what passes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.config.settings import CoalesceSettings
from gateway.db.coalesce import RequestedWrite, RowWrite, RowWrites
from gateway.db.database import Database
from gateway.db.database_settings import RetrySettings
from gateway.request.calls.call import Call
from gateway.schema.tables.metadata import build_tables
from gateway.sql.writes.change import Change, change_row
from gateway.sql.writes.insert import insert_row
from gateway.sql.writes.shared_writes import change_each, insert_each
from tests.db.coalesce.watched import Watched
from tests.db.servers import sql
from tests.harness.databases import Open, create_tables
from tests.harness.gateway import schema_of

CALL = Call("test.v1.Test/Update")
ACCOUNTS = '"Ledger"."order"'
HANDED_BACK = "handed back"
_RESOURCE = schema_of("ledger").resources["ledger.v1.Account"]
_METADATA = build_tables(schema_of("ledger"))
_TABLE = _METADATA.tables["ledger.v1.Account"]


def row_write(*columns: str, change: Change = Change.UPDATE, expects: bool = False) -> RowWrite:
    """Return a kind of change of accounts."""
    single = change_row(_RESOURCE, _TABLE, change, columns, expects=expects)
    return RowWrite(single, change_each(_RESOURCE, _TABLE, change, columns, expects=expects))


def new_row(*columns: str) -> RowWrite:
    """Return the creation of accounts."""
    given = ("book", "number", "iban", "Title", "user", *columns)
    many = insert_each(_RESOURCE, _TABLE, given)
    assert many is not None
    return RowWrite(insert_row(_RESOURCE, _TABLE, given), many)


LIMIT = row_write("limit")
FRESH_LIMIT = row_write("limit", expects=True)
NEW = new_row("limit")
SOFT_DELETE = row_write(change=Change.SOFT_DELETE)


async def make_accounts(dsn: str, count: int = 100) -> None:
    """Create the tables, and accounts 0 to `count` of book b, at revision 1."""
    await create_tables(dsn, _METADATA.metadata)
    await sql(
        dsn,
        f"INSERT INTO {ACCOUNTS} "  # noqa: S608 - the test's own names
        '(book, number, "user", "Title", iban, "limit", revision, opened_at, changed_at)'
        " SELECT 'b', i, '', 't' || i, 'i' || i, 0, 1, now(), now() FROM generate_series(0, $1::int - 1) i",
        count,
    )


@dataclass(frozen=True)
class CoalescedWrites:
    """Coalesced changes of accounts, and the executor that they pass."""

    writes: RowWrites
    executor: Watched
    database: Database
    dsn: str
    handed_back: list[int] = field(default_factory=list)

    async def change(
        self,
        number: int,
        limit: int = 0,
        call: Call = CALL,
        *,
        write: RowWrite = LIMIT,
        expected: int | None = None,
        otherwise: Callable[[], Awaitable[Any]] | None = None,
    ) -> Any:
        """Change an account; return its limit and revision, or HANDED_BACK."""

        async def back() -> Any:
            self.handed_back.append(number)
            if otherwise is not None:
                return await otherwise()
            statement, values = write.alone(args)
            rows = await self.database.fetch(statement, values, call)
            return _told(rows[0]) if rows else HANDED_BACK

        name = f"n{number}"
        values = {"book": "b", "number": number, "limit": limit, "iban": name, "Title": name, "user": ""}
        args = write.single.arguments(values, expected)
        return await self.writes.write(RequestedWrite(write, args, ("b", number)), call, _told, back)

    async def busy(
        self, number: int = 0, limit: int = 0, write: RowWrite = LIMIT
    ) -> list["asyncio.Task[Any]"]:
        """Start a change whose statement is carried out while its answer is kept."""
        self.executor.answers.clear()
        before = len(self.executor.sent)
        task = self.start((number, limit), write=write)
        await self.executor.until_carried_out(before + 1)
        return task

    def start(self, *changes: tuple[int, int], **options: Any) -> list["asyncio.Task[Any]"]:
        """Start changes of numbers to limits."""
        return [asyncio.create_task(self.change(number, limit, **options)) for number, limit in changes]

    def batches(self) -> list[int]:
        """Return how many accounts each statement was to change."""
        return [len(args[1]) if "each" in s.name else 1 for s, args, _ in self.executor.sent]

    async def stored(self) -> dict[int, tuple[int, int]]:
        """Return the limit and revision of each account."""
        rows = await sql(self.dsn, f'SELECT number, "limit", revision FROM {ACCOUNTS}')  # noqa: S608
        return {number: (limit, revision) for number, limit, revision in rows}


async def open_writes(
    dsn: str, open_database: Open, retry: RetrySettings | None = None, pool_size: int = 8, **bounds: Any
) -> CoalescedWrites:
    """Open a coalesced with settings of coalescing by name."""
    database = await open_database(dsn, retry=retry or RetrySettings(), pool_size=pool_size)
    executor = Watched(database)
    return CoalescedWrites(RowWrites(executor, CoalesceSettings(**bounds)), executor, database, dsn)


def _told(row: Any) -> tuple[int, int]:
    columns = [field.column for field in _RESOURCE.fields]
    return row[columns.index("limit")], row[columns.index("revision")]
