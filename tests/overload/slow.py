"""Tables that take their time by PostgreSQL's clock, so that capacity is no matter of the machine's speed."""

import json

from tests.harness.gateway import RunningGateway

ROWS = 1000


async def fill(gateway: RunningGateway) -> None:
    """Store rows in both tables."""
    for table in ("task", "note"):
        rows = "SELECT i, 'n' || i, '' FROM generate_series(1, $1::int) AS i"
        await gateway.sql(f"INSERT INTO {table} (id, name, text) {rows}", ROWS)


async def fill_papers(gateway: RunningGateway, members: int) -> None:
    """Store documents of so many members: to make messages of them takes the gateway, not the database."""
    content = json.dumps({f"name {n}": n for n in range(members)})
    rows = "SELECT i, $2::text::jsonb FROM generate_series(1, $1::int) AS i"
    await gateway.sql(f"INSERT INTO paper (id, content) {rows}", ROWS, content)


async def slow_statements(gateway: RunningGateway, table: str, seconds: float) -> None:
    """Let each statement that reads the table take so long, however many rows it reads."""
    await _behind_view(gateway, table, f"t, pg_sleep({seconds})")


async def slow_rows(gateway: RunningGateway, table: str, seconds: float) -> None:
    """Let each row that is read or changed take so long."""
    await gateway.sql(
        f"CREATE FUNCTION slow_{table}() RETURNS trigger LANGUAGE plpgsql AS "
        f"'BEGIN PERFORM pg_sleep({seconds}); RETURN NEW; END'"
    )
    await gateway.sql(
        f"CREATE TRIGGER slow BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION slow_{table}()"
    )
    await _behind_view(gateway, table, f"t WHERE pg_sleep({seconds})::text IS NOT NULL")


async def _behind_view(gateway: RunningGateway, table: str, rest: str) -> None:
    await gateway.sql(f"ALTER TABLE {table} RENAME TO {table}_stored")
    await gateway.sql(f"CREATE VIEW {table} AS SELECT t.* FROM {table}_stored AS {rest}")  # noqa: S608 - as above
