"""Tables called like types: `point` is a table of the schema's, and a type of PostgreSQL's."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.naming import conv

from gateway.introspect import require_match
from gateway.migrate import apply, differences
from tests.migrate.database import EmptyDatabase
from tests.migrate.models import empty

NAMES = ("point", "date", "inet", "text", "int4", "bool", "jsonb", "regclass", "pg_class", "State")


def _tables_called_like_types() -> sa.MetaData:
    """Return a table of each name, with columns, defaults, checks and indexes of the types so called."""
    metadata = empty()
    state = postgresql.ENUM("on", "off", name="State", schema="air")
    for name in NAMES:
        table = sa.Table(
            name,
            metadata,
            sa.Column("text", sa.Text, server_default=sa.text("'a'::text"), nullable=False),
            sa.Column("date", sa.Date, server_default=sa.text("'2026-11-21'::date")),
            sa.Column("inet", postgresql.INET),
            sa.Column("point", postgresql.ARRAY(sa.Integer)),
            sa.Column("state", state, server_default="on"),
            sa.PrimaryKeyConstraint("text", name=conv(f"{name}_pkey")),
            sa.CheckConstraint("inet <> '::1'::inet AND date > date '2000-1-1'", name=conv(f"{name}_check")),
        )
        sa.Index(conv(f"{name}_date_idx"), table.c.date, postgresql_where=sa.text("text IN ('a', 'b')"))
    return metadata


async def test_tables_may_be_called_like_types(database: EmptyDatabase) -> None:
    metadata = _tables_called_like_types()
    assert await apply(metadata, database.connect)
    assert await apply(metadata, database.connect) == ()
    assert (await differences(metadata, database.connect)).open == ()
    await require_match(database.connect, metadata)


@pytest.mark.parametrize("path", ["", "air", "pg_temp, public"])
async def test_a_session_may_look_elsewhere_first(database: EmptyDatabase, path: str) -> None:
    """The role's own search_path decides nothing."""
    metadata = _tables_called_like_types()
    await apply(metadata, database.connect)

    async def connect() -> object:
        connection = await database.connect()
        await connection.execute("SELECT set_config('search_path', $1, false)", path)
        return connection

    assert (await differences(metadata, connect)).open == ()


async def test_a_session_may_quote_every_name(database: EmptyDatabase) -> None:
    """The temporary tables were looked for by a quoted name: to `migrate` the schema had lost its tables."""
    metadata = _tables_called_like_types()
    await apply(metadata, database.connect)
    table = metadata.tables["point"]
    await database.run("CREATE TABLE theirs (id bigint PRIMARY KEY); INSERT INTO theirs VALUES (1)")
    sa.Table("theirs", metadata, sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False))

    async def connect() -> object:
        connection = await database.connect()
        await connection.execute("SET quote_all_identifiers = on")
        return connection

    assert (await differences(metadata, connect)).open == ()
    assert await apply(metadata, connect, allow_destructive=True) == ()
    assert await database.fetch("SELECT id FROM theirs") == [(1,)]

    # What one session recorded another one knows again.
    gone = next(iter(table.indexes))
    table.indexes.remove(gone)
    assert [step.sql for step in await apply(metadata, connect)] == [f"DROP INDEX public.{gone.name}"]
    table.indexes.add(gone)
    assert await apply(metadata, connect)
    table.indexes.remove(gone)
    assert await apply(metadata, database.connect)
