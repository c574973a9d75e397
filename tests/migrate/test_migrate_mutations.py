"""From any model to any other: the revision brings the database there, and nothing differs afterwards."""

import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import asyncpg
import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.naming import conv

from gateway.migrate import Folder, MigrationError, Plan, apply, differences, preview, revise, upgrade
from tests.migrate.database import EmptyDatabase
from tests.migrate.models import empty

TABLES = ("Seat", "order")
COLUMNS = ("code", "Row", "user", "at")
TYPES = {
    "text": (sa.Text(), "'a''b'"),
    "varchar(3)": (sa.String(3), "'abc'"),
    "varchar(9)": (sa.String(9), "'abc'"),
    "integer": (sa.Integer(), "1"),
    "bigint": (sa.BigInteger(), "-1"),
    "numeric(9,2)": (sa.Numeric(9, 2), "1.50"),
    "double": (sa.Double(), "0.5"),
    "boolean": (sa.Boolean(), "true"),
    "timestamptz": (sa.DateTime(timezone=True), "now()"),
    "uuid": (sa.Uuid(), "gen_random_uuid()"),
    "jsonb": (postgresql.JSONB(), "'{}'"),
    "text[]": (postgresql.ARRAY(sa.Text()), "'{}'"),
    "bytea": (postgresql.BYTEA(), "'\\x00'"),
}

# A column that was made again had lost its comment.
PLAIN = {"type": "bigint", "nullable": False, "default": False, "comment": "Its.", "part": ""}
COMPUTED = {**PLAIN, "part": "computed"}

column = st.fixed_dictionaries(
    {
        "type": st.sampled_from(sorted(TYPES)),
        "nullable": st.booleans(),
        "default": st.booleans(),
        "comment": st.sampled_from([None, "Its\nline; it's 50 % :name \\ done."]),
        "part": st.sampled_from(
            ["", "unique", "index", "desc", "partial", "check", "key", "computed", "refers"]
        ),
    }
)
table = st.dictionaries(st.sampled_from(COLUMNS), column, max_size=len(COLUMNS))
model = st.dictionaries(st.sampled_from(TABLES), table, min_size=1, max_size=len(TABLES))


def build(spec: dict[str, dict[str, dict[str, Any]]]) -> sa.MetaData:
    """Return the tables of a drawn model. Every table has an id, to which columns may refer."""
    metadata = empty()
    for name, columns in spec.items():
        key = [column for column, drawn in columns.items() if drawn["part"] == "key"]
        made = sa.Table(
            name,
            metadata,
            sa.Column("id", sa.BigInteger, sa.Identity(always=False), nullable=False),
            *(_column(column, drawn) for column, drawn in columns.items()),
            sa.PrimaryKeyConstraint("id", *key, name=conv(f"{name}_pkey")),
            sa.UniqueConstraint("id", name=conv(f"{name}_id_key")),
            schema="sky" if name == "order" else None,
        )
        for column, drawn in columns.items():
            _add_part(made, made.c[column], drawn)
    return metadata


def _column(name: str, drawn: dict[str, Any]) -> sa.Column[Any]:
    kind, default = TYPES[drawn["type"]]
    if drawn["part"] == "computed":
        return sa.Column(name, sa.BigInteger, sa.Computed("id * 2", persisted=True), comment=drawn["comment"])
    if drawn["part"] == "refers":
        return sa.Column(name, sa.BigInteger, comment=drawn["comment"])
    return sa.Column(
        name,
        kind,
        nullable=drawn["nullable"] and drawn["part"] != "key",
        server_default=sa.text(default) if drawn["default"] else None,
        comment=drawn["comment"],
    )


def _add_part(table: sa.Table, column: sa.Column[Any], drawn: dict[str, Any]) -> None:
    name = f"{table.name}_{column.name}"
    match drawn["part"]:
        case "unique":
            table.append_constraint(sa.UniqueConstraint(column, name=conv(f"{name}_key")))
        case "index":
            sa.Index(conv(f"{name}_idx"), column)
        case "desc":
            sa.Index(conv(f"{name}_idx"), column.desc(), "id", unique=drawn["nullable"])
        case "partial":
            where = column.is_not(None)
            sa.Index(
                conv(f"{name}_idx"), table.c.id, postgresql_where=where, postgresql_include=[column.name]
            )
        case "check":
            table.append_constraint(sa.CheckConstraint(column.is_not(None), name=conv(f"{name}_check")))
        case "refers":
            target = f"{table.fullname}.id"
            table.append_constraint(
                sa.ForeignKeyConstraint(
                    [column.name], [target], name=conv(f"{name}_fkey"), ondelete="CASCADE"
                )
            )


@pytest.fixture(scope="module")
async def paths() -> AsyncIterator[Path]:
    path = Path(mkdtemp(prefix="rowgate-revisions-"))
    yield path
    shutil.rmtree(path)


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(first=model, second=model)
async def test_any_model_becomes_any_other(
    reused: tuple[EmptyDatabase, EmptyDatabase], paths: Path, first: dict[str, Any], second: dict[str, Any]
) -> None:
    database, other = reused
    await database.clear()
    await other.clear()
    path = Path(mkdtemp(dir=paths))
    for day, spec in enumerate((first, second), start=1):
        metadata = build(spec)
        written = await revise(
            metadata, database.connect, Folder(path), "change", day=date(2026, 1, day), allow_destructive=True
        )
        folder = Folder(path)
        script = await preview(metadata, other.connect, folder, allow_destructive=True)
        assert bool(script) == bool(written)
        await upgrade(folder, database.connect, allow_destructive=True)
        assert await other.script(script) == []
        assert (await differences(metadata, database.connect, folder)).open == ()
        assert [d for d in await other.drift(metadata) if d.forbids_serving] == []


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(first=model, second=model)
@example(first={"Seat": {"at": PLAIN}}, second={"Seat": {"at": COMPUTED}})
async def test_any_model_becomes_any_other_directly(
    reused: tuple[EmptyDatabase, EmptyDatabase], first: dict[str, Any], second: dict[str, Any]
) -> None:
    database, _ = reused
    await database.clear()
    for spec in (first, second):
        metadata = build(spec)
        await _apply(metadata, database)
        assert (await differences(metadata, database.connect)).open == ()
        assert await apply(metadata, database.connect) == ()
        await _fill(metadata, database)


async def _fill(metadata: sa.MetaData, database: EmptyDatabase) -> None:
    """Give each table that takes it a row: what is changed with rows is changed in other ways."""
    for table in metadata.sorted_tables:
        with suppress(asyncpg.PostgresError):
            await database.run(f'INSERT INTO {table.schema or "public"}."{table.name}" DEFAULT VALUES')


async def _apply(metadata: sa.MetaData, database: EmptyDatabase) -> None:
    """Migrate; where rows don't fit, the next migration goes on without them."""
    told: list[Plan] = []
    try:
        done = await apply(metadata, database.connect, allow_destructive=True, tell=told.append)
        assert [step.sql for step in done] == [step.sql for step in told[0].steps]
    except MigrationError:
        tables = await database.fetch(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname <> ALL($1)",
            ["rowgate", "pg_catalog", "information_schema"],
        )
        await database.run(*(f"TRUNCATE {name} CASCADE" for (name,) in tables))
        await apply(metadata, database.connect, allow_destructive=True)
