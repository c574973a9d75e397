"""What no migration made is changed only where a flag names it, and lost only where another allows it."""

import asyncio
from datetime import date
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.naming import conv

from gateway.introspect import SchemaMismatchError, require_match
from gateway.introspect.tables.table_records import Name
from gateway.migrate import (
    DestructiveChangeError,
    Folder,
    MigrationError,
    NotOursError,
    apply,
    differences,
    preview,
    revise,
    upgrade,
)
from gateway.migrate.locks.lock import opened
from gateway.migrate.plan import record
from gateway.schema.tables.metadata import build_tables
from tests.harness.gateway import SCHEMAS, schema_of
from tests.harness.polling import next_poll
from tests.migrate.database import EmptyDatabase
from tests.migrate.models import empty
from tests.migrate.test_foreign_catalogs import dump

DAY = date(2026, 11, 21)
SEAT = Name("public", "seat")
MOOD = postgresql.ENUM("calm", "loud", "new", name="mood")


def _seats(*parts: sa.schema.SchemaItem, key: tuple[str, ...] = ("id",)) -> sa.MetaData:
    metadata = empty()
    columns = [sa.Column("id", sa.BigInteger, autoincrement=False), *parts]
    sa.Table("seat", metadata, *columns, sa.PrimaryKeyConstraint(*key, name=conv("seat_pkey")))
    return metadata


# What others made, and the model of it: nothing differs.
ALIKE = {
    "a primary key by another name": ("CONSTRAINT pk_seat PRIMARY KEY (id)", _seats()),
    "a primary key in another order": (
        "code text, CONSTRAINT pk_seat PRIMARY KEY (code, id)",
        _seats(sa.Column("code", sa.Text), key=("id", "code")),
    ),
    "timestamp(6)": (
        "PRIMARY KEY (id), at timestamp(6), ats timestamptz(6)[]",
        _seats(sa.Column("at", sa.DateTime), sa.Column("ats", postgresql.ARRAY(sa.DateTime(timezone=True)))),
    ),
    "a unique index for a unique key": (
        'PRIMARY KEY (id), "the row" text, seat text; CREATE UNIQUE INDEX i ON seat (seat DESC, "the row")',
        _seats(
            sa.Column("the row", sa.Text), sa.Column("seat", sa.Text), sa.UniqueConstraint("the row", "seat")
        ),
    ),
    "a unique key for a unique index": (
        "PRIMARY KEY (id), code text CONSTRAINT mine UNIQUE",
        _seats(sa.Column("code", sa.Text), sa.Index("ours", "code", unique=True)),
    ),
    "a check by another name": (
        "PRIMARY KEY (id), code varchar(3) CONSTRAINT mine CHECK (code IN ('a', 'b'))",
        _seats(sa.Column("code", sa.String(3), sa.CheckConstraint("code IN ('a', 'b')", name=conv("ours")))),
    ),
    "a reference by another name": (
        "PRIMARY KEY (id), of bigint CONSTRAINT mine REFERENCES seat ON DELETE CASCADE",
        _seats(sa.Column("of", sa.BigInteger, sa.ForeignKey("seat.id", ondelete="CASCADE"))),
    ),
    "an index by another name": (
        "PRIMARY KEY (id), code text; CREATE INDEX mine ON seat (code DESC) WHERE id > 0",
        _seats(
            sa.Column("code", sa.Text),
            sa.Index("ours", sa.text("code DESC"), postgresql_where=sa.text("id > 0")),
        ),
    ),
    "partitions": (
        "PRIMARY KEY (id)) PARTITION BY RANGE (id; CREATE TABLE part PARTITION OF seat DEFAULT",
        _seats(),
    ),
    "a table that inherits": (
        "PRIMARY KEY (id); CREATE TABLE base (id bigint NOT NULL); ALTER TABLE seat INHERIT base",
        _seats(),
    ),
    "a key that can be deferred beside one that can't": (
        "PRIMARY KEY (id), code text UNIQUE DEFERRABLE CONSTRAINT mine UNIQUE",
        _seats(sa.Column("code", sa.Text, unique=True)),
    ),
    "a reference that is deferred": (
        "PRIMARY KEY (id), of bigint CONSTRAINT mine REFERENCES seat DEFERRABLE INITIALLY DEFERRED",
        _seats(sa.Column("of", sa.BigInteger, sa.ForeignKey("seat.id"))),
    ),
    "what nobody names": (
        "PRIMARY KEY (id), code text UNIQUE CHECK (code <> ''), b text; CREATE INDEX i ON seat (b)",
        _seats(),
    ),
}
# What others made, and a model that differs harmlessly: told, served, left.
HARMLESS = {
    "identity ALWAYS": (
        "PRIMARY KEY (id), no int GENERATED ALWAYS AS IDENTITY",
        _seats(sa.Column("no", sa.Integer, sa.Identity(always=False), nullable=False)),
        "column no has the identity ALWAYS, the schema says BY DEFAULT",
    ),
    "serial": (
        "PRIMARY KEY (id), no serial",
        _seats(sa.Column("no", sa.Integer, sa.Identity(always=False), nullable=False)),
        "column no has the identity nextval('public.seat_no_seq'::regclass), the schema says BY DEFAULT",
    ),
    "a default": (
        "PRIMARY KEY (id), code text DEFAULT 'x'",
        _seats(sa.Column("code", sa.Text)),
        "has the default",
    ),
    "a length": (
        "PRIMARY KEY (id), code varchar(9)",
        _seats(sa.Column("code", sa.Text)),
        "is character varying(9)",
    ),
    "Rails' default": (
        "PRIMARY KEY (id), code varchar DEFAULT 'it''s' NOT NULL, other varchar(9) DEFAULT 'x'",
        _seats(
            sa.Column("code", sa.Text, server_default="it's", nullable=False),
            sa.Column("other", sa.Text, server_default="x"),
        ),
        "column code is character varying",
    ),
    "a check of a length": (
        "PRIMARY KEY (id), code varchar(9) CONSTRAINT mine CHECK (code <> '' AND length(code) > 1)",
        _seats(
            sa.Column("code", sa.Text),
            sa.CheckConstraint("code <> '' AND length(code) > 1", name=conv("ours")),
        ),
        "column code is character varying(9)",
    ),
    "a check that isn't valid": (
        "PRIMARY KEY (id), code varchar(9); ALTER TABLE seat ADD CHECK (code IN ('a', 'b')) NOT VALID",
        _seats(sa.Column("code", sa.String(9)), sa.CheckConstraint("code IN ('a', 'b')", name=conv("ours"))),
        ") NOT VALID, the schema says CHECK (",
    ),
    "a reference that isn't valid": (
        "PRIMARY KEY (id), of bigint; ALTER TABLE seat ADD FOREIGN KEY (of) REFERENCES seat NOT VALID",
        _seats(sa.Column("of", sa.BigInteger, sa.ForeignKey("seat.id"))),
        "REFERENCES public.seat (id) NOT VALID, the schema says",
    ),
    "no index": (
        "PRIMARY KEY (id), code text",
        _seats(sa.Column("code", sa.Text, index=True)),
        "index seat_code_idx is missing",
    ),
}
# What others made, and a model that can't be served from it; then what an adoption says or loses.
GRAVE = {
    "NULLs in an array": (
        "PRIMARY KEY (id), tags text[]; INSERT INTO seat VALUES (1, NULL)",
        _seats(sa.Column("tags", postgresql.ARRAY(sa.Text), nullable=False)),
        "column tags is NULL, the schema says NOT NULL",
        "rows that are there have no value for it",
    ),
    "a label that an enum type lacks": (
        "PRIMARY KEY (id), mood mood",
        _seats(sa.Column("mood", MOOD)),
        "enum type public.mood: label new is missing",
        "",
    ),
    "a primary key that can be deferred": (
        "CONSTRAINT mine PRIMARY KEY (id) DEFERRABLE",
        _seats(),
        "key mine is PRIMARY KEY (id) DEFERRABLE, the schema says PRIMARY KEY (id): ON CONFLICT takes no key",
        "",
    ),
    "a unique key that can be deferred": (
        "PRIMARY KEY (id), code text CONSTRAINT mine UNIQUE INITIALLY DEFERRED",
        _seats(sa.Column("code", sa.Text), sa.UniqueConstraint("code")),
        "key mine is UNIQUE (code) DEFERRABLE, the schema says UNIQUE (code): ON CONFLICT takes no key",
        "",
    ),
    "another primary key": (
        "code text, CONSTRAINT pk_seat PRIMARY KEY (id, code)",
        _seats(sa.Column("code", sa.Text, nullable=False)),
        "key pk_seat is PRIMARY KEY (id, code), the schema says PRIMARY KEY (id)",
        "",
    ),
    "a weaker primary key": (
        "code text NOT NULL, CONSTRAINT pk_seat PRIMARY KEY (id)",
        _seats(sa.Column("code", sa.Text), key=("id", "code")),
        "key pk_seat is PRIMARY KEY (id), the schema says PRIMARY KEY (id, code)",
        "drops key pk_seat of public.seat",
    ),
    "another check of the name": (
        "PRIMARY KEY (id), CONSTRAINT ours CHECK (id > 1)",
        _seats(sa.CheckConstraint("id > 0", name=conv("ours"))),
        "check ours is CHECK ((id > 1)), the schema says CHECK ((id > 0))",
        "drops check ours of public.seat",
    ),
    "a missing column": (
        "PRIMARY KEY (id)",
        _seats(sa.Column("code", sa.Text)),
        "column code is missing: the schema says text",
        "",
    ),
    "a narrower type": (
        "PRIMARY KEY (id), code text",
        _seats(sa.Column("code", sa.String(3))),
        "column code is text, the schema says character varying(3)",
        "changes column public.seat.code from text to character varying(3)",
    ),
}


async def _make(database: EmptyDatabase, rest: str) -> list[str]:
    first, *others = rest.split(";")
    made = ["CREATE TYPE mood AS ENUM ('calm', 'loud')", f"CREATE TABLE seat (id bigint NOT NULL, {first})"]
    await database.run(*made, *others)
    return await dump(database)


@pytest.mark.parametrize("case", ALIKE)
async def test_structure_counts_not_names(database: EmptyDatabase, case: str) -> None:
    ddl, model = ALIKE[case]
    before = await _make(database, ddl)
    found = await differences(model, database.connect)
    assert [said for said in (*found.open, *found.left) if "seat" in said] == []
    await apply(model, database.connect, allow_destructive=True)
    assert await dump(database) == before
    await require_match(database.connect, model)


@pytest.mark.parametrize("case", HARMLESS)
async def test_what_is_harmless_is_told_and_left(database: EmptyDatabase, case: str) -> None:
    ddl, model, said = HARMLESS[case]
    before = await _make(database, ddl)
    await apply(model, database.connect, allow_destructive=True)
    assert await dump(database) == before
    await require_match(database.connect, model)
    found = await differences(model, database.connect)
    assert found.open == ()
    assert [one for one in found.left if said in one]

    await apply(model, database.connect, adopted=[SEAT])
    found = await differences(model, database.connect)
    assert (found.open, found.left) == ((), ())
    assert await apply(model, database.connect) == ()


async def test_rules_are_told_and_left(database: EmptyDatabase) -> None:
    """Nothing told of them, and an Update was UNIMPLEMENTED when it shared a statement with others."""
    rules = ("WRITTEN AS ON UPDATE TO seat DO ALSO NOTIFY changed", "kept AS ON DELETE TO seat DO NOTHING")
    before = await _make(database, ";".join(["PRIMARY KEY (id)", *(f"CREATE RULE {rule}" for rule in rules)]))
    await apply(_seats(), database.connect, adopted=[SEAT])
    assert await dump(database) == before
    await require_match(database.connect, _seats())
    found = await differences(_seats(), database.connect)
    assert found.open == ()
    assert [said for said in found.left if "table public.seat has rules (kept, written)" in said]
    await database.run("DROP RULE written ON seat", "ALTER TABLE seat DISABLE RULE kept")
    assert (await differences(_seats(), database.connect)).left == ()


async def test_rows_that_go_unasked_are_told(database: EmptyDatabase) -> None:
    """Nothing told of them, and Delete took them without force."""
    await _make(database, "PRIMARY KEY (id)")
    refers = "REFERENCES seat (id) ON DELETE"
    references = {"seat": "CASCADE", "other": "SET NULL", "third": "RESTRICT"}
    columns = [f"{name} integer {refers} {action}" for name, action in references.items()]
    await database.run(f"CREATE TABLE booking ({', '.join(columns)})")
    await apply(_seats(), database.connect, adopted=[SEAT])
    found = await differences(_seats(), database.connect)
    assert found.open == ()
    told = "table public.seat is referred to by public.booking (booking_seat_fkey) ON DELETE CASCADE: "
    assert [said for said in found.left if said.startswith(told)]
    await require_match(database.connect, _seats())
    model = _seats()
    keys = (sa.ForeignKeyConstraint([name], ["seat.id"], ondelete=does) for name, does in references.items())
    sa.Table("booking", model, *(sa.Column(name, sa.Integer) for name in references), *keys)
    assert (await differences(model, database.connect)).left == ()


@pytest.mark.parametrize("case", GRAVE)
async def test_what_is_not_is_refused_until_a_flag_names_it(database: EmptyDatabase, case: str) -> None:
    ddl, model, said, loss = GRAVE[case]
    name = Name("public", "mood") if "enum type" in said else SEAT
    before = await _make(database, ddl)
    with pytest.raises(SchemaMismatchError) as mismatch:
        await require_match(database.connect, model)
    assert said in str(mismatch.value)
    with pytest.raises(NotOursError) as refused:
        await apply(model, database.connect, allow_destructive=True)
    assert said in str(refused.value)
    assert f"--adopt {name}" in str(refused.value)
    assert [one for one in (await differences(model, database.connect)).open if said in one]
    if loss:
        with pytest.raises(MigrationError) as lost:
            await apply(model, database.connect, adopted=[name])
        assert loss in str(lost.value)
    assert await dump(database) == before
    if "no value" in loss:
        await database.run("UPDATE seat SET tags = '{}'")

    await apply(model, database.connect, adopted=[name], allow_destructive=bool(loss))
    await require_match(database.connect, model)
    assert (await differences(model, database.connect)).open == ()


NOT_FULLY_ENFORCED = {
    "a check": (
        "PRIMARY KEY (id), CONSTRAINT mine CHECK (id > 0) NOT ENFORCED",
        _seats(sa.CheckConstraint("id > 0", name=conv("ours"))),
        "check mine is CHECK ((id > 0)) NOT ENFORCED, the schema says CHECK ((id > 0))",
    ),
    "a reference": (
        "PRIMARY KEY (id), of bigint REFERENCES seat NOT ENFORCED",
        _seats(sa.Column("of", sa.BigInteger, sa.ForeignKey("seat.id"))),
        "NOT ENFORCED, the schema says FOREIGN KEY (",
    ),
    "NULLs of old": (
        "PRIMARY KEY (id), of bigint; ALTER TABLE seat ADD NOT NULL of NOT VALID",
        _seats(sa.Column("of", sa.BigInteger, nullable=False)),
        "column of is NULL, the schema says NOT NULL",
    ),
}


@pytest.mark.parametrize("servers", ["18"], indirect=True)
@pytest.mark.parametrize("case", NOT_FULLY_ENFORCED)
async def test_what_is_not_enforced_is_not_there(database: EmptyDatabase, case: str) -> None:
    """PostgreSQL 18 lets a constraint stand that is checked for no row, or not for those before it."""
    ddl, model, said = NOT_FULLY_ENFORCED[case]
    await _make(database, ddl)
    with pytest.raises(SchemaMismatchError) as mismatch:
        await require_match(database.connect, model)
    assert said in str(mismatch.value)
    await apply(model, database.connect, adopted=[SEAT])
    await require_match(database.connect, model)
    assert (await differences(model, database.connect)).open == ()


async def test_an_adopted_table_is_like_a_made_one(database: EmptyDatabase) -> None:
    """But for what the schema never named of it, and for the table itself."""
    await _make(
        database,
        "code text, CONSTRAINT pk_seat PRIMARY KEY (id), note text CONSTRAINT mine CHECK (note <> '')",
    )
    code = sa.Column("code", sa.Text)
    await apply(_seats(code), database.connect, adopted=[SEAT])
    with pytest.raises(DestructiveChangeError) as refused:
        await apply(_seats(), database.connect)
    assert refused.value.losses == ("drops column public.seat.code",)
    await apply(_seats(sa.Column("row", sa.Text)), database.connect, allow_destructive=True)
    columns = await database.fetch(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = 'seat'::regclass AND attnum > 0 "
        "AND NOT attisdropped ORDER BY attnum"
    )
    assert columns == [("id",), ("note",), ("row",)]
    constraints = (
        "SELECT conname::text FROM pg_constraint WHERE conrelid = 'seat'::regclass AND contype IN ('p', 'c')"
    )
    assert sorted(await database.fetch(constraints)) == [("mine",), ("pk_seat",)]


@pytest.mark.parametrize("name", [Name("public", "nothing"), Name("air", "seat")])
async def test_only_what_the_schema_names_is_adopted(database: EmptyDatabase, name: Name) -> None:
    await _make(database, "PRIMARY KEY (id)")
    with pytest.raises(MigrationError, match=f"--adopt {name}: the schema has no such table or enum type"):
        await apply(_seats(), database.connect, adopted=[name])


async def test_the_references_of_northwind_stay(database: EmptyDatabase) -> None:
    """A primary key by its own name was dropped as a second one, and with it every reference to it."""
    await database.run((SCHEMAS / "foreign" / "northwind" / "tables.sql").read_text())
    count = "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"
    assert await database.fetch(count) == [(13,)]
    await apply(
        build_tables(schema_of("foreign/northwind")).metadata, database.connect, allow_destructive=True
    )
    assert await database.fetch(count) == [(13,)]
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await database.run("INSERT INTO orders (order_id, customer_id) VALUES (1, 'NONE')")


async def test_what_hangs_on_a_dropped_column_is_not_dropped_with_it(database: EmptyDatabase) -> None:
    await apply(_seats(sa.Column("code", sa.Text), sa.Column("row", sa.Text)), database.connect)
    for theirs in ("CREATE INDEX mine ON seat (code, row)", "CREATE STATISTICS mine ON code, row FROM seat"):
        await database.run(theirs)
        with pytest.raises(MigrationError, match="mine would go, which Rowgate didn't make"):
            await apply(_seats(sa.Column("row", sa.Text)), database.connect, allow_destructive=True)
        await database.run(f"DROP {theirs.split()[1]} mine")
    await apply(_seats(sa.Column("row", sa.Text)), database.connect, allow_destructive=True)


@pytest.mark.parametrize(
    "theirs",
    ["CREATE INDEX mine ON seat (code, id)", "ALTER TABLE seat ADD CONSTRAINT mine UNIQUE (id, code)"],
)
async def test_a_revision_drops_nothing_of_others_with_a_column(
    database: EmptyDatabase, other_database: EmptyDatabase, tmp_path: Path, theirs: str
) -> None:
    """It was written where nobody had made anything, and is run where somebody has."""
    await revise(_seats(sa.Column("code", sa.Text)), database.connect, Folder(tmp_path), "seats", day=DAY)
    for one in (database, other_database):
        await upgrade(Folder(tmp_path), one.connect)
    await other_database.run(theirs)
    await revise(_seats(), database.connect, Folder(tmp_path), "none", day=DAY, allow_destructive=True)
    with pytest.raises(MigrationError, match=r"would go: \w+ mine of public\.seat; Rowgate didn't make that"):
        await upgrade(Folder(tmp_path), other_database.connect, allow_destructive=True)
    await upgrade(Folder(tmp_path), database.connect, allow_destructive=True)


async def test_no_column_is_dropped_that_another_table_inherits(database: EmptyDatabase) -> None:
    await apply(_seats(sa.Column("code", sa.Text)), database.connect)
    await database.run("CREATE TABLE theirs (note text) INHERITS (seat)")
    with pytest.raises(NotOursError, match=r"table public\.seat is inherited by public\.theirs"):
        await apply(_seats(), database.connect, allow_destructive=True)
    await database.run("ALTER TABLE theirs NO INHERIT seat")
    await apply(_seats(), database.connect, allow_destructive=True)
    assert await database.fetch("SELECT code FROM theirs") == []


async def test_what_others_make_meanwhile_is_not_recorded(database: EmptyDatabase) -> None:
    """The record is of the migration's own transaction, though the other's is committed before."""
    async with opened(database.connect) as connection, connection.transaction():
        await connection.execute(record.BEGIN)
        await connection.execute("CREATE TABLE ours (id int)")
        await database.run("CREATE TABLE theirs (id int)")
        await connection.execute(record.end(record.DIRECT))
    made = await database.fetch("SELECT DISTINCT table_name FROM rowgate.managed_object")
    assert made == [("ours",)]


@pytest.mark.parametrize(
    "theirs",
    [
        "CREATE INDEX mine ON seat (code)",
        "CREATE INDEX mine ON seat ((code || 'x')) WHERE code <> ''",
        "ALTER TABLE seat ADD CONSTRAINT mine CHECK (code <> '')",
        "ALTER TABLE seat ADD CONSTRAINT mine UNIQUE (code)",
    ],
)
async def test_what_postgresql_builds_again_is_not_recorded(database: EmptyDatabase, theirs: str) -> None:
    """A column's new type makes others' indexes and constraints anew, in the migration's transaction."""
    await apply(_seats(sa.Column("code", sa.String(3))), database.connect)
    await database.run(theirs)
    model = _seats(sa.Column("code", sa.Text))
    await apply(model, database.connect)
    assert await apply(model, database.connect, allow_destructive=True) == ()
    assert await database.fetch("SELECT FROM rowgate.managed_object WHERE object_name = 'mine'") == []


@pytest.mark.parametrize("again", ["DROP TABLE seat", "ALTER TABLE seat RENAME TO old"])
async def test_a_table_made_again_is_another(database: EmptyDatabase, again: str) -> None:
    """Its name stands in the record, and so do its columns', but it is somebody else's."""
    code = sa.Column("code", sa.Text)
    await apply(_seats(code), database.connect)
    await database.run(again, "CREATE TABLE seat (id bigint PRIMARY KEY, code text)")
    assert await apply(_seats(), database.connect, allow_destructive=True) == ()
    with pytest.raises(NotOursError, match=r"--adopt public\.seat"):
        await apply(_seats(sa.Column("code", sa.String(3))), database.connect, allow_destructive=True)


async def test_a_column_made_again_is_another(database: EmptyDatabase) -> None:
    await apply(_seats(sa.Column("code", sa.Text)), database.connect)
    await database.run("ALTER TABLE seat DROP COLUMN code", "ALTER TABLE seat ADD COLUMN code text")
    assert await apply(_seats(), database.connect, allow_destructive=True) == ()


async def test_the_record_outlasts_a_dump(database: EmptyDatabase) -> None:
    """All object ids are others then, that of the record too."""
    await apply(_seats(sa.Column("code", sa.Text)), database.connect)
    await database.run(
        "CREATE TABLE copied (LIKE rowgate.managed_object INCLUDING ALL)",
        "INSERT INTO copied SELECT * FROM rowgate.managed_object",
        "DROP TABLE seat, rowgate.managed_object",
        "ALTER TABLE copied SET SCHEMA rowgate",
        "ALTER TABLE rowgate.copied RENAME TO managed_object",
        "CREATE TABLE seat (id bigint NOT NULL, code text, CONSTRAINT seat_pkey PRIMARY KEY (id))",
    )
    with pytest.raises(DestructiveChangeError, match=r"drops column public\.seat\.code"):
        await apply(_seats(), database.connect)


async def test_tables_of_others_are_not_waited_for(database: EmptyDatabase) -> None:
    """PostgreSQL opens a table to print its constraints, and waits for whoever has locked it."""
    await database.run(
        "CREATE TABLE theirs (code text CHECK (code <> ''))", "CREATE INDEX ON theirs ((code || 'x'))"
    )
    async with opened(database.connect) as connection, connection.transaction():
        await connection.execute("LOCK TABLE theirs IN ACCESS EXCLUSIVE MODE")
        await asyncio.wait_for(apply(_seats(), database.connect), timeout=30)
        await asyncio.wait_for(apply(_seats(sa.Column("code", sa.Text)), database.connect), timeout=30)


async def test_scripts_take_turns(database: EmptyDatabase) -> None:
    """Each keeps what it found of the record: the second would fail, or lose what the first made."""
    await apply(_seats(), database.connect)
    async with opened(database.connect) as first, opened(database.connect) as second:
        await first.execute(f"BEGIN; {record.BEGIN}; CREATE TABLE one (id int)")
        waiting = asyncio.ensure_future(second.execute(f"BEGIN; {record.BEGIN}; CREATE TABLE two (id int)"))
        while not await database.fetch("SELECT FROM pg_locks WHERE NOT granted"):
            assert not waiting.done()
            await next_poll()
        await first.execute(f"{record.end(record.DIRECT)}; COMMIT")
        await waiting
        await second.execute(f"{record.end(record.DIRECT)}; COMMIT")
    made = await database.fetch(
        "SELECT table_name FROM rowgate.managed_object WHERE kind = 'table' AND schema_name = 'public'"
    )
    assert sorted(made) == [("one",), ("seat",), ("two",)]


async def test_the_record_follows_what_is_renamed(database: EmptyDatabase, tmp_path: Path) -> None:
    """A revision that was changed by hand renames a column: it is still one that Rowgate made."""
    await revise(_seats(sa.Column("code", sa.Text)), database.connect, Folder(tmp_path), "seats", day=DAY)
    await upgrade(Folder(tmp_path), database.connect)
    renamed = _seats(sa.Column("row", sa.Text))
    (path,) = await revise(
        renamed, database.connect, Folder(tmp_path), "rows", day=DAY, allow_destructive=True
    )
    text = path.read_text()
    drop, add = (line for line in text.splitlines() if "COLUMN" in line and "execute" in line)
    text = text.replace(drop, drop.replace("DROP COLUMN code", "RENAME COLUMN code TO row")).replace(add, "")
    path.write_text(text)
    await upgrade(Folder(tmp_path), database.connect, allow_destructive=True)
    with pytest.raises(DestructiveChangeError, match=r"drops column public\.seat\.row"):
        await revise(_seats(), database.connect, Folder(tmp_path), "none", day=DAY)


async def test_a_printed_script_is_recorded(database: EmptyDatabase) -> None:
    await database.run(await preview(_seats(sa.Column("code", sa.Text)), database.connect))
    with pytest.raises(DestructiveChangeError, match=r"drops column public\.seat\.code"):
        await apply(_seats(), database.connect)


async def test_a_revision_adopts(database: EmptyDatabase, tmp_path: Path) -> None:
    await _make(database, "CONSTRAINT pk_seat PRIMARY KEY (id)")
    model = _seats(sa.Column("code", sa.Text))
    with pytest.raises(NotOursError, match="--adopt public"):
        await revise(model, database.connect, Folder(tmp_path), "codes", day=DAY)
    await revise(model, database.connect, Folder(tmp_path), "codes", day=DAY, adopted=[SEAT])
    await upgrade(Folder(tmp_path), database.connect)
    assert (await differences(model, database.connect, Folder(tmp_path))).open == ()
    with pytest.raises(DestructiveChangeError, match=r"drops column public\.seat\.code"):
        await revise(_seats(), database.connect, Folder(tmp_path), "none", day=DAY)
