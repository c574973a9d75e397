"""`rowgate migrate` and `rowgate serve` as their users call them: as processes."""

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.migrate import connect_to
from gateway.migrate.locks.lock import opened
from tests.harness.databases import Databases
from tests.harness.gateway import SCHEMAS
from tests.harness.polling import next_poll
from tests.harness.preloaded import preloaded_rowgate
from tests.migrate.database import EmptyDatabase

PROTO = """
syntax = "proto3";
package seats.v1;
import "rowgate/v1/annotations.proto";

// A seat.
message Seat {
  option (rowgate.v1.table) = {primary_key: "id" %s};
  string id = 1 [(rowgate.v1.column) = {type: "uuid", default: "gen_random_uuid()"}];
  string row = 2;
  %s
}

message GetSeatRequest {
  string id = 1;
}

// Seats.
service SeatService {
  // Gets a seat.
  rpc GetSeat(GetSeatRequest) returns (Seat);
}
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended."""

    status: int
    out: str
    err: str


async def rowgate(*args: str | Path, database: EmptyDatabase) -> Ended:
    """Run the command against a database; it is killed after a minute."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    process = await asyncio.create_subprocess_exec(
        *preloaded_rowgate(),
        *map(str, args),
        env={**environ, "ROWGATE_DSN": database.dsn},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), timeout=60)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return Ended(process.returncode or 0, out.decode(), err.decode())


def protos(folder: Path, *, table: str = "", fields: str = "") -> Path:
    """Write the seats' schema, with more in its table's options and in its fields."""
    path = folder / "protos" / "seats" / "v1" / "seats.proto"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PROTO % (table, fields))
    return folder / "protos"


@pytest.fixture(scope="module")
async def pair(databases: Databases) -> tuple[EmptyDatabase, EmptyDatabase]:
    """Return two databases of PostgreSQL 18: what the commands say doesn't hang on the version."""
    first, second = [await databases.empty() for _ in range(2)]
    return EmptyDatabase(first, connect_to(first)), EmptyDatabase(second, connect_to(second))


@pytest.fixture
async def database(pair: tuple[EmptyDatabase, EmptyDatabase]) -> EmptyDatabase:
    """Return an empty database."""
    await pair[0].clear()
    return pair[0]


async def test_three_at_once(database: EmptyDatabase) -> None:
    """They take turns: one makes the tables, the others find nothing to do."""
    args = ("migrate", "--protos", SCHEMAS / "ledger")
    ended = await asyncio.gather(*(rowgate(*args, database=database) for _ in range(3)))
    assert [(one.status, one.err) for one in ended] == [(0, "")] * 3
    said = sorted(one.out.splitlines()[-1].split(" ")[0] for one in ended)
    assert said == ["nothing", "nothing", "ran"]
    check = await rowgate(*args, "--check", database=database)
    assert (check.status, check.out) == (0, "the database is at the schema\n")


async def test_four_at_once_on_a_table_with_rows(database: EmptyDatabase, tmp_path: Path) -> None:
    """Those that wait hold no snapshot, for which the one that builds an index would wait in turn."""
    args = ("migrate", "--protos", protos(tmp_path))
    assert (await rowgate(*args, database=database)).status == 0
    await database.run("INSERT INTO seat (\"row\") VALUES ('12')")
    protos(
        tmp_path,
        table='index: {columns: "row"} unique: {columns: "note"}',
        fields="optional string note = 3;",
    )
    async with opened(database.connect) as first, asyncio.timeout(60):
        await first.execute("BEGIN; LOCK TABLE seat IN SHARE UPDATE EXCLUSIVE MODE")
        migrating = [asyncio.ensure_future(rowgate(*args, database=database)) for _ in range(4)]
        of_others = "strpos(query, 'xact_lock') > 0 AND pid <> pg_backend_pid()"
        while await database.fetch(f"SELECT count(*) FROM pg_stat_activity WHERE {of_others}") != [(4,)]:  # noqa: S608 - a constant
            await next_poll()
        await first.execute("COMMIT")
        ended = await asyncio.gather(*migrating)
    assert [(one.status, one.err) for one in ended] == [(0, "")] * 4
    assert sorted(one.out.splitlines()[-1].split(" ")[0] for one in ended) == ["nothing"] * 3 + ["ran"]


async def test_three_at_once_with_a_folder(
    database: EmptyDatabase, pair: tuple[EmptyDatabase, EmptyDatabase], tmp_path: Path
) -> None:
    where = ("--protos", SCHEMAS / "ledger", "--migrations", tmp_path)
    wrote = await rowgate(
        "migrate", "revision", "-m", "Ledger", "--date", "2026-11-20", *where, database=pair[1]
    )
    assert wrote.out == f"wrote {tmp_path / '2026-11-20_ledger.py'}\n"
    ended = await asyncio.gather(*(rowgate("migrate", *where, database=database) for _ in range(3)))
    assert [(one.status, one.err) for one in ended] == [(0, "")] * 3
    nothing = f"nothing to do: the database is at the last revision of {tmp_path}\n"
    ran = "2026-11-20_ledger: Ledger.\nran 2026-11-20_ledger\n"
    assert sorted(one.out for one in ended) == sorted([nothing, nothing, ran])
    assert (await rowgate("migrate", "--check", *where, database=database)).status == 0


async def test_a_schema_never_seen_before(database: EmptyDatabase, tmp_path: Path) -> None:
    """Check, print, migrate, check; then one field less, which is refused by name."""
    args = ("migrate", "--protos", protos(tmp_path, fields="string comment = 3;"))
    check = await rowgate(*args, "--check", database=database)
    assert check.status == 1
    assert "table public.seat is missing" in check.out.splitlines()
    assert "rowgate migrate" in check.err
    printed = await rowgate(*args, "--sql", database=database)
    assert printed.status == 0
    assert await database.fetch("SELECT to_regclass('seat')::text") == [(None,)]
    done = await rowgate(*args, database=database)
    assert (done.status, done.err) == (0, "")
    assert "CREATE TABLE public.seat (" in done.out
    assert (await rowgate(*args, "--sql", database=database)).out == "-- nothing to do\n"

    protos(tmp_path)
    refused = await rowgate(*args, database=database)
    assert refused.status == 1
    assert "drops column public.seat.comment" in refused.err
    assert "--allow-destructive" in refused.err
    assert (await rowgate(*args, "--allow-destructive", database=database)).status == 0
    assert (await rowgate(*args, database=database)).out == "nothing to do: the database is at the schema\n"


async def test_a_filled_table_takes_no_column_without_values(database: EmptyDatabase, tmp_path: Path) -> None:
    args = ("migrate", "--protos", protos(tmp_path))
    assert (await rowgate(*args, database=database)).status == 0
    await database.run("INSERT INTO seat (\"row\") VALUES ('12')")
    protos(tmp_path, fields='string comment = 3 [(rowgate.v1.column) = {type: "uuid"}];')
    refused = await rowgate(*args, database=database)
    assert refused.status == 1
    assert "column public.seat.comment can't be NOT NULL: the table has rows" in refused.err
    assert "optional, with not_null and a default" in refused.err
    filled = "optional string comment = 3 [(rowgate.v1.column) = {not_null: true default: \"'none'\"}];"
    for fields in (filled, f"{filled} optional string note = 4;"):
        protos(tmp_path, fields=fields)
        assert (await rowgate(*args, database=database)).status == 0
    assert await database.fetch("SELECT comment, note FROM seat") == [("none", None)]
    protos(tmp_path, fields=f"{filled} string note = 4;")
    refused = await rowgate(*args, database=database)
    assert "have no value for it: fill it first, as by UPDATE" in refused.err
    assert refused.out == ""
    await database.run("UPDATE seat SET note = ''")
    done = await rowgate(*args, database=database)
    assert (done.status, done.out.splitlines()[-1]) == (0, "ran 4 statements")


async def test_a_new_field_is_filled_and_contracted(database: EmptyDatabase, tmp_path: Path) -> None:
    args = ("migrate", "--protos", protos(tmp_path))
    assert (await rowgate(*args, database=database)).status == 0
    await database.run("INSERT INTO seat (\"row\") VALUES ('12')")
    protos(tmp_path, fields="string comment = 3;")
    done = await rowgate(*args, database=database)
    assert "ALTER TABLE public.seat ADD COLUMN comment text DEFAULT ''::text NOT NULL;" in done.out
    check = await rowgate(*args, "--check", database=database)
    assert (check.status, check.out) == (0, "the database is at the schema\n")
    said = "column public.seat.comment has the default ''::text for older gateways"
    assert check.err == f"{said}: --contract drops it once none of those runs\n"
    refused = await rowgate(*args, "--check", "--contract", database=database)
    assert (refused.status, refused.out) == (1, f"{said}\n")
    misplaced = await rowgate(*args, "--contract", "--migrations", tmp_path / "m", database=database)
    assert (misplaced.status, "`rowgate migrate revision`" in misplaced.err) == (2, True)
    assert (await rowgate(*args, "--contract", database=database)).status == 0
    assert (await rowgate(*args, "--check", "--contract", database=database)).status == 0


async def test_what_the_folder_lacks_is_a_revisions(database: EmptyDatabase, tmp_path: Path) -> None:
    """`rowgate migrate` was named as the way, and finds nothing to do then."""
    where = ("--protos", protos(tmp_path), "--migrations", tmp_path / "migrations")
    await rowgate("migrate", "revision", "-m", "Seats", *where, database=database)
    pending = await rowgate("migrate", "--check", *where, database=database)
    assert pending.err.strip().endswith("; run `rowgate migrate`")
    assert (await rowgate("migrate", *where, database=database)).status == 0
    elsewhere = await rowgate("migrate", *where[:2], "--migrations", tmp_path / "other", database=database)
    assert re.search(
        rf"the database is at revision [0-9a-f]+, which isn't in {tmp_path}/other", elsewhere.err
    )
    protos(tmp_path, fields="optional string note = 3;")
    lacking = await rowgate("migrate", "--check", *where, database=database)
    assert "not at the schema: 1 difference; `rowgate migrate revision` writes what the" in lacking.err
    refused = await rowgate("serve", *where, "--listen", "127.0.0.1:0", database=database)
    assert (
        f"the pending revisions of {tmp_path}/migrations, and what they lack `rowgate migrate rev"
        in refused.err
    )


async def test_a_condition_that_postgresql_refuses(database: EmptyDatabase, tmp_path: Path) -> None:
    folder = protos(tmp_path, table='check: {expression: "row > 5" name: "seat_check"}')
    refused = await rowgate("migrate", "--protos", folder, database=database)
    assert refused.status == 1
    assert "seats.v1.Seat: check seat_check: operator does not exist" in refused.err
    assert "Traceback" not in refused.err


async def test_serve_refuses_a_stale_database(database: EmptyDatabase, tmp_path: Path) -> None:
    folder = protos(tmp_path)
    await rowgate("migrate", "--protos", folder, database=database)
    protos(tmp_path, fields="string comment = 3;\n  int64 weight = 4;")
    refused = await rowgate("serve", "--protos", folder, "--listen", "127.0.0.1:0", database=database)
    assert refused.status == 1
    assert "table public.seat: column comment is missing: the schema says text" in refused.err
    assert "table public.seat: column weight is missing: the schema says bigint" in refused.err
    assert "`rowgate migrate` brings what it made to the schema" in refused.err
    assert refused.err.endswith(
        "; where others made a table, write what it has into the schema, or name it with --adopt\n"
    )


async def test_a_database_without_the_tables_is_migrated(database: EmptyDatabase, tmp_path: Path) -> None:
    """Nothing is said of tables that others made, nor of comments that differ."""
    folder = protos(tmp_path)
    refused = await rowgate("serve", "--protos", folder, "--listen", "127.0.0.1:0", database=database)
    assert refused.err.endswith("to the schema, `rowgate migrate --sql` shows how\n")
    made = await rowgate("migrate", "--protos", folder, database=database)
    assert (
        "-- table public.seat is missing: its comment\nCOMMENT ON TABLE public.seat IS 'A seat.';" in made.out
    )


async def test_a_table_that_others_made(database: EmptyDatabase, tmp_path: Path) -> None:
    """Exit status 1 until the schema is what the database has, or a flag names the table."""
    await database.run(
        "CREATE TABLE seat (id uuid CONSTRAINT pk_seat PRIMARY KEY DEFAULT gen_random_uuid(), "
        '"row" varchar(9) NOT NULL)'
    )
    args = ("migrate", "--protos", protos(tmp_path, fields="optional string note = 3;"))
    refused = [await rowgate(*args, *more, database=database) for more in ([], ["--sql"], ["--check"])]
    assert [one.status for one in refused] == [1, 1, 1]
    missing = "table public.seat: column note is missing: the schema says text"
    assert all(missing in one.out + one.err for one in refused)
    assert "--adopt public.seat" in refused[0].err
    wrong = await rowgate(*args, "--adopt", "seats", database=database)
    assert (wrong.status, "--adopt public.seats: the schema has no such table" in wrong.err) == (1, True)
    misplaced = await rowgate(*args, "--adopt", "seat", "--migrations", tmp_path / "m", database=database)
    assert (misplaced.status, "`rowgate migrate revision`" in misplaced.err) == (2, True)

    protos(tmp_path)
    said = "column row is character varying(9), the schema says text"
    left = f"not Rowgate's, left as it is: table public.seat: {said}\n"
    done = await rowgate(*args, database=database)
    assert (done.status, left in done.err, "public.seat" in done.out) == (0, True, False)
    check = await rowgate(*args, "--check", database=database)
    assert (check.status, check.out, check.err) == (0, "the database is at the schema\n", left)

    adopted = await rowgate(*args, "--adopt", "seat", database=database)
    reason, statement = (
        "-- column public.seat.row is character varying(9), the schema says text: no row is written anew",
        "TYPE text;",
    )
    assert adopted.status == 0
    assert adopted.out.index("-- --adopt names public.seat") < adopted.out.index(reason)
    assert adopted.out.index(reason) < adopted.out.index(statement)
    assert (await rowgate(*args, "--check", database=database)).err == ""


async def test_options_in_front_of_revision_are_not_lost(database: EmptyDatabase, tmp_path: Path) -> None:
    ended = await rowgate("migrate", "--protos", tmp_path, "revision", "-m", "x", database=database)
    assert ended.status == 2
    assert "options go behind `revision`" in ended.err


async def test_a_revision_needs_a_folder(database: EmptyDatabase) -> None:
    ended = await rowgate("migrate", "revision", "-m", "x", "--protos", SCHEMAS / "ledger", database=database)
    assert ended.status == 2
    assert "--migrations DIR" in ended.err


async def test_the_table_of_a_renamed_message_is_told(database: EmptyDatabase, tmp_path: Path) -> None:
    """Without a word its rows would seem to be gone."""
    folder = protos(tmp_path)
    assert (await rowgate("migrate", "--protos", folder, database=database)).status == 0
    file = folder / "seats" / "v1" / "seats.proto"
    file.write_text(file.read_text().replace("Seat", "Chair"))
    ended = await rowgate("migrate", "--protos", folder, database=database)
    assert ended.status == 0
    assert "public.seat has the columns of public.chair, and no message any more" in ended.err
    assert '{name: "seat"}' in ended.err
    again = await rowgate("migrate", "--protos", folder, database=database)
    assert (again.status, again.err) == (0, "")
