"""A table that gateways of old and new protos read and write while it is migrated: a table of times.

python -m tests.soak.migrations [--rows N] [--calls N]

A column is added, a field is renamed, a field is dropped, a type changes, and what is left of that goes. Exit
status 1 says that a call failed which names no dropped field, or that a call waited over a second for a lock.
"""

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import click
from sqlalchemy import MetaData

from gateway.migrate import Connect, apply
from gateway.migrate.locks.lock import Connection, opened
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import forgetful_databases
from tests.harness.gateway import client_of
from tests.harness.polling import next_poll

PROTO = """
syntax = "proto3";
package seats.v1;
import "google/protobuf/field_mask.proto";
import "rowgate/v1/annotations.proto";

message Seat {
  option (rowgate.v1.table) = {primary_key: "id" index: {columns: "rank"}};
  string id = 1;
  %s
}
message GetSeatRequest {
  string id = 1;
  google.protobuf.FieldMask read_mask = 2;
}
message ListSeatsRequest {
  int32 page_size = 1;
  google.protobuf.FieldMask read_mask = 2;
  string page_token = 3;
}
message ListSeatsResponse {
  repeated Seat seats = 1;
  string next_page_token = 2;
}
message CreateSeatRequest {
  Seat seat = 1;
}
message UpdateSeatRequest {
  Seat seat = 1;
  google.protobuf.FieldMask update_mask = 2;
}
message BulkUpsertSeatsRequest {
  repeated Seat seats = 1;
}
message BulkUpsertSeatsResponse {
  int64 inserted_count = 1;
  int64 updated_count = 2;
}
service SeatService {
  rpc GetSeat(GetSeatRequest) returns (Seat);
  rpc ListSeats(ListSeatsRequest) returns (ListSeatsResponse);
  rpc CreateSeat(CreateSeatRequest) returns (Seat);
  rpc UpdateSeat(UpdateSeatRequest) returns (Seat);
  rpc BulkUpsertSeats(BulkUpsertSeatsRequest) returns (BulkUpsertSeatsResponse);
}
"""
RANK, NEAR, NOTE = "int32 rank = 2;", "optional string near = 3;", "string note = 4;"
REMARK = 'string remark = 4 [(rowgate.v1.column).name = "note"];'
ROW, WIDE = "int32 row = 5;", "int64 rank = 2;"

CALLERS = 4
LONGEST_WAIT = 1.0
"""Seconds; a gateway's statement that waits longer for a lock is refused."""
_LOOK = 0.01
_WAIT = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - l.waitstart)), 0)::float8
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE NOT l.granted AND a.datname = current_database() AND a.application_name = 'rowgate'
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """A change of the schema.

    Args:
        name: what changes.
        fields: of the message afterwards.
        dropped: whether a field goes: new gateways serve before the migration, and old ones may fail with it.
        contract: whether what is left for older gateways goes.

    """

    name: str
    fields: Sequence[str]
    dropped: bool = False
    contract: bool = False


FIRST = (RANK, NEAR, NOTE)
STAGES = (
    Stage("add", (RANK, NEAR, NOTE, ROW)),
    Stage("rename", (RANK, NEAR, REMARK, ROW)),
    Stage("drop", (RANK, REMARK, ROW), dropped=True),
    Stage("retype", (WIDE, REMARK, ROW)),
    Stage("contract", (WIDE, REMARK, ROW), contract=True),
)


class Version:
    """A version of the protos."""

    def __init__(self, folder: Path, fields: Sequence[str]) -> None:
        file = folder / "seats" / "v1" / "seats.proto"
        file.parent.mkdir(parents=True)
        file.write_text(PROTO % "\n  ".join(fields))
        self.descriptors = compile_protos(folder)
        self.note = "remark" if REMARK in fields else "note"

    @property
    def metadata(self) -> MetaData:
        """The tables."""
        return build_tables(read_schema(self.descriptors)).metadata


@dataclass(slots=True)
class Load:
    """Calls of one gateway, some at a time, until they are told to stop.

    Args:
        client: the gateway's.
        note: what its version calls a field that is renamed.
        prefix: of the keys that it makes.
        rows: how many there were before.

    """

    client: Client
    note: str
    prefix: str
    rows: int
    may_fail: bool = False
    """Whether calls that name all fields may: one of them was dropped."""
    calls: int = 0
    longest: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)
    pardoned: int = 0

    async def run(self, stopping: asyncio.Event) -> None:
        """Call, until it is told to stop."""
        await asyncio.gather(*(self._call(str(number), stopping) for number in range(CALLERS)))

    async def _call(self, name: str, stopping: asyncio.Event) -> None:
        chance = random.Random(name)  # noqa: S311 - rows, no secrets
        mask = f"id,rank,{self.note}"
        for number in count():
            if stopping.is_set():
                return
            key, any_row = f"{self.prefix}-{name}-{number}", f"s{chance.randrange(self.rows)}"
            seat = {"id": key, "rank": number, self.note: "new"}
            changed = {"id": any_row, "rank": number}
            await self._one("GetSeat", id=any_row, read_mask=mask)
            await self._one("ListSeats", page_size=20, read_mask=mask)
            await self._one("GetSeat", whole=True, id=any_row)
            await self._one("CreateSeat", whole=True, seat=seat)
            await self._one("UpdateSeat", whole=True, seat=changed, update_mask="rank")
            await self._one("BulkUpsertSeats", whole=True, seats=self._seats(chance, number))

    def _seats(self, chance: random.Random, rank: int) -> list[dict[str, object]]:
        """Return new rows, and some that are there, by other callers' hands too."""
        keys = {f"s{chance.randrange(self.rows)}" for _ in range(10)}
        new = {f"{self.prefix}-{rank}-{chance.getrandbits(60)}" for _ in range(10)}
        return [{"id": key, "rank": rank, self.note: "bulk"} for key in sorted(keys | new)]

    async def _one(self, method: str, *, whole: bool = False, **request: object) -> None:
        begun = time.monotonic()
        try:
            await self.client.call(f"seats.v1.SeatService/{method}", **request)
        except RpcFailed as error:
            if whole and self.may_fail and error.reason == "SCHEMA_MISMATCH":
                self.pardoned += 1
            else:
                self.failures[f"{method}: {error.reason}: {error}"] += 1
        self.calls += 1
        self.longest = max(self.longest, time.monotonic() - begun)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A stage's measures."""

    stage: Stage
    seconds: float
    """How long the migration took."""
    statements: int
    old: Load
    new: Load
    waited: float
    """The longest that a gateway was seen waiting for a lock, in seconds."""

    @property
    def failures(self) -> Counter[str]:
        """Calls that failed and may not, by what they were told."""
        return self.old.failures + self.new.failures

    @property
    def held(self) -> bool:
        """Whether no call failed that may not, and none waited too long."""
        return not self.failures and self.waited <= LONGEST_WAIT

    def __str__(self) -> str:
        longest = max(self.old.longest, self.new.longest)
        return (
            f"| {self.stage.name} | {self.statements} | {self.seconds:.1f} s | {self.old.calls} | "
            f"{self.new.calls} | {self.old.pardoned} | {self.failures.total()} | "
            f"{1000 * longest:.0f} ms | {1000 * self.waited:.0f} ms |"
        )


COLUMNS = (
    "change",
    "statements",
    "migration",
    "calls of old",
    "calls of new",
    "naming a dropped field",
    "failed",
    "longest call",
    "longest wait for a lock",
)


class Waits:
    """The longest wait of a gateway for a lock that is seen."""

    def __init__(self) -> None:
        self.longest = 0.0

    @asynccontextmanager
    async def watched(self, connect: Connect) -> AsyncIterator[None]:
        """Look again and again meanwhile."""
        task = asyncio.create_task(self._watch(connect))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _watch(self, connect: Connect) -> None:
        async with opened(connect) as connection:
            while True:
                self.longest = max(self.longest, await connection.fetchval(_WAIT))
                await asyncio.sleep(_LOOK)


@dataclass(frozen=True, slots=True)
class Soak:
    """All changes, one after the other.

    Args:
        dsn: an empty database.
        folder: where the protos go.
        rows: how many there are at first.
        padding: bytes of each row's text.
        calls: that each gateway answers before a migration begins, and before the next one.

    """

    dsn: str
    folder: Path
    rows: int
    padding: int
    calls: int

    async def run(self) -> AsyncIterator[Outcome]:
        """Yield each stage's outcome."""
        before = Version(self.folder / "first", FIRST)
        await apply(before.metadata, self._connect)
        async with opened(self._connect) as connection:
            await connection.execute(
                "INSERT INTO seat (id, rank, note) SELECT 's' || n, n % 100, repeat('x', $2) "
                "FROM generate_series(0, $1 - 1) n",
                self.rows,
                self.padding,
            )
            await connection.execute("ANALYZE seat")
        for stage in STAGES:
            after = Version(self.folder / stage.name, stage.fields)
            yield await self._change(stage, before, after)
            before = after

    async def _connect(self) -> Connection:
        return await asyncpg.connect(self.dsn)

    async def _change(self, stage: Stage, before: Version, after: Version) -> Outcome:
        waits, stopping = Waits(), asyncio.Event()
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as calling:
            await stack.enter_async_context(waits.watched(self._connect))
            old = await stack.enter_async_context(self._load(before, f"{stage.name}-old"))
            old.may_fail = stage.dropped
            calling.create_task(old.run(stopping))
            await _answered(self.calls, old)
            new = None
            if stage.dropped:
                new = await stack.enter_async_context(self._load(after, f"{stage.name}-new"))
                calling.create_task(new.run(stopping))
            begun = time.monotonic()
            steps = await apply(
                after.metadata, self._connect, allow_destructive=stage.dropped, contract=stage.contract
            )
            seconds = time.monotonic() - begun
            if new is None:
                new = await stack.enter_async_context(self._load(after, f"{stage.name}-new"))
                calling.create_task(new.run(stopping))
            await _answered(self.calls, old, new)
            stopping.set()
        return Outcome(stage, seconds, len(steps), old, new, waits.longest)

    @asynccontextmanager
    async def _load(self, version: Version, prefix: str) -> AsyncIterator[Load]:
        settings = {"lock_timeout": LONGEST_WAIT}
        async with client_of(version.descriptors, self.dsn, **settings) as client:
            yield Load(client, version.note, prefix, self.rows)


async def _answered(calls: int, *loads: Load) -> None:
    """Wait until each has made so many more."""
    goals = [(load, load.calls + calls) for load in loads]
    while any(load.calls < goal for load, goal in goals):
        await next_poll()


async def run(folder: Path, rows: int, calls: int) -> bool:
    """Print the table; return whether all held."""
    held = True
    with forgetful_databases(folder) as databases:
        soak = Soak(await databases.empty(), folder / "protos", rows, 40, calls)
        async for outcome in soak.run():
            click.echo(outcome)
            for failure, times in outcome.failures.items():
                click.echo(f"{times} times {failure}")
            held = held and outcome.held
    return held


@click.command()
@click.option("--rows", default=1_000_000, show_default=True, help="Rows of the table.")
@click.option("--calls", default=2_000, show_default=True, help="Calls of each gateway around a change.")
def main(rows: int, calls: int) -> None:
    """Print the table."""
    click.echo(f"| {' | '.join(COLUMNS)} |")
    click.echo("|" + "---|" * len(COLUMNS))
    with TemporaryDirectory(prefix="rowgate-migrations-") as folder:
        held = asyncio.run(run(Path(folder), rows, calls))
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
