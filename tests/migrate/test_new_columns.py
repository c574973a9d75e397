"""New fields of tables with rows: the zero that fills them, and older gateways that go on writing."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from gateway.migrate import Folder, MigrationError, apply, differences, preview, revise, upgrade
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.harness.gateway import client_of
from tests.migrate.database import EmptyDatabase

PROTO = """
syntax = "proto3";
package seats.v1;
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "rowgate/v1/annotations.proto";

enum Deck {
  DECK_UNSPECIFIED = 0;
  DECK_UPPER = 1;
}

message Place {
  string city = 1;
}

// A seat.
message Seat {
  option (rowgate.v1.table) = {primary_key: "id" %s};
  string id = 1;
  optional int32 rank = 2;
  %s
}

message GetSeatRequest {
  string id = 1;
}

message CreateSeatRequest {
  Seat seat = 1;
}

// Seats.
service SeatService {
  rpc GetSeat(GetSeatRequest) returns (Seat);
  rpc CreateSeat(CreateSeatRequest) returns (Seat);
}
"""
PLAIN = (
    "string note",
    "bytes picture",
    "bool window",
    "int32 row",
    "sint64 price",
    "uint64 weight",
    "fixed32 code",
    "float width",
    "double height",
    "Deck deck",
    "repeated string tags",
    "repeated int64 sizes",
    "repeated Deck decks",
    "repeated Place places",
    "map<string, int32> counts",
    "google.protobuf.Struct extra",
    "google.protobuf.Timestamp sold_at",
)
TYPED = {
    "string title": 'type: "varchar(9)"',
    "string initial": 'type: "char(3)"',
    "int32 small": 'type: "smallint"',
    "int64 exact": 'type: "numeric(12)"',
    "Deck level": 'enum_type: "deck"',
    "Deck number": 'type: "smallint"',
}
NEW = "\n  ".join(
    (
        *(f"{field} = {number};" for number, field in enumerate(PLAIN, 10)),
        *(
            f"{field} = {number} [(rowgate.v1.column) = {{{options}}}];"
            for number, (field, options) in enumerate(TYPED.items(), 40)
        ),
    )
)
DAY = date(2026, 11, 22)


class Schema:
    """The seats' schema, with more in its table's options and in its fields."""

    def __init__(self, path: Path, fields: str = "", table: str = "") -> None:
        file = path / "seats" / "v1" / "seats.proto"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(PROTO % (table, fields))
        self.descriptors = compile_protos(path)

    @property
    def metadata(self) -> MetaData:
        """The tables."""
        return build_tables(read_schema(self.descriptors)).metadata


async def _filled(database: EmptyDatabase, old: MetaData) -> None:
    await apply(old, database.connect)
    await database.run("INSERT INTO seat VALUES ('a', 1), ('b', NULL)")


async def _fill_of(database: EmptyDatabase, column: str) -> str | None:
    rows = await database.fetch(
        "SELECT pg_get_expr(adbin, adrelid) FROM pg_attribute a "
        "LEFT JOIN pg_attrdef d ON (adrelid, adnum) = (attrelid, attnum) "
        "WHERE attrelid = 'seat'::regclass AND attname = $1",
        column,
    )
    return str(rows[0][0]) if rows[0][0] else None


async def test_gateways_of_both_schemas_write(database: EmptyDatabase, tmp_path: Path) -> None:
    """A NOT NULL column was refused, so that every new field had to be optional."""
    old, new = Schema(tmp_path / "old"), Schema(tmp_path / "new", NEW)
    await _filled(database, old.metadata)
    async with client_of(old.descriptors, database.dsn) as before:
        file_of = "SELECT pg_relation_filenode('seat')"
        file = await database.fetch(file_of)
        await apply(new.metadata, database.connect)
        assert await database.fetch(file_of) == file, "no row was written anew"
        await before.call("seats.v1.SeatService/CreateSeat", seat={"id": "c"})
        async with client_of(new.descriptors, database.dsn) as after:
            await after.call("seats.v1.SeatService/CreateSeat", seat={"id": "d"})
            for seat in "abcd":
                got = await after.call("seats.v1.SeatService/GetSeat", id=seat)
                got.ClearField("rank")
                got.initial = got.initial.strip()  # char(3) is padded
                assert got == after.message("seats.v1.Seat", id=seat)
    columns = "SELECT DISTINCT to_jsonb(s) - 'id' - 'rank' FROM seat s"
    assert len(await database.fetch(columns)) == 1, "the fill is what the gateway writes"


async def test_the_default_stays_until_it_is_told_to_go(database: EmptyDatabase, tmp_path: Path) -> None:
    new = Schema(tmp_path, NEW).metadata
    await _filled(database, Schema(tmp_path / "old").metadata)
    steps = await apply(new, database.connect)
    reasons = [step.reason for step in steps if "ADD COLUMN note" in step.sql]
    said = "''::text fills the rows that are there, and those of gateways from before it"
    assert reasons == [f"column public.seat.note is missing: {said} until --contract drops the default"]
    assert await apply(new, database.connect) == ()
    assert await database.drift(new) == ()
    found = await differences(new, database.connect)
    assert (found.open, found.left, len(found.fills)) == ((), (), len(PLAIN) + len(TYPED) - 2)
    assert "column public.seat.row has the default 0 for older gateways" in found.fills

    waiting = await differences(new, database.connect, contract=True)
    assert (set(waiting.open), waiting.fills) == (set(found.fills), ())
    script = await preview(new, database.connect, contract=True)
    dropped = await apply(new, database.connect, contract=True)
    assert len(dropped) == len(found.fills)
    assert all(str(step) in script for step in dropped)
    assert await _fill_of(database, "note") is None
    assert await apply(new, database.connect, contract=True) == ()
    found = await differences(new, database.connect)
    assert (found.open, found.left, found.fills) == ((), (), ())


async def test_revisions_fill_and_contract(
    database: EmptyDatabase, other_database: EmptyDatabase, tmp_path: Path
) -> None:
    """A revision fills on any database, though the one it is written against has no rows."""
    old, new = Schema(tmp_path / "old").metadata, Schema(tmp_path / "new", NEW).metadata
    path = tmp_path / "revisions"
    await revise(old, database.connect, Folder(path), "seats", day=DAY)
    for each in (database, other_database):
        await upgrade(Folder(path), each.connect)
    await other_database.run("INSERT INTO seat VALUES ('a', 1)")
    written, *_ = await revise(new, database.connect, Folder(path), "more", day=DAY)
    assert "--contract drops the default" in written.read_text()
    for each in (database, other_database):
        await upgrade(Folder(path), each.connect)
        assert (await differences(new, each.connect, Folder(path))).open == ()
        assert await revise(new, each.connect, Folder(path), "none", day=DAY) == ()
    await revise(new, database.connect, Folder(path), "contract", day=DAY, contract=True)
    for each in (database, other_database):
        await upgrade(Folder(path), each.connect)
        assert (await differences(new, each.connect, Folder(path))).fills == ()


@pytest.mark.parametrize(
    ("field", "table", "why"),
    [
        (
            'string note = 3 [(rowgate.v1.column) = {type: "uuid"}]',
            "",
            "no default fills it",
        ),
        (
            "string note = 3",
            'unique: {columns: "note"}',
            "''::text can't: seat_note_key wants another value in each row",
        ),
        (
            "string note = 3",
            'check: {expression: "note <> \'\'" name: "seat_note_check"}',
            "''::text can't: seat_note_check refuses it",
        ),
        (
            'string note = 3 [(rowgate.v1.column).references = {table: "seat"}]',
            "",
            "''::text can't: seat_note_fkey wants a row of public.seat for it",
        ),
    ],
)
async def test_a_zero_that_does_not_fit_is_refused(
    database: EmptyDatabase, tmp_path: Path, field: str, table: str, why: str
) -> None:
    """With rows; without any the column is as the schema says, and nothing is left to drop."""
    old, new = Schema(tmp_path / "old").metadata, Schema(tmp_path / "new", f"{field};", table).metadata
    await _filled(database, old)
    with pytest.raises(MigrationError) as refused:
        await apply(new, database.connect)
    assert f"column public.seat.note can't be NOT NULL: the table has rows, and {why}; decl" in str(
        refused.value
    )
    assert "declare the field optional" in str(refused.value)
    await database.run("DELETE FROM seat")
    await apply(new, database.connect)
    assert await _fill_of(database, "note") is None
    assert (await differences(new, database.connect)).open == ()


async def test_a_check_that_the_zero_meets_is_no_obstacle(database: EmptyDatabase, tmp_path: Path) -> None:
    table = 'check: {expression: "row >= 0 AND note = \'\' OR row > 5" name: "seat_check"}'
    new = Schema(tmp_path / "new", "string note = 3; int32 row = 4;", table).metadata
    await _filled(database, Schema(tmp_path / "old").metadata)
    await apply(new, database.connect)
    assert await database.fetch("SELECT DISTINCT note, row FROM seat") == [("", 0)]


async def test_a_new_type_takes_the_default_along(database: EmptyDatabase, tmp_path: Path) -> None:
    """It can't stand for another type: nothing may be planned for ever."""
    await _filled(database, Schema(tmp_path / "old").metadata)
    await apply(Schema(tmp_path / "new", "int32 row = 4;").metadata, database.connect)
    wider = Schema(tmp_path / "wider", "int64 row = 4;").metadata
    reasons = [step.reason for step in await apply(wider, database.connect)]
    assert "column public.seat.row is integer, the schema says bigint: every row is written anew" in reasons
    assert await apply(wider, database.connect) == ()
    assert await _fill_of(database, "row") is None


async def test_a_default_by_hand_that_is_no_zero_goes(database: EmptyDatabase, tmp_path: Path) -> None:
    new = Schema(tmp_path / "new", "int32 row = 4;").metadata
    await _filled(database, Schema(tmp_path / "old").metadata)
    await apply(new, database.connect)
    await database.run("ALTER TABLE seat ALTER row SET DEFAULT 7")
    assert len(await apply(new, database.connect)) == 1
    assert await _fill_of(database, "row") is None
