"""Fields that get another name: they are known by their number, and no column is dropped for it."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import asyncpg
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import MetaData

from gateway.migrate import (
    DestructiveChangeError,
    Folder,
    MigrationError,
    apply,
    differences,
    preview,
    revise,
    upgrade,
)
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.migrate.database import EmptyDatabase
from tests.migrate.test_migrate_command import rowgate

PROTO = """
syntax = "proto3";
package seats.v1;
import "rowgate/v1/annotations.proto";

message Seat {{
  option (rowgate.v1.table) = {{primary_key: "id" {table}}};
  string id = 1;
  {fields}
}}
{more}
"""
DAY = date(2026, 11, 22)
OLD = "int64 total = 2; optional string note = 3;"
NEW = "int64 amount = 2; optional string note = 3;"
ON_18 = pytest.mark.parametrize("servers", ["18"], indirect=True, scope="session")

Schema = Callable[..., MetaData]


@pytest.fixture
def schema(tmp_path: Path) -> Schema:
    """Return what makes the tables of the seats' schema, with these fields."""

    def tables(fields: str, table: str = "", more: str = "") -> MetaData:
        file = tmp_path / "protos" / "seats.proto"
        file.parent.mkdir(exist_ok=True)
        file.write_text(PROTO.format(fields=fields, table=table, more=more))
        return build_tables(read_schema(compile_protos(file.parent))).metadata

    return tables


async def _columns(database: EmptyDatabase) -> list[str]:
    rows = await database.fetch(
        "SELECT attname::text FROM pg_attribute "
        "WHERE attrelid = 'seat'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    return [name for (name,) in rows]


async def _numbers(database: EmptyDatabase) -> dict[str, int | None]:
    rows = await database.fetch(
        "SELECT object_name, field_number FROM rowgate.managed_object "
        "WHERE kind = 'column' AND schema_name = 'public'"
    )
    return dict(rows)


@ON_18
@pytest.mark.parametrize("allow_destructive", [False, True])
async def test_a_renamed_field_is_no_drop_and_add(
    database: EmptyDatabase, schema: Schema, *, allow_destructive: bool
) -> None:
    """With leave to lose data, too: the values of the column would have been gone."""
    await apply(schema(OLD), database.connect)
    await database.run("INSERT INTO seat VALUES ('a', 7)")
    with pytest.raises(MigrationError) as refused:
        await apply(schema(NEW), database.connect, allow_destructive=allow_destructive)
    said = str(refused.value)
    assert "seats.proto:9: seats.v1.Seat.amount, number 2, was total" in said
    assert '[(rowgate.v1.column) = {name: "total"}]' in said
    assert "--rename public.seat.total=amount" in said
    assert "only numbers" not in said
    assert await _columns(database) == ["id", "total", "note"]
    assert any(
        "number 2, was total" in one for one in (await differences(schema(NEW), database.connect)).open
    )


@ON_18
async def test_the_column_keeps_its_name_by_its_annotation(database: EmptyDatabase, schema: Schema) -> None:
    await apply(schema(OLD), database.connect)
    kept = schema(NEW.replace("= 2", '= 2 [(rowgate.v1.column) = {name: "total"}]'))
    assert await apply(kept, database.connect) == ()
    assert await database.drift(kept) == ()


@ON_18
@pytest.mark.parametrize("flag", ["public.seat.total=amount", "seat.total=amount"])
async def test_a_flag_renames_the_column(database: EmptyDatabase, schema: Schema, flag: str) -> None:
    await apply(schema(OLD), database.connect)
    await database.run("INSERT INTO seat VALUES ('a', 7)")
    (step,) = await apply(schema(NEW), database.connect, renames=[flag])
    assert step.sql == "ALTER TABLE public.seat RENAME COLUMN total TO amount"
    assert step.breaks == "renames column public.seat.total to amount"
    assert "gateways from before it fail" in step.reason
    assert await database.fetch("SELECT amount FROM seat") == [(7,)]
    assert await _numbers(database) == {"id": 1, "amount": 2, "note": 3}
    assert await apply(schema(NEW), database.connect, renames=[flag]) == ()
    assert await apply(schema(NEW), database.connect) == ()


@ON_18
async def test_the_other_number_stays_a_drop_and_an_add(database: EmptyDatabase, schema: Schema) -> None:
    await apply(schema(OLD), database.connect)
    other = schema("int64 amount = 4; optional string note = 3;")
    with pytest.raises(DestructiveChangeError, match=r"drops column public\.seat\.total"):
        await apply(other, database.connect)
    steps = await apply(other, database.connect, allow_destructive=True)
    assert [step.sql.split(" COLUMN ")[0].split()[-1] for step in steps] == ["DROP", "ADD"]
    assert await _numbers(database) == {"id": 1, "note": 3, "amount": 4}


async def test_all_that_hangs_on_a_column_follows(database: EmptyDatabase, schema: Schema) -> None:
    """Keys, references, checks, indexes and computed columns are as they are wanted, without another step."""
    table = (
        'unique: {{columns: ["{0}", "note"]}} index: {{columns: "{0} desc" where: "{1} > 3"}} '
        'check: {{expression: "{1} > 0 OR note = \'total\'" name: "positive"}}'
    )
    computed = 'int64 twice = 4 [(rowgate.v1.column) = {{generated: "{1} * 2"}}];'
    more = (
        'message Guest {{ option (rowgate.v1.table) = {{primary_key: "id" foreign_key: {{columns: '
        '["of", "note"] references: {{table: "seat" columns: ["{0}", "note"]}}}}}}; '
        "string id = 1; int64 of = 2; string note = 3; }}"
    )

    def version(name: str) -> MetaData:
        texts = f"int64 {{0}} = 2; string note = 3; {computed}", table, more
        return schema(*(text.format(name, f'\\"{name}\\"') for text in texts))

    await apply(version("total"), database.connect)
    await database.run("INSERT INTO seat (id, total, note) VALUES ('a', 7, 'b')")
    steps = await apply(version("Order"), database.connect, renames=["seat.total=Order"])
    assert [step.sql for step in steps] == ['ALTER TABLE public.seat RENAME COLUMN total TO "Order"']
    assert [d for d in await database.drift(version("Order")) if d.forbids_serving] == []
    assert await database.fetch('SELECT "Order", twice FROM seat') == [(7, 14)]


@ON_18
async def test_a_rename_with_other_changes(database: EmptyDatabase, schema: Schema) -> None:
    """Another type and NOT NULL of the same column; rows without a value are told before anything is done."""
    await apply(schema("optional int32 total = 2;"), database.connect)
    await database.run("INSERT INTO seat VALUES ('a', 7), ('b', NULL)")
    flags = ["seat.total=amount"]
    new = schema("int64 amount = 2; int32 total = 3;")
    with pytest.raises(MigrationError, match=r"amount can't be NOT NULL: rows that are there have no value"):
        await apply(new, database.connect, renames=flags)
    await database.run("UPDATE seat SET total = 0 WHERE total IS NULL")
    await apply(new, database.connect, renames=flags)
    assert await database.fetch("SELECT amount, total FROM seat ORDER BY id") == [(7, 0), (0, 0)]
    assert await _numbers(database) == {"id": 1, "amount": 2, "total": 3}
    assert await apply(new, database.connect, renames=flags) == ()


@ON_18
async def test_names_that_change_places(database: EmptyDatabase, schema: Schema) -> None:
    """No column is missing then, and each field would read and write the other's values."""
    await apply(schema("int64 first = 2; int64 second = 3;"), database.connect)
    with pytest.raises(MigrationError) as refused:
        await apply(schema("int64 second = 2; int64 first = 3;"), database.connect)
    assert re.search(
        r"Seat\.second, number 2, was first\n.*--rename public\.seat\.second=second", str(refused.value)
    )
    assert re.search(
        r"Seat\.first, number 3, was second\n.*--rename public\.seat\.first=first", str(refused.value)
    )
    renumbered = schema("int64 second = 2; int64 first = 3;")
    flags = ["seat.first=first", "seat.second=second"]
    assert len(await apply(renumbered, database.connect, renames=flags)) == 2
    assert await _numbers(database) == {"id": 1, "second": 2, "first": 3}
    assert await apply(renumbered, database.connect) == ()


@ON_18
async def test_a_chain_of_names(database: EmptyDatabase, schema: Schema) -> None:
    await apply(schema("int64 a = 2; int64 b = 3;"), database.connect)
    await database.run("INSERT INTO seat VALUES ('x', 1, 2)")
    chain = schema("int64 b = 2; int64 c = 3;")
    with pytest.raises(MigrationError, match="the database has both a and b"):
        await apply(chain, database.connect, renames=["seat.a=b", "seat.b=c"])
    await apply(chain, database.connect, renames=["seat.b=c", "seat.a=b"])
    assert await database.fetch("SELECT b, c FROM seat") == [(1, 2)]
    assert await _numbers(database) == {"id": 1, "b": 2, "c": 3}


@ON_18
async def test_a_field_put_before_others(database: EmptyDatabase, schema: Schema) -> None:
    """All after it have other numbers: their columns may be meant, or the numbers."""
    await apply(schema(OLD), database.connect)
    put = schema("bool new = 2; int64 total = 3; optional string note = 4;")
    with pytest.raises(MigrationError) as refused:
        await apply(put, database.connect)
    flags = re.findall(r"only (?:numbers|its number) changed by --rename (\S+)", str(refused.value))
    assert flags == ["public.seat.total=total", "public.seat.total=total"]
    await apply(put, database.connect, renames=["seat.total=total", "seat.note=note"])
    assert await _numbers(database) == {"id": 1, "new": 2, "total": 3, "note": 4}
    assert await apply(put, database.connect) == ()


@ON_18
@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("seat.total=sum", "the schema has no column sum there"),
        ("seat.total", r"the schema has no column \(nothing\) there"),
        ("seat.price=amount", "the database has no column price there"),
        ("seat.total=note", "the database has both total and note"),
        ("seats.total=amount", "names no table of the schema"),
        ("seat.theirs=amount", "Rowgate didn't make that column"),
    ],
)
async def test_a_wrong_flag_is_refused(database: EmptyDatabase, schema: Schema, flag: str, said: str) -> None:
    await apply(schema(OLD), database.connect)
    await database.run("ALTER TABLE seat ADD COLUMN theirs bigint")
    with pytest.raises(MigrationError, match=f"--rename {re.escape(flag)}: {said}"):
        await apply(schema(NEW), database.connect, renames=[flag])
    assert await _columns(database) == ["id", "total", "note", "theirs"]


async def test_revisions_rename(
    database: EmptyDatabase, other_database: EmptyDatabase, schema: Schema, tmp_path: Path
) -> None:
    """They carry the numbers to wherever they run, also as a script; what breaks is named in the file."""
    path = tmp_path / "migrations"
    await revise(schema(OLD), database.connect, Folder(path), "seats", day=DAY)
    assert await other_database.script(await preview(schema(OLD), other_database.connect, Folder(path))) == []
    await upgrade(Folder(path), database.connect)
    assert await _numbers(database) == await _numbers(other_database) == {"id": 1, "total": 2, "note": 3}
    with pytest.raises(MigrationError, match="number 2, was total"):
        await revise(schema(NEW), database.connect, Folder(path), "amounts", day=DAY)
    flags = ["seat.total=amount"]
    (file,) = await revise(schema(NEW), database.connect, Folder(path), "amounts", day=DAY, renames=flags)
    assert '    "renames column public.seat.total to amount",' in file.read_text()
    assert "fields =" not in file.read_text()
    script = await preview(schema(NEW), other_database.connect, Folder(path))
    await upgrade(Folder(path), database.connect)
    assert await other_database.script(script) == []
    for one in (database, other_database):
        assert await _numbers(one) == {"id": 1, "amount": 2, "note": 3}
        assert (await differences(schema(NEW), one.connect, Folder(path))).open == ()


async def test_numbers_come_to_a_record_without_them(database: EmptyDatabase, schema: Schema) -> None:
    """One that an earlier Rowgate wrote is read, and gets the numbers with the next change."""
    await apply(schema(OLD), database.connect)
    await database.run("ALTER TABLE rowgate.managed_object DROP COLUMN field_number")
    assert await apply(schema(OLD), database.connect) == ()
    await apply(schema(OLD, 'index: {columns: "note"}'), database.connect)
    assert await _numbers(database) == {"id": 1, "total": 2, "note": 3}


@ON_18
async def test_a_renamed_field_of_no_known_number_is_told(database: EmptyDatabase, schema: Schema) -> None:
    """Nothing says that it is the same: what would be lost is refused, with the flag that keeps it."""
    await apply(schema(OLD), database.connect)
    await database.run("INSERT INTO seat VALUES ('a', 7)")
    await database.run("UPDATE rowgate.managed_object SET field_number = NULL")
    with pytest.raises(DestructiveChangeError) as refused:
        await apply(schema(NEW), database.connect)
    loss, way = str(refused.value).splitlines()[1:]
    assert loss == "  drops column public.seat.total"
    assert way == (
        "public.seat.total was recorded without its field's number; "
        "if that has another name: --rename public.seat.total=amount"
    )
    with pytest.raises(DestructiveChangeError) as refused:
        await apply(schema("optional string note = 3;"), database.connect)
    assert str(refused.value).splitlines()[1:] == ["  drops column public.seat.total"]
    await apply(schema(NEW), database.connect, renames=["public.seat.total=amount"])
    assert await database.fetch("SELECT amount FROM seat") == [(7,)]
    assert await _numbers(database) == {"id": 1, "amount": 2, "note": 3}


@ON_18
async def test_planning_holds_up_nobody(database: EmptyDatabase, schema: Schema) -> None:
    """What the renamed table will look like is told without a lock on it."""
    await apply(schema(OLD, 'check: {expression: "total > 0"}'), database.connect)
    connection = await asyncpg.connect(database.dsn)
    try:
        async with connection.transaction():
            await connection.execute("SELECT FROM seat")
            new = schema(NEW, 'check: {expression: "amount > 0"}')
            script = await preview(new, database.connect, renames=["seat.total=amount"])
    finally:
        await connection.close()
    assert "RENAME COLUMN total TO amount" in script


NAMES = ("a", "b", "c", "d")
fields = st.dictionaries(st.integers(2, 5), st.sampled_from(NAMES), max_size=4).filter(
    lambda drawn: len(set(drawn.values())) == len(drawn)
)


@ON_18
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(first=fields, second=fields)
async def test_no_field_ever_reads_anothers_values(
    reused: tuple[EmptyDatabase, EmptyDatabase], schema: Schema, first: dict[int, str], second: dict[int, str]
) -> None:
    """Whatever becomes of names and numbers: values stay with their numbers, or are dropped."""
    database, _ = reused
    await database.clear()
    await apply(schema(_declared(first)), database.connect)
    columns, values = ", ".join(["id", *first.values()]), ", ".join(["'row'", *map(str, first)])
    await database.run(f"INSERT INTO seat ({columns}) VALUES ({values})")  # noqa: S608 - drawn
    renamed = [number for number in first.keys() & second.keys() if first[number] != second[number]]
    if renamed:
        with pytest.raises(MigrationError) as refused:
            await apply(schema(_declared(second)), database.connect, allow_destructive=True)
        assert all(f"number {number}, was {first[number]}" in str(refused.value) for number in renamed)
        return
    await apply(schema(_declared(second)), database.connect, allow_destructive=True)
    for number, name in second.items():
        rows = await database.fetch(f"SELECT {name} <> 0 FROM seat")  # noqa: S608 - drawn
        assert rows == [(first.get(number, name) == name and name in first.values(),)]


def _declared(drawn: dict[int, str]) -> str:
    return " ".join(f"int64 {name} = {number};" for number, name in drawn.items())


@ON_18
async def test_the_command_tells_what_breaks(database: EmptyDatabase, schema: Schema, tmp_path: Path) -> None:
    where = ("--protos", tmp_path / "protos", "--migrations", tmp_path / "migrations")
    folder = Folder(tmp_path / "migrations")
    await revise(schema(OLD), database.connect, folder, "seats", day=DAY)
    await upgrade(folder, database.connect)
    schema(NEW)
    flags = ("--rename", "seat.total=amount")
    refused = await rowgate("migrate", *where, *flags, database=database)
    assert (refused.status, "give --rename to `rowgate migrate revision`" in refused.err) == (2, True)
    wrote = await rowgate(
        "migrate", "revision", "-m", "amounts", "--date", "2026-11-22", *where, *flags, database=database
    )
    assert (wrote.status, wrote.err) == (0, "")
    ran = await rowgate("migrate", *where, database=database)
    assert ran.out.splitlines()[:2] == [
        "2026-11-22_amounts: Amounts.",
        "  gateways from before it fail: it renames column public.seat.total to amount",
    ]
    assert (ran.status, ran.err) == (0, "")


@ON_18
async def test_what_takes_a_columns_place_takes_its_number(database: EmptyDatabase, schema: Schema) -> None:
    """Such as a computed column that is computed anew, or one that was filled for another type."""
    twice = 'int64 twice = 4 [(rowgate.v1.column) = {generated: "total * %s"}];'
    await apply(schema(f"{OLD} {twice % 2}"), database.connect)
    await apply(schema(f"{OLD} {twice % 3}"), database.connect, allow_destructive=True)
    assert await _numbers(database) == {"id": 1, "total": 2, "note": 3, "twice": 4}
    await database.run(
        "INSERT INTO seat (id, total, note) SELECT n::text, n, n::text FROM generate_series(1, 20000) n"
    )
    text = schema(f"{OLD} {twice % 3}".replace("string note", "int64 note"))
    steps = await apply(text, database.connect, allow_destructive=True)
    assert any("rowgate_old_note" in step.sql for step in steps)
    numbers = await _numbers(database)
    assert {name: numbers[name] for name in ("total", "note", "twice")} == {"total": 2, "note": 3, "twice": 4}
    assert await apply(text, database.connect) == ()
    with pytest.raises(MigrationError, match=r"Seat\.remark, number 3, was note\n"):
        await apply(schema(f"{OLD} {twice % 3}".replace("string note", "int64 remark")), database.connect)


@ON_18
async def test_a_former_column_is_no_fields(database: EmptyDatabase, schema: Schema) -> None:
    """It keeps the number of its field, which may be another's by now."""
    await apply(schema(OLD), database.connect)
    await database.run("INSERT INTO seat SELECT n::text, n, n::text FROM generate_series(1, 20000) n")
    await apply(schema("string total = 2; optional string note = 3;"), database.connect)
    assert (await _numbers(database))["rowgate_old_total"] == 2
    other = schema("string total = 4; optional string note = 3;")
    await apply(other, database.connect, renames=["seat.total=total"])
    reused = schema("string total = 4; optional string note = 3; bool window = 2;")
    assert [d for d in (await differences(reused, database.connect)).open if "number" in d] == []
    await apply(reused, database.connect)
    assert (await _numbers(database))["window"] == 2


@ON_18
async def test_a_rename_with_another_type_goes_at_once(database: EmptyDatabase, schema: Schema) -> None:
    """Nobody could ask what hangs on the column by its new name: a view would keep the former column."""
    await apply(schema(OLD), database.connect)
    await database.run(
        "INSERT INTO seat SELECT n::text, n, n::text FROM generate_series(1, 20000) n",
        "CREATE VIEW totals AS SELECT total FROM seat",
    )
    flags = ["seat.total=amount"]
    text = schema(NEW.replace("int64", "string"))
    with pytest.raises(MigrationError, match="used by a view"):
        await apply(text, database.connect, renames=flags, allow_destructive=True)
    assert await _columns(database) == ["id", "total", "note"]
    await database.run("DROP VIEW totals")
    steps = await apply(text, database.connect, renames=flags, allow_destructive=True)
    assert any("as it gets another name too" in step.reason for step in steps)
    assert await database.fetch("SELECT amount FROM seat WHERE id = '7'") == [("7",)]
